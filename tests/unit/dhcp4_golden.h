/*
 * What the captured requests in fuzz/corpus/dhcp4 say, taken from the notes that were made
 * when they were captured (by another decoder): length, message type, kind of option 60,
 * option 93 (-1: absent), iPXE or not, and which of some options are there.
 */
#ifndef SALLYPORT_TEST_DHCP4_GOLDEN_H
#define SALLYPORT_TEST_DHCP4_GOLDEN_H

#include <stdint.h>

enum { O50 = 1, O54 = 2, O57 = 4, O61 = 8, O82 = 16, O97 = 32 };

static const struct golden {
	const char *file;
	uint16_t len;
	uint8_t type, class60;
	int32_t arch;
	uint8_t ipxe;
	uint8_t options;
} golden[] = {
    {"arm64-uefi-http-01-dhcp4-discover", 340, 1, 2, 19, 0, O57 | O97},
    {"arm64-uefi-http-02-dhcp4-request", 352, 3, 2, 19, 0, O50 | O54 | O57 | O97},
    {"arm64-uefi-http-03-dhcp4-discover", 398, 1, 1, 11, 1, O57 | O61 | O97},
    {"arm64-uefi-http-04-dhcp4-request", 410, 3, 1, 11, 1, O50 | O54 | O57 | O61 | O97},
    {"arm64-uefi-http-05-dhcp4-discover", 300, 1, 3, -1, 0, O57 | O61},
    {"arm64-uefi-http-06-dhcp4-request", 300, 3, 3, -1, 0, O50 | O54 | O57 | O61},
    {"arm64-uefi-pxe-01-dhcp4-discover", 347, 1, 1, 11, 0, O57 | O97},
    {"arm64-uefi-pxe-02-dhcp4-request", 359, 3, 1, 11, 0, O50 | O54 | O57 | O97},
    {"bios-grub-01-dhcp4-discover", 400, 1, 1, 0, 1, O57 | O61 | O97},
    {"bios-grub-02-dhcp4-request", 412, 3, 1, 0, 1, O50 | O54 | O57 | O61 | O97},
    {"bios-ipxe-e1000-01-dhcp4-discover", 400, 1, 1, 0, 1, O57 | O61 | O97},
    {"bios-ipxe-e1000-02-dhcp4-request", 412, 3, 1, 0, 1, O50 | O54 | O57 | O61 | O97},
    {"bios-ipxe-http_deb13-01-dhcp4-discover", 407, 1, 1, 0, 1, O57 | O61 | O97},
    {"bios-ipxe-http_deb13-02-dhcp4-request", 419, 3, 1, 0, 1, O50 | O54 | O57 | O61 | O97},
    {"bios-ipxe-tftp-nouuid-01-dhcp4-discover", 400, 1, 1, 0, 1, O57 | O61 | O97},
    {"bios-ipxe-tftp-nouuid-02-dhcp4-request", 412, 3, 1, 0, 1,
	O50 | O54 | O57 | O61 | O97},
    {"bios-undionly-02-dhcp4-discover", 407, 1, 1, 0, 1, O57 | O61 | O97},
    {"bios-undionly-03-dhcp4-request", 419, 3, 1, 0, 1, O50 | O54 | O57 | O61 | O97},
    {"ipxe-features-01-dhcp4-discover", 347, 1, 1, 7, 0, O57 | O97},
    {"ipxe-features-02-dhcp4-request", 359, 3, 1, 7, 0, O50 | O54 | O57 | O97},
    {"ipxe-features-05-dhcp4-discover", 388, 1, 1, 7, 1, O57 | O61 | O97},
    {"ipxe-features-06-dhcp4-request", 400, 3, 1, 7, 1, O50 | O54 | O57 | O61 | O97},
    {"ipxe-features_deb13-02-dhcp4-discover", 395, 1, 1, 7, 1, O57 | O61 | O97},
    {"ipxe-features_deb13-03-dhcp4-request", 407, 3, 1, 7, 1, O50 | O54 | O57 | O61 | O97},
    {"ipxe-https-01-dhcp4-discover", 393, 1, 1, 7, 1, O57 | O61 | O97},
    {"ipxe-https-02-dhcp4-request", 405, 3, 1, 7, 1, O50 | O54 | O57 | O61 | O97},
    {"proxydhcp-bios-pxelinux-01-dhcp4-request", 386, 3, 1, 0, 1, O57 | O61 | O97},
    {"proxydhcp-bios_deb13-01-dhcp4-request", 393, 3, 1, 0, 1, O57 | O61 | O97},
    {"proxydhcp-uefi-grub-01-dhcp4-request", 347, 3, 1, 7, 0, O57 | O97},
    {"proxydhcp-uefi-grub-04-dhcp4-discover", 300, 1, 0, -1, 0, 0},
    {"proxydhcp-uefi-grub-05-dhcp4-request", 300, 3, 0, -1, 0, O50 | O54},
    {"proxydhcp-uefi-http+mini-01-dhcp4-discover", 340, 1, 2, 16, 0, O57 | O97},
    {"proxydhcp-uefi-http+mini-02-dhcp4-request", 352, 3, 2, 16, 0, O50 | O54 | O57 | O97},
    {"proxydhcp-uefi-kea-01-dhcp4-request", 394, 3, 1, 7, 1, O54 | O57 | O61 | O97},
    {"proxydhcp-uefi_deb13-01-dhcp4-discover", 372, 1, 1, 7, 1, O57 | O61 | O97},
    {"proxydhcp-uefi_deb13-02-dhcp4-request", 384, 3, 1, 7, 1, O50 | O54 | O57 | O61 | O97},
    {"proxydhcp-uefi_deb13-03-dhcp4-request", 401, 3, 1, 7, 1, O54 | O57 | O61 | O97},
    {"relay-bios.server-side-01-dhcp4-discover", 408, 1, 1, 0, 1, O57 | O61 | O82 | O97},
    {"relay-bios.server-side-02-dhcp4-request", 420, 3, 1, 0, 1,
	O50 | O54 | O57 | O61 | O82 | O97},
    {"relay-bios.server-side-03-dhcp4-discover", 300, 1, 3, -1, 0, O57 | O61 | O82},
    {"relay-bios.server-side-04-dhcp4-request", 300, 3, 3, -1, 0,
	O50 | O54 | O57 | O61 | O82},
    {"relay-uefi-http+mini-01-dhcp4-discover", 340, 1, 2, 16, 0, O57 | O97},
    {"relay-uefi-http+mini-02-dhcp4-request", 352, 3, 2, 16, 0, O50 | O54 | O57 | O97},
    {"relay-uefi-http+mini.server-side-01-dhcp4-discover", 340, 1, 2, 16, 0, O57 | O97},
    {"relay-uefi-http+mini.server-side-02-dhcp4-request", 352, 3, 2, 16, 0,
	O50 | O54 | O57 | O97},
    {"relay-uefi-http+mini.server-side-03-dhcp4-discover", 300, 1, 3, -1, 0, O57 | O61},
    {"relay-uefi-http+mini.server-side-04-dhcp4-request", 300, 3, 3, -1, 0,
	O50 | O54 | O57 | O61},
    {"relay-uefi.server-side-01-dhcp4-discover", 347, 1, 1, 7, 0, O57 | O97},
    {"relay-uefi.server-side-02-dhcp4-request", 359, 3, 1, 7, 0, O50 | O54 | O57 | O97},
    {"relay-uefi.server-side-03-dhcp4-discover", 388, 1, 1, 7, 1, O57 | O61 | O97},
    {"relay-uefi.server-side-04-dhcp4-request", 400, 3, 1, 7, 1,
	O50 | O54 | O57 | O61 | O97},
    {"uefi-http-grub_deb13-01-dhcp4-discover", 340, 1, 2, 16, 0, O57 | O97},
    {"uefi-http-grub_deb13-02-dhcp4-request", 352, 3, 2, 16, 0, O50 | O54 | O57 | O97},
    {"uefi-ipxerom-01-dhcp4-discover", 388, 1, 1, 7, 1, O57 | O61 | O97},
    {"uefi-ipxerom-02-dhcp4-request", 400, 3, 1, 7, 1, O50 | O54 | O57 | O61 | O97},
    {"uefi-pxe-ipxe-03-dhcp4-discover", 391, 1, 1, 7, 1, O57 | O61 | O97},
    {"uefi-pxe-ipxe-04-dhcp4-request", 403, 3, 1, 7, 1, O50 | O54 | O57 | O61 | O97},
    {"uefi-pxe-syslinux-03-dhcp4-discover", 253, 1, 0, -1, 0, O57},
    {"uefi-pxe-syslinux-04-dhcp4-request", 265, 3, 0, -1, 0, O50 | O54 | O57},
    {"uefi-secureboot-http-01-dhcp4-discover", 340, 1, 2, 16, 0, O57 | O97},
    {"uefi-secureboot-http-02-dhcp4-request", 352, 3, 2, 16, 0, O50 | O54 | O57 | O97},
    {"uefi-secureboot-http_deb13-01-dhcp4-discover", 340, 1, 2, 16, 0, O57 | O97},
    {"uefi-secureboot-http_deb13-02-dhcp4-request", 352, 3, 2, 16, 0,
	O50 | O54 | O57 | O97},
};

#endif
