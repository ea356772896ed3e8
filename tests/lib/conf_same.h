/*
 * For tests and fuzz targets of the configuration: printing to memory, and whether two
 * trees say the same.
 */
#ifndef SALLYPORT_TESTS_CONF_SAME_H
#define SALLYPORT_TESTS_CONF_SAME_H

#include "policy/conf.h"

/* NULL, or what is different. */
const char *conf_same(const struct conf *a, const struct conf *b);
/* The tree as text, to be freed; aborts when there is no memory or it cannot be printed. */
char *conf_printed(const struct conf *c, size_t *len);

#endif
