/*
 * What dhcp4_show.c and dhcp4_show_value.c share: text into a bounded buffer.
 */
#ifndef SALLYPORT_WIRE_DHCP4_TEXT_H
#define SALLYPORT_WIRE_DHCP4_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/base/err.h"

struct text {
	char *b;
	size_t len, cap; /* cap leaves room for the last line and NUL */
	bool full;       /* something did not fit; nothing more is written */
};

void text_say(struct text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* "52:54:00"; nothing for no bytes. */
void text_bytes(struct text *t, const uint8_t *b, size_t len);
/* "\"debian\\x00\"": printable ASCII stays but for quote and backslash. */
void text_quoted(struct text *t, const uint8_t *b, size_t len);
void text_address(struct text *t, const uint8_t b[4]);

/* dhcp4_show_value.c: the name of an option, NULL when it is none of this module's. */
const char *dhcp4_show_name(uint8_t code);
/* Writes the value; false when the option is none of this module's or has not the shape
 * that it should have, and then nothing is written. */
bool dhcp4_show_value(struct text *t, uint8_t code, const uint8_t *b, size_t len);

#endif
