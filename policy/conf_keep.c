/*
 * Tree building for the configuration: the memory of all its strings and arrays, and names
 * that are declared in one place and used in another. Runs in conf-check and in the broker,
 * inside their cages; pure. Nothing is given back before the whole tree is.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/conf_parts.h"

#define CHUNK_SIZE 65536u

struct conf_chunk {
	struct conf_chunk *next;
	size_t used, size;
	_Alignas(8) unsigned char b[];
};

static struct conf_chunk *
chunk_with(struct conf *c, size_t need)
{
	size_t size = need > CHUNK_SIZE / 4 ? need : CHUNK_SIZE;
	struct conf_chunk *new;

	if (c->chunks != NULL && c->chunks->size - c->chunks->used >= need)
		return c->chunks;
	new = malloc(sizeof *new + size);
	if (new == NULL)
		return NULL;
	new->next = c->chunks;
	new->used = 0;
	new->size = size;
	c->chunks = new;
	return new;
}

void *
build_keep(struct build *b, struct place at, const void *bytes, size_t len)
{
	size_t need = (len + 7) & ~(size_t)7;
	struct conf_chunk *chunk = chunk_with(b->conf, need);
	void *copy;

	if (chunk == NULL) {
		b->err = build_fail(b, ERR_FULL, at, "out of memory");
		return NULL;
	}
	copy = chunk->b + chunk->used;
	chunk->used += need;
	if (len > 0)
		memcpy(copy, bytes, len);
	return copy;
}

const char *
build_keep_text(struct build *b, struct place at, struct slice s)
{
	struct conf_chunk *chunk;
	char *copy;

	chunk = chunk_with(b->conf, ((size_t)s.len + 8) & ~(size_t)7);
	if (chunk == NULL) {
		b->err = build_fail(b, ERR_FULL, at, "out of memory");
		return NULL;
	}
	copy = (char *)chunk->b + chunk->used;
	chunk->used += ((size_t)s.len + 8) & ~(size_t)7;
	if (s.len > 0)
		memcpy(copy, s.at, s.len);
	copy[s.len] = '\0';
	return copy;
}

void
build_drop_chunks(struct conf *c)
{
	while (c->chunks != NULL) {
		struct conf_chunk *next = c->chunks->next;

		free(c->chunks);
		c->chunks = next;
	}
}

bool
build_same(struct slice x, struct slice y)
{
	return x.len == y.len && (x.len == 0 || memcmp(x.at, y.at, x.len) == 0);
}

bool
build_is_name(struct slice s)
{
	if (s.len < 1 || s.len > CONF_NAME_MAX)
		return false;
	for (uint32_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (!build_is_lower(c) && !(c >= 'A' && c <= 'Z') && c != '.' && c != '_' &&
		    c != '-' && c != ' ')
			return false;
	}
	return s.at[0] != ' ' && s.at[s.len - 1] != ' ';
}

int
build_name_index(
    struct name_draft *names, unsigned *n, unsigned max, struct slice name, struct place at)
{
	for (unsigned i = 0; i < *n; i++) {
		if (build_same(names[i].name, name))
			return (int)i;
	}
	if (*n == max)
		return ERR_FULL;
	names[*n] = (struct name_draft){.name = name, .at = at, .index = UINT32_MAX};
	return (int)(*n)++;
}
