/*
 * What the hosts of the configuration are found by: the keys as they are written, the index
 * over them, and the search. Building runs in conf-check and in the broker, the search in
 * the broker; pure. The keys that are searched for are anybody's, those in the index the
 * operator's, so that a hash without a secret does.
 */
#include "policy/conf_hosts.h"

#include <stdlib.h>
#include <string.h>

#define UUID_LEN 16

/* FNV-1a. */
static uint64_t
print_of(unsigned kind, const uint8_t *b, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ kind;

	for (size_t i = 0; i < len; i++)
		h = (h ^ b[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* The high bits folded into those that choose a slot. */
static uint32_t
fold(uint64_t print)
{
	return (uint32_t)(print ^ print >> 32);
}

static uint32_t
hash_of(enum conf_key kind, const uint8_t *b, size_t len)
{
	return fold(print_of(kind, b, len));
}

static bool
is_key(const struct conf_host_key *k, uint32_t hash, enum conf_key kind, const void *b,
    size_t len)
{
	return k->hash == hash && k->kind == kind && k->len == len &&
	       memcmp(k->b, b, len) == 0;
}

/* The slot that holds the key, or the free one where it belongs: at most half are taken. */
static uint32_t *
slot_of(const struct conf *c, uint32_t hash, enum conf_key kind, const void *b, size_t len)
{
	uint32_t i = hash & c->key_mask;

	while (c->key_slots[i] != 0 &&
	       !is_key(&c->keys[c->key_slots[i] - 1], hash, kind, b, len))
		i = (i + 1) & c->key_mask;
	return &c->key_slots[i];
}

const struct conf_host_key *
conf_key_find(const struct conf *conf, enum conf_key kind, const void *bytes, size_t len)
{
	uint32_t slot;

	if (conf->nkeys == 0 || len == 0 || len > CONF_KEY_MAX)
		return NULL;
	slot = *slot_of(conf, hash_of(kind, bytes, len), kind, bytes, len);
	return slot == 0 ? NULL : &conf->keys[slot - 1];
}

const struct conf_host *
conf_host_find(const struct conf *conf, enum conf_key kind, const void *bytes, size_t len)
{
	const struct conf_host_key *k = conf_key_find(conf, kind, bytes, len);

	return k == NULL ? NULL : &conf->hosts[k->host];
}

uint64_t
conf_key_print(const struct conf_host_key *key)
{
	return print_of(key->kind, key->b, key->len);
}

const struct conf_host_key *
conf_key_printed(const struct conf *conf, uint64_t print)
{
	uint32_t hash = fold(print), i = hash & conf->key_mask, slot;

	if (conf->nkeys == 0)
		return NULL;
	while ((slot = conf->key_slots[i]) != 0) {
		const struct conf_host_key *k = &conf->keys[slot - 1];

		if (k->hash == hash && conf_key_print(k) == print)
			return k;
		i = (i + 1) & conf->key_mask;
	}
	return NULL;
}

const struct conf_host *
conf_host_of(const struct conf *conf, const struct mac *mac)
{
	return conf_host_find(conf, KEY_MAC, mac->b, sizeof mac->b);
}

const struct conf_host_key *
conf_host_key(const struct conf *conf, const struct conf_host *h, enum conf_key kind)
{
	for (unsigned i = 0; i < h->nkeys; i++) {
		if (conf->keys[h->first_key + i].kind == kind)
			return &conf->keys[h->first_key + i];
	}
	return NULL;
}

int
conf_port_key(uint8_t key[CONF_KEY_MAX], const void *circuit, size_t circuit_len,
    const void *remote, size_t remote_len)
{
	if (circuit_len > BUILD_PORT_PART_MAX || remote_len > BUILD_PORT_PART_MAX ||
	    circuit_len + remote_len == 0)
		return ERR_RANGE;
	key[0] = (uint8_t)circuit_len;
	if (circuit_len > 0)
		memcpy(key + 1, circuit, circuit_len);
	key[1 + circuit_len] = (uint8_t)remote_len;
	if (remote_len > 0)
		memcpy(key + 2 + circuit_len, remote, remote_len);
	return (int)(2 + circuit_len + remote_len);
}

/* Where each byte of option 97 stands in the text. */
static const uint8_t uuid_digits[UUID_LEN] = {
    6, 4, 2, 0, 11, 9, 16, 14, 19, 21, 24, 26, 28, 30, 32, 34};

const char *
conf_uuid_format(const uint8_t uuid[16], char text[CONF_UUID_TEXT_MAX])
{
	static const char hex[] = "0123456789abcdef";

	memcpy(text, "........-....-....-....-............", CONF_UUID_TEXT_MAX);
	for (unsigned i = 0; i < UUID_LEN; i++) {
		text[uuid_digits[i]] = hex[uuid[i] >> 4];
		text[uuid_digits[i] + 1] = hex[uuid[i] & 15];
	}
	return text;
}

/* ------------------------------------------------------------ keys as written */

static int
grow(struct build *b, struct place at)
{
	struct conf *c = b->conf;
	void *keys = c->keys, *places = b->key_at;

	if (c->nkeys == b->keys_cap &&
	    build_grow(b, at, &keys, sizeof *c->keys, c->nkeys, &b->keys_cap) != 0)
		return b->err;
	c->keys = keys;
	if (c->nkeys == b->key_at_cap &&
	    build_grow(b, at, &places, sizeof *b->key_at, c->nkeys, &b->key_at_cap) != 0)
		return b->err;
	b->key_at = places;
	return 0;
}

int
build_host_key(
    struct build *b, enum conf_key kind, const uint8_t *bytes, size_t len, struct place at)
{
	struct conf *c = b->conf;
	struct conf_host *h = &c->hosts[c->nhosts - 1];
	const uint8_t *kept;

	if (h->nkeys == CONF_HOST_KEYS_MAX)
		return build_fail(b, ERR_FULL, at,
		    "found one more key, expected at most %d", CONF_HOST_KEYS_MAX);
	if (c->nkeys == CONF_KEYS_MAX)
		return build_fail(b, ERR_FULL, at,
		    "found one more key, expected at most %d of all hosts", CONF_KEYS_MAX);
	if (grow(b, at) != 0)
		return b->err;
	kept = build_keep(b, at, bytes, len);
	if (kept == NULL)
		return b->err;
	if (h->nkeys++ == 0)
		h->first_key = c->nkeys;
	b->key_at[c->nkeys] = at;
	c->keys[c->nkeys++] = (struct conf_host_key){.b = kept,
	    .host = c->nhosts - 1,
	    .hash = hash_of(kind, bytes, len),
	    .len = (uint16_t)len,
	    .kind = (uint8_t)kind};
	return 0;
}

int
build_host_mac(struct build *b, struct slice s, struct place at)
{
	char text[MAC_TEXT_MAX] = "";
	struct mac mac;

	if (s.len == sizeof text - 1)
		memcpy(text, s.at, s.len);
	if (mac_parse(text, &mac) != 0)
		return build_unexpected(b, ERR_FORMAT, at, s, "a hardware address");
	if (mac_is_unusable(&mac))
		return build_unexpected(b, ERR_RANGE, at, s,
		    "the hardware address of one machine, not a group's and not all zeros");
	return build_host_key(b, KEY_MAC, mac.b, sizeof mac.b, at);
}

int
build_host_client_id(struct build *b, struct slice s, struct place at)
{
	uint8_t bytes[255];
	int n = build_bytes(b, s, at, sizeof bytes, bytes);

	return n < 0 ? n : build_host_key(b, KEY_CLIENT_ID, bytes, (size_t)n, at);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
read_uuid(struct slice s, uint8_t uuid[UUID_LEN])
{
	bool hyphens = s.len == CONF_UUID_TEXT_MAX - 1;

	if (hyphens &&
	    (s.at[8] != '-' || s.at[13] != '-' || s.at[18] != '-' || s.at[23] != '-'))
		return false;
	if (!hyphens && s.len != 2 * UUID_LEN)
		return false;
	for (unsigned i = 0; i < UUID_LEN; i++) {
		const char *two = s.at + (hyphens ? uuid_digits[i] : 2 * i);

		if (hex_digit(two[0]) < 0 || hex_digit(two[1]) < 0)
			return false;
		uuid[i] = (uint8_t)(hex_digit(two[0]) << 4 | hex_digit(two[1]));
	}
	return true;
}

static bool
is_all(const uint8_t uuid[UUID_LEN], uint8_t byte)
{
	for (unsigned i = 0; i < UUID_LEN; i++) {
		if (uuid[i] != byte)
			return false;
	}
	return true;
}

int
build_host_uuid(struct build *b, struct slice s, struct place at)
{
	uint8_t uuid[UUID_LEN];

	if (!read_uuid(build_inner(s), uuid))
		return build_unexpected(b, ERR_FORMAT, at, s,
		    "a UUID such as 4c4c4544-0043-3510-8052-b4c04f4e4c32");
	if (is_all(uuid, 0x00) || is_all(uuid, 0xff))
		return build_unexpected(b, ERR_RANGE, at, s,
		    "the UUID of one machine, not what stands for none");
	return build_host_key(b, KEY_UUID, uuid, sizeof uuid, at);
}

int
build_host_port(struct build *b, struct slice circuit, struct place circuit_at,
    struct slice remote, struct place remote_at)
{
	uint8_t parts[2][BUILD_PORT_PART_MAX], key[CONF_KEY_MAX];
	int n = 0, m = 0, len;

	if (circuit.len > 0)
		n = build_bytes(b, circuit, circuit_at, BUILD_PORT_PART_MAX, parts[0]);
	if (n >= 0 && remote.len > 0)
		m = build_bytes(b, remote, remote_at, BUILD_PORT_PART_MAX, parts[1]);
	if (n < 0 || m < 0)
		return b->err;
	len = conf_port_key(key, parts[0], (size_t)n, parts[1], (size_t)m);
	if (len < 0)
		bug("a relay port without a name");
	return build_host_key(
	    b, KEY_PORT, key, (size_t)len, circuit.len > 0 ? circuit_at : remote_at);
}

/* ------------------------------------------------------- when all are known */

static const char *
kind_text(const struct conf_host_key *k)
{
	switch ((enum conf_key)k->kind) {
	case KEY_MAC: return "the hardware address";
	case KEY_CLIENT_ID: return "the client identifier";
	case KEY_UUID: return "the UUID";
	case KEY_PORT: return "the relay port";
	case KEY_KINDS: break;
	}
	return "the key";
}

/* The index; the first key in it that is there already is the error. */
int
build_keys_finish(struct build *b)
{
	struct conf *c = b->conf;
	uint32_t nslots = 16;

	while (nslots < 2 * c->nkeys)
		nslots *= 2;
	c->key_slots = calloc(nslots, sizeof *c->key_slots);
	if (c->key_slots == NULL)
		return build_fail(b, ERR_FULL, b->next, "out of memory");
	c->key_mask = nslots - 1;
	for (uint32_t i = 0; i < c->nkeys; i++) {
		const struct conf_host_key *k = &c->keys[i];
		uint32_t *slot = slot_of(c, k->hash, (enum conf_key)k->kind, k->b, k->len);

		if (*slot != 0)
			return build_host_repeated(b, b->key_at[i], kind_text(k),
			    c->keys[*slot - 1].host, b->key_at[*slot - 1]);
		*slot = i + 1;
	}
	return 0;
}
