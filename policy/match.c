/*
 * The decision who boots what. Broker; pure.
 */
#include "policy/match.h"

#include <stddef.h>

struct match
match_machine(
    const struct conf *conf, const struct match_input *in, const struct conf_subnet *subnet)
{
	struct match m = {MATCH_DENY, NULL, NULL, 0};
	enum boot_choice choice;
	const char *image;

	(void)subnet;
	m.host = in->mac == NULL ? NULL : conf_host_of(conf, in->mac);
	if (m.host == NULL && !conf->unknown_allow) {
		m.kind = MATCH_IGNORE;
		return m;
	}
	choice = m.host != NULL ? m.host->boot : conf->unknown_boot;
	image = m.host != NULL ? m.host->image : conf->unknown_image;
	if (choice == BOOT_UNSET) {
		choice = conf->default_boot;
		image = conf->default_image;
	}
	if (choice == BOOT_IMAGE && image[0] != '\0') {
		m.kind = MATCH_IMAGE;
		m.image = image;
	}
	return m;
}
