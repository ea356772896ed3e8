/*
 * Formatting and rate limits of event lines, in the process that has the event.
 * No allocation, no I/O of its own: the sink does that.
 */
#include "src/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/clock.h"

#define LINE 1000u /* tokens for one */
#define BURST_SECONDS 4u

static log_sink *current_sink;
static enum log_level most_level = LOG_INFO;

static const char *const level_names[LOG_LEVEL_MAX] = {
    "error", "warning", "notice", "info", "debug"};

void
log_init(log_sink *sink, enum log_level most)
{
	current_sink = sink;
	most_level = most;
}

bool
log_wants(enum log_level level)
{
	return level <= most_level && current_sink != NULL;
}

void
log_set_level(enum log_level most)
{
	most_level = most;
}

const char *
log_level_name(enum log_level level)
{
	return (unsigned)level < LOG_LEVEL_MAX ? level_names[level] : "unknown";
}

enum log_level
log_level_parse(const char *name)
{
	for (unsigned i = 0; i < LOG_LEVEL_MAX; i++)
		if (strcmp(name, level_names[i]) == 0)
			return (enum log_level)i;
	return LOG_LEVEL_MAX;
}

bool
log_take(struct log_limit *limit)
{
	uint32_t full = limit->rate * BURST_SECONDS * LINE;
	uint64_t now = clock_mono_ms();
	uint64_t gained;

	if (limit->last_ms == 0)
		limit->tokens = full;
	gained = limit->last_ms == 0 ? 0 : (now - limit->last_ms) * limit->rate;
	if (gained > full)
		gained = full;
	limit->last_ms = now == 0 ? 1 : now;
	limit->tokens += (uint32_t)gained;
	if (limit->tokens > full)
		limit->tokens = full;
	if (limit->tokens < LINE) {
		limit->suppressed++;
		return false;
	}
	limit->tokens -= LINE;
	return true;
}

void
log_write(
    enum log_level level, struct log_limit *limit, const char *event, const char *fmt, ...)
{
	char text[LOG_TEXT_MAX];
	size_t len;
	int n;
	va_list ap;

	if (!log_wants(level))
		return;
	n = snprintf(text, sizeof text, "event=%s%s", event, fmt[0] == '\0' ? "" : " ");
	len = n < 0 ? 0 : (size_t)n;
	va_start(ap, fmt);
	n = vsnprintf(text + len, sizeof text - len, fmt, ap);
	va_end(ap);
	if (n > 0)
		len += (size_t)n;
	if (limit != NULL && limit->suppressed > 0 && len < sizeof text) {
		n = snprintf(
		    text + len, sizeof text - len, " suppressed=%u", limit->suppressed);
		limit->suppressed = 0;
		if (n > 0)
			len += (size_t)n;
	}
	if (len >= sizeof text)
		len = sizeof text - 1;
	current_sink(level, text, len);
}

static int
is_plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != 0 && strchr("-_./:@+=,", c) != NULL);
}

const char *
log_quote(const void *bytes, size_t len, char *text, size_t cap)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *p = bytes;
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		size_t need = is_plain(p[i]) ? 1 : 4;

		/* Always leave room for "..." and the NUL. */
		if (used + need + 4 > cap) {
			memcpy(text + used, "...", 3);
			used += 3;
			break;
		}
		if (need == 1) {
			text[used++] = (char)p[i];
			continue;
		}
		text[used++] = '\\';
		text[used++] = 'x';
		text[used++] = hex[p[i] >> 4];
		text[used++] = hex[p[i] & 15];
	}
	text[used] = '\0';
	return text;
}

void
log_to_stderr(enum log_level level, const char *text, size_t len)
{
	char line[LOG_TEXT_MAX + 16];
	int n = snprintf(
	    line, sizeof line, "%s: %.*s\n", log_level_name(level), (int)len, text);

	if (n > 0 && write(2, line, (size_t)n) < 0) {
		/* Nobody is left to tell. */
	}
}

void
bug_at(const char *file, int line, const char *what)
{
	if (current_sink == NULL)
		current_sink = log_to_stderr;
	log_event(LOG_ERROR, "bug", "where=%s:%d what=\"%s\"", file, line, what);
	abort();
}
