/*
 * Reading a request: is it one to answer at all, from which subnet, by whom, booting
 * what kind of machine. Broker, main thread. Distrusts the ear: what dhcp-parser says is
 * checked against the links and the configuration, for it may be owned; and distrusts the
 * client, whose every field can be made up.
 */
#include "src/broker/dhcp.h"

#include <string.h>

#include "src/base/err.h"

#define HTYPE_ETHERNET 1

/* The network itself, or all of it: routers may hand that to every machine behind them. */
static bool
is_edge_of_subnet(uint32_t v4, const struct conf_subnet *s)
{
	uint32_t host;

	if (s == NULL || s->prefix >= 31)
		return false;
	host = v4 & UINT32_MAX >> s->prefix;
	return host == 0 || host == UINT32_MAX >> s->prefix;
}

/* The mouth judges the same way, and takes an answer to any other address for a breach of
 * ours. */
bool
dhcp_may_be_client(const struct addr *a)
{
	uint32_t v4 = addr_to_v4(a);

	if (addr_is_unset(a))
		return true;
	if (v4 >> 24 == 0 || v4 >> 24 == 127 || v4 >= UINT32_C(0xe0000000))
		return false;
	for (unsigned i = 0; i < broker.start.nlinks; i++) {
		const struct link *l = &broker.start.links[i];
		uint32_t ours = addr_to_v4(&l->address);

		if (v4 == ours ||
		    (l->prefix < 31 && v4 == (ours | UINT32_MAX >> l->prefix)))
			return false;
	}
	return !is_edge_of_subnet(v4, conf_subnet_of(broker.conf, a));
}

bool
dhcp_is_on_link(const struct ask *a, const struct addr *address)
{
	const struct link *l = &broker.start.links[a->m->link];
	uint32_t mask = l->prefix == 0 ? 0 : UINT32_MAX << (32 - l->prefix);
	const struct conf_subnet *subnet = conf_subnet_of(broker.conf, address);

	if (subnet != NULL && lease_same_network(subnet, a->subnet))
		return true;
	return !dhcp_is_relayed(a) &&
	       ((addr_to_v4(address) ^ addr_to_v4(&l->address)) & mask) == 0;
}

bool
dhcp_is_relayed(const struct ask *a)
{
	return !addr_is_unset(&a->m->giaddr);
}

bool
dhcp_is_us(const struct ask *a, const struct addr *id)
{
	if (!addr_is_unset(&a->m->giaddr) && !addr_is_unset(&a->m->server_override) &&
	    addr_equal(id, &a->m->server_override))
		return true;
	for (unsigned i = 0; i < broker.start.nlinks; i++)
		if (addr_equal(id, &broker.start.links[i].address))
			return true;
	return false;
}

static bool
is_our_mac(const struct mac *mac)
{
	for (unsigned i = 0; i < broker.start.nlinks; i++)
		if (mac_equal(mac, &broker.start.links[i].mac))
			return true;
	return false;
}

/* An answer to a group address would reach everybody; one to ourselves, nobody. Frames are
 * made for Ethernet alone: other machines are answered by broadcast. */
static const char *
check_hardware(struct ask *a)
{
	const struct msg_dhcp_tell *m = a->m;

	a->mac = NULL;
	if (m->htype != HTYPE_ETHERNET || m->hw.len != sizeof a->mac_storage.b)
		return NULL;
	memcpy(a->mac_storage.b, m->hw.b, sizeof a->mac_storage.b);
	if (mac_is_unusable(&a->mac_storage))
		return "hardware-address";
	if (is_our_mac(&a->mac_storage))
		return "our-hardware-address";
	a->mac = &a->mac_storage;
	return NULL;
}

