/*
 * Tree building for the configuration: settings of the whole file and interfaces. Runs
 * in conf-check and in the broker, inside their cages; pure. What it lets through, the
 * supervisor acts on as root: paths are absolute and plain, numbers in range.
 */
#include "policy/conf_build.h"

#include <stdio.h>
#include <string.h>

#include "src/base/log.h"

#define K UINT64_C(1024)
#define DAY UINT64_C(86400)

/* ---------------------------------------------------------------- paths */

/* Absolute, printable, and every part a real name: no "", ".", "..". */
static bool
is_clean_path(struct slice s)
{
	uint32_t start = 1;

	if (s.len < 2 || s.at[0] != '/')
		return false;
	for (uint32_t i = 1; i <= s.len; i++) {
		if (i < s.len && (s.at[i] < ' ' || s.at[i] > '~'))
			return false;
		if (i < s.len && s.at[i] != '/')
			continue;
		if (i == start || (i == start + 1 && s.at[start] == '.') ||
		    (i == start + 2 && s.at[start] == '.' && s.at[start + 1] == '.'))
			return false;
		start = i + 1;
	}
	return true;
}

int
build_path(struct build *b, enum setting setting, struct place at, struct slice s,
    struct place s_at)
{
	struct slice path = build_inner(s);
	char *to = b->conf->state;

	if (setting == SET_IMAGES)
		to = b->conf->images;
	else if (setting == SET_KEYRING)
		to = b->conf->keyring;
	if (build_once(b, setting, at) != 0)
		return b->err;
	if (path.len >= sizeof b->conf->state)
		return build_unexpected(
		    b, ERR_LONG, s_at, s, "a path of at most 200 characters");
	if (!is_clean_path(path))
		return build_unexpected(b, ERR_FORMAT, s_at, s,
		    "an absolute path without '.', '..' or empty parts");
	memcpy(to, path.at, path.len);
	to[path.len] = '\0';
	return 0;
}

/* -------------------------------------------------------------- amounts */

enum kind { COUNT, TIME, SIZE_BYTES };

/* What a number may be, and which field of struct conf takes it; the size of the field
 * is 0 for lease-time, which belongs to a subnet. */
struct amount {
	enum kind kind;
	uint64_t min, max;
	size_t offset, size;
};

#define AMOUNT(kind, min, max, field)                         \
	{                                                     \
		kind, min, max, offsetof(struct conf, field), \
		    sizeof(((struct conf *)NULL)->field)      \
	}

static const struct amount amounts[SETTING_MAX] = {
    [SET_SESSION_TIME] = AMOUNT(TIME, 5, 7 * DAY, session_time),
    [SET_SESSIONS] = AMOUNT(COUNT, 1, 1000000, sessions_max),
    [SET_PORT] = AMOUNT(COUNT, 1, 65535, http_port),
    [SET_HEAD_TIMEOUT] = AMOUNT(TIME, 1, 3600, head_timeout),
    [SET_IDLE_TIMEOUT] = AMOUNT(TIME, 1, 3600, idle_timeout),
    [SET_MIN_RATE] = AMOUNT(SIZE_BYTES, 0, K *K *K, min_rate),
    [SET_RATE_WINDOW] = AMOUNT(TIME, 1, 3600, rate_window),
    [SET_CONNECTIONS] = AMOUNT(COUNT, 1, 65535, conns_per_address),
    [SET_WORKERS] = AMOUNT(COUNT, 1, WORKER_MAX, workers),
    [SET_MEMORY] = AMOUNT(SIZE_BYTES, 16 * K * K, 1024 * K * K * K, memory),
    [SET_LANDLOCK] = AMOUNT(COUNT, 1, 32, landlock_min),
    [SET_UID_BASE] = AMOUNT(COUNT, 1000, 2000000000, uid_base),
    [SET_LEASE_TIME] = {TIME, 10, 365 * DAY, 0, 0},
};

static const struct unit {
	char letter;
	uint64_t times;
} units[] = {
    {'d', DAY}, {'h', 3600}, {'m', 60}, {'s', 1}, {'G', K *K *K}, {'M', K *K}, {'K', K}};

