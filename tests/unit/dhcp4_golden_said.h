/*
 * What else the captured requests in fuzz/corpus/dhcp4 say, from the notes of their
 * capture: option 60, and option 55 in the order of the packet. The HTTP client of UEFI
 * leaves one place of its list unset, so it asks for whatever was in memory.
 */
#ifndef SALLYPORT_TEST_DHCP4_GOLDEN_SAID_H
#define SALLYPORT_TEST_DHCP4_GOLDEN_SAID_H

#define EDK2_HTTP(unset)                                                                  \
	"1,2,3,4,5,6,12,13,15,17,18,22,23,28,40,41,42,43,50,51,54,58,59,60," unset ",67," \
	"97"
#define IPXE_1_21 \
	"1,3,6,7,12,15,17,26,42,43,60,66,67,119,128,129,130,131,132,133,134,135,175,203"
#define EDK2_PXE                                                                          \
	"1,2,3,4,5,6,12,13,15,17,18,22,23,28,40,41,42,43,50,51,54,58,59,60,66,67,97,128," \
	"129,130,131,132,133,134,135"
#define IPXE_1_0 \
	"1,3,6,7,12,15,17,26,43,60,66,67,119,128,129,130,131,132,133,134,135,175,203"
#define IPXE_2                                                                            \
	"1,3,6,7,12,15,17,26,42,43,60,66,67,119,121,128,129,130,131,132,133,134,135,175," \
	"203"