static void
note_subnet(const struct ask *a, const struct addr *where)
{
	char text[ADDR_TEXT_MAX], net[ADDR_TEXT_MAX];
	struct addr network;
	const char *by = where == &a->m->giaddr        ? "relay address"
			 : where == &a->m->link_select ? "link selection"
			 : where == &a->m->ciaddr      ? "client's own address"
						       : "address of the link";

	if (a->trace == NULL)
		return;
	addr_format(where, text);
	if (a->subnet == NULL) {
		trace_note(a->trace, "subnet: none holds %s (%s)", text, by);
		return;
	}
	network = addr_v4(a->subnet->network);
	trace_note(a->trace, "subnet: %s/%u by %s %s", addr_format(&network, net),
	    a->subnet->prefix, by, text);
}

/* A subnet's own word goes before that of the interface that the request came in on. */
static enum conf_mode
mode_of(const struct ask *a)
{
	enum conf_mode mode = MODE_UNSET;

	if (a->subnet != NULL)
		mode = a->subnet->mode;
	if (mode == MODE_UNSET && a->m->link < broker.conf->nlinks)
		mode = broker.conf->links[a->m->link].mode;
	return mode == MODE_UNSET ? MODE_FULL : mode;
}

/*
 * RFC 2131, 4.3.1, RFC 3527, RFC 3011: the relay's link selection, else the relay, else
 * the link that the request came in on. What was sent to our own address by a configured
 * client may have come through a router: then the client's own address says it. Link
 * selection counts only from a relay, and the relay must stand in a configured subnet:
 * else anybody could have us answer to any address.
 */
static const char *
choose_subnet(struct ask *a)
{
	const struct msg_dhcp_tell *m = a->m;
	const struct addr *where = &a->server;

	if (dhcp_is_relayed(a)) {
		if (conf_subnet_of(broker.conf, &m->giaddr) == NULL)
			return "relay-not-in-a-subnet";
		where = addr_is_unset(&m->link_select) ? &m->giaddr : &m->link_select;
	} else if (!addr_is_unset(&m->ciaddr) && addr_equal(&m->src, &m->ciaddr) &&
		   dhcp_is_us(a, &m->dst)) {
		where = &m->ciaddr;
	}
	a->subnet = conf_subnet_of(broker.conf, where);
	a->mode = mode_of(a);
	note_subnet(a, where);
	if (a->mode == MODE_OFF) {
		a->quiet = true;
		return "mode-off";
	}
	/* Beside another server's leases we need not know the subnet of our own link. */
	if (a->subnet == NULL && (a->mode != MODE_PROXY || dhcp_is_relayed(a)))
		return "no-subnet";
	return NULL;
}

static void
set_id(struct lease_id *id, uint8_t kind, const void *bytes, size_t len)
{
	memset(id, 0, sizeof *id);
	id->kind = kind;
	id->len = (uint8_t)len;
	memcpy(id->b, bytes, len);
}

/* A client identifier that only repeats the hardware address is no other identity. */
static bool
client_id_is_hardware(const struct ask *a)
{
	return a->m->client_id.len == a->hardware.len &&
	       memcmp(a->m->client_id.b, a->hardware.b, a->hardware.len) == 0;
}

static bool
runs(const struct lease *l, uint64_t now)
{
	return l != NULL && l->state == LEASE_BOUND && !lease_is_free(l, now);
}

/*
 * A system that was booted over the network goes on with the address of its loader, and
 * its machine uses one address instead of two. That is safe when the loader's lease is
 * this hardware address's and runs, the boot session is alive and confirmed and has that
 * address, the system has no running lease under its own name, and no other client
 * identifier of this hardware address has taken the place before: what shares one
 * hardware address between several clients would else get one address for all of them.
 */
static bool
inherits(const struct ask *a)
{
	const struct session *s = a->session;
	const struct lease *boot;
	struct addr address;

	if (s == NULL || !s->confirmed ||
	    (s->heir != 0 && s->heir != session_heir(a->id.b, a->id.len)))
		return false;
	boot = lease_of(a->subnet, &a->hardware);
	if (!runs(boot, a->now) || !mac_equal(&boot->mac, a->mac) ||
	    runs(lease_of(a->subnet, &a->id), a->now))
		return false;
	address = lease_addr(boot);
	return session_of_addr(&address, broker.now_ms) == s;
}

