/*
 * What the readers of lease files share: a place in a text with its line, pieces of it as
 * numbers, addresses and bytes. The first thing that is wrong is kept; later steps then
 * fail too. Pure.
 */
#ifndef SALLYPORT_SALLYPORT_SCAN_H
#define SALLYPORT_SALLYPORT_SCAN_H

#include "src/sallyport/leasefile.h"

struct scan {
	const char *p, *end;
	const char *start; /* of the current line */
	unsigned line;     /* its number, from 1 */
	bool failed;
	struct text_error *error;
};

void scan_init(struct scan *s, const char *text, size_t len, struct text_error *error);
/* Stops at `at`, a place in the current line. Always false. */
bool scan_fail(struct scan *s, const char *at, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* One byte on, minding the end of a line. */
void scan_step(struct scan *s);
/* The rest of the line without its end (LF or CR LF), which is stepped over after the
 * line has been dealt with: by scan_next_line. False at the end of the text. */
bool scan_line(struct scan *s, struct piece *line);
void scan_next_line(struct scan *s);
/* Takes the bytes up to the next space from the line; false when there are none left. */
bool scan_word(struct piece *line, struct piece *word);

/* The whole piece as ... else "expected ...". */
bool scan_number(struct scan *s, const struct piece *p, uint64_t max, uint64_t *n);
bool scan_address(struct scan *s, const struct piece *p, struct addr *a);
/* Pairs of hexadecimal digits with colons between, 1..max of them. */
bool scan_bytes(
    struct scan *s, const struct piece *p, uint8_t *bytes, size_t max, size_t *n);
bool scan_is(const struct piece *p, const char *text);

/* Fills mac, kind and id of the entry as this server would know a machine that says so of
 * itself: by its client identifier, unless that only repeats the hardware address, is too
 * long, or is the UUID that PXE firmware sends, which boots and is known by its hardware
 * address. */
void scan_identity(struct file_lease *l, uint8_t htype, const uint8_t *hw, size_t hw_len,
    const uint8_t *client, size_t client_len);

#endif
