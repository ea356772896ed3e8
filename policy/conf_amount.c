/*
 * Tree building for the configuration: numbers, times and sizes, and the settings of the
 * whole file that are one. Runs in conf-check and in the broker, inside their cages; pure.
 * Each has a least and a most here, on which everybody who reads the tree relies.
 */
#include <stdio.h>
#include <string.h>

#include "policy/conf_parts.h"

#define K UINT64_C(1024)
#define DAY UINT64_C(86400)

/* What a number may be, and which field of struct conf takes it. */
struct amount {
	enum amount_kind kind;
	uint64_t min, max;
	size_t offset, size;
};

#define AMOUNT(kind, min, max, field)                                  \
	{                                                              \
		AMOUNT_##kind, min, max, offsetof(struct conf, field), \
		    sizeof(((struct conf *)NULL)->field)               \
	}

static const struct amount amounts[SETTING_MAX] = {
    [SET_SESSION_TIME] = AMOUNT(TIME, 5, 7 * DAY, session_time),
    [SET_SESSIONS] = AMOUNT(COUNT, 1, 1000000, sessions_max),
    [SET_ROLLOVER] = AMOUNT(COUNT, 0, 1, tftp_rollover),
    [SET_MAX_WINDOWSIZE] = AMOUNT(COUNT, 1, 1024, tftp_window),
    [SET_MAX_BLKSIZE] = AMOUNT(COUNT, 512, 65464, tftp_blksize),
    [SET_TRANSFERS] = AMOUNT(COUNT, 1, 65535, transfers_per_address),
    [SET_PORT] = AMOUNT(COUNT, 1, 65535, http_port),
    [SET_HTTPS_PORT] = AMOUNT(COUNT, 1, 65535, https_port),
    [SET_TLS_WORKERS] = AMOUNT(COUNT, 1, TLS_MAX, tls_workers),
    [SET_HEAD_TIMEOUT] = AMOUNT(TIME, 1, 3600, head_timeout),
    [SET_IDLE_TIMEOUT] = AMOUNT(TIME, 1, 3600, idle_timeout),
    [SET_MIN_RATE] = AMOUNT(BYTES, 0, K *K *K, min_rate),
    [SET_RATE_WINDOW] = AMOUNT(TIME, 1, 3600, rate_window),
    [SET_CONNECTIONS] = AMOUNT(COUNT, 1, 65535, conns_per_address),
    [SET_WORKERS] = AMOUNT(COUNT, 1, WORKER_MAX, workers),
    [SET_MEMORY] = AMOUNT(BYTES, 16 * K * K, 1024 * K * K * K, memory),
    [SET_LANDLOCK] = AMOUNT(COUNT, 1, 32, landlock_min),
    [SET_UID_BASE] = AMOUNT(COUNT, 1000, 2000000000, uid_base),
    [SET_CONTROL_GID] = AMOUNT(COUNT, 1, UINT32_MAX - 1, control_gid),
    [SET_QUARANTINE] = AMOUNT(TIME, 10, 7 * DAY, quarantine),
    [SET_CLIENT_RATE] = AMOUNT(COUNT, 0, 100000, client_rate),
    [SET_LINK_RATE] = AMOUNT(COUNT, 0, 1000000, link_rate),
    [SET_PER_PORT] = AMOUNT(COUNT, 0, 1000000, leases_per_port),
    [SET_POOL_SHARE] = AMOUNT(PERCENT, 1, 100, pool_share),
};

/* The largest of a kind first. */
static const struct unit {
	enum amount_kind kind;
	const char *text;
	uint64_t times;
} units[] = {
    {AMOUNT_TIME, "d", DAY},
    {AMOUNT_TIME, "h", 3600},
    {AMOUNT_TIME, "m", 60},
    {AMOUNT_TIME, "s", 1},
    {AMOUNT_MS, "d", DAY * 1000},
    {AMOUNT_MS, "h", 3600000},
    {AMOUNT_MS, "m", 60000},
    {AMOUNT_MS, "s", 1000},
    {AMOUNT_MS, "ms", 1},
    {AMOUNT_BYTES, "G", K *K *K},
    {AMOUNT_BYTES, "M", K *K},
    {AMOUNT_BYTES, "K", K},
    {AMOUNT_PERCENT, "%", 1},
};
#define UNITS (sizeof units / sizeof units[0])

uint64_t
build_read_amount(struct slice s, enum amount_kind kind)
{
	uint64_t v = 0, times = 1;
	uint32_t i;

	for (i = 0; i < s.len && s.at[i] >= '0' && s.at[i] <= '9'; i++) {
		if (v > (UINT64_MAX - 9) / 10)
			return UINT64_MAX;
		v = v * 10 + (uint64_t)(s.at[i] - '0');
	}
	for (size_t u = 0; u < UNITS; u++) {
		if (units[u].kind == kind && strlen(units[u].text) == s.len - i &&
		    memcmp(units[u].text, s.at + i, s.len - i) == 0)
			times = units[u].times;
	}
	return v > UINT64_MAX / times ? UINT64_MAX : v * times;
}

const char *
build_write_amount(enum amount_kind kind, uint64_t v, char text[24])
{
	const char *unit = kind == AMOUNT_TIME ? "s" : kind == AMOUNT_MS ? "ms" : "";
	uint64_t times = 1;

	for (size_t u = 0; u < UNITS; u++) {
		if (units[u].kind != kind || v == 0 || v % units[u].times != 0)
			continue;
		unit = units[u].text;
		times = units[u].times;
		break;
	}
	snprintf(text, 24, "%llu%s", (unsigned long long)(v / times), unit);
	return text;
}

int
build_range(struct build *b, enum amount_kind kind, uint64_t min, uint64_t max,
    struct slice s, struct place at, uint64_t *v)
{
	char least[24], most[24], found[FOUND_MAX];

	*v = build_read_amount(s, kind);
	if (*v >= min && *v <= max)
		return 0;
	return build_fail(b, ERR_RANGE, at, "found %s, expected %s to %s",
	    build_found(s, found), build_write_amount(kind, min, least),
	    build_write_amount(kind, max, most));
}

static void
store(void *field, size_t size, uint64_t v)
{
	uint8_t v8 = (uint8_t)v;
	uint16_t v16 = (uint16_t)v;
	uint32_t v32 = (uint32_t)v;

	switch (size) {
	case sizeof v8: memcpy(field, &v8, sizeof v8); break;
	case sizeof v16: memcpy(field, &v16, sizeof v16); break;
	case sizeof v32: memcpy(field, &v32, sizeof v32); break;
	default: memcpy(field, &v, sizeof v); break;
	}
}

int
build_amount(struct build *b, enum setting setting, struct place at, struct slice s,
    struct place s_at)
{
	const struct amount *a = &amounts[setting];
	uint64_t v;

	if (build_once(b, setting, at) != 0 ||
	    build_range(b, a->kind, a->min, a->max, s, s_at, &v) != 0)
		return b->err;
	store((char *)b->conf + a->offset, a->size, v);
	return 0;
}

int
build_probe(struct build *b, struct place at, struct slice s, struct place s_at)
{
	uint64_t v;

	if (build_once(b, SET_PROBE, at) != 0)
		return b->err;
	b->conf->probe = s.at != NULL;
	if (!b->conf->probe)
		return 0;
	if (build_range(b, AMOUNT_MS, 50, 5000, s, s_at, &v) != 0)
		return b->err;
	b->conf->probe_ms = (uint16_t)v;
	return 0;
}
