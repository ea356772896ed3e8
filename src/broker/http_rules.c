/*
 * Broker: conditional and partial requests, in the order of RFC 9110, section 13.2.2. The
 * fields are what http-parser read from the network.
 */
#include "src/broker/http_rules.h"

#include <stdbool.h>
#include <string.h>

static bool
has_tag(const uint8_t *tags, size_t len, const uint8_t tag[HTTP_TAG_SIZE])
{
	for (size_t i = 0; i + HTTP_TAG_SIZE <= len; i += HTTP_TAG_SIZE)
		if (memcmp(tags + i, tag, HTTP_TAG_SIZE) == 0)
			return true;
	return false;
}

/* Steps 1 and 2: does the client want this very object, or none? */
static bool
precondition_holds(const struct msg_get_tell *m, const struct http_object *object)
{
	if ((m->conditions & HTTP_IF_MATCH_ANY) != 0)
		return true;
	if ((m->conditions & HTTP_IF_MATCH) != 0)
		return has_tag(m->match.b, m->match.len, object->etag);
	if ((m->conditions & HTTP_IF_UNMODIFIED_SINCE) != 0)
		return object->modified <= m->unmodified_since;
	return true;
}

/* Steps 3 and 4: has the client got it already? */
static bool
is_current(const struct msg_get_tell *m, const struct http_object *object)
{
	if ((m->conditions & HTTP_IF_NONE_MATCH_ANY) != 0)
		return true;
	if ((m->conditions & HTTP_IF_NONE_MATCH) != 0)
		return has_tag(m->none_match.b, m->none_match.len, object->etag);
	if ((m->conditions & HTTP_IF_MODIFIED_SINCE) != 0)
		return object->modified <= m->modified_since;
	return false;
}

/* Step 5: without the same object, the range does not count. A date has to be exactly
 * that of the object (13.1.5). */
static bool
range_counts(const struct msg_get_tell *m, const struct http_object *object)
{
	if (m->range == HTTP_RANGE_NONE || m->method != HTTP_GET)
		return false;
	if ((m->conditions & HTTP_IF_RANGE_TAG) != 0)
		return has_tag(m->range_tag.b, m->range_tag.len, object->etag);
	if ((m->conditions & HTTP_IF_RANGE_DATE) != 0)
		return m->range_since == object->modified;
	return true;
}

static void
choose_suffix(uint64_t last, uint64_t total, struct http_decision *d)
{
	if (last == 0) {
		d->status = 416;
		return;
	}
	/* The end of nothing is all of it, which 206 cannot say. */
	if (total == 0)
		return;
	d->status = 206;
	d->length = last < total ? last : total;
	d->first = total - d->length;
}

static void
choose_range(const struct msg_get_tell *m, uint64_t total, struct http_decision *d)
{
	uint64_t last = m->range == HTTP_RANGE_OPEN ? UINT64_MAX : m->last;

	if (m->range == HTTP_RANGE_SUFFIX) {
		choose_suffix(m->last, total, d);
		return;
	}
	/* Not a range at all: as if it were not there (14.1.1). */
	if (last < m->first)
		return;
	if (m->first >= total) {
		d->status = 416;
		return;
	}
	d->status = 206;
	d->first = m->first;
	d->length = (last < total ? last + 1 : total) - m->first;
}

void
http_decide(
    const struct msg_get_tell *m, const struct http_object *object, struct http_decision *d)
{
	*d = (struct http_decision){.status = 200, .length = object->length};
	if (!precondition_holds(m, object))
		d->status = 412;
	else if (is_current(m, object))
		d->status = 304;
	else if (range_counts(m, object))
		choose_range(m, object->length, d);
}
