/*
 * Event lines. A line is "event=NAME key=value ..."; the logger process adds
 * time, role and pid, which a sender cannot choose. Text is fixed in the code;
 * whatever a peer sent goes through log_quote() first. Lines of one call site
 * are rate-limited, with the number of suppressed ones in the next line.
 *
 * Where lines go: log_init() names a function (the channel to the logger, or
 * stderr in tools). Before that, lines are dropped.
 */
#ifndef SALLYPORT_BASE_LOG_H
#define SALLYPORT_BASE_LOG_H

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG, LOG_LEVEL_MAX };

#define LOG_TEXT_MAX 1000

typedef void log_sink(enum log_level level, const char *text, size_t len);

void log_init(log_sink *sink, enum log_level most);
void log_set_level(enum log_level most);
/* Would a line of this level be written? The arguments of one that would not are not even
 * evaluated. */
bool log_wants(enum log_level level);
const char *log_level_name(enum log_level level);
/* LOG_LEVEL_MAX when the name is not known. */
enum log_level log_level_parse(const char *name);

/* A token bucket for one call site: four seconds' lines at once, then rate a second. */
struct log_limit {
	uint32_t rate; /* at most 1000 */
	uint64_t last_ms;
	uint32_t tokens; /* in 1/1000 of a line */
	uint32_t suppressed;
};

/* True when one line more may go out; counts it as suppressed otherwise. */
bool log_take(struct log_limit *limit);

/* Always written (subject to level): start, stop, faults, a lease, a transfer. */
#define log_event(level, event, ...)                                    \
	do {                                                            \
		if (log_wants(level))                                   \
			log_write((level), NULL, (event), __VA_ARGS__); \
	} while (0)

/* At most rate_ lines a second for this site. The arguments of one that is suppressed are
 * not evaluated either. */
#define log_at_most(rate_, level, event, ...)                              \
	do {                                                               \
		static struct log_limit limit_ = {.rate = (rate_)};        \
		if (log_wants(level) && log_take(&limit_))                 \
			log_write((level), &limit_, (event), __VA_ARGS__); \
	} while (0)

/* For anything a peer can cause at will. */
#define log_limited(level, event, ...) log_at_most(5, level, event, __VA_ARGS__)

/* limit, which may be NULL, has been asked; the line says how many it suppressed. */
void log_write(enum log_level level, struct log_limit *limit, const char *event,
    const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Peer's bytes as printable text: ASCII letters, digits and -_./:@+=, stay, all else
 * becomes \xHH; cut to fit with "..." at the end. Returns text. cap >= 8. */
const char *log_quote(const void *bytes, size_t len, char *text, size_t cap);

/* A sink that writes to descriptor 2, for tools and tests. */
void log_to_stderr(enum log_level level, const char *text, size_t len);

#endif
