/*
 * Names that boot loaders ask for: which file or text each means, for one machine.
 */
#include "src/broker/names.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

#define ALL 7

static struct names_view view = {
    .image = "debian",
    .loader = "efi/boot/shimx64.efi",
    .templates = ALL,
    .mac = {{0x52, 0x54, 0x00, 0xab, 0xcd, 0xef}},
    .client = {ADDR_V4, {10, 77, 0, 100}},
};

static void
assert_text(const char *name, enum template_kind kind)
{
	struct names_meaning m;

	names_resolve(&view, name, &m);
	if (kind == TEMPLATE_MAX ? m.rendered : !m.rendered || m.kind != kind)
		fail_msg("%s: rendered %d, kind %d", name, m.rendered, (int)m.kind);
}

static void
texts_are_found(void **state)
{
	static const struct {
		enum template_kind kind;
		const char *name;
	} names[] = {
	    {TEMPLATE_IPXE, "boot.ipxe"},
	    {TEMPLATE_IPXE, "autoexec.ipxe"},
	    {TEMPLATE_IPXE, "debian/boot.ipxe"},
	    {TEMPLATE_IPXE, "debian/autoexec.ipxe"},
	    {TEMPLATE_IPXE, "efi/boot/autoexec.ipxe"},
	    {TEMPLATE_IPXE, "debian/efi/boot/autoexec.ipxe"},
	    {TEMPLATE_GRUB, "grub.cfg"},
	    {TEMPLATE_GRUB, "grub/grub.cfg"},
	    {TEMPLATE_GRUB, "debian/grub/grub.cfg"},
	    {TEMPLATE_GRUB, "efi/boot/grub.cfg"},
	    {TEMPLATE_GRUB, "efi/boot/grub/grub.cfg"},
	    {TEMPLATE_GRUB, "debian/efi/boot/grub/grub.cfg"},
	    {TEMPLATE_GRUB, "grub/grub.cfg-01-52-54-00-ab-cd-ef"},
	    {TEMPLATE_GRUB, "efi/boot/grub.cfg-01-52-54-00-ab-cd-ef"},
	    {TEMPLATE_GRUB, "grub.cfg-0A4D0064"},
	    {TEMPLATE_GRUB, "grub.cfg-0A4D00"},
	    {TEMPLATE_GRUB, "grub.cfg-0"},
	    {TEMPLATE_PXELINUX, "pxelinux.cfg/default"},
	    {TEMPLATE_PXELINUX, "efi/boot/pxelinux.cfg/default"},
	    {TEMPLATE_PXELINUX, "debian/efi/boot/pxelinux.cfg/01-52-54-00-ab-cd-ef"},
	    {TEMPLATE_PXELINUX, "pxelinux.cfg/0A4D0064"},
	    {TEMPLATE_PXELINUX, "pxelinux.cfg/0A4D"},
	    {TEMPLATE_PXELINUX, "pxelinux.cfg/44454c4c-4200-1035-8030-b7c04f4a3132"},
	    {TEMPLATE_GRUB, "grub/grub.cfg-44454c4c-4200-1035-8030-b7c04f4a3132"},
	    {TEMPLATE_GRUB, "efi/boot/grub.cfg-44454C4C-4200-1035-8030-B7C04F4A3132"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		assert_text(names[i].name, names[i].kind);
		/* And not without that template. */
		view.templates = (uint8_t)(ALL & ~(1u << names[i].kind));
		assert_text(names[i].name, TEMPLATE_MAX);
		view.templates = ALL;
	}
}

static void
other_names_are_no_texts(void **state)
{
	static const char *const names[] = {
	    "",
	    "x",
	    "boot.ipxe2",
	    "xboot.ipxe",
	    "Boot.ipxe",
	    "BOOT.IPXE",
	    "other/boot.ipxe",
	    "other/efi/boot/boot.ipxe",
	    "efi/boot.ipxe",
	    "efi/boot/grub/boot.ipxe",
	    "boot.ipxe/x",
	    "debian",
	    "debian/debian/boot.ipxe",
	    "debianboot.ipxe",
	    "Debian/boot.ipxe",
	    "grub.cfg-",
	    "grub.cfgx",
	    "grub.cfg-default",
	    "grub.cfg-52-54-00-ab-cd-ef",
	    "grub.cfg-01-52-54-00-AB-CD-EF",
	    "grub.cfg-01-52-54-00-ab-cd-ee",
	    "grub.cfg-01-52-54-00-ab-cd-ef0",
	    "grub.cfg-01-52-54-00-ab-cd-e",
	    "grub.cfg-0a4d0064",
	    "grub.cfg-0A4D0065",
	    "grub.cfg-0A4D00640",
	    "grub.cfg-1",
	    "grub/grub/grub.cfg",
	    "grub/x86_64-efi/grub.cfg",
	    "boot/grub/grub.cfg",
	    "pxelinux.cfg",
	    "pxelinux.cfg/Default",
	    "pxelinux.cfg/44454c4c-4200-1035-8030-b7c04f4a313",
	    "pxelinux.cfg/44454c4c-4200-1035-8030-b7c04f4a31322",
	    "pxelinux.cfg/44454c4c-4200-1035-8030-b7c04f4a313g",
	    "pxelinux.cfg/44454c4c-42001035-8030-b7c04f4a3132",
	    "pxelinux.cfg/44454c4c_4200-1035-8030-b7c04f4a3132",
	    "pxelinux.cfg/44454c4c-4200-1035-8030-",
	    "grub.cfg44454c4c-4200-1035-8030-b7c04f4a3132",
	    "01234567/boot.ipxe",
	    "pxelinux.cfg/01-52-54-00-ab-cd-ee",
	    "pxelinux.cfg/C0A80001",
	    "pxelinux.cfg/x/default",
	    "other/pxelinux.cfg/default",
	    "xpxelinux.cfg/default",
	    "efi/bootpxelinux.cfg/default",
	};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_text(names[i], TEMPLATE_MAX);
}

static void
files_are_tried_with_and_without_image(void **state)
{
	struct names_meaning m;

	(void)state;
	names_resolve(&view, "debian/linux", &m);
	assert_int_equal(m.npaths, 2);
	assert_string_equal(m.paths[0], "linux");
	assert_string_equal(m.paths[1], "debian/linux");
	names_resolve(&view, "grub/x86_64-efi/command.lst", &m);
	assert_int_equal(m.npaths, 1);
	assert_string_equal(m.paths[0], "grub/x86_64-efi/command.lst");
	/* Another image's name is a path like any other: it will not be found. */
	names_resolve(&view, "fedora/linux", &m);
	assert_int_equal(m.npaths, 1);
	assert_string_equal(m.paths[0], "fedora/linux");
	names_resolve(&view, "debian2/linux", &m);
	assert_int_equal(m.npaths, 1);
}

static void
any_case(void **state)
{
	static const struct {
		enum template_kind kind;
		const char *name;
	} names[] = {
	    {TEMPLATE_IPXE, "BOOT.IPXE"},
	    {TEMPLATE_IPXE, "Debian/EFI/BOOT/AutoExec.ipxe"},
	    {TEMPLATE_GRUB, "EFI/boot/GRUB/GRUB.CFG"},
	    {TEMPLATE_GRUB, "GRUB.CFG-01-52-54-00-AB-CD-EF"},
	    {TEMPLATE_GRUB, "grub.cfg-0a4d0064"},
	    {TEMPLATE_PXELINUX, "PXELINUX.CFG/DEFAULT"},
	    {TEMPLATE_MAX, "GRUB.CFG-01-52-54-00-AB-CD-EE"},
	    {TEMPLATE_MAX, "EFI/BOOT.IPXE"},
	};
	struct names_meaning m;

	(void)state;
	view.any_case = true;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_text(names[i].name, names[i].kind);
	names_resolve(&view, "DEBIAN/linux", &m);
	assert_int_equal(m.npaths, 2);
	assert_string_equal(m.paths[0], "linux");
	view.any_case = false;
	names_resolve(&view, "DEBIAN/linux", &m);
	assert_int_equal(m.npaths, 1);
}

/* After the whole name, what is behind a Raspberry Pi's prefix. */
static void
prefixes_of_raspberry_pi(void **state)
{
	static const struct {
		const char *name, *last;
		unsigned n;
	} rows[] = {
	    {"1a2b3c4d/start4.elf", "start4.elf", 2},
	    {"1A2B3C4D/overlays/x.dtbo", "overlays/x.dtbo", 2},
	    {"dc-a6-32-01-02-03/config.txt", "config.txt", 2},
	    {"debian/1a2b3c4d/start4.elf", "start4.elf", 3},
	    {"1a2b3c4d/debian/start4.elf", "debian/start4.elf", 2},
	    {"1a2b3c4/start4.elf", "1a2b3c4/start4.elf", 1},
	    {"1a2b3c4d5/start4.elf", "1a2b3c4d5/start4.elf", 1},
	    {"1a2b3c4g/start4.elf", "1a2b3c4g/start4.elf", 1},
	    {"1a2b3c4d", "1a2b3c4d", 1},
	    {"dc-a6-32-01-02/config.txt", "dc-a6-32-01-02/config.txt", 1},
	    {"dc-a6-32-01-02-03-04/config.txt", "dc-a6-32-01-02-03-04/config.txt", 1},
	    {"dc-a6-32-01-02-0/config.txt", "dc-a6-32-01-02-0/config.txt", 1},
	    {"dca632010203/config.txt", "dca632010203/config.txt", 1},
	    {"x/1a2b3c4d/start4.elf", "x/1a2b3c4d/start4.elf", 1},
	};
	struct names_meaning m;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		names_resolve(&view, rows[i].name, &m);
		if (m.rendered || m.npaths != rows[i].n ||
		    strcmp(m.paths[m.npaths - 1], rows[i].last) != 0)
			fail_msg(
			    "%s: %u, %s", rows[i].name, m.npaths, m.paths[m.npaths - 1]);
	}
	names_resolve(&view, "debian/1a2b3c4d/1a2b3c4d/x", &m);
	assert_int_equal(m.npaths, 3);
	assert_string_equal(m.paths[2], "1a2b3c4d/x");
}

