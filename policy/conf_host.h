/*
 * The configuration: machines that are known, and the search for them. Part of
 * policy/conf.h; the search is in policy/conf_key.c.
 */
#ifndef SALLYPORT_POLICY_CONF_HOST_H
#define SALLYPORT_POLICY_CONF_HOST_H

#include <stddef.h>

#include "policy/conf_level.h"
#include "src/base/err.h"
#include "src/base/ident.h"

#define CONF_HOSTS_MAX 131072 /* of both files */
#define CONF_HOST_MAX 63      /* length of a name */
#define CONF_PARAMS_MAX 1024  /* bytes of "name=value\n" lines of one host */
#define CONF_KEY_MAX 260      /* bytes of one key of a host */
#define CONF_HOST_KEYS_MAX 16 /* keys of one host */
#define CONF_KEYS_MAX 524288  /* keys of all hosts */
#define CONF_FINGERPRINT 32   /* bytes: SHA-256 of a certificate */

struct conf;

/* By what a host block is found, and what the bytes are: the hardware address; option 61
 * whole; the 16 bytes of the UUID as option 97 has them; the relay port, see
 * conf_port_key(). */
enum conf_key { KEY_MAC, KEY_CLIENT_ID, KEY_UUID, KEY_PORT, KEY_KINDS };

struct conf_host_key {
	const uint8_t *b;
	uint32_t host; /* index in conf->hosts */
	uint32_t hash;
	uint16_t len;
	uint8_t kind; /* enum conf_key */
};

struct conf_host {
	const char *name;
	const char *params; /* "name=value\n" lines; not NULL */
	uint16_t params_len;
	uint16_t nkeys;             /* at least one */
	uint32_t first_key;         /* in conf->keys, where a host's keys stand together */
	struct addr address;        /* reserved; ADDR_NONE: from a pool */
	const uint8_t *certificate; /* CONF_FINGERPRINT bytes: it must show this; or NULL */
	struct conf_scope scope;
};

/* The host block of a MAC, NULL if none. */
const struct conf_host *conf_host_of(const struct conf *conf, const struct mac *mac);
/* The host block with that key, NULL if none. */
const struct conf_host *conf_host_find(
    const struct conf *conf, enum conf_key kind, const void *bytes, size_t len);
/* The key itself, NULL if no host has it. */
const struct conf_host_key *conf_key_find(
    const struct conf *conf, enum conf_key kind, const void *bytes, size_t len);
/* A key in few bytes, the same in every process; and the key of these, NULL if no host has
 * it (any more). */
uint64_t conf_key_print(const struct conf_host_key *key);
const struct conf_host_key *conf_key_printed(const struct conf *conf, uint64_t print);
/* The first key of that kind, NULL if the host has none. */
const struct conf_host_key *conf_host_key(
    const struct conf *conf, const struct conf_host *h, enum conf_key kind);
/* As the configuration takes it and firmware shows it: the first three fields of option 97
 * have their bytes the other way round. Returns text. */
#define CONF_UUID_TEXT_MAX 37
const char *conf_uuid_format(const uint8_t uuid[16], char text[CONF_UUID_TEXT_MAX]);
/* The key of a relay port: circuit (82.1) and remote (82.2), each with its length before
 * it; one of the two may be empty. Returns the length, ERR_RANGE when a part is longer
 * than 128 bytes or both are empty. */
int conf_port_key(uint8_t key[CONF_KEY_MAX], const void *circuit, size_t circuit_len,
    const void *remote, size_t remote_len) MUST_CHECK;
/* The host block that reserves this address, NULL if none. */
const struct conf_host *conf_host_reserving(const struct conf *conf, const struct addr *a);

#endif
