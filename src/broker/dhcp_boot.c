/*
 * What a machine is told to boot: one recipe for each kind of client, and the session
 * that its file requests will be answered by. Broker, main thread.
 *
 * A machine that is denied, or for whose kind the image has nothing, gets a plain lease:
 * its firmware then goes on to the disk at once, where silence would keep it asking for a
 * minute. Silence is the answer only while an image may still be on its way, shortly
 * after our start: there the client's repetition is what makes the boot succeed.
 */
#include <stdio.h>
#include <string.h>

#include "src/base/log.h"
#include "src/broker/dhcp.h"
#include "src/broker/image.h"

#define IMAGES_LOAD_MS 30000u
#define IPXE_HTTP (UINT32_C(1) << 3) /* feature 0x13 */
#define ARCH_UBOOT_FIRST 0x15
#define ARCH_UBOOT_LAST 0x18

enum { CLASS_PXE = 1, CLASS_HTTP = 2 };

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

/* False when the name does not fit: then it is as if there were none. */
static bool
set_bootfile(
    struct msg_reply_tell *r, const char *before, const char *image, const char *file)
{
	int n = snprintf(r->bootfile, sizeof r->bootfile, "%s%s%s/%s", before,
	    before[0] != '\0' ? "/" : "", image, file);

	if (n > 0 && (size_t)n < sizeof r->bootfile)
		return true;
	memset(r->bootfile, 0, sizeof r->bootfile);
	log_limited(LOG_ERROR, "boot-name-too-long", "image=%s file=%s", image, file);
	return false;
}

static bool
fill_ipxe(struct msg_reply_tell *r, const struct ask *a, const char *image,
    const struct image_boot *entry)
{
	char before[ADDR_TEXT_MAX + 16], address[ADDR_TEXT_MAX];

	r->ipxe = 1;
	if ((entry->templates & 1u << TEMPLATE_IPXE) == 0)
		return entry->loader[0] != '\0' &&
		       set_bootfile(r, "", image, entry->loader);
	if (broker.conf->ipxe_http && (a->m->ipxe_features & IPXE_HTTP) != 0)
		format_http(before, sizeof before, &a->server);
	else
		snprintf(
		    before, sizeof before, "tftp://%s", addr_format(&a->server, address));
	return set_bootfile(r, before, image, "boot.ipxe");
}

static bool
fill_http(struct msg_reply_tell *r, const struct ask *a, const char *image,
    const struct image_boot *entry)
{
	char before[ADDR_TEXT_MAX + 16];

	if (entry->loader[0] == '\0')
		return false;
	format_http(before, sizeof before, &a->server);
	r->class60 = a->m->class60 == CLASS_HTTP ? CLASS_HTTP : 0;
	return set_bootfile(r, before, image, entry->loader);
}

/*
 * "Use the boot file, no discovery" keeps BIOS and UEFI from looking for other servers;
 * without it UEFI takes us for a BINL server and asks port 4011. In an answer there it
 * is for BIOS only: UEFI takes the boot file as it is. U-Boot wants no server name.
 */
static bool
fill_pxe(struct msg_reply_tell *r, const struct ask *a, const char *image,
    const struct image_boot *entry)
{
	bool uboot = a->m->has_arch && a->m->arch >= ARCH_UBOOT_FIRST &&
		     a->m->arch <= ARCH_UBOOT_LAST;

	if (entry->loader[0] == '\0')
		return false;
	if (a->m->class60 == CLASS_PXE) {
		r->class60 = CLASS_PXE;
		r->discovery = a->m->service == 0 || a->arch == ARCH_BIOS;
	}
	if (!uboot)
		addr_format(&a->server, r->sname);
	return set_bootfile(r, "", image, entry->loader);
}

static bool
fill(struct msg_reply_tell *r, const struct ask *a, const struct image *image)
{
	const struct image_boot *entry = entry_of(a, image);

	if (entry == NULL)
		return false;
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

bool
dhcp_boot(struct msg_reply_tell *r, const struct ask *a)
{
	const struct image *image = a->boots ? image_of(a) : NULL;
	char mac[MAC_TEXT_MAX];

	if (!a->boots || a->match.kind != MATCH_IMAGE)
		return false;
	if (image == NULL || !fill(r, a, image)) {
		clear(r);
		log_limited(LOG_WARNING, "boot-nothing",
		    "session=%08x mac=%s image=%s arch=%s reason=%s",
		    a->session != NULL ? a->session->id : 0, mac_format(a->mac, mac),
		    a->match.image, arch_name(a->arch),
		    image == NULL ? "image-not-served" : "no-entry");
		return false;
	}
	r->siaddr = a->server;
	return true;
}

static void
describe(struct session *s, const struct ask *a)
{
	const char *image = a->match.kind == MATCH_IMAGE ? a->match.image : "";

	snprintf(s->image, sizeof s->image, "%s", image);
	s->server = a->server;
	s->link = a->m->link;
	if (a->m->ipxe)
		s->ipxe = true;
	else
		s->http = a->http;
	if (a->arch != ARCH_NONE)
		s->arch = a->arch;
}

void
dhcp_session(struct ask *a, const struct addr *address)
{
	struct session *s = a->mac == NULL ? NULL : session_of_mac(a->mac, broker.now_ms);

	if (a->boots) {
		if (s == NULL)
			s = session_open(a->mac, broker.now_ms);
		else if (a->m->type == DHCP_DISCOVER && !a->m->ipxe && s->confirmed)
			session_restart(s);
		session_touch(s, broker.now_ms);
		describe(s, a);
	}
	a->session = s;
	if (address == NULL || (!a->boots && a->m->type != DHCP_REQUEST))
		return;
	/* Who had the address before has no part in it any more. */
	if (s != NULL)
		session_add_addr(s, address);
	else
		session_drop_addr(address);
}
