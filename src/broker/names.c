/*
 * Broker: names that boot loaders ask for, and what they mean for the machine that asks.
 * The name is the network's; it is only ever compared.
 */
#include "src/broker/names.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A part of a name, not NUL-terminated. */
struct part {
	const char *p;
	size_t len;
};

static bool
same(const struct names_view *view, const char *a, const char *b, size_t len)
{
	return view->any_case ? strncasecmp(a, b, len) == 0 : memcmp(a, b, len) == 0;
}

static bool
part_is(const struct names_view *view, struct part part, const char *text)
{
	return strlen(text) == part.len && same(view, part.p, text, part.len);
}

/* Does `part` begin with text? Then cuts that off. */
static bool
cut_front(const struct names_view *view, struct part *part, const char *text)
{
	size_t len = strlen(text);

	if (part->len < len || !same(view, part->p, text, len))
		return false;
	part->p += len;
	part->len -= len;
	return true;
}

/* Hexadecimal digits in groups of these lengths, hyphens between. Returns how many bytes
 * that takes, 0 when it is something else. */
static size_t
groups(struct part text, const uint8_t *lengths, unsigned n)
{
	size_t at = 0;

	for (unsigned i = 0; i < n; i++) {
		if (i > 0 && (at >= text.len || text.p[at++] != '-'))
			return 0;
		for (unsigned digit = 0; digit < lengths[i]; digit++)
			if (at >= text.len || !isxdigit((unsigned char)text.p[at++]))
				return 0;
	}
	return at;
}

/* Splits at the last slash; dir is empty when there is none. */
static void
split(struct part path, struct part *dir, struct part *base)
{
	size_t len = path.len;

	while (len > 0 && path.p[len - 1] != '/')
		len--;
	*dir = (struct part){path.p, len > 0 ? len - 1 : 0};
	*base = (struct part){path.p + len, path.len - len};
}

static bool
is_loader_dir(const struct names_view *view, struct part dir)
{
	struct part loader_dir, loader_base;

	split((struct part){view->loader, strlen(view->loader)}, &loader_dir, &loader_base);
	return dir.len == loader_dir.len && same(view, dir.p, loader_dir.p, dir.len);
}

static bool
is_home(const struct names_view *view, struct part dir)
{
	return dir.len == 0 || is_loader_dir(view, dir);
}

/* The machine's own hardware address, "01-" first, or its address in hexadecimal digits,
 * perhaps cut at the end; or a UUID. */
static bool
is_own(const struct names_view *view, struct part text)
{
	const uint8_t *m = view->mac.b;
	const uint8_t *a = view->client.b;
	static const uint8_t uuid[] = {8, 4, 4, 4, 12};
	char own[24];

	if (groups(text, uuid, 5) == text.len && text.len > 0)
		return true;
	snprintf(own, sizeof own, "01-%02x-%02x-%02x-%02x-%02x-%02x", m[0], m[1], m[2],
	    m[3], m[4], m[5]);
	if (part_is(view, text, own))
		return true;
	if (view->client.family != ADDR_V4)
		return false;
	snprintf(own, sizeof own, "%02X%02X%02X%02X", a[0], a[1], a[2], a[3]);
	return text.len > 0 && text.len <= 8 && same(view, text.p, own, text.len);
}

static bool
is_ipxe(const struct names_view *view, struct part dir, struct part base)
{
	return (part_is(view, base, "boot.ipxe") || part_is(view, base, "autoexec.ipxe")) &&
	       is_home(view, dir);
}

static bool
is_grub(const struct names_view *view, struct part dir, struct part base)
{
	struct part above, last;

	if (!cut_front(view, &base, "grub.cfg"))
		return false;
	if (base.len > 0 && (!cut_front(view, &base, "-") || !is_own(view, base)))
		return false;
	split(dir, &above, &last);
	return is_home(view, dir) || (part_is(view, last, "grub") && is_home(view, above));
}

static bool
is_pxelinux(const struct names_view *view, struct part dir, struct part base)
{
	struct part above, last;

	split(dir, &above, &last);
	return part_is(view, last, "pxelinux.cfg") && is_home(view, above) &&
	       (part_is(view, base, "default") || is_own(view, base));
}

/* The template that a path in the image stands for; TEMPLATE_MAX when none. */
static enum template_kind
template_of(const struct names_view *view, const char *path)
{
	static bool (*const rules[TEMPLATE_MAX])(
	    const struct names_view *, struct part, struct part) = {
	    [TEMPLATE_IPXE] = is_ipxe,
	    [TEMPLATE_GRUB] = is_grub,
	    [TEMPLATE_PXELINUX] = is_pxelinux,
	};
	struct part dir, base;

	split((struct part){path, strlen(path)}, &dir, &base);
	for (unsigned kind = 0; kind < TEMPLATE_MAX; kind++)
		if ((view->templates & 1u << kind) != 0 && rules[kind](view, dir, base))
			return (enum template_kind)kind;
	return TEMPLATE_MAX;
}

/* What follows the prefix that a Raspberry Pi puts before every name; NULL without one. */
static const char *
behind_prefix(const char *path)
{
	static const uint8_t serial[] = {8}, mac[] = {2, 2, 2, 2, 2, 2};
	struct part text = {path, strlen(path)};
	size_t len = groups(text, mac, 6);

	if (len == 0)
		len = groups(text, serial, 1);
	return len > 0 && path[len] == '/' ? path + len + 1 : NULL;
}

void
names_resolve(
    const struct names_view *view, const char *name, struct names_meaning *meaning)
{
	size_t len = strlen(view->image);
	struct part rest = {name, strlen(name)};
	unsigned whole;

	*meaning = (struct names_meaning){.kind = TEMPLATE_MAX};
	if (cut_front(view, &rest, view->image) && rest.len > 0 && rest.p[0] == '/')
		meaning->paths[meaning->npaths++] = name + len + 1;
	meaning->paths[meaning->npaths++] = name;
	whole = meaning->npaths;
	for (unsigned i = 0; i < whole && !meaning->rendered; i++) {
		meaning->kind = template_of(view, meaning->paths[i]);
		meaning->rendered = meaning->kind != TEMPLATE_MAX;
	}
	for (unsigned i = 0; i < whole; i++) {
		const char *path = behind_prefix(meaning->paths[i]);

		if (path != NULL)
			meaning->paths[meaning->npaths++] = path;
	}
}
