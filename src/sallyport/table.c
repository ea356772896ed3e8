/*
 * Output of the tool. What is printed may have been chosen by a machine on the network;
 * the messages let only printable ASCII pass, and here nothing may end a quoted text early.
 */
#include "src/sallyport/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "src/sallyport/client.h"

void
table_init(struct table *t, const struct column *columns, unsigned ncolumns)
{
	memset(t, 0, sizeof *t);
	if (ncolumns == 0 || ncolumns > TABLE_COLUMNS_MAX)
		bug("columns");
	t->columns = columns;
	t->ncolumns = ncolumns;
	for (unsigned i = 0; i < ncolumns; i++)
		t->widths[i] = strlen(columns[i].name);
}

void
table_add(struct table *t, const char *fmt, ...)
{
	char cell[512];
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	(void)vsnprintf(cell, sizeof cell, fmt, ap);
	va_end(ap);
	len = strlen(cell);
	if (t->cap - t->len < len + 1) {
		t->cap = t->cap == 0 ? 4096 : 2 * t->cap;
		t->cells = reallocate(t->cells, t->cap);
	}
	memcpy(t->cells + t->len, cell, len + 1);
	t->len += len + 1;
	if (len > t->widths[t->at])
		t->widths[t->at] = len;
	if (++t->at == t->ncolumns) {
		t->at = 0;
		t->nrows++;
	}
}

void
table_free(struct table *t)
{
	free(t->cells);
	t->cells = NULL;
}

void
json_string(const char *text, FILE *to)
{
	fputc('"', to);
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(to, "\\%c", *c);
		else if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
			fprintf(to, "\\u%04x", (unsigned char)*c);
		else
			fputc(*c, to);
	}
	fputc('"', to);
}

void
csv_field(const char *text, FILE *to)
{
	if (strpbrk(text, "\",\r\n") == NULL) {
		fputs(text, to);
		return;
	}
	fputc('"', to);
	for (const char *c = text; *c != '\0'; c++)
		fputs(*c == '"' ? "\"\"" : (const char[]){*c, '\0'}, to);
	fputc('"', to);
}

static const char *
text_row(const struct table *t, const char *cell, unsigned indent, FILE *to)
{
	fprintf(to, "%*s", (int)indent, "");
	for (unsigned i = 0; i < t->ncolumns; i++) {
		const char *shown = *cell == '\0' ? "-" : cell;

		if (i + 1 < t->ncolumns)
			fprintf(to, "%-*s  ", (int)t->widths[i], shown);
		else
			fprintf(to, "%s\n", shown);
		cell += strlen(cell) + 1;
	}
	return cell;
}

static void
print_text(const struct table *t, unsigned indent, FILE *to)
{
	const char *cell = t->cells;

	fprintf(to, "%*s", (int)indent, "");
	for (unsigned i = 0; i + 1 < t->ncolumns; i++)
		fprintf(to, "%-*s  ", (int)t->widths[i], t->columns[i].name);
	fprintf(to, "%s\n", t->columns[t->ncolumns - 1].name);
	for (size_t n = 0; n < t->nrows; n++)
		cell = text_row(t, cell, indent, to);
}

static const char *
json_row(const struct table *t, const char *cell, FILE *to)
{
	for (unsigned i = 0; i < t->ncolumns; i++) {
		fputs(i == 0 ? "{" : ", ", to);
		json_string(t->columns[i].name, to);
		fputs(": ", to);
		if (*cell == '\0')
			fputs("null", to);
		else if (t->columns[i].number)
			fputs(cell, to);
		else
			json_string(cell, to);
		cell += strlen(cell) + 1;
	}
	fputc('}', to);
	return cell;
}

static void
print_json(const struct table *t, unsigned indent, FILE *to)
{
	const char *cell = t->cells;

	fputc('[', to);
	for (size_t n = 0; n < t->nrows; n++) {
		fprintf(to, "%s\n%*s  ", n == 0 ? "" : ",", (int)indent, "");
		cell = json_row(t, cell, to);
	}
	if (t->nrows > 0)
		fprintf(to, "\n%*s", (int)indent, "");
	fputc(']', to);
}

static void
print_csv(const struct table *t, FILE *to)
{
	const char *cell = t->cells;

	for (unsigned i = 0; i < t->ncolumns; i++)
		fprintf(to, "%s%s", i == 0 ? "" : ",", t->columns[i].name);
	fputs("\r\n", to);
	for (size_t n = 0; n < t->nrows; n++) {
		for (unsigned i = 0; i < t->ncolumns; i++) {
			if (i > 0)
				fputc(',', to);
			csv_field(cell, to);
			cell += strlen(cell) + 1;
		}
		fputs("\r\n", to);
	}
}

void
table_print(const struct table *t, enum format format, unsigned indent, FILE *to)
{
	switch (format) {
	case FORMAT_JSON: print_json(t, indent, to); break;
	case FORMAT_CSV: print_csv(t, to); break;
	default: print_text(t, indent, to); break;
	}
}
