/*
 * Internal to the configuration: what scanner, grammar and tree building share. Only
 * policy/conf*.c and the generated scanner and grammar include this.
 *
 * A build function returns 0, or a negative enum err after build_fail() has filled the
 * one error that there is; the grammar stops at the first.
 */
#ifndef SALLYPORT_POLICY_CONF_BUILD_H
#define SALLYPORT_POLICY_CONF_BUILD_H

#include "policy/conf_draft.h"

#define FOUND_MAX 72 /* with NUL */

/* Fills the error and returns err. */
int build_fail(struct build *b, int err, struct place at, const char *fmt, ...)
    PRINTF_LIKE(4, 5) MUST_CHECK;
/* A piece of text as messages show it: quoted, escaped, cut. Returns text. */
const char *build_found(struct slice s, char text[FOUND_MAX]);
/* "found S, expected EXPECTED". */
int build_unexpected(struct build *b, int err, struct place at, struct slice s,
    const char *expected) MUST_CHECK;
int build_once(struct build *b, enum setting setting, struct place at) MUST_CHECK;
void build_again(struct build *b, enum setting first, enum setting last);
/* A zeroed array of twice the size that starts with what *array holds. */
int build_grow(struct build *b, struct place at, void **array, size_t size, unsigned used,
    unsigned *cap) MUST_CHECK;
/* A copy that belongs to the tree; NULL after build_fail(). len may be 0. Starts at a
 * multiple of 8 bytes. */
void *build_keep(struct build *b, struct place at, const void *bytes, size_t len);
/* A copy with NUL behind it. */
const char *build_keep_text(struct build *b, struct place at, struct slice s);
void build_sort(struct build_key *keys, size_t n);
/* Of all equal neighbours, the one whose second comes first in the file. */
bool build_repeat(const struct build_key *keys, size_t n, uint32_t *first, uint32_t *again);
bool build_before(struct place a, struct place b);
/* A text in quotes, or hexadecimal bytes with ':' or '-' between. Returns how many bytes,
 * 1 to max. */
int build_bytes(struct build *b, struct slice s, struct place at, size_t max,
    uint8_t *bytes) MUST_CHECK;
bool build_same(struct slice x, struct slice y);
/* Letters, digits, space and . _ - : a name that stands in quotes. */
bool build_is_name(struct slice s);
/* Writes "192.0.2.0/24". Returns text. */
const char *build_network_text(uint32_t network, unsigned prefix, char text[24]);
const char *build_v4_text(uint32_t v, char text[ADDR_TEXT_MAX]);
/* "192.0.2.0/24" into its two parts, all bits behind the prefix 0. */
int build_network(struct build *b, struct slice s, struct place at, unsigned least,
    unsigned most, uint32_t *network, uint8_t *prefix) MUST_CHECK;
/* a-z or 0-9. */
bool build_is_lower(char c);
/* Without its quotes. */
struct slice build_inner(struct slice quoted);
int build_ipv4(struct build *b, struct slice s, struct place at, uint32_t *v) MUST_CHECK;
int build_image_name(struct build *b, struct slice s, struct place at) MUST_CHECK;
uint32_t build_mask(unsigned prefix);

/* policy/conf_setting.c: settings of the whole file. at: the keyword; s_at: the value. */
/* to: 201 bytes. */
int build_copy_path(
    struct build *b, char *to, struct slice s, struct place s_at) MUST_CHECK;
int build_path(struct build *b, enum setting setting, struct place at, struct slice s,
    struct place s_at) MUST_CHECK;
int build_amount(struct build *b, enum setting setting, struct place at, struct slice s,
    struct place s_at) MUST_CHECK;
int build_default(
    struct build *b, struct place at, struct slice image, struct place image_at) MUST_CHECK;
int build_unknown(
    struct build *b, struct place at, bool allow, enum boot_choice choice) MUST_CHECK;
int build_unknown_image(
    struct build *b, struct place at, struct slice image, struct place image_at) MUST_CHECK;
int build_ports(struct build *b, struct place at, struct slice first, struct place first_at,
    struct slice last, struct place last_at) MUST_CHECK;
int build_log_level(
    struct build *b, struct place at, struct slice s, struct place s_at) MUST_CHECK;
int build_link(struct build *b, struct slice name, struct place at) MUST_CHECK;
int build_link_address(
    struct build *b, struct place at, struct slice s, struct place s_at) MUST_CHECK;
/* The checks that need the whole file, for everything but hosts and subnets. */
int build_links_finish(struct build *b) MUST_CHECK;
int build_ports_finish(struct build *b) MUST_CHECK;
/* conf_https.c */
int build_https(struct build *b, struct place at) MUST_CHECK;
int build_https_end(struct build *b, struct place at) MUST_CHECK;
int build_certificate(struct build *b, struct slice cert, struct place cert_at,
    struct slice key, struct place key_at) MUST_CHECK;
int build_https_finish(struct build *b) MUST_CHECK;

/* policy/conf_subnet.c */
int build_subnet(struct build *b, struct slice s, struct place at) MUST_CHECK;
int build_pool(struct build *b, struct slice first, struct place first_at,
    struct slice last, struct place last_at) MUST_CHECK;
int build_router(struct build *b, struct slice s, struct place at) MUST_CHECK;
int build_dns(struct build *b, struct slice s, struct place at) MUST_CHECK;
int build_domain(
    struct build *b, struct place at, struct slice s, struct place s_at) MUST_CHECK;
int build_subnet_end(struct build *b) MUST_CHECK;
int build_subnets_finish(struct build *b) MUST_CHECK;

/* policy/conf.y and policy/conf.l. Reads b->text; 0 when all of it was understood. */
int build_parse(struct build *b) MUST_CHECK;

#endif
