/*
 * The decision who a machine is and what it boots. Broker; pure, and allocates nothing.
 * The configuration is the operator's; every byte of the request can be made up by anybody
 * on the link, so that a class or a port says where a machine claims to be, no more.
 */
#include "policy/match.h"

#include <string.h>

#include "policy/scope.h"

#define UUID_LEN 16

/* ------------------------------------------------------------------ the host */

static const struct conf_host *
find_port(const struct conf *conf, const struct match_bytes *circuit,
    const struct match_bytes *remote)
{
	static const uint8_t empty[1];
	uint8_t key[CONF_KEY_MAX];
	int len = conf_port_key(key, circuit->len > 0 ? circuit->b : empty, circuit->len,
	    remote->len > 0 ? remote->b : empty, remote->len);

	return len < 0 ? NULL : conf_host_find(conf, KEY_PORT, key, (size_t)len);
}

/* A block may name both halves of a port or either: the more it names, the more it
 * means. */
static const struct conf_host *
host_of_port(const struct conf *conf, const struct match_input *in)
{
	static const struct match_bytes none = {NULL, 0};
	const struct conf_host *h = NULL;

	if (in->circuit.len > 0 && in->remote.len > 0)
		h = find_port(conf, &in->circuit, &in->remote);
	if (h == NULL && in->circuit.len > 0)
		h = find_port(conf, &in->circuit, &none);
	if (h == NULL && in->remote.len > 0)
		h = find_port(conf, &none, &in->remote);
	return h;
}

static const struct conf_host *
host_of(const struct conf *conf, const struct match_input *in)
{
	const struct conf_host *h = NULL;

	if (in->mac != NULL)
		h = conf_host_find(conf, KEY_MAC, in->mac->b, sizeof in->mac->b);
	if (h == NULL && in->client_id.len > 0)
		h = conf_host_find(conf, KEY_CLIENT_ID, in->client_id.b, in->client_id.len);
	/* RFC 4578, 2.3: type 0 is the only one there is. */
	if (h == NULL && in->uuid.len == 1 + UUID_LEN && in->uuid.b[0] == 0)
		h = conf_host_find(conf, KEY_UUID, in->uuid.b + 1, UUID_LEN);
	return h != NULL ? h : host_of_port(conf, in);
}

/* --------------------------------------------------------------- the classes */

static bool
begins_with(const uint8_t *b, size_t len, const struct conf_test *t)
{
	return len >= t->len && t->len > 0 && memcmp(b, t->b, t->len) == 0;
}

static bool
is_bytes(const struct match_bytes *have, const struct conf_test *t)
{
	return have->len == t->len && begins_with(have->b, have->len, t);
}

/* RFC 3004: { length, bytes } one after the other; what is cut off at the end is none. */
static bool
has_user_class(const struct match_bytes *user, const struct conf_test *t)
{
	for (size_t at = 0; at < user->len;) {
		size_t len = user->b[at++];
		struct match_bytes one;

		if (len > user->len - at)
			return false;
		one = (struct match_bytes){user->b + at, len};
		if (is_bytes(&one, t))
			return true;
		at += len;
	}
	return false;
}

static bool
relay_is_in(const struct addr *relay, const struct conf_test *t)
{
	uint32_t mask = t->prefix == 0 ? 0 : UINT32_MAX << (32 - t->prefix);

	return relay->family == ADDR_V4 && ((addr_to_v4(relay) ^ t->number) & mask) == 0;
}

static bool
test_holds(const struct conf_test *t, const struct match_input *in)
{
	switch (t->kind) {
	case TEST_VENDOR: return begins_with(in->vendor.b, in->vendor.len, t);
	case TEST_USER: return has_user_class(&in->user, t);
	case TEST_ARCH: return (uint32_t)in->arch == t->number;
	case TEST_MAC: return in->mac != NULL && begins_with(in->mac->b, 6, t);
	case TEST_CIRCUIT: return is_bytes(&in->circuit, t);
	case TEST_REMOTE: return is_bytes(&in->remote, t);
	case TEST_RELAY: return relay_is_in(&in->relay, t);
	case TEST_LINK: return in->link == t->number;
	case TEST_KINDS: break;
	}
	return false;
}

/* Tests of one kind stand together: of each such run one must hold. */
static bool
class_holds(const struct conf_class *c, const struct match_input *in)
{
	for (unsigned i = 0; i < c->ntests;) {
		enum conf_test_kind kind = c->tests[i].kind;
		bool holds = false;

		for (; i < c->ntests && c->tests[i].kind == kind; i++)
			holds = holds || test_holds(&c->tests[i], in);
		if (!holds)
			return false;
	}
	return c->ntests > 0;
}

static uint64_t
classes_of(const struct conf *conf, const struct match_input *in)
{
	uint64_t set = 0;

	for (unsigned i = 0; i < conf->nclasses && i < CONF_CLASSES_MAX; i++)
		if (class_holds(&conf->classes[i], in))
			set |= UINT64_C(1) << i;
	return set;
}

/* ------------------------------------------------------------------ the boot */

struct boot {
	enum boot_choice choice;
	const char *image;
};

/* Without the pool: which address a machine gets is not known yet, and what it boots shall
 * not depend on it. */
static struct boot
boot_of(const struct conf *conf, const struct match *m, const struct conf_subnet *subnet)
{
	struct scopes scopes;
	struct boot b;

	scopes_of(&scopes, conf, m, subnet, NULL);
	b.choice = scopes_boot(&scopes, &b.image);
	if (b.choice == BOOT_UNSET && m->host == NULL)
		b = (struct boot){conf->unknown_boot, conf->unknown_image};
	if (b.choice == BOOT_UNSET)
		b = (struct boot){conf->default_boot, conf->default_image};
	return b;
}

struct match
match_machine(
    const struct conf *conf, const struct match_input *in, const struct conf_subnet *subnet)
{
	struct match m = {MATCH_DENY, NULL, host_of(conf, in), classes_of(conf, in)};
	struct boot b;

	if (m.host == NULL && !conf->unknown_allow) {
		m.kind = MATCH_IGNORE;
		return m;
	}
	b = boot_of(conf, &m, subnet);
	if (b.choice == BOOT_IMAGE && b.image != NULL && b.image[0] != '\0') {
		m.kind = MATCH_IMAGE;
		m.image = b.image;
	}
	return m;
}