/* Digits and perhaps a unit, as the scanner gives them; UINT64_MAX when too large. */
static uint64_t
read_amount(struct slice s)
{
	uint64_t v = 0, times = 1;

	for (uint32_t i = 0; i < s.len; i++) {
		if (s.at[i] >= '0' && s.at[i] <= '9') {
			if (v > (UINT64_MAX - 9) / 10)
				return UINT64_MAX;
			v = v * 10 + (uint64_t)(s.at[i] - '0');
			continue;
		}
		for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
			if (units[u].letter == s.at[i])
				times = units[u].times;
		}
	}
	return v > UINT64_MAX / times ? UINT64_MAX : v * times;
}

/* In the largest unit that divides v. */
static const char *
write_amount(enum kind kind, uint64_t v, char text[24])
{
	size_t from = kind == TIME ? 0 : 4;
	size_t to = kind == TIME ? 4 : sizeof units / sizeof units[0];

	snprintf(text, 24, "%llu", (unsigned long long)v);
	for (size_t u = from; kind != COUNT && u < to; u++) {
		if (v == 0 || v % units[u].times != 0)
			continue;
		snprintf(text, 24, "%llu%c", (unsigned long long)(v / units[u].times),
		    units[u].letter);
		break;
	}
	return text;
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
	uint64_t v = read_amount(s);
	char min[24], max[24], found[FOUND_MAX];

	if (build_once(b, setting, at) != 0)
		return b->err;
	if (v < a->min || v > a->max)
		return build_fail(b, ERR_RANGE, s_at, "found %s, expected %s to %s",
		    build_found(s, found), write_amount(a->kind, a->min, min),
		    write_amount(a->kind, a->max, max));
	if (setting == SET_LEASE_TIME)
		b->conf->subnets[b->conf->nsubnets - 1].lease_time = (uint32_t)v;
	else
		store((char *)b->conf + a->offset, a->size, v);
	return 0;
}

int
build_log_level(struct build *b, struct place at, struct slice s, struct place s_at)
{
	enum log_level level = LOG_LEVEL_MAX;
	char name[16];

	if (build_once(b, SET_LOG_LEVEL, at) != 0)
		return b->err;
	if (s.len < sizeof name) {
		memcpy(name, s.at, s.len);
		name[s.len] = '\0';
		level = log_level_parse(name);
	}
	if (level == LOG_LEVEL_MAX)
		return build_unexpected(
		    b, ERR_FORMAT, s_at, s, "error, warning, notice, info or debug");
	b->conf->log_level = (uint8_t)level;
	return 0;
}

/* ----------------------------------------------------------- who boots */

static void
copy_image(char to[CONF_IMAGE_MAX + 1], struct slice quoted)
{
	struct slice s = build_inner(quoted);

	memcpy(to, s.at, s.len);
	to[s.len] = '\0';
}

int
build_default(struct build *b, struct place at, struct slice image, struct place image_at)
{
	if (build_once(b, SET_DEFAULT, at) != 0 ||
	    build_image_name(b, image, image_at) != 0)
		return b->err;
	b->conf->default_boot = BOOT_IMAGE;
	copy_image(b->conf->default_image, image);
	return 0;
}

int
build_unknown(struct build *b, struct place at, bool allow, enum boot_choice choice)
{
	if (build_once(b, SET_UNKNOWN, at) != 0)
		return b->err;
	b->conf->unknown_allow = allow;
	b->conf->unknown_boot = choice;
	return 0;
}

int
build_unknown_image(
    struct build *b, struct place at, struct slice image, struct place image_at)
{
	if (build_unknown(b, at, true, BOOT_IMAGE) != 0 ||
	    build_image_name(b, image, image_at) != 0)
		return b->err;
	copy_image(b->conf->unknown_image, image);
	return 0;
}

/* --------------------------------------------------------------- ports */

#define PORTS_MAX 1024u
#define PORT_BINL 4011u /* where PXE firmware asks a second time: ours as well */

int
build_ports(struct build *b, struct place at, struct slice first, struct place first_at,
    struct slice last, struct place last_at)
{
	uint64_t low = read_amount(first), high = read_amount(last);

