/*
 * Clients that need another answer than their options ask for: who they are known by.
 * Broker, main thread; pure. Everything here can be made up by the client, and gives it
 * nothing but another shape of the same answer.
 */
#include <string.h>

#include "src/broker/dhcp.h"

#define ARCH_UBOOT_FIRST 0x15
#define ARCH_UBOOT_LAST 0x18
#define ARCH_RPIBOOT 0x29

/* Raspberry Pi Ltd and the Raspberry Pi Foundation in IEEE's list. */
static const uint8_t pi_makers[][3] = {{0xb8, 0x27, 0xeb}, {0xdc, 0xa6, 0x32},
    {0xe4, 0x5f, 0x01}, {0x28, 0xcd, 0xc1}, {0xd8, 0x3a, 0xdd}, {0x2c, 0xcf, 0x67}};

static bool
begins(const uint8_t *b, size_t len, const char *text)
{
	size_t n = strlen(text);

	return len >= n && memcmp(b, text, n) == 0;
}

static bool
has_user_class(const struct msg_dhcp_tell *m, const char *name)
{
	size_t n = strlen(name);

	for (size_t at = 0; at < m->user.len; at += 1u + m->user.b[at]) {
		size_t len = m->user.b[at];

		if (len == n && m->user.len - at - 1 >= n &&
		    memcmp(m->user.b + at + 1, name, n) == 0)
			return true;
	}
	return false;
}

/* The ROM of a Pi 3 has nothing but its maker's address to be known by; the EEPROM of
 * later ones begins its machine identifier with "RPi4" and the like. What a Pi runs later
 * has the same address: only who says PXEClient is the ROM, and iPXE is no ROM. */
static bool
is_pi(const struct msg_dhcp_tell *m, const struct mac *mac)
{
	if (m->ipxe || mac == NULL)
		return false;
	if (m->uuid.len > 4 && begins(m->uuid.b + 1, 3, "RPi"))
		return true;
	if (m->has_arch && m->arch == ARCH_RPIBOOT)
		return true;
	if (m->class60 != CLASS_PXE || (m->has_arch && m->arch != 0))
		return false;
	for (size_t i = 0; i < sizeof pi_makers / sizeof pi_makers[0]; i++)
		if (memcmp(mac->b, pi_makers[i], sizeof pi_makers[i]) == 0)
			return true;
	return false;
}

enum quirk
dhcp_quirk(const struct msg_dhcp_tell *m, const struct mac *mac)
{
	if (begins(m->vendor.b, m->vendor.len, "AAPLBSDPC"))
		return QUIRK_BSDP;
	if (is_pi(m, mac))
		return QUIRK_PI;
	if (m->has_arch && m->arch >= ARCH_UBOOT_FIRST && m->arch <= ARCH_UBOOT_LAST)
		return QUIRK_UBOOT;
	return has_user_class(m, "UEFIShell") ? QUIRK_SHELL : QUIRK_NONE;
}
