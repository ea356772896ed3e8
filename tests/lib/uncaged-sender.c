/*
 * For the sanitizer build of test_file_sender only: file-sender without its cage, whose
 * filter the sanitizer's own calls do not pass. Linked with everything else of the role.
 */
#include "privsep/cage.h"

const struct cage_policy cage_policy = {.limits = {.files = 16384}};

void
cage_enter(const struct start *st, const struct cage_hooks *hooks)
{
	(void)st;
	(void)hooks;
}
