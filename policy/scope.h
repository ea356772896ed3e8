/*
 * The precedence of the configuration: which scopes apply to a machine, and what they say
 * together (see struct conf_scope). Pure; no allocation.
 */
#ifndef SALLYPORT_POLICY_SCOPE_H
#define SALLYPORT_POLICY_SCOPE_H

#include "policy/conf.h"
#include "policy/match.h"

/* Most specific first. */
struct scopes {
	unsigned n;
	const struct conf_scope *of[CONF_CLASSES_MAX + 5];
};

/* pool NULL: the machine has no address of a pool. subnet NULL: none either. */
void scopes_of(struct scopes *s, const struct conf *conf, const struct match *match,
    const struct conf_subnet *subnet, const struct conf_pool *pool);
/* Seconds; boots: firmware or a boot loader asks, so that a boot_lease_time of any level
 * goes before all lease times. Never 0. */
uint32_t scopes_lease_time(const struct scopes *s, bool boots);
/* The options to send as { code, length, value }, codes ascending: those that `wanted` (32
 * bytes, code n is bit n % 8 of byte n / 8; NULL: all) names, and those to be sent always.
 * An option comes with its flags from the nearest scope that has it. Returns the length;
 * what does not fit into cap is left out, *left_out counts it. */
size_t scopes_options(const struct scopes *s, const uint8_t *wanted, uint8_t *out,
    size_t cap, unsigned *left_out);
/* The innermost choice; BOOT_UNSET when none says one. image: of BOOT_IMAGE. */
enum boot_choice scopes_boot(const struct scopes *s, const char **image);

#endif
