/*
 * Internal to the configuration: what the grammar calls while it reads levels, classes,
 * pools and shared networks, and what follows when all is read. Contract of the functions
 * as in policy/conf_build.h. at: the keyword; s_at: the value.
 */
#ifndef SALLYPORT_POLICY_CONF_PARTS_H
#define SALLYPORT_POLICY_CONF_PARTS_H

#include "policy/conf_build.h"
#include "policy/conf_hosts.h"

#define CONF_NAME_MAX 63 /* of a class or a shared network */

/* policy/conf_keep.c */
void build_drop_chunks(struct conf *c);
/* The place of name in names[], where it is put when it is new; ERR_FULL. */
int build_name_index(struct name_draft *names, unsigned *n, unsigned max, struct slice name,
    struct place at) MUST_CHECK;

/* policy/conf_amount.c: numbers, times and sizes. */
enum amount_kind { AMOUNT_COUNT, AMOUNT_TIME, AMOUNT_MS, AMOUNT_BYTES, AMOUNT_PERCENT };
/* Digits and perhaps a unit; UINT64_MAX when too large. */
uint64_t build_read_amount(struct slice s, enum amount_kind kind);
/* In the largest unit that divides v. Returns text. */
const char *build_write_amount(enum amount_kind kind, uint64_t v, char text[24]);
int build_range(struct build *b, enum amount_kind kind, uint64_t min, uint64_t max,
    struct slice s, struct place at, uint64_t *v) MUST_CHECK;

/* policy/conf_scope.c: a level opens; what follows belongs to it; it closes. */
void build_scope(struct build *b);
int build_scope_end(struct build *b, struct conf_scope *to) MUST_CHECK;
int build_scope_lease(struct build *b, bool boot, struct place at, struct slice s,
    struct place s_at) MUST_CHECK;
int build_scope_deny(struct build *b, struct place at) MUST_CHECK;
int build_scope_image(
    struct build *b, struct place at, struct slice s, struct place s_at) MUST_CHECK;

/* policy/conf_option.c: name or number, then the words of each piece, then the end. */
void build_option(struct build *b, bool always);
int build_option_name(struct build *b, struct slice s, struct place at) MUST_CHECK;
int build_option_code(struct build *b, struct slice s, struct place at, struct slice type,
    struct place type_at) MUST_CHECK;
int build_option_word(struct build *b, struct slice s, struct place at) MUST_CHECK;
int build_option_piece(struct build *b) MUST_CHECK;
int build_option_end(struct build *b, struct place at) MUST_CHECK;
/* To the level that is open; name: what the message calls it by. */
int build_option_put(struct build *b, struct place at, const char *name, uint8_t code,
    bool always, const void *value, size_t len) MUST_CHECK;
/* The value of an option of the level that is open, NULL when it has none. */
const uint8_t *build_option_find(
    const struct build *b, uint8_t code, bool *always, uint8_t *len);

/* policy/conf_class.c */
int build_class(struct build *b, struct slice name, struct place at) MUST_CHECK;
int build_test_bytes(struct build *b, struct slice s, struct place at) MUST_CHECK;
int build_test_arch(struct build *b, struct slice s, struct place at) MUST_CHECK;
int build_test_relay(struct build *b, struct slice s, struct place at) MUST_CHECK;
int build_test_link(struct build *b, struct slice s, struct place at) MUST_CHECK;
int build_class_end(struct build *b, struct place at) MUST_CHECK;
/* Names become numbers, in tests and in pools. After the interfaces are all known. */
int build_classes_finish(struct build *b) MUST_CHECK;

/* policy/conf_pool.c: pools and exclusions of the subnet that is open. */
int build_pool_end(struct build *b) MUST_CHECK;
int build_pool_class(
    struct build *b, bool allow, struct slice name, struct place at) MUST_CHECK;
int build_pool_known(struct build *b, enum conf_known known, struct place at) MUST_CHECK;
/* last.at NULL: one address. */
int build_exclude(struct build *b, struct slice first, struct place first_at,
    struct slice last, struct place last_at) MUST_CHECK;
int build_excluded_end(struct build *b) MUST_CHECK;
/* Can this pool give the address to a client? */
bool build_leases(const struct conf_subnet *s, unsigned pool, uint32_t v);
/* An address inside the subnet that is open. */
int build_inside(struct build *b, struct slice s, struct place at, uint32_t *v) MUST_CHECK;

/* policy/conf_shared.c */
int build_shared(struct build *b, struct slice name, struct place at) MUST_CHECK;
int build_shared_end(struct build *b, struct place at) MUST_CHECK;
int build_shared_finish(struct build *b) MUST_CHECK;

/* policy/conf_link.c, the rest of it */
int build_link_address6(
    struct build *b, struct place at, struct slice s, struct place s_at) MUST_CHECK;
int build_link_find6(struct build *b, struct place at) MUST_CHECK;
int build_link_mode(struct build *b, enum conf_mode mode, struct place at) MUST_CHECK;
int build_link_rogue(struct build *b, enum conf_rogue rogue, struct place at) MUST_CHECK;
/* policy/conf_subnet.c, the rest of it */
int build_subnet_mode(struct build *b, enum conf_mode mode, struct place at) MUST_CHECK;
/* policy/conf_open.c. v6: the network is written as one of IPv6. */
int build_open(struct build *b, struct slice image, struct place image_at, struct slice s,
    struct place at, bool v6) MUST_CHECK;
/* One that a machine can have, not of one link alone. */
int build_ipv6(struct build *b, struct slice s, struct place at, struct addr *a) MUST_CHECK;
/* Writes "2001:db8::/64" or "192.0.2.0/24". Returns text. */
const char *build_prefix_text(
    const struct addr *network, unsigned prefix, char text[ADDR_TEXT_MAX + 4]);
/* policy/conf_setting.c, the rest of it */
int build_probe(
    struct build *b, struct place at, struct slice s, struct place s_at) MUST_CHECK;

#endif
