/*
 * The steps of a decision, for `sallyport explain`: which rule was looked at, and what it
 * said. Every function of the decision takes a trace; NULL, as for all real requests, costs
 * one comparison.
 */
#ifndef SALLYPORT_BROKER_TRACE_H
#define SALLYPORT_BROKER_TRACE_H

#define TRACE_LINES_MAX 64
#define TRACE_LINE_MAX 200 /* with NUL */

struct trace {
	unsigned n;
	char lines[TRACE_LINES_MAX][TRACE_LINE_MAX];
};

/* Adds a line, cut to size; printable ASCII whatever the arguments hold. */
void trace_note(struct trace *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
