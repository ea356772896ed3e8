/*
 * For tests of the configuration: a text that is wrong, and the one error that it has.
 */
#ifndef SALLYPORT_TESTS_CONF_WRONG_H
#define SALLYPORT_TESTS_CONF_WRONG_H

#include <stdbool.h>

struct conf_wrong {
	const char *text;
	int err;
	unsigned line, column;
	const char *message;
};

/* Says on stderr what is different. */
bool conf_wrong_is_exact(const struct conf_wrong *w);

#endif
