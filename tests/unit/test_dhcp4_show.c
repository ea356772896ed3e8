/*
 * DHCPv4 packets as text: lines for each kind of value, for what is broken, and in every
 * amount of room.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/wire/dhcp4.h"
#include "src/wire/dhcp4_show.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define OPTIONS(text) (text), sizeof(text) - 1

static char text[DHCP4_SHOW_MAX];

static size_t
make(uint8_t *p, const void *options, size_t n)
{
	static const uint8_t head[] = {1, 1, 6, 1, 0x12, 0x34, 0x56, 0x78, 0, 4, 0x80, 0, 0,
	    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 88, 0, 1, 0x52, 0x54, 0, 0x77, 0, 1};

	memset(p, 0, DHCP4_PACKET_MAX);
	memcpy(p, head, sizeof head);
	memcpy(p + 44, "a\"b", 3);
	memcpy(p + 108, "boot\\x", 6);
	memcpy(p + 236, "\x63\x82\x53\x63", 4);
	memcpy(p + 240, options, n);
	return 240 + n;
}

/* From an allocation of the exact size, so that a sanitizer sees each overrun. */
static size_t
show(const uint8_t *b, size_t len, const struct dhcp4_show_names *names, size_t cap)
{
	uint8_t *exact = malloc(len + 1);
	char *out = malloc(cap);
	size_t n;

	assert_non_null(exact);
	assert_non_null(out);
	memcpy(exact + 1, b, len);
	n = dhcp4_show(exact + 1, len, names, out, cap);
	assert_true(n < cap && n < sizeof text);
	memcpy(text, out, n + 1);
	free(exact);
	free(out);
	return n;
}

static void
a_packet(void **state)
{
	uint8_t p[DHCP4_PACKET_MAX];
	size_t len = make(p, OPTIONS("\x35\1\1\0\0\xff\0\0\0"));

	(void)state;
	show(p, len, NULL, DHCP4_SHOW_MAX);
	assert_string_equal(text, "message: request\n"
				  "hops: 1\n"
				  "transaction: 0x12345678\n"
				  "seconds: 4\n"
				  "flags: 0x8000 (broadcast)\n"
				  "client-address: 0.0.0.0\n"
				  "your-address: 0.0.0.0\n"
				  "server-address: 0.0.0.0\n"
				  "relay-address: 10.88.0.1\n"
				  "hardware-type: 1\n"
				  "hardware-length: 6\n"
				  "hardware-address: 52:54:00:77:00:01\n"
				  "sname: \"a\\x22b\"\n"
				  "file: \"boot\\x5cx\"\n"
				  "option 53 (message-type): 1 DISCOVER\n"
				  "padding: 2\n"
				  "end: option\n"
				  "behind-end: 3 bytes, all zero\n");
}

