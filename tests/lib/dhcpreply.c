/*
 * Reads and prints the answers that pxeclient receives. Like pxeclient it shares no
 * packet code with the server. Trusts nothing in a packet beyond its bounds.
 */
#include <stdio.h>
#include <string.h>

#include "src/base/ident.h"
#include "tests/lib/dhcpreply.h"

static void
print_bytes(const char *key, const uint8_t *p, size_t len)
{
	printf(" %s=", key);
	for (size_t i = 0; i < len; i++)
		printf("%02x", p[i]);
}

static void
print_text(const char *key, const uint8_t *p, size_t len)
{
	printf(" %s=", key);
	for (size_t i = 0; i < len; i++)
		if (p[i] > 0x20 && p[i] < 0x7f)
			putchar(p[i]);
		else
			printf("\\x%02x", p[i]);
}

static void
print_fixed(const char *key, const uint8_t *p, size_t size)
{
	print_text(key, p, strnlen((const char *)p, size));
}

static void
print_addr(const char *key, const uint8_t *p)
{
	printf(" %s=%u.%u.%u.%u", key, p[0], p[1], p[2], p[3]);
}

static void
print_addrs(const char *key, const uint8_t *p, size_t len)
{
	print_addr(key, p);
	for (size_t i = 4; i + 4 <= len; i += 4)
		printf(",%u.%u.%u.%u", p[i], p[i + 1], p[i + 2], p[i + 3]);
}

static void
print_option(uint8_t code, const uint8_t *p, size_t len)
{
	static const struct {
		uint8_t code;
		char kind; /* a addresses, n number, t text */
		const char *key;
	} known[] = {{1, 'a', "mask"}, {3, 'a', "router"}, {6, 'a', "dns"},
	    {15, 't', "domain"}, {51, 'n', "lease"}, {54, 'a', "server"}, {58, 'n', "t1"},
	    {59, 'n', "t2"}, {60, 't', "class"}, {66, 't', "tftp"}, {67, 't', "bootfile"}};
	char key[16];

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (known[i].code != code)
			continue;
		if (known[i].kind == 'a' && len >= 4 && len % 4 == 0)
			print_addrs(known[i].key, p, len);
		else if (known[i].kind == 'n' && len == 4)
			printf(" %s=%u", known[i].key,
			    (unsigned)p[0] << 24 | (unsigned)p[1] << 16 |
				(unsigned)p[2] << 8 | p[3]);
		else
			print_text(known[i].key, p, len);
		return;
	}
	snprintf(key, sizeof key, "opt%u", code);
	print_bytes(key, p, len);
}

/* Walks the options; each is printed when `print`, and the order of the codes at the
 * end. False when the area is malformed. */
static bool
walk_options(struct in in, bool print, struct reply *r)
{
	char order[1024] = "";
	size_t used = 0;

	for (;;) {
		uint8_t code = in_u8(&in), len;
		const uint8_t *p;

		if (!in_ok(&in))
			return false;
		if (code == 0)
			continue;
		if (code == 255)
			break;
		len = in_u8(&in);
		p = in_take(&in, len);
		if (!in_ok(&in) || p == NULL)
			return false;
		if (code == 53 && len == 1)
			r->type = p[0];
		if (code == 54 && len == 4)
			memcpy(&r->server, p, 4);
		if (used < sizeof order - 8)
			used += (size_t)snprintf(order + used, sizeof order - used, "%s%u",
			    used == 0 ? "" : ",", code);
		if (print && code != 53)
			print_option(code, p, len);
	}
	if (print)
		printf(" order=%s", order);
	return true;
}

static const char *
type_name(uint8_t type)
{
	static const char *const names[] = {
	    [BOOTP] = "BOOTP", [OFFER] = "OFFER", [ACK] = "ACK", [NAK] = "NAK"};

	return type <= NAK && names[type] != NULL ? names[type] : "?";
}

void
dhcpreply_print(const uint8_t *frame, const uint8_t *ip, const uint8_t *bootp, size_t len,
    struct in options, struct reply *r)
{
	char mac[MAC_TEXT_MAX];
	struct mac to;

	memcpy(to.b, frame, 6);
	printf("reply=%s", type_name(r->type));
	print_addr("yiaddr", bootp + 16);
	print_addr("siaddr", bootp + 20);
	print_addr("giaddr", bootp + 24);
	print_fixed("sname", bootp + 44, 64);
	print_fixed("file", bootp + 108, 128);
	(void)walk_options(options, true, r);
	print_addr("src", ip + 12);
	print_addr("dst", ip + 16);
	printf(" dstmac=%s flags=%02x%02x size=%zu\n", mac_format(&to, mac), bootp[10],
	    bootp[11], len);
	fflush(stdout);
}

bool
dhcpreply_read(struct in options, const uint8_t *bootp, struct reply *r)
{
	memset(r, 0, sizeof *r);
	memcpy(&r->yiaddr, bootp + 16, 4);
	return walk_options(options, false, r);
}