static void
note_identity(const struct ask *a)
{
	static const char *const names[] = {
	    "none", "hardware address", "client identifier", "machine UUID"};

	trace_note(a->trace, "identity: %s%s", names[a->id.kind],
	    a->client.kind != ID_NONE ? ", for it goes on with its loader's address" : "");
}

/*
 * Firmware, iPXE and the system that they boot send different client identifiers or
 * none, so whatever boots is known by its hardware address, and so is a machine with a
 * reserved address here. Client identifiers longer than a table entry are not used.
 */
static const char *
identify(struct ask *a)
{
	const struct msg_dhcp_tell *m = a->m;
	bool reserved = lease_reserved(a->subnet, a->match.host) != NULL;
	uint8_t hw[1 + sizeof m->hw.b];

	hw[0] = m->htype;
	memcpy(hw + 1, m->hw.b, m->hw.len);
	if (m->hw.len > 0)
		set_id(&a->hardware, ID_HARDWARE, hw, 1 + (size_t)m->hw.len);
	if (a->mac != NULL && (a->boots || reserved))
		a->id = a->hardware;
	else if (m->client_id.len > 0 && m->client_id.len <= RECORD_ID_MAX &&
		 !client_id_is_hardware(a))
		set_id(&a->id, ID_CLIENT, m->client_id.b, m->client_id.len);
	else if (a->mac == NULL && m->uuid.len > 0)
		set_id(&a->id, ID_UUID, m->uuid.b, m->uuid.len);
	else
		a->id = a->hardware;
	if (a->mac != NULL && a->id.kind == ID_CLIENT && inherits(a)) {
		a->client = a->id;
		a->id = a->hardware;
	}
	note_identity(a);
	return a->id.kind == ID_NONE ? "no-identity" : NULL;
}

/* RFC 4578, RFC 5970. iPXE says PXEClient even when it came by HTTP, and may be built
 * without an architecture that we know: it boots all the same. A Raspberry Pi calls
 * itself a BIOS. */
static void
classify(struct ask *a)
{
	const struct msg_dhcp_tell *m = a->m;
	bool http = false;

	a->arch = m->has_arch ? arch_from_code(m->arch, &http) : ARCH_NONE;
	a->http =
	    !m->ipxe && (m->class60 == CLASS_HTTP || (m->class60 != CLASS_PXE && http));
	a->boots = a->mac != NULL && (m->ipxe || m->class60 == CLASS_PXE ||
					 m->class60 == CLASS_HTTP || a->arch != ARCH_NONE);
	if (a->quirk == QUIRK_PI) {
		a->arch = ARCH_ARM64;
		a->boots = a->mac != NULL;
	}
}

/* Some firmware leaves its class out of the REQUEST: what it said in the DISCOVER
 * stands, or the ACK would say something else than the OFFER. A system that comes after
 * it has a client identifier; that a Pi has one too says nothing. */
static void
recall_class(struct ask *a)
{
	const struct session *s = a->session;

	if (a->boots || s == NULL || s->confirmed || a->m->type != DHCP_REQUEST ||
	    a->m->class60 != 0 || (a->m->client_id.len > 0 && !s->pi) ||
	    !addr_equal(&s->addrs[0], &a->m->requested))
		return;
	a->boots = true;
	a->arch = s->arch;
	a->http = s->http;
	if (s->pi)
		a->quirk = QUIRK_PI;
}

static bool
all_v4(const struct msg_dhcp_tell *m)
{
	const struct addr *all[] = {&m->src, &m->dst, &m->ciaddr, &m->giaddr, &m->requested,
	    &m->server_id, &m->link_select, &m->server_override};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (all[i]->family == ADDR_V6)
			return false;
	return true;
}