	if (build_once(b, SET_PORTS, at) != 0)
		return b->err;
	if (low < 1024 || low > 65535)
		return build_unexpected(b, ERR_RANGE, first_at, first, "1024 to 65535");
	if (high < low || high > 65535)
		return build_unexpected(
		    b, ERR_RANGE, last_at, last, "a last port from the first one to 65535");
	if (high - low >= PORTS_MAX)
		return build_unexpected(b, ERR_RANGE, last_at, last, "at most 1024 ports");
	if (low <= PORT_BINL && PORT_BINL <= high)
		return build_unexpected(b, ERR_RANGE, first_at, first,
		    "ports without 4011, which the DHCP service uses");
	b->conf->tftp_first = (uint16_t)low;
	b->conf->tftp_last = (uint16_t)high;
	return 0;
}

int
build_ports_finish(struct build *b)
{
	struct conf *c = b->conf;
	struct place at = b->set_at[SET_PORT];

	if (c->http_port < c->tftp_first || c->http_port > c->tftp_last)
		return 0;
	if (build_before(at, b->set_at[SET_PORTS]))
		at = b->set_at[SET_PORTS];
	return build_fail(b, ERR_RANGE, at,
	    "found http port %u inside the tftp ports %u - %u, expected it outside",
	    (unsigned)c->http_port, (unsigned)c->tftp_first, (unsigned)c->tftp_last);
}

/* ---------------------------------------------------------- interfaces */

/* What the kernel takes as an interface's name, less what would be hard to read. */
static bool
is_link_name(struct slice s)
{
	if (s.len < 1 || s.len > 15 || s.at[0] == '.' || s.at[0] == '-')
		return false;
	for (uint32_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (!build_is_lower(c) && !(c >= 'A' && c <= 'Z') && c != '.' && c != '_' &&
		    c != '-')
			return false;
	}
	return true;
}

int
build_link(struct build *b, struct slice name, struct place at)
{
	struct conf *c = b->conf;
	struct slice s = build_inner(name);

	build_again(b, SET_LINK_ADDRESS, SET_LINK_ADDRESS);
	if (!is_link_name(s))
		return build_unexpected(b, ERR_FORMAT, at, name,
		    "an interface name of 1 to 15 letters, digits, '.', '_', '-'");
	for (unsigned i = 0; i < c->nlinks; i++) {
		if (strlen(c->links[i].name) == s.len &&
		    memcmp(c->links[i].name, s.at, s.len) == 0)
			return build_fail(b, ERR_DUPLICATE, at,
			    "found interface %s a second time, expected it once; the first "
			    "is on line %u",
			    c->links[i].name, b->link_at[i].line);
	}
	if (c->nlinks == LINKS_MAX)
		return build_unexpected(b, ERR_FULL, at, name, "at most 16 interfaces");
	memcpy(c->links[c->nlinks].name, s.at, s.len);
	c->links[c->nlinks].mode = MODE_FULL;
	b->link_at[c->nlinks++] = at;
	return 0;
}

int
build_link_address(struct build *b, struct place at, struct slice s, struct place s_at)
{
	struct conf *c = b->conf;
	unsigned mine = c->nlinks - 1;
	uint32_t v;

	if (build_once(b, SET_LINK_ADDRESS, at) != 0 || build_ipv4(b, s, s_at, &v) != 0)
		return b->err;
	c->links[mine].address = addr_v4(v);
	b->link_address_at[mine] = s_at;
	for (unsigned i = 0; i < mine; i++) {
		if (addr_equal(&c->links[i].address, &c->links[mine].address))
			return build_fail(b, ERR_DUPLICATE, s_at,
			    "found the address of interface %s, expected another; that "
			    "interface is on line %u",
			    c->links[i].name, b->link_at[i].line);
	}
	return 0;
}

int
build_links_finish(struct build *b)
{
	const struct conf *c = b->conf;
	char text[ADDR_TEXT_MAX];

	if (c->nlinks == 0)
		return build_fail(b, ERR_FORMAT, b->next,
		    "found the end of the file, expected at least one 'interface'");
	for (unsigned i = 0; i < c->nlinks; i++) {
		const struct addr *a = &c->links[i].address;
		const struct conf_subnet *s = conf_subnet_of(c, a);
		uint32_t v = addr_to_v4(a);

		for (unsigned p = 0; s != NULL && p < s->npools; p++) {
			if (v >= s->pools[p].first && v <= s->pools[p].last)
				return build_fail(b, ERR_RANGE, b->link_address_at[i],
				    "found %s inside a pool, expected an address that is "
				    "not given to clients",
				    addr_format(a, text));
		}
	}
	return 0;
}