static void
no_loader_and_six(void **state)
{
	struct names_view keep = view;

	(void)state;
	view.loader = "";
	assert_text("boot.ipxe", TEMPLATE_IPXE);
	assert_text("efi/boot/boot.ipxe", TEMPLATE_MAX);
	assert_text("grub/grub.cfg", TEMPLATE_GRUB);
	view.loader = "shimx64.efi";
	assert_text("grub/grub.cfg", TEMPLATE_GRUB);
	view.client.family = ADDR_V6;
	assert_text("grub.cfg-0A4D0064", TEMPLATE_MAX);
	assert_text("grub.cfg", TEMPLATE_GRUB);
	view = keep;
}

/* Each name cut anywhere is itself, or nothing. */
static void
cut_names(void **state)
{
	static const char whole[] = "debian/efi/boot/pxelinux.cfg/default";
	char name[sizeof whole];

	(void)state;
	for (size_t len = 0; len < sizeof whole - 1; len++) {
		memcpy(name, whole, len);
		name[len] = '\0';
		assert_text(name, TEMPLATE_MAX);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(texts_are_found),
	    cmocka_unit_test(other_names_are_no_texts),
	    cmocka_unit_test(files_are_tried_with_and_without_image),
	    cmocka_unit_test(any_case),
	    cmocka_unit_test(prefixes_of_raspberry_pi),
	    cmocka_unit_test(no_loader_and_six),
	    cmocka_unit_test(cut_names),
	};

	return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