static const struct {
	const char *options;
	size_t len;
	const char *line;
} rows[] = {
    {OPTIONS("\x35\1\x63\xff"), "option 53 (message-type): 99\n"},
    {OPTIONS("\x35\2\1\1\xff"), "option 53 (message-type): 01:01\n"},
    {OPTIONS("\x35\0\xff"), "option 53 (message-type): nothing\n"},
    {OPTIONS("\1\4\xff\xff\xff\0"), "option 1 (subnet-mask): 255.255.255.0\n"},
    {OPTIONS("\1\3\xff\xff\xff"), "option 1 (subnet-mask): ff:ff:ff\n"},
    {OPTIONS("\x33\4\0\0\x0e\x10"), "option 51 (lease-time): 3600 seconds\n"},
    {OPTIONS("\x33\4\xff\xff\xff\xff"), "option 51 (lease-time): for ever\n"},
    {OPTIONS("\x37\3\1\3\xfa"), "option 55 (parameter-request-list): 1, 3, 250\n"},
    {OPTIONS("\x39\2\5\xc0"), "option 57 (max-message-size): 1472\n"},
    {OPTIONS("\x3c\11PXEClient"), "option 60 (vendor-class): \"PXEClient\"\n"},
    {OPTIONS("\x3d\7\1\x52\x54\0\x77\0\1"),
	"option 61 (client-id): type 1, 52:54:00:77:00:01\n"},
    {OPTIONS("\x3d\x9\xff\0\0\0\1\0\4\xaa\xbb"),
	"option 61 (client-id): IAID 00:00:00:01, DUID 00:04:aa:bb\n"},
    {OPTIONS("\x3d\1\1"), "option 61 (client-id): 01\n"},
    {OPTIONS("\x4d\4iPXE"), "option 77 (user-class): \"iPXE\"\n"},
    {OPTIONS("\x4d\x8\3foo\3bar"), "option 77 (user-class): \"foo\", \"bar\"\n"},
    {OPTIONS("\x50\0"), "option 80 (rapid-commit): yes\n"},
    {OPTIONS("\x52\x18\1\4eth0\2\1\0\5\4\12\x58\0\0\x13\0\x97\1\7\2\2\x01\x02"),
	"option 82 (relay-agent-information): 1 circuit-id \"eth0\", 2 remote-id "
	"\"\\x00\", 5 link-selection 10.88.0.0, 19 source-port yes, 151 07, 2 remote-id "
	"\"\\x01\\x02\"\n"},
    {OPTIONS("\x52\2\1\4"), "option 82 (relay-agent-information): 01:04\n"},
    {OPTIONS("\x5d\4\0\7\0\x10"),
	"option 93 (client-architecture): 7 (x64), 16 (x64, http)\n"},
    {OPTIONS("\x5d\2\0\2"), "option 93 (client-architecture): 2\n"},
    {OPTIONS("\x5d\1\0"), "option 93 (client-architecture): 00\n"},
    {OPTIONS("\x5e\3\1\3\x10"), "option 94 (client-interface): type 1, version 3.16\n"},
    {OPTIONS("\x61\x11\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf\x10"),
	"option 97 (client-uuid): 04030201-0605-0807-090a-0b0c0d0e0f10\n"},
    {OPTIONS("\x61\2\0\1"), "option 97 (client-uuid): 00:01\n"},
    {OPTIONS("\x2b\4\6\1\x8\xff"),
	"option 43 (vendor-encapsulated-options): 6 discovery-control 8\n"},
    {OPTIONS("\x2b\x2a\x9\xf\x80\0\xcNetwork boot\xa\7\0Prompt"
	     "\x8\7\x80\0\1\12\x4d\0\1\x47\4\x80\0\x80\1\xff"),
	"option 43 (vendor-encapsulated-options): 9 boot-menu type 32768 \"Network "
	"boot\", 10 menu-prompt 0 seconds, \"Prompt\", 8 boot-servers type 32768: "
	"10.77.0.1, 71 boot-item type 32768, layer 1, with credentials\n"},
    {OPTIONS("\x2b\3abc"), "option 43 (vendor-encapsulated-options): 61:62:63\n"},
    {OPTIONS("\xaf\x6\xb0\1\1\x13\1\1"),
	"option 175 (ipxe): 176 no-pxedhcp 1, 19 http 1\n"},
    {OPTIONS("\x34\1\4"), "option 52 (option-overload): 04\n"},
    {OPTIONS("\x34\1\1"), "option 52 (option-overload): file\nno-end: option\n"
			  "option-in-file 98 (unknown): 6f:74:5c:78:00"},
    {OPTIONS("\xc\2hi"), "option 12 (a-name): a value\n"},
    {OPTIONS("\xfe\2hi"), "option 254 (unknown): 68:69\n"},
    {OPTIONS("\xfe\0"), "option 254 (unknown): nothing\n"},
    {OPTIONS("\xfe\3hi"), "cut-option: fe:03:68:69\n"},
    {OPTIONS("\xfe"), "cut-option: fe\n"},
    {OPTIONS("\xff\0\1"), "behind-end: 00:01\n"},
};

static const char *
name(uint8_t code)
{
	return code == 12 ? "a-name" : NULL;
}

static const char *
value(uint8_t code, const uint8_t *b, size_t len)
{
	return code == 12 && len == 2 && memcmp(b, "hi", 2) == 0 ? "a value" : NULL;
}

