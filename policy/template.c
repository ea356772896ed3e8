/*
 * Rendering of signed templates. Linked by the verifier; the image tool links it to refuse
 * what would not render. Template and manifest are signed; the values come from the
 * broker, who may be owned, and are held to their types here.
 */
#include "policy/template.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/buf.h"

#define PARAM_PREFIX "param."

struct render {
	const struct template_values *v;
	struct out out;
	struct lines at; /* where we are in the template */
	bool in_cmdline;
};

enum slot {
	SLOT_MAC,
	SLOT_HOST,
	SLOT_IP,
	SLOT_SERVER,
	SLOT_BASE,
	SLOT_IMAGE,
	SLOT_VERSION,
	SLOT_ARCH,
	SLOT_KERNEL, /* from here on: only with a kernel */
	SLOT_INITRD,
	SLOT_INITRDS,
	SLOT_INITRDARGS,
	SLOT_CMDLINE,
	SLOT_PARAM,
	SLOT_NONE
};

static const char *const slot_names[SLOT_PARAM] = {"mac", "host", "ip", "server", "base",
    "image", "version", "arch", "kernel", "initrd", "initrds", "initrdargs", "cmdline"};

static bool
slot_fail(struct render *r, const struct piece *slot, const char *why)
{
	return lines_fail(&r->at, slot->p, "slot @{%.*s}: %s",
	    (int)(slot->len > 48 ? 48 : slot->len), slot->p, why);
}

static bool
is_param_name(const char *p, size_t len)
{
	if (len == 0 || len > TEMPLATE_PARAM_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!(p[i] >= 'a' && p[i] <= 'z') && !(p[i] >= '0' && p[i] <= '9') &&
		    p[i] != '_' && p[i] != '-')
			return false;
	return true;
}

static bool
is_param_value(const char *p, size_t len)
{
	if (len > TEMPLATE_PARAM_VALUE_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!(p[i] >= 'a' && p[i] <= 'z') && !(p[i] >= 'A' && p[i] <= 'Z') &&
		    !(p[i] >= '0' && p[i] <= '9') &&
		    (p[i] == '\0' || strchr("._:/@,+=-", p[i]) == NULL))
			return false;
	return true;
}

/* A DNS name: labels of letters, digits and inner hyphens (RFC 1123, 2.1). */
static bool
is_host(const char *name)
{
	size_t label = 0;

	for (const char *p = name; *p != '\0'; p++) {
		bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			      (*p >= '0' && *p <= '9');

		if (letter) {
			label++;
		} else if (*p == '-' && label > 0 && p[1] != '.' && p[1] != '\0') {
			label++;
		} else if (*p == '.' && label > 0 && p[1] != '\0') {
			label = 0;
		} else {
			return false;
		}
		if (label > 63)
			return false;
	}
	return name[0] != '\0';
}

static enum slot
slot_parse(const struct piece *name)
{
	size_t prefix = strlen(PARAM_PREFIX);

	for (unsigned i = 0; i < SLOT_PARAM; i++)
		if (strlen(slot_names[i]) == name->len &&
		    memcmp(slot_names[i], name->p, name->len) == 0)
			return (enum slot)i;
	if (name->len > prefix && memcmp(name->p, PARAM_PREFIX, prefix) == 0 &&
	    is_param_name(name->p + prefix, name->len - prefix))
		return SLOT_PARAM;
	return SLOT_NONE;
}

static void
put_address(struct out *out, const struct addr *a, bool in_url)
{
	char text[ADDR_TEXT_MAX];
	bool brackets = in_url && a->family == ADDR_V6;

	out_text(out, brackets ? "[" : "");
	out_text(out, addr_format(a, text));
	out_text(out, brackets ? "]" : "");
}

/* Where the files of the image are, in the language of the template. */
static void
put_base(struct render *r)
{
	unsigned usual = r->v->https ? 443 : 80;
	char port[8];

	if (r->v->kind == TEMPLATE_IPXE) {
		out_text(&r->out, r->v->http_port == 0 ? "tftp://"
				  : r->v->https        ? "https://"
						       : "http://");
		put_address(&r->out, &r->v->server, true);
		snprintf(port, sizeof port, ":%u", r->v->http_port);
		if (r->v->http_port != 0 && r->v->http_port != usual)
			out_text(&r->out, port);
	} else if (r->v->kind == TEMPLATE_PXELINUX) {
		out_text(&r->out, "::");
	}
	out_text(&r->out, "/");
	out_text(&r->out, r->v->manifest->name);
}

static const char *
initrd_path(const struct render *r, unsigned i)
{
	return r->v->manifest->files[r->v->boot->initrds[i]].path;
}

