/*
 * The steps of a decision. Broker, main thread.
 */
#include "src/broker/trace.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

void
trace_note(struct trace *t, const char *format, ...)
{
	va_list ap;
	char *line;

	if (t == NULL)
		return;
	if (t->n == TRACE_LINES_MAX) {
		(void)snprintf(
		    t->lines[t->n - 1], TRACE_LINE_MAX, "and more steps than can be shown");
		return;
	}
	line = t->lines[t->n++];
	va_start(ap, format);
	(void)vsnprintf(line, TRACE_LINE_MAX, format, ap);
	va_end(ap);
	for (char *c = line; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}