static void
values(void **state)
{
	static const struct dhcp4_show_names names = {name, value};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t p[DHCP4_PACKET_MAX];

		show(p, make(p, rows[i].options, rows[i].len), &names, DHCP4_SHOW_MAX);
		if (strstr(text, rows[i].line) == NULL)
			fail_msg("%s is not in:\n%s", rows[i].line, text);
	}
}

static void
odd_packets(void **state)
{
	uint8_t p[DHCP4_PACKET_MAX];
	size_t len = make(p, OPTIONS("\x34\1\3\xff"));

	(void)state;
	memcpy(p + 44, "\x3c\2hi\xff", 5);
	memcpy(p + 108, "\x43\3a.0\xff", 6);
	show(p, len, NULL, DHCP4_SHOW_MAX);
	assert_non_null(strstr(text, "option-in-file 67 (bootfile-name): \"a.0\"\n"));
	assert_non_null(strstr(text, "option-in-sname 60 (vendor-class): \"hi\"\n"));
	show(p, 236, NULL, DHCP4_SHOW_MAX);
	assert_non_null(strstr(text, "options: none\n"));
	show(p, 239, NULL, DHCP4_SHOW_MAX);
	assert_non_null(strstr(text, "not-dhcp-options: 63:82:53\n"));
	memset(p + 236, 0, 64);
	show(p, 300, NULL, DHCP4_SHOW_MAX);
	assert_non_null(strstr(text, "not-dhcp-options: 64 bytes, all zero\n"));
	show(p, 3, NULL, DHCP4_SHOW_MAX);
	assert_string_equal(text, "too-short: 01:01:06\n");
	show(p, 0, NULL, DHCP4_SHOW_MAX);
	assert_string_equal(text, "");
	p[2] = 255;
	show(p, 236, NULL, DHCP4_SHOW_MAX);
	assert_non_null(strstr(text, "hardware-length: 255\n"));
}

static void
every_room(void **state)
{
	static char all[DHCP4_SHOW_MAX];
	uint8_t p[DHCP4_PACKET_MAX];
	size_t len = make(p, OPTIONS("\x35\1\1\x3c\11PXEClient\x52\x6\1\4eth0\xff\0\0"));
	size_t full = show(p, len, NULL, DHCP4_SHOW_MAX);

	(void)state;
	memcpy(all, text, full + 1);
	for (size_t cap = 8; cap < full + 16; cap++) {
		size_t n = show(p, len, NULL, cap);

		assert_true(n > 0 && text[n - 1] == '\n' && text[n] == '\0');
		if (n >= 4 && strcmp(text + n - 4, "...\n") == 0)
			n -= 4;
		else
			assert_int_equal(n, full);
		assert_memory_equal(all, text, n);
		assert_true(n == 0 || all[n - 1] == '\n');
	}
	/* Nothing is left out of the packet whose text is longest. */
	for (unsigned code = 1; code < 255; code++) {
		for (size_t at = 240; at + 2 <= DHCP4_PACKET_MAX; at += 2) {
			p[at] = (uint8_t)code;
			p[at + 1] = 0;
		}
		full = show(p, DHCP4_PACKET_MAX, NULL, DHCP4_SHOW_MAX);
		assert_string_equal(text + full - 15, "no-end: option\n");
	}
}

/* Every cut and every flipped bit gives printable lines. */
static void
cut_and_flipped(void **state)
{
	uint8_t p[DHCP4_PACKET_MAX];
	size_t len =
	    make(p, OPTIONS("\x35\1\1\x2b\6\x47\4\x80\0\0\0\x52\x6\1\4eth0\x34\1\3"
			    "\x61\x11\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf\x10"));

	(void)state;
	for (size_t cut = 0; cut < len; cut++)
		show(p, cut, NULL, DHCP4_SHOW_MAX);
	for (size_t bit = 0; bit < len * 8; bit++) {
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		show(p, len, NULL, DHCP4_SHOW_MAX);
		for (const char *c = text; *c != '\0'; c++)
			assert_true(*c == '\n' || (*c >= 0x20 && *c < 0x7f));
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_packet),
	    cmocka_unit_test(values),
	    cmocka_unit_test(odd_packets),
	    cmocka_unit_test(every_room),
	    cmocka_unit_test(cut_and_flipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
