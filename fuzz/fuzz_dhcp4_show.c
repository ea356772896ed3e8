/*
 * Any bytes as text: printable lines, within the buffer whatever its size, nothing left
 * out of a packet of usual length, and less room gives the same lines, only fewer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "src/wire/dhcp4.h"
#include "src/wire/dhcp4_show.h"

static void
require(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_dhcp4_show: %s\n", what);
	abort();
}

static const char *
name(uint8_t code)
{
	return code % 3 == 0 ? "a-name" : NULL;
}

static const char *
value(uint8_t code, const uint8_t *b, size_t len)
{
	return code % 2 == 0 && len > 0 && b[0] != 0 ? "a value" : NULL;
}

static bool
cut(const char *text, size_t n)
{
	return n >= 4 && strcmp(text + n - 4, "...\n") == 0;
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	static const struct dhcp4_show_names names = {name, value};
	static char all[DHCP4_SHOW_MAX], some[DHCP4_SHOW_MAX];
	size_t cap = 8 + (len > 7 ? (size_t)(data[6] << 8 | data[7]) % 4096 : 0);
	size_t n = dhcp4_show(data, len, &names, all, sizeof all);

	require(n < sizeof all && strlen(all) == n, "length");
	require(n == 0 || all[n - 1] == '\n', "the last line has no end");
	for (size_t i = 0; i < n; i++)
		require(all[i] == '\n' || (all[i] >= 0x20 && all[i] < 0x7f), "a character");
	require(len > DHCP4_PACKET_MAX || !cut(all, n), "lines are missing");
	n = dhcp4_show(data, len, &names, some, cap);
	require(n < cap && strlen(some) == n, "length in less room");
	require(n == 0 || some[n - 1] == '\n', "a line is cut");
	if (cut(some, n))
		n -= 4;
	require(memcmp(all, some, n) == 0, "other lines in less room");
	(void)dhcp4_show(data, len, NULL, some, sizeof some);
	return 0;
}
