/*
 * Rows and columns on their way to standard output: aligned text, JSON, or CSV. Rows are
 * kept until all are there, so that a slow reader of ours does not make the server wait.
 */
#ifndef SALLYPORT_SALLYPORT_TABLE_H
#define SALLYPORT_SALLYPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "src/base/err.h"

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV };

#define TABLE_COLUMNS_MAX 16

struct column {
	const char *name;
	bool number; /* in JSON without quotes */
};

struct table {
	const struct column *columns;
	unsigned ncolumns, at; /* at: the next cell's column */
	size_t nrows;
	size_t widths[TABLE_COLUMNS_MAX];
	char *cells; /* each ends in NUL, row by row */
	size_t len, cap;
};

void table_init(struct table *t, const struct column *columns, unsigned ncolumns);
/* The next cell of the row at hand. An empty one is null in JSON. */
void table_add(struct table *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* All rows; JSON: one array of objects. indent: spaces before each line of text and
 * JSON. */
void table_print(const struct table *t, enum format format, unsigned indent, FILE *to);
void table_free(struct table *t);

/* A string of JSON with its quotes; RFC 8259. */
void json_string(const char *text, FILE *to);
/* One field of CSV, in quotes when it has to be; RFC 4180. */
void csv_field(const char *text, FILE *to);

#endif
