/*
 * Tree building for the configuration: option statements. Runs in conf-check and in the
 * broker, inside their cages; pure. What a value must look like is said by
 * policy/option.c; here it gets its place among the options of its level.
 */
#include <stdio.h>
#include <string.h>

#include "policy/conf_parts.h"

/* Options that the server makes itself, from something that can be set. */
static const struct instead {
	uint8_t code;
	const char *setting;
} insteads[] = {
    {1, "'subnet'"},
    {51, "'lease-time'"},
    {54, "the 'address' of the interface"},
    {58, "'lease-time'"},
    {59, "'lease-time'"},
    {66, "'image' and the 'address' of the interface"},
    {67, "'image'"},
};

static int
refuse_ours(struct build *b)
{
	const struct option_draft *o = &b->option;
	char found[FOUND_MAX];

	for (size_t i = 0; i < sizeof insteads / sizeof insteads[0]; i++) {
		if (insteads[i].code == o->code)
			return build_fail(b, ERR_DENIED, o->at,
			    "found option %s, expected %s instead, from which the server "
			    "makes that option",
			    build_found(o->name, found), insteads[i].setting);
	}
	return build_fail(b, ERR_DENIED, o->at,
	    "found option %s, expected one that is not made by the server itself",
	    build_found(o->name, found));
}

void
build_option(struct build *b, bool always)
{
	b->option.always = always;
	b->option.used = 0;
	b->option.npieces = 0;
	b->option.piece_len = 0;
}

int
build_option_name(struct build *b, struct slice s, struct place at)
{
	const struct option_def *def = option_by_name(s.at, s.len);
	struct option_draft *o = &b->option;

	o->name = s;
	o->at = at;
	if (def == NULL)
		return build_unexpected(b, ERR_FORMAT, at, s,
		    "the name of a DHCP option, or its number and a type");
	o->def = def;
	o->code = def->code;
	o->type = def->type;
	return o->type == OPTION_OURS ? refuse_ours(b) : 0;
}

int
build_option_code(struct build *b, struct slice s, struct place at, struct slice type,
    struct place type_at)
{
	struct option_draft *o = &b->option;
	const struct option_def *def;
	uint64_t code;

	o->name = s;
	o->at = at;
	if (build_range(b, AMOUNT_COUNT, 1, 254, s, at, &code) != 0)
		return b->err;
	o->code = (uint8_t)code;
	o->def = NULL;
	def = option_by_code(o->code);
	if (def != NULL && def->type == OPTION_OURS)
		return refuse_ours(b);
	if (!option_type_parse(type.at, type.len, &o->type) || o->type == OPTION_OURS)
		return build_unexpected(b, ERR_FORMAT, type_at, type,
		    "a type of option such as address, u16, text or bytes");
	return 0;
}

/* The words of a piece, one space between them. */
int
build_option_word(struct build *b, struct slice s, struct place at)
{
	struct option_draft *o = &b->option;
	struct slice inner = build_inner(s);

	if (o->piece_len == 0)
		o->piece_at = at;
	if (o->npieces == 0 && o->piece_len == 0) {
		o->first = s;
		o->first_at = at;
	}
	if (o->piece_len + inner.len + 2 > sizeof o->piece)
		return build_unexpected(
		    b, ERR_LONG, at, s, "a value that takes at most 255 bytes");
	if (o->piece_len > 0)
		o->piece[o->piece_len++] = ' ';
	memcpy(o->piece + o->piece_len, inner.at, inner.len);
	o->piece_len += inner.len;
	return 0;
}

int
build_option_piece(struct build *b)
{
	struct option_draft *o = &b->option;
	struct slice piece = {.at = o->piece, .len = (uint32_t)o->piece_len};
	const char *expected = "another value";
	int rc;

	if (o->type == OPTION_EMPTY)
		return build_unexpected(
		    b, ERR_FORMAT, o->piece_at, piece, "';': this option has no value");
	rc = option_append(o->type, o->piece, o->piece_len, o->value, sizeof o->value,
	    &o->used, &expected);
	if (rc == ERR_LONG)
		expected = "a value that takes at most 255 bytes";
	else if (rc == ERR_DUPLICATE)
		expected = "';': this option has one value";
	if (rc != 0)
		return build_unexpected(b, rc, o->piece_at, piece, expected);
	o->npieces++;
	o->piece_len = 0;
	return 0;
}

int
build_option_end(struct build *b, struct place at)
{
	struct option_draft *o = &b->option;
	const char *expected;
	char found[FOUND_MAX];

	if (o->npieces == 0 && o->type != OPTION_EMPTY)
		return build_fail(b, ERR_FORMAT, at, "found ';', expected a value");
	if (o->def != NULL && option_check(o->def, o->value, o->used, &expected) != 0)
		return build_fail(b, ERR_RANGE, o->first_at, "found %s, expected %s",
		    build_found(o->first, found), expected);
	return build_option_put(
	    b, o->at, build_found(o->name, found), o->code, o->always, o->value, o->used);
}

int
build_option_put(struct build *b, struct place at, const char *name, uint8_t code,
    bool always, const void *value, size_t len)
{
	struct scope_draft *d = &b->scopes[b->depth];
	size_t i = 0, size = 3 + len;

	if (d->option_at[code].line != 0)
		return build_fail(b, ERR_DUPLICATE, at,
		    "found option %s a second time, expected option %u once; the first is "
		    "on line %u",
		    name, (unsigned)code, d->option_at[code].line);
	if (d->options_len + size > sizeof d->options)
		return build_fail(b, ERR_LONG, at,
		    "found option %s, expected options that take at most %d bytes in all, "
		    "each counted with three bytes more",
		    name, CONF_OPTIONS_MAX);
	while (i < d->options_len && d->options[i] < code)
		i += (size_t)3 + d->options[i + 2];
	memmove(d->options + i + size, d->options + i, d->options_len - i);
	d->options[i] = code;
	d->options[i + 1] = always ? CONF_OPTION_ALWAYS : 0;
	d->options[i + 2] = (uint8_t)len;
	if (len > 0)
		memcpy(d->options + i + 3, value, len);
	d->options_len = (uint16_t)(d->options_len + size);
	d->option_at[code] = at;
	return 0;
}

const uint8_t *
build_option_find(const struct build *b, uint8_t code, bool *always, uint8_t *len)
{
	const struct scope_draft *d = &b->scopes[b->depth];

	for (size_t i = 0; i < d->options_len; i += (size_t)3 + d->options[i + 2]) {
		if (d->options[i] != code)
			continue;
		*always = (d->options[i + 1] & CONF_OPTION_ALWAYS) != 0;
		*len = d->options[i + 2];
		return d->options + i + 3;
	}
	return NULL;
}
