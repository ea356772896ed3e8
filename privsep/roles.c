/*
 * Names of the roles and the logger's numbering of them. Mechanism, linked by all.
 */
#include "privsep/roles.h"

#include <string.h>

#include "src/base/err.h"

static const char *const names[ROLE_MAX] = {
#define X(name, text, many) text,
    ROLE_LIST(X)
#undef X
};

const char *
role_name(enum role role)
{
	return (unsigned)role < ROLE_MAX ? names[role] : "unknown";
}

enum role
role_parse(const char *name)
{
	for (unsigned i = 0; i < ROLE_MAX; i++)
		if (strcmp(names[i], name) == 0)
			return (enum role)i;
	return ROLE_MAX;
}

/* Roles of which there is one, in slot order. */
static const uint8_t singles[] = {ROLE_SUPERVISOR, ROLE_BROKER, ROLE_VERIFIER,
    ROLE_DHCP_PARSER, ROLE_DHCP_SENDER, ROLE_TFTP_PARSER, ROLE_LINK_PARSER, ROLE_KEYS};

unsigned
role_log_slot(enum role role, unsigned index)
{
	for (unsigned i = 0; i < sizeof singles; i++)
		if (singles[i] == role)
			return i;
	if (role == ROLE_HTTP_PARSER && index < WORKER_MAX)
		return 8 + index;
	if (role == ROLE_FILE_SENDER && index < WORKER_MAX)
		return 8 + WORKER_MAX + index;
	if (role == ROLE_TLS && index < TLS_MAX)
		return 8 + 2 * WORKER_MAX + index;
	bug("a role without a log channel");
}

int
role_of_log_slot(unsigned slot, enum role *role, unsigned *index)
{
	*index = 0;
	if (slot < sizeof singles) {
		*role = (enum role)singles[slot];
		return 0;
	}
	if (slot < 8 || slot >= LOG_SLOT_MAX)
		return ERR_RANGE;
	*index = (slot - 8) % WORKER_MAX;
	if (slot < 8 + WORKER_MAX)
		*role = ROLE_HTTP_PARSER;
	else if (slot < 8 + 2 * WORKER_MAX)
		*role = ROLE_FILE_SENDER;
	else
		*role = ROLE_TLS;
	return 0;
}
