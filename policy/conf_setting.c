/*
 * Tree building for the configuration: settings of the whole file and interfaces. Runs
 * in conf-check and in the broker, inside their cages; pure. What it lets through, the
 * supervisor acts on as root: paths are absolute and plain, numbers in range.
 */
#include <string.h>

#include "policy/conf_parts.h"
#include "src/base/log.h"

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

/* A path of the operator's, without its quotes, into to[201]. */
int
build_copy_path(struct build *b, char *to, struct slice s, struct place s_at)
{
	struct slice path = build_inner(s);

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

int
build_path(struct build *b, enum setting setting, struct place at, struct slice s,
    struct place s_at)
{
	char *to = b->conf->state;

	if (setting == SET_IMAGES)
		to = b->conf->images;
	else if (setting == SET_KEYRING)
		to = b->conf->keyring;
	else if (setting == SET_CLIENT_CA)
		to = b->conf->client_ca;
	if (build_once(b, setting, at) != 0)
		return b->err;
	return build_copy_path(b, to, s, s_at);
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
	uint64_t low = build_read_amount(first, AMOUNT_COUNT),
		 high = build_read_amount(last, AMOUNT_COUNT);

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
