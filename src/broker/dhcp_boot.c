/*
 * What a machine is told to boot: one recipe for each kind of client. Broker, main thread.
 *
 * A machine that is denied, or for whose kind the image has nothing, gets a plain lease:
 * its firmware then goes on to the disk at once, where silence would keep it asking for a
 * minute. Silence is the answer only while an image may still be on its way, shortly
 * after our start: there the client's repetition is what makes the boot succeed.
 */
#include <stdio.h>
#include <string.h>

#include "src/broker/dhcp.h"
#include "src/broker/image.h"

#define IMAGES_LOAD_MS 30000u
#define IPXE_HTTP (UINT32_C(1) << 3) /* feature 0x13 */
#define ARCH_UBOOT_FIRST 0x15
#define ARCH_UBOOT_LAST 0x18

enum { CLASS_PXE = 1, CLASS_HTTP = 2 };

static const char no_entry[] = "no-entry";

static const struct image *
image_of(const struct ask *a)
{
	return a->match.kind == MATCH_IMAGE ? image_find(a->match.image, broker.wall_s)
					    : NULL;
}

/* iPXE without an architecture that we know still runs scripts: those of any kind. */
static const struct image_boot *
entry_of(const struct ask *a, const struct image *image)
{
	enum arch arch = a->arch;

	if (arch == ARCH_NONE && a->m->ipxe)
		arch = a->session != NULL && a->session->arch != ARCH_NONE
			   ? a->session->arch
			   : ARCH_BIOS;
	return arch == ARCH_NONE ? NULL : image_boot(image, arch);
}

/* "http://address[:port]", as clients without name service need it. */
static void
format_http(char *text, size_t cap, const struct addr *server)
{
	char address[ADDR_TEXT_MAX];

	addr_format(server, address);
	if (broker.conf->http_port == 80)
		snprintf(text, cap, "http://%s", address);
	else
		snprintf(text, cap, "http://%s:%u", address, broker.conf->http_port);
}

/* When the name does not fit it is as if there were none. */
static const char *
set_bootfile(
    struct msg_reply_tell *r, const char *before, const char *image, const char *file)
{
	int n = snprintf(r->bootfile, sizeof r->bootfile, "%s%s%s/%s", before,
	    before[0] != '\0' ? "/" : "", image, file);

	return n > 0 && (size_t)n < sizeof r->bootfile ? NULL : "boot-name-too-long";
}

static const char *
fill_ipxe(struct msg_reply_tell *r, const struct ask *a, const char *image,
    const struct image_boot *entry)
{
	char before[ADDR_TEXT_MAX + 16], address[ADDR_TEXT_MAX];

	r->ipxe = 1;
	if ((entry->templates & 1u << TEMPLATE_IPXE) == 0)
		return entry->loader[0] == '\0' ? no_entry
						: set_bootfile(r, "", image, entry->loader);
	if (broker.conf->ipxe_http && (a->m->ipxe_features & IPXE_HTTP) != 0)
		format_http(before, sizeof before, &a->server);
	else
		snprintf(
		    before, sizeof before, "tftp://%s", addr_format(&a->server, address));
	return set_bootfile(r, before, image, "boot.ipxe");
}

static const char *
fill_http(struct msg_reply_tell *r, const struct ask *a, const char *image,
    const struct image_boot *entry)
{
	char before[ADDR_TEXT_MAX + 16];

	if (entry->loader[0] == '\0')
		return no_entry;
	format_http(before, sizeof before, &a->server);
	r->class60 = a->m->class60 == CLASS_HTTP ? CLASS_HTTP : 0;
	return set_bootfile(r, before, image, entry->loader);
}

/*
 * "Use the boot file, no discovery" keeps BIOS and UEFI from looking for other servers;
 * without it UEFI takes us for a BINL server and asks port 4011. In an answer there it
 * is for BIOS only: UEFI takes the boot file as it is. U-Boot wants no server name.
 */
static const char *
fill_pxe(struct msg_reply_tell *r, const struct ask *a, const char *image,
    const struct image_boot *entry)
{
	bool uboot = a->m->has_arch && a->m->arch >= ARCH_UBOOT_FIRST &&
		     a->m->arch <= ARCH_UBOOT_LAST;

	if (entry->loader[0] == '\0')
		return no_entry;
	if (a->m->class60 == CLASS_PXE) {
		r->class60 = CLASS_PXE;
		r->discovery = a->m->service == 0 || a->arch == ARCH_BIOS;
	}
	if (!uboot)
		addr_format(&a->server, r->sname);
	return set_bootfile(r, "", image, entry->loader);
}

static const char *
fill(struct msg_reply_tell *r, const struct ask *a, const struct image *image)
{
	const struct image_boot *entry = entry_of(a, image);

	if (entry == NULL)
		return no_entry;
	if (a->m->ipxe)
		return fill_ipxe(r, a, image_name(image), entry);
	if (a->http)
		return fill_http(r, a, image_name(image), entry);
	return fill_pxe(r, a, image_name(image), entry);
}

static void
clear(struct msg_reply_tell *r)
{
	r->class60 = 0;
	r->discovery = 0;
	r->ipxe = 0;
	memset(r->bootfile, 0, sizeof r->bootfile);
	memset(r->sname, 0, sizeof r->sname);
}

bool
dhcp_boot_must_wait(const struct ask *a)
{
	return a->boots && a->match.kind == MATCH_IMAGE && image_of(a) == NULL &&
	       dhcp_age_ms() < IMAGES_LOAD_MS;
}

const char *
dhcp_boot(struct msg_reply_tell *r, const struct ask *a)
{
	const struct image *image = a->boots ? image_of(a) : NULL;
	const char *why;

	if (!a->boots || a->match.kind != MATCH_IMAGE)
		return NULL;
	why = image == NULL ? "image-not-served" : fill(r, a, image);
	if (why != NULL) {
		clear(r);
		trace_note(a->trace, "boot: nothing (%s)", why);
		return why;
	}
	r->siaddr = a->server;
	trace_note(a->trace, "boot: %s", r->bootfile);
	return NULL;
}