static const struct said {
	const char *file;
	const char *vendor;
	const char *wanted;
} said[] = {
    {"arm64-uefi-http-01-dhcp4-discover", "HTTPClient:Arch:00019:UNDI:003000",
	EDK2_HTTP("0")},
    {"arm64-uefi-http-02-dhcp4-request", "HTTPClient:Arch:00019:UNDI:003000",
	EDK2_HTTP("0")},
    {"arm64-uefi-http-03-dhcp4-discover", "PXEClient:Arch:00011:UNDI:003010", IPXE_1_21},
    {"arm64-uefi-http-04-dhcp4-request", "PXEClient:Arch:00011:UNDI:003010", IPXE_1_21},
    {"arm64-uefi-http-05-dhcp4-discover", "udhcp 1.35.0", "1,3,6,12,15,28,42"},
    {"arm64-uefi-http-06-dhcp4-request", "udhcp 1.35.0", "1,3,6,12,15,28,42"},
    {"arm64-uefi-pxe-01-dhcp4-discover", "PXEClient:Arch:00011:UNDI:003000", EDK2_PXE},
    {"arm64-uefi-pxe-02-dhcp4-request", "PXEClient:Arch:00011:UNDI:003000", EDK2_PXE},
    {"bios-grub-01-dhcp4-discover", "PXEClient:Arch:00000:UNDI:002001", IPXE_1_0},
    {"bios-grub-02-dhcp4-request", "PXEClient:Arch:00000:UNDI:002001", IPXE_1_0},
    {"bios-ipxe-e1000-01-dhcp4-discover", "PXEClient:Arch:00000:UNDI:002001", IPXE_1_0},
    {"bios-ipxe-e1000-02-dhcp4-request", "PXEClient:Arch:00000:UNDI:002001", IPXE_1_0},
    {"bios-ipxe-http_deb13-01-dhcp4-discover", "PXEClient:Arch:00000:UNDI:002001",
	IPXE_1_21},
    {"bios-ipxe-http_deb13-02-dhcp4-request", "PXEClient:Arch:00000:UNDI:002001",
	IPXE_1_21},
    {"bios-ipxe-tftp-nouuid-01-dhcp4-discover", "PXEClient:Arch:00000:UNDI:002001",
	IPXE_1_0},
    {"bios-ipxe-tftp-nouuid-02-dhcp4-request", "PXEClient:Arch:00000:UNDI:002001",
	IPXE_1_0},
    {"bios-undionly-02-dhcp4-discover", "PXEClient:Arch:00000:UNDI:002001", IPXE_1_21},
    {"bios-undionly-03-dhcp4-request", "PXEClient:Arch:00000:UNDI:002001", IPXE_1_21},
    {"ipxe-features-01-dhcp4-discover", "PXEClient:Arch:00007:UNDI:003000", EDK2_PXE},
    {"ipxe-features-02-dhcp4-request", "PXEClient:Arch:00007:UNDI:003000", EDK2_PXE},
    {"ipxe-features-05-dhcp4-discover", "PXEClient:Arch:00007:UNDI:003010", IPXE_1_0},
    {"ipxe-features-06-dhcp4-request", "PXEClient:Arch:00007:UNDI:003010", IPXE_1_0},
    {"ipxe-features_deb13-02-dhcp4-discover", "PXEClient:Arch:00007:UNDI:003010",
	IPXE_1_21},
    {"ipxe-features_deb13-03-dhcp4-request", "PXEClient:Arch:00007:UNDI:003010", IPXE_1_21},
    {"ipxe-https-01-dhcp4-discover", "PXEClient:Arch:00007:UNDI:003010", IPXE_2},
    {"ipxe-https-02-dhcp4-request", "PXEClient:Arch:00007:UNDI:003010", IPXE_2},
    {"proxydhcp-bios-pxelinux-01-dhcp4-request", "PXEClient", IPXE_1_0},
    {"proxydhcp-bios_deb13-01-dhcp4-request", "PXEClient", IPXE_1_21},
    {"proxydhcp-uefi-grub-01-dhcp4-request", "PXEClient:Arch:00007:UNDI:003000", EDK2_PXE},
    {"proxydhcp-uefi-grub-04-dhcp4-discover", "", ""},
    {"proxydhcp-uefi-grub-05-dhcp4-request", "", "1,3,6,15,12,17,18,60"},
    {"proxydhcp-uefi-http+mini-01-dhcp4-discover", "HTTPClient:Arch:00016:UNDI:003000",
	EDK2_HTTP("0")},
    {"proxydhcp-uefi-http+mini-02-dhcp4-request", "HTTPClient:Arch:00016:UNDI:003000",
	EDK2_HTTP("0")},
    {"proxydhcp-uefi-kea-01-dhcp4-request", "PXEClient:Arch:00007:UNDI:003010", IPXE_1_0},
    {"proxydhcp-uefi_deb13-01-dhcp4-discover", "PXEClient", IPXE_1_21},
    {"proxydhcp-uefi_deb13-02-dhcp4-request", "PXEClient", IPXE_1_21},
    {"proxydhcp-uefi_deb13-03-dhcp4-request", "PXEClient:Arch:00007:UNDI:003010",
	IPXE_1_21},
    {"relay-bios.server-side-01-dhcp4-discover", "PXEClient:Arch:00000:UNDI:002001",
	IPXE_1_0},
    {"relay-bios.server-side-02-dhcp4-request", "PXEClient:Arch:00000:UNDI:002001",
	IPXE_1_0},
    {"relay-bios.server-side-03-dhcp4-discover", "udhcp 1.35.0", "1,3,6,12,15,28,42"},
    {"relay-bios.server-side-04-dhcp4-request", "udhcp 1.35.0", "1,3,6,12,15,28,42"},
    {"relay-uefi-http+mini-01-dhcp4-discover", "HTTPClient:Arch:00016:UNDI:003000",
	EDK2_HTTP("235")},
    {"relay-uefi-http+mini-02-dhcp4-request", "HTTPClient:Arch:00016:UNDI:003000",
	EDK2_HTTP("235")},
    {"relay-uefi-http+mini.server-side-01-dhcp4-discover",
	"HTTPClient:Arch:00016:UNDI:003000", EDK2_HTTP("235")},
    {"relay-uefi-http+mini.server-side-02-dhcp4-request",
	"HTTPClient:Arch:00016:UNDI:003000", EDK2_HTTP("235")},
    {"relay-uefi-http+mini.server-side-03-dhcp4-discover", "udhcp 1.35.0",
	"1,3,6,12,15,28,42"},
    {"relay-uefi-http+mini.server-side-04-dhcp4-request", "udhcp 1.35.0",
	"1,3,6,12,15,28,42"},
    {"relay-uefi.server-side-01-dhcp4-discover", "PXEClient:Arch:00007:UNDI:003000",
	EDK2_PXE},
    {"relay-uefi.server-side-02-dhcp4-request", "PXEClient:Arch:00007:UNDI:003000",
	EDK2_PXE},
    {"relay-uefi.server-side-03-dhcp4-discover", "PXEClient:Arch:00007:UNDI:003010",
	IPXE_1_0},
    {"relay-uefi.server-side-04-dhcp4-request", "PXEClient:Arch:00007:UNDI:003010",
	IPXE_1_0},
    {"uefi-http-grub_deb13-01-dhcp4-discover", "HTTPClient:Arch:00016:UNDI:003000",
	EDK2_HTTP("232")},
    {"uefi-http-grub_deb13-02-dhcp4-request", "HTTPClient:Arch:00016:UNDI:003000",
	EDK2_HTTP("232")},
    {"uefi-ipxerom-01-dhcp4-discover", "PXEClient:Arch:00007:UNDI:003010", IPXE_1_0},
    {"uefi-ipxerom-02-dhcp4-request", "PXEClient:Arch:00007:UNDI:003010", IPXE_1_0},
    {"uefi-pxe-ipxe-03-dhcp4-discover", "PXEClient:Arch:00007:UNDI:003010", IPXE_1_0},
    {"uefi-pxe-ipxe-04-dhcp4-request", "PXEClient:Arch:00007:UNDI:003010", IPXE_1_0},
    {"uefi-pxe-syslinux-03-dhcp4-discover", "", "1,3,6"},
    {"uefi-pxe-syslinux-04-dhcp4-request", "", "1,3,6"},
    {"uefi-secureboot-http-01-dhcp4-discover", "HTTPClient:Arch:00016:UNDI:003000",
	EDK2_HTTP("251")},
    {"uefi-secureboot-http-02-dhcp4-request", "HTTPClient:Arch:00016:UNDI:003000",
	EDK2_HTTP("251")},
    {"uefi-secureboot-http_deb13-01-dhcp4-discover", "HTTPClient:Arch:00016:UNDI:003000",
	EDK2_HTTP("249")},
    {"uefi-secureboot-http_deb13-02-dhcp4-request", "HTTPClient:Arch:00016:UNDI:003000",
	EDK2_HTTP("249")},
};

#endif
