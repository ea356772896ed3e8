/*
 * Any bytes as each kind of lease file: what is taken is a lease that can be sent to the
 * server, and what is refused has a place in the text.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "src/sallyport/leasefile.h"

struct seen {
	size_t n;
	unsigned line; /* of the last */
};

static void
see(void *arg, const struct file_lease *l)
{
	struct seen *seen = arg;

	if (l->addr.family != ADDR_V4 || addr_is_unset(&l->addr) || l->state > FILE_RESTS ||
	    l->kind > FILE_UUID || l->id_len > LEASEFILE_ID_MAX || l->line < seen->line ||
	    (l->kind != FILE_NOBODY) != (l->id_len > 0))
		abort();
	for (size_t i = l->id_len; i < LEASEFILE_ID_MAX; i++)
		if (l->id[i] != 0)
			abort();
	seen->line = l->line;
	seen->n++;
}

/* In memory of exactly its length, so that a step too far is seen. */
static void
try(leasefile_parse *parse, const uint8_t *data, size_t len)
{
	struct text_error error = {0, 0, ""};
	struct seen seen = {0, 0};
	unsigned lines = 1;
	char *text = malloc(len == 0 ? 1 : len);

	if (text == NULL)
		abort();
	memcpy(text, data, len);
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	if (parse(text, len, see, &seen, &error) != 0 &&
	    (error.line == 0 || error.line > lines || error.column == 0 ||
		error.column > len + 1 || error.what[0] == '\0'))
		abort();
	if (seen.n > len)
		abort();
	free(text);
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	try(leasefile_dnsmasq, data, len);
	try(leasefile_isc, data, len);
	try(leasefile_kea, data, len);
	try(leasefile_csv, data, len);
	return 0;
}
