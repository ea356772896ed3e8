/*
 * Broker: names that boot loaders ask for, and what they mean for the machine that asks.
 * The name is the network's; it is only ever compared.
 */
#include "src/broker/names.h"

#include <stdio.h>
#include <string.h>

/* A part of a name, not NUL-terminated. */
struct part {
	const char *p;
	size_t len;
};

static bool
part_is(struct part part, const char *text)
{
	return strlen(text) == part.len && memcmp(part.p, text, part.len) == 0;
}

/* Does `part` begin with text? Then cuts that off. */
static bool
cut_front(struct part *part, const char *text)
{
	size_t len = strlen(text);

	if (part->len < len || memcmp(part->p, text, len) != 0)
		return false;
	part->p += len;
	part->len -= len;
	return true;
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
	return dir.len == loader_dir.len && memcmp(dir.p, loader_dir.p, dir.len) == 0;
}

static bool
is_home(const struct names_view *view, struct part dir)
{
	return dir.len == 0 || is_loader_dir(view, dir);
}

/* The machine's own hardware address, "01-" first, or its address in hexadecimal digits,
 * perhaps cut at the end. */
static bool
is_own(const struct names_view *view, struct part text)
{
	const uint8_t *m = view->mac.b;
	const uint8_t *a = view->client.b;
	char own[24];

	snprintf(own, sizeof own, "01-%02x-%02x-%02x-%02x-%02x-%02x", m[0], m[1], m[2],
	    m[3], m[4], m[5]);
	if (part_is(text, own))
		return true;
	if (view->client.family != ADDR_V4)
		return false;
	snprintf(own, sizeof own, "%02X%02X%02X%02X", a[0], a[1], a[2], a[3]);
	return text.len > 0 && text.len <= 8 && memcmp(text.p, own, text.len) == 0;
}

static bool
is_ipxe(const struct names_view *view, struct part dir, struct part base)
{
	return (part_is(base, "boot.ipxe") || part_is(base, "autoexec.ipxe")) &&
	       is_home(view, dir);
}

static bool
is_grub(const struct names_view *view, struct part dir, struct part base)
{
	struct part above, last;

	if (!cut_front(&base, "grub.cfg"))
		return false;
	if (base.len > 0 && (!cut_front(&base, "-") || !is_own(view, base)))
		return false;
	split(dir, &above, &last);
	return is_home(view, dir) || (part_is(last, "grub") && is_home(view, above));
}

static bool
is_pxelinux(const struct names_view *view, struct part dir, struct part base)
{
	struct part above, last;

	split(dir, &above, &last);
	return part_is(last, "pxelinux.cfg") && is_home(view, above) &&
	       (part_is(base, "default") || is_own(view, base));
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

void
names_resolve(
    const struct names_view *view, const char *name, struct names_meaning *meaning)
{
	size_t len = strlen(view->image);

	*meaning = (struct names_meaning){.kind = TEMPLATE_MAX};
	if (strncmp(name, view->image, len) == 0 && name[len] == '/')
		meaning->paths[meaning->npaths++] = name + len + 1;
	meaning->paths[meaning->npaths++] = name;
	for (unsigned i = 0; i < meaning->npaths && !meaning->rendered; i++) {
		meaning->kind = template_of(view, meaning->paths[i]);
		meaning->rendered = meaning->kind != TEMPLATE_MAX;
	}
}
