/*
 * For tests of the configuration: parses a text and looks at the error.
 */
#include "tests/lib/conf_wrong.h"

#include <stdio.h>
#include <string.h>

#include "policy/conf.h"

bool
conf_wrong_is_exact(const struct conf_wrong *w)
{
	struct conf_error e;
	struct conf *c;
	struct conf_text t = {.conf = w->text, .conf_len = strlen(w->text)};
	int rc = conf_parse(&t, &c, &e);

	if (rc == w->err && e.line == w->line && e.column == w->column &&
	    strcmp(e.text, w->message) == 0 && c == NULL)
		return true;
	conf_free(c);
	fprintf(stderr, "%s\n  got %d %u:%u: %s\n  not %d %u:%u: %s\n", w->text, rc, e.line,
	    e.column, e.text, w->err, w->line, w->column, w->message);
	return false;
}
