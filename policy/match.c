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

static const struct conf_host_key *
find_port(const struct conf *conf, const struct match_bytes *circuit,
    const struct match_bytes *remote)
{
	static const uint8_t empty[1];
	uint8_t key[CONF_KEY_MAX];
	int len = conf_port_key(key, circuit->len > 0 ? circuit->b : empty, circuit->len,
	    remote->len > 0 ? remote->b : empty, remote->len);

	return len < 0 ? NULL : conf_key_find(conf, KEY_PORT, key, (size_t)len);
}

/* A block may name both halves of a port or either: the more it names, the more it
 * means. */
static const struct conf_host_key *
key_of_port(const struct conf *conf, const struct match_input *in)
{
	static const struct match_bytes none = {NULL, 0};
	const struct conf_host_key *k = NULL;

	if (in->circuit.len > 0 && in->remote.len > 0)
		k = find_port(conf, &in->circuit, &in->remote);
	if (k == NULL && in->circuit.len > 0)
		k = find_port(conf, &in->circuit, &none);
	if (k == NULL && in->remote.len > 0)
		k = find_port(conf, &none, &in->remote);
	return k;
}

static const struct conf_host_key *
key_of(const struct conf *conf, const struct match_input *in)
{
	const struct conf_host_key *k = NULL;

	if (in->mac != NULL)
		k = conf_key_find(conf, KEY_MAC, in->mac->b, sizeof in->mac->b);
	if (k == NULL && in->client_id.len > 0)
		k = conf_key_find(conf, KEY_CLIENT_ID, in->client_id.b, in->client_id.len);
	/* RFC 4578, 2.3: type 0 is the only one there is. */
	if (k == NULL && in->uuid.len == 1 + UUID_LEN && in->uuid.b[0] == 0)
		k = conf_key_find(conf, KEY_UUID, in->uuid.b + 1, UUID_LEN);
	return k != NULL ? k : key_of_port(conf, in);
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

static void
choose(struct match *m, struct boot b)
{
	m->kind = MATCH_DENY;
	m->image = NULL;
	if (b.choice != BOOT_IMAGE || b.image == NULL || b.image[0] == '\0')
		return;
	m->kind = MATCH_IMAGE;
	m->image = b.image;
}

static struct match
decide(const struct conf *conf, const struct conf_host_key *key, uint64_t classes,
    const struct conf_subnet *subnet)
{
	struct match m = {.kind = MATCH_IGNORE, .classes = classes, .key = key};

	if (key != NULL)
		m.host = &conf->hosts[key->host];
	if (m.host != NULL || conf->unknown_allow)
		choose(&m, boot_of(conf, &m, subnet));
	return m;
}

struct match
match_machine(
    const struct conf *conf, const struct match_input *in, const struct conf_subnet *subnet)
{
	return decide(conf, key_of(conf, in), classes_of(conf, in), subnet);
}

void
match_settle(struct match *m, const struct scopes *scopes)
{
	struct boot b;

	b.choice = scopes_boot(scopes, &b.image);
	choose(m, b);
}

/* --------------------------------------------------------------- remembering */

static uint32_t
mix(uint32_t h, const void *bytes, size_t len)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < len; i++)
		h = (h ^ b[i]) * UINT32_C(0x01000193);
	return h;
}

/* FNV-1a over what decides who is in the class; never 0. */
static uint32_t
class_print(const struct conf_class *c)
{
	uint32_t h = mix(UINT32_C(0x811c9dc5), c->name, strlen(c->name) + 1);

	for (unsigned i = 0; i < c->ntests; i++) {
		const struct conf_test *t = &c->tests[i];
		uint8_t head[7] = {(uint8_t)t->kind, (uint8_t)t->len, t->prefix,
		    (uint8_t)t->number, (uint8_t)(t->number >> 8),
		    (uint8_t)(t->number >> 16), (uint8_t)(t->number >> 24)};

		h = mix(h, head, sizeof head);
		if (t->len > 0)
			h = mix(h, t->b, t->len);
	}
	return h == 0 ? 1 : h;
}

struct match_past
match_remember(const struct conf *conf, const struct conf_host_key *key, uint64_t classes)
{
	struct match_past past = {0, {0}};
	unsigned n = 0;

	if (key != NULL && key->kind != KEY_MAC)
		past.key = conf_key_print(key);
	for (unsigned round = 0; round < 2 && classes != 0; round++) {
		for (unsigned i = 0; i < conf->nclasses && n < MATCH_PAST_CLASSES; i++) {
			const struct conf_class *c = &conf->classes[i];

			if ((classes >> i & 1) != 0 &&
			    (c->scope.boot == BOOT_UNSET) == (round == 1))
				past.classes[n++] = class_print(c);
		}
	}
	return past;
}

static uint64_t
recall_classes(const struct conf *conf, const struct match_past *past)
{
	uint64_t set = 0;

	for (unsigned i = 0;
	     past->classes[0] != 0 && i < conf->nclasses && i < CONF_CLASSES_MAX; i++) {
		uint32_t print = class_print(&conf->classes[i]);

		for (unsigned n = 0; n < MATCH_PAST_CLASSES; n++)
			if (past->classes[n] == print)
				set |= UINT64_C(1) << i;
	}
	return set;
}

struct match
match_recall(const struct conf *conf, const struct match_input *in,
    const struct match_past *past, const struct conf_subnet *subnet)
{
	const struct conf_host_key *key = key_of(conf, in);
	uint64_t classes = classes_of(conf, in) | recall_classes(conf, past);

	if (key == NULL && past->key != 0)
		key = conf_key_printed(conf, past->key);
	return decide(conf, key, classes, subnet);
}
