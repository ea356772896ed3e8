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

/* The longest that a machine is left without an answer while the verifier has not yet
 * looked through the store. */
#define IMAGES_LOAD_MS 30000u
#define IPXE_HTTP (UINT32_C(1) << 3)  /* feature 0x13 */
#define IPXE_HTTPS (UINT32_C(1) << 4) /* feature 0x14 */

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

/* "http[s]://address[:port]", as clients without name service need it. */
static void
format_http(char *text, size_t cap, const struct addr *server, bool https)
{
	unsigned port = https ? broker.conf->https_port : broker.conf->http_port;
	const char *scheme = https ? "https" : "http";
	char address[ADDR_TEXT_MAX];

	addr_format(server, address);
	if (port == (https ? 443 : 80))
		snprintf(text, cap, "%s://%s", scheme, address);
	else
		snprintf(text, cap, "%s://%s:%u", scheme, address, port);
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

	/* Beside another server iPXE takes us for one of boot files by our class, and must
	 * not be told that there is none. */
	if (a->mode == MODE_PROXY)
		r->class60 = CLASS_PXE;
	else
		r->ipxe = 1;
	if ((entry->templates & 1u << TEMPLATE_IPXE) == 0)
		return entry->loader[0] == '\0' ? no_entry
						: set_bootfile(r, "", image, entry->loader);
	if (broker.conf->ipxe_https && (a->m->ipxe_features & IPXE_HTTPS) != 0)
		format_http(before, sizeof before, &a->server, true);
	else if (broker.conf->ipxe_http && (a->m->ipxe_features & IPXE_HTTP) != 0)
		format_http(before, sizeof before, &a->server, false);
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
	format_http(before, sizeof before, &a->server, broker.conf->boot_https);
	r->class60 = a->m->class60 == CLASS_HTTP ? CLASS_HTTP : 0;
	return set_bootfile(r, before, image, entry->loader);
}

/*
 * "Use the boot file, no discovery" keeps BIOS and UEFI from looking for other servers;
 * without it UEFI takes us for a BINL server and asks port 4011. In an answer there, and
 * beside another server, it is for BIOS only: UEFI takes the boot file of port 4011 as it
 * is, and some of it ignores the offer of a proxy that forbids to ask there.
 */
static bool
forbids_discovery(const struct ask *a)
{
	return a->arch == ARCH_BIOS || (a->mode != MODE_PROXY && a->m->service == 0);
}

/* U-Boot wants no server name. A Pi has its own option 43, knows us by class and address,
 * and leaves its own class out of the REQUEST. */
static const char *
fill_pxe(struct msg_reply_tell *r, const struct ask *a, const char *image,
    const struct image_boot *entry)
{
	if (entry->loader[0] == '\0')
		return no_entry;
	if (a->quirk == QUIRK_PI) {
		r->pi = 1;
		r->class60 = CLASS_PXE;
	} else if (a->m->class60 == CLASS_PXE) {
		r->class60 = CLASS_PXE;
		r->discovery = forbids_discovery(a);
	}
	if (a->quirk != QUIRK_UBOOT)
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

/* HPE firmware asks so for a start-up script of its UEFI shell: we have none. */
static bool
may_boot(const struct ask *a)
{
	return a->boots && a->quirk != QUIRK_SHELL && a->match.kind == MATCH_IMAGE;
}

static void
clear(struct msg_reply_tell *r)
{
	r->class60 = 0;
	r->discovery = 0;
	r->ipxe = 0;
	r->pi = 0;
	memset(r->bootfile, 0, sizeof r->bootfile);
	memset(r->sname, 0, sizeof r->sname);
}

bool
dhcp_boot_must_wait(const struct ask *a)
{
	return may_boot(a) && image_of(a) == NULL && !image_complete() &&
	       dhcp_age_ms() < IMAGES_LOAD_MS;
}

static const char *
recipe_name(const struct ask *a)
{
	if (a->m->ipxe)
		return "script for iPXE";
	if (a->http)
		return "URL for HTTP boot firmware";
	return a->quirk == QUIRK_PI ? "file for a Raspberry Pi" : "file for PXE firmware";
}

const char *
dhcp_boot(struct msg_reply_tell *r, const struct ask *a)
{
	const struct image *image;
	const char *why;

	if (!may_boot(a))
		return NULL;
	image = image_of(a);
	why = image == NULL ? "image-not-served" : fill(r, a, image);
	if (why != NULL) {
		clear(r);
		trace_note(a->trace, "boot: nothing (%s)", why);
		return why;
	}
	r->siaddr = a->server;
	trace_note(a->trace, "boot: %s, %s", recipe_name(a), r->bootfile);
	return NULL;
}
