/*
 * The configuration: what any of its levels may say. Part of policy/conf.h.
 */
#ifndef SALLYPORT_POLICY_CONF_LEVEL_H
#define SALLYPORT_POLICY_CONF_LEVEL_H

#include <stdint.h>

#define CONF_OPTIONS_MAX 768 /* bytes of the encoded options of one scope */

/* What a machine is offered to boot. */
enum boot_choice {
	BOOT_UNSET, /* not said here: the next outer level decides */
	BOOT_DENY,  /* a lease without boot options: the disk boots */
	BOOT_IMAGE  /* the image named */
};

/* Option values of one scope as they go out: code, flags, length, value; codes ascending,
 * each once. Flags: bit 0, sent even to a client whose parameter request list (option 55)
 * does not name it. */
struct conf_options {
	const uint8_t *b; /* belongs to the tree; NULL when len is 0 */
	uint16_t len;     /* at most CONF_OPTIONS_MAX */
};
enum { CONF_OPTION_ALWAYS = 1 };

/*
 * What any level may say. Of several that apply to a machine the most specific that says
 * something wins, setting by setting and option by option: host, then classes in the order
 * of the file, pool, subnet, shared network, and what stands outside of all.
 */
struct conf_scope {
	struct conf_options options;
	uint32_t lease_time;      /* seconds; 0: not said here */
	uint32_t boot_lease_time; /* the same, for firmware and boot loaders */
	enum boot_choice boot;
	const char *image; /* when boot is BOOT_IMAGE, else NULL */
};

#endif
