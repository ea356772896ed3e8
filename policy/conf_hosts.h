/*
 * Internal to the configuration: what grammar and table call while they read hosts, and
 * what follows when all is read. Contract of the functions as in policy/conf_build.h.
 */
#ifndef SALLYPORT_POLICY_CONF_HOSTS_H
#define SALLYPORT_POLICY_CONF_HOSTS_H

#include "policy/conf_build.h"

/* policy/conf_host.c: a block opens, with a level of its own; what follows belongs to it;
 * it closes. at: the name; the keyword; the brace. */
int build_host(struct build *b, struct slice name, struct place at) MUST_CHECK;
int build_host_certificate(
    struct build *b, struct place at, struct slice s, struct place s_at) MUST_CHECK;
int build_host_address(
    struct build *b, struct place at, struct slice s, struct place s_at) MUST_CHECK;
int build_param(struct build *b, struct slice name, struct place name_at,
    struct slice value, struct place value_at) MUST_CHECK;
int build_host_end(struct build *b, struct place at) MUST_CHECK;
/* The same for whoever has seen to it that the host has a key. */
int build_host_close(struct build *b) MUST_CHECK;
int build_hosts_finish(struct build *b) MUST_CHECK;
/* Found what of the host a second time: names the place of the first as well. */
int build_host_repeated(struct build *b, struct place at, const char *what, uint32_t first,
    struct place first_at) MUST_CHECK;

/* policy/conf_key.c: keys of the host that is open; each may be said several times. */
int build_host_mac(struct build *b, struct slice s, struct place at) MUST_CHECK;
/* s: a text in quotes or bytes, as build_bytes() takes it. */
int build_host_client_id(struct build *b, struct slice s, struct place at) MUST_CHECK;
/* As conf_uuid_format() writes it; or 32 digits, the bytes in the order of option 97. */
int build_host_uuid(struct build *b, struct slice s, struct place at) MUST_CHECK;
/* Either may have len 0: not said. Both as build_bytes() takes them. */
int build_host_port(struct build *b, struct slice circuit, struct place circuit_at,
    struct slice remote, struct place remote_at) MUST_CHECK;
/* What the others come to: the bytes of a key. */
int build_host_key(struct build *b, enum conf_key kind, const uint8_t *bytes, size_t len,
    struct place at) MUST_CHECK;
int build_keys_finish(struct build *b) MUST_CHECK;

/* policy/conf_csv.c: all of hosts.csv. len 0: there is none. */
int build_csv(struct build *b, const char *text, size_t len) MUST_CHECK;

#endif