/* The commands that load every initrd, in order. */
static void
put_initrds(struct render *r)
{
	static const char *const first[TEMPLATE_MAX] = {"initrd", "initrd ", "INITRD "};
	static const char *const next[TEMPLATE_MAX] = {"\ninitrd", " ", ","};
	enum template_kind kind = r->v->kind;
	char name[32];

	for (unsigned i = 0; i < r->v->boot->ninitrds; i++) {
		out_text(&r->out, i == 0 ? first[kind] : next[kind]);
		snprintf(name, sizeof name, " --name initrd%u ", i);
		if (kind == TEMPLATE_IPXE)
			out_text(&r->out, name);
		put_base(r);
		out_text(&r->out, "/");
		out_text(&r->out, initrd_path(r, i));
	}
}

/* The kernel arguments by which an EFI kernel finds what iPXE loaded. */
static void
put_initrdargs(struct render *r)
{
	char text[32];

	for (unsigned i = 0; i < r->v->boot->ninitrds; i++) {
		snprintf(text, sizeof text, "%sinitrd=initrd%u", i == 0 ? "" : " ", i);
		out_text(&r->out, text);
	}
}

static bool
put_param(struct render *r, const struct piece *slot)
{
	const char *p = r->v->params, *end = p + r->v->params_len;
	const char *name = slot->p + strlen(PARAM_PREFIX);
	size_t name_len = slot->len - strlen(PARAM_PREFIX);

	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		const char *equals = memchr(p, '=', (size_t)(end - p));

		if (lf == NULL || equals == NULL || equals > lf)
			return slot_fail(r, slot, "the list of parameters is malformed");
		if ((size_t)(equals - p) == name_len && memcmp(p, name, name_len) == 0) {
			if (!is_param_value(equals + 1, (size_t)(lf - equals - 1)))
				return slot_fail(r, slot,
				    "a value consists of A-Z a-z 0-9 . _ : / @ , + = -");
			out_copy(&r->out, equals + 1, (size_t)(lf - equals - 1));
			return true;
		}
		p = lf + 1;
	}
	return slot_fail(r, slot, "this parameter is not set for this machine");
}

static bool render_text(struct render *r, const char *text, size_t len);

static bool
put_cmdline(struct render *r, const struct piece *slot)
{
	const char *text = r->v->boot->cmdline;
	struct lines saved = r->at;
	struct text_error inner = {.what = ""};
	bool ok;

	if (r->in_cmdline)
		return slot_fail(r, slot, "a command line cannot hold itself");
	lines_init(&r->at, text, strlen(text), &inner);
	r->in_cmdline = true;
	ok = render_text(r, text, strlen(text));
	r->in_cmdline = false;
	r->at = saved;
	if (!ok)
		return lines_fail(&r->at, slot->p, "in the command line, column %u: %.100s",
		    inner.column, inner.what);
	return true;
}

static bool
put_host(struct render *r, const struct piece *slot)
{
	if (r->v->host[0] == '\0')
		return slot_fail(r, slot, "this machine has no name");
	if (!is_host(r->v->host))
		return slot_fail(r, slot, "the machine's name is not a DNS name");
	out_text(&r->out, r->v->host);
	return true;
}

/* Slots that are empty without a kernel have been refused before. */
static bool
put_kernel_slot(struct render *r, enum slot kind, const struct piece *slot)
{
	const struct manifest_boot *boot = r->v->boot;

	if (boot->kernel == MANIFEST_NO_FILE)
		return slot_fail(r, slot, "the image has no kernel for this architecture");
	switch (kind) {
	case SLOT_KERNEL:
		out_text(&r->out, r->v->manifest->files[boot->kernel].path);
		break;
	case SLOT_INITRD:
		if (boot->ninitrds == 0)
			return slot_fail(
			    r, slot, "the image has no initrd for this architecture");
		out_text(&r->out, initrd_path(r, 0));
		break;
	case SLOT_INITRDS: put_initrds(r); break;
	case SLOT_INITRDARGS: put_initrdargs(r); break;
	default: return put_cmdline(r, slot);
	}
	return true;
}

static bool
put_slot(struct render *r, enum slot kind, const struct piece *slot)
{
	char text[32];

	switch (kind) {
	case SLOT_MAC: out_text(&r->out, mac_format(&r->v->mac, text)); return true;
	case SLOT_HOST: return put_host(r, slot);
	case SLOT_IP: put_address(&r->out, &r->v->client, false); return true;
	case SLOT_SERVER: put_address(&r->out, &r->v->server, false); return true;
	case SLOT_BASE: put_base(r); return true;
	case SLOT_IMAGE: out_text(&r->out, r->v->manifest->name); return true;
	case SLOT_VERSION:
		snprintf(text, sizeof text, "%" PRIu64, r->v->manifest->version);
		out_text(&r->out, text);
		return true;
	case SLOT_ARCH: out_text(&r->out, arch_name(r->v->boot->arch)); return true;
	case SLOT_PARAM: return put_param(r, slot);
	case SLOT_NONE: return slot_fail(r, slot, "there is no such slot");
	default: return put_kernel_slot(r, kind, slot);
	}
}

