/*
 * Error texts and the abort for our own mistakes. Linked by every process;
 * touches nothing but descriptor 2.
 */
#include "src/base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *
err_text(int err)
{
	switch (err) {
#define X(name, value, text)                                                             \
	case name: return text;
		ERR_LIST(X)
#undef X
	default: return "unknown error";
	}
}

void
bug_at(const char *file, int line, const char *what)
{
	char text[256];
	int n = snprintf(text, sizeof text, "bug: %s:%d: %s\n", file, line, what);

	if (n > 0 && write(2, text, (size_t)n) < 0) {
		/* Descriptor 2 may be /dev/null or gone; the abort says enough. */
	}
	abort();
}
