/*
 * Boot scripts from signed templates. A template is any text with slots @{...}, which are
 * described in sallyport-manifest(5); @@{ stands for @{ itself. What a slot is replaced by
 * is checked against the characters that its type has, so that no value can end a line
 * or begin a command. Pure, allocates nothing.
 */
#ifndef SALLYPORT_POLICY_TEMPLATE_H
#define SALLYPORT_POLICY_TEMPLATE_H

#include <stddef.h>
#include <stdint.h>

#include "policy/lines.h"
#include "policy/manifest.h"
#include "src/base/err.h"
#include "src/base/ident.h"

#define TEMPLATE_SIZE_MAX (64u << 10) /* bytes of a template, and of what becomes of it */
#define TEMPLATE_PARAM_NAME_MAX 32
#define TEMPLATE_PARAM_VALUE_MAX 255

/* For one machine. All borrowed. */
struct template_values {
	enum template_kind kind;
	const struct manifest *manifest;
	const struct manifest_boot *boot; /* one of the manifest's */
	struct mac mac;
	struct addr client;
	struct addr server;
	uint16_t http_port; /* 0: by TFTP */
	bool https;         /* that port speaks HTTPS */
	const char *host;   /* "" when the machine has no name */
	const char *params; /* lines "name=value", each ending in LF; not NUL-terminated */
	size_t params_len;
};

/* Renders text into out. 0, or ERR_FORMAT (*error: which slot of which line, and why), or
 * ERR_LONG (more than cap bytes). */
int template_render(const char *text, size_t len, const struct template_values *values,
    char *out, size_t cap, size_t *out_len, struct text_error *error) MUST_CHECK;
/* Checks a template, or a command line (then @{cmdline} is not a slot), without values:
 * 0, or ERR_FORMAT. *kernel: it holds slots that only a boot entry with a kernel fills. */
int template_check(const char *text, size_t len, bool cmdline, bool *kernel,
    struct text_error *error) MUST_CHECK;

#endif
