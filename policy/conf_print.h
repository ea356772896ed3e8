/*
 * The effective configuration as text: everything that a tree says, defaults included, in
 * the syntax of sallyport.conf(5). What is printed gives the same tree again.
 */
#ifndef SALLYPORT_POLICY_CONF_PRINT_H
#define SALLYPORT_POLICY_CONF_PRINT_H

#include "policy/conf.h"

/* put gets the text piece by piece, each one or more whole lines of at most
 * CONF_PRINT_MAX bytes without NUL. 0; ERR_LONG when a line does not fit, which no tree
 * from conf_parse() brings about. */
int conf_print(const struct conf *conf,
    void (*put)(void *arg, const char *text, size_t len), void *arg) MUST_CHECK;

#define CONF_PRINT_MAX 4096

/* Between the files that print. */
struct conf_printer {
	void (*put)(void *arg, const char *text, size_t len);
	void *arg;
	int err;
	unsigned depth; /* blocks that are open */
};

/* One line, indented. */
void conf_print_line(struct conf_printer *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* In quotes where that can be, else as bytes: "text", or 01:02:ff. Returns text. */
#define CONF_PRINT_BYTES (3 * 260 + 3)
const char *conf_print_bytes(
    const uint8_t *b, size_t len, bool quote, char text[CONF_PRINT_BYTES]);
void conf_print_options(struct conf_printer *p, const struct conf_options *o,
    bool (*skip)(const void *arg, const uint8_t *option), const void *arg);
void conf_print_scope(struct conf_printer *p, const struct conf_scope *s);
void conf_print_classes(struct conf_printer *p, const struct conf *c);
void conf_print_subnets(struct conf_printer *p, const struct conf *c);

#endif