/* What comes next in a text: plain bytes, or a slot. */
enum step { STEP_END, STEP_PLAIN, STEP_SLOT, STEP_BAD };

/* The name of a slot whose "@{" has been passed. */
static enum step
take_slot(struct lines *at, struct piece *piece)
{
	const char *q = at->p;

	while (q<at->end && * q> ' ' && *q < 0x7f && *q != '}' && q - at->p < 64)
		q++;
	if (q == at->end || *q != '}') {
		(void)lines_fail(
		    at, at->p - 2, "expected a slot's name and \"}\" after \"@{\"");
		return STEP_BAD;
	}
	piece->p = at->p;
	piece->len = (size_t)(q - at->p);
	at->p = q + 1;
	return STEP_SLOT;
}

static enum step
take_step(struct lines *at, struct piece *piece)
{
	const char *q = at->p;

	if (q == at->end)
		return STEP_END;
	if (lines_at(at, "@{")) {
		at->p += 2;
		return take_slot(at, piece);
	}
	if (lines_at(at, "@@{")) {
		piece->p = q + 1;
		piece->len = 2;
		at->p += 3;
		return STEP_PLAIN;
	}
	if (*q == '\0') {
		(void)lines_fail(at, q, "a template holds no NUL");
		return STEP_BAD;
	}
	/* One byte that is not special may be the "@" of neither; then on to the next. */
	do
		q++;
	while (q < at->end && q[-1] != '\n' && *q != '@' && *q != '\0');
	piece->p = at->p;
	piece->len = (size_t)(q - at->p);
	at->p = q;
	if (q[-1] == '\n') {
		at->line++;
		at->start = q;
	}
	return STEP_PLAIN;
}

static bool
render_text(struct render *r, const char *text, size_t len)
{
	struct piece piece;

	r->at.p = text;
	r->at.end = text + len;
	for (;;) {
		switch (take_step(&r->at, &piece)) {
		case STEP_END: return true;
		case STEP_PLAIN: out_copy(&r->out, piece.p, piece.len); break;
		case STEP_SLOT:
			if (!put_slot(r, slot_parse(&piece), &piece))
				return false;
			break;
		case STEP_BAD: return false;
		}
		if (!out_ok(&r->out))
			return true;
	}
}

int
template_render(const char *text, size_t len, const struct template_values *values,
    char *out, size_t cap, size_t *out_len, struct text_error *error)
{
	struct render r = {.v = values, .in_cmdline = false};

	memset(error, 0, sizeof *error);
	if (len > TEMPLATE_SIZE_MAX)
		return ERR_LONG;
	lines_init(&r.at, text, len, error);
	out_init(&r.out, out, cap > TEMPLATE_SIZE_MAX ? TEMPLATE_SIZE_MAX : cap);
	if (!render_text(&r, text, len))
		return ERR_FORMAT;
	if (!out_ok(&r.out))
		return ERR_LONG;
	*out_len = r.out.len;
	return 0;
}

int
template_check(
    const char *text, size_t len, bool cmdline, bool *kernel, struct text_error *error)
{
	struct render r = {.in_cmdline = cmdline};
	struct piece piece;
	enum step step;

	*kernel = false;
	memset(error, 0, sizeof *error);
	lines_init(&r.at, text, len, error);
	if (len > TEMPLATE_SIZE_MAX) {
		(void)lines_fail(&r.at, text, "longer than %u bytes", TEMPLATE_SIZE_MAX);
		return ERR_FORMAT;
	}
	while ((step = take_step(&r.at, &piece)) != STEP_END) {
		enum slot slot;

		if (step == STEP_BAD)
			return ERR_FORMAT;
		if (step == STEP_PLAIN)
			continue;
		slot = slot_parse(&piece);
		if (slot == SLOT_NONE) {
			(void)slot_fail(&r, &piece, "there is no such slot");
			return ERR_FORMAT;
		}
		if (slot == SLOT_CMDLINE && cmdline) {
			(void)slot_fail(&r, &piece, "a command line cannot hold itself");
			return ERR_FORMAT;
		}
		if (slot >= SLOT_KERNEL && slot < SLOT_PARAM)
			*kernel = true;
	}
	return 0;
}
