/*
 * dnsmasq's lease file: a line for each lease, "expiry mac address name client-id", where
 * the client identifier may be "*". After a line "duid ..." come those of IPv6. In the
 * tool; pure.
 */
#include <string.h>

#include "src/sallyport/scan.h"

#define HW_MAX 16
#define CLIENT_MAX_LEN 255

/* "52:54:..", or "06-52:54:.." when it is not Ethernet; the number is hexadecimal. */
static bool
take_hardware(struct scan *s, struct piece p, uint8_t *htype, uint8_t *hw, size_t *len)
{
	struct piece type = {p.p, 2};
	size_t n;

	*htype = 1;
	if (p.len > 3 && p.p[2] == '-') {
		if (!scan_bytes(s, &type, htype, 1, &n))
			return false;
		p.p += 3;
		p.len -= 3;
	}
	return scan_bytes(s, &p, hw, HW_MAX, len);
}

static bool
need_word(struct scan *s, struct piece *line, struct piece *word, const char *what)
{
	return scan_word(line, word) || scan_fail(s, line->p, "expected %s", what);
}

static bool
take_entry(struct scan *s, struct piece line, struct file_lease *l)
{
	uint8_t htype, hw[HW_MAX], client[CLIENT_MAX_LEN];
	size_t hw_len, client_len = 0;
	struct piece word, rest;

	if (!need_word(s, &line, &word, "the time at which it ends") ||
	    !scan_number(s, &word, UINT64_MAX - 1, &l->until) ||
	    !need_word(s, &line, &word, "a hardware address") ||
	    !take_hardware(s, word, &htype, hw, &hw_len) ||
	    !need_word(s, &line, &word, "an address") || !scan_address(s, &word, &l->addr))
		return false;
	if (l->addr.family != ADDR_V4)
		return scan_fail(s, word.p, "expected an IPv4 address");
	if (!need_word(s, &line, &word, "a name or *") ||
	    !need_word(s, &line, &word, "a client identifier or *"))
		return false;
	if (!scan_is(&word, "*") &&
	    !scan_bytes(s, &word, client, sizeof client, &client_len))
		return false;
	if (scan_word(&line, &rest))
		return scan_fail(s, rest.p, "expected the end of the line");
	/* 0: no end. */
	l->until = l->until == 0 ? LEASEFILE_NEVER : l->until;
	scan_identity(l, htype, hw, hw_len, client, client_len);
	return true;
}

int
leasefile_dnsmasq(
    const char *text, size_t len, leasefile_take *take, void *arg, struct text_error *error)
{
	struct scan s;
	struct piece line;
	bool ipv6 = false;

	scan_init(&s, text, len, error);
	while (scan_line(&s, &line)) {
		struct file_lease l = {.state = FILE_BOUND, .line = s.line};

		ipv6 = ipv6 || (line.len >= 5 && memcmp(line.p, "duid ", 5) == 0);
		if (!ipv6 && line.len > 0 && take_entry(&s, line, &l))
			take(arg, &l);
		scan_next_line(&s);
	}
	return s.failed ? ERR_FORMAT : 0;
}