static struct match
match_ask(struct ask *a)
{
	const struct msg_dhcp_tell *m = a->m;
	const struct match_input who = {
	    .mac = a->mac,
	    .client_id = {m->client_id.b, m->client_id.len},
	    .uuid = {m->uuid.b, m->uuid.len},
	    .vendor = {m->vendor.b, m->vendor.len},
	    .user = {m->user.b, m->user.len},
	    .circuit = {m->circuit.b, m->circuit.len},
	    .remote = {m->remote.b, m->remote.len},
	    .relay = m->giaddr,
	    .arch = a->arch,
	    .link = m->link,
	};

	a->ingress = lease_ingress(m->link, &m->giaddr, &who.circuit, &who.remote);
	return match_machine(broker.conf, &who, a->subnet);
}

static void
note_machine(const struct ask *a)
{
	const struct match *m = &a->match;

	if (a->trace == NULL)
		return;
	trace_note(a->trace, "client: %s, architecture %s%s%s",
	    a->quirk == QUIRK_PI      ? "Raspberry Pi"
	    : a->quirk == QUIRK_UBOOT ? "U-Boot"
	    : a->quirk == QUIRK_SHELL ? "HPE firmware for its UEFI shell"
	    : a->m->ipxe              ? "iPXE"
	    : a->http                 ? "HTTP boot firmware"
	    : a->boots                ? "PXE firmware"
				      : "an operating system",
	    arch_name(a->arch), a->session != NULL ? ", boot session alive" : "",
	    a->mac == NULL ? ", no Ethernet address" : "");
	trace_note(a->trace, "host block: %s", m->host != NULL ? m->host->name : "none");
	for (unsigned i = 0; i < broker.conf->nclasses; i++)
		if ((m->classes >> i & 1) != 0)
			trace_note(a->trace, "class: %s", broker.conf->classes[i].name);
	trace_note(a->trace, "boot choice: %s",
	    m->kind == MATCH_IMAGE  ? m->image
	    : m->kind == MATCH_DENY ? "none, the disk boots"
				    : "not answered at all");
}

const char *
dhcp_ask(struct ask *a, const struct msg_dhcp_tell *m, struct trace *trace)
{
	const char *why;

	memset(a, 0, sizeof *a);
	a->m = m;
	a->trace = trace;
	a->now = lease_clock(broker.now_ms);
	if (!all_v4(m) || !dhcp_may_be_client(&m->src))
		return "source-address";
	if (!dhcp_may_be_client(&m->giaddr))
		return "relay-address";
	if (!dhcp_may_be_client(&m->ciaddr))
		return "client-address";
	why = check_hardware(a);
	if (why != NULL)
		return why;
	a->server = broker.start.links[m->link].address;
	a->quirk = dhcp_quirk(m, a->mac);
	if (a->quirk == QUIRK_BSDP) {
		a->quiet = true;
		return "apple-bsdp";
	}
	why = choose_subnet(a);
	if (why != NULL)
		return why;
	a->session = a->mac == NULL ? NULL : session_of_mac(a->mac, broker.now_ms);
	classify(a);
	recall_class(a);
	a->match = match_ask(a);
	note_machine(a);
	if (a->match.kind == MATCH_IGNORE)
		return "unknown-machine";
	return a->mode == MODE_PROXY ? NULL : identify(a);
}

void
dhcp_settle(struct ask *a, const struct conf_pool *pool)
{
	scopes_of(&a->scopes, broker.conf, &a->match, a->subnet, pool);
	if (pool == NULL || pool->scope.boot == BOOT_UNSET)
		return;
	match_settle(&a->match, &a->scopes);
	trace_note(a->trace, "boot choice by the pool's address: %s",
	    a->match.image != NULL ? a->match.image : "none, the disk boots");
}

struct lease_want
dhcp_want(const struct ask *a, const struct addr *wish)
{
	return (struct lease_want){a->subnet, &a->id, &a->match, wish, a->ingress};
}

struct lease *
dhcp_own_lease(struct ask *a, const struct addr *address)
{
	struct lease *l = lease_at(address);

	if (l == NULL)
		return NULL;
	if (lease_is_of(l, &a->id))
		return l;
	if (a->mac != NULL && lease_is_of(l, &a->hardware))
		a->id = a->hardware;
	else if (a->client.kind != ID_NONE && lease_is_of(l, &a->client))
		a->id = a->client;
	else
		return NULL;
	return l;
}
