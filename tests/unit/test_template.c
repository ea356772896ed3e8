/*
 * Templates: what each slot becomes in each language, what is refused, and that no value
 * gets out of its place.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/template.h"

static struct manifest_file files[] = {
    {.path = "b/i0"}, {.path = "b/i1"}, {.path = "b/linux"}};
static struct manifest m = {.name = "debian-12",
    .version = 7,
    .nfiles = 3,
    .files = files,
    .nboots = 1,
    .boots = {{.arch = ARCH_X64,
	.loader = MANIFEST_NO_FILE,
	.kernel = 2,
	.ninitrds = 2,
	.initrds = {0, 1},
	.cmdline = "console=ttyS0 ip=@{ip} disk=@{param.disk}"}}};
static struct template_values v;
static char out[TEMPLATE_SIZE_MAX + 1];
static struct text_error error;

static int
set_up(void **state)
{
	static const char params[] = "disk=/dev/sda\nempty=\nrole=a,b=c\n";

	(void)state;
	memset(&v, 0, sizeof v);
	v.manifest = &m;
	v.boot = &m.boots[0];
	m.boots[0].kernel = 2;
	m.boots[0].ninitrds = 2;
	v.mac = (struct mac){{0x52, 0x54, 0, 0xab, 0xcd, 0xef}};
	v.client = addr_v4(0x0a4d0064);
	v.server = addr_v4(0x0a4d0001);
	v.http_port = 80;
	v.host = "node1.lab";
	v.params = params;
	v.params_len = strlen(params);
	return 0;
}

static int
render(const char *text)
{
	size_t len = 0;
	char *exact = malloc(strlen(text) + 1);
	int err;

	memcpy(exact, text, strlen(text));
	err =
	    template_render(exact, strlen(text), &v, out, TEMPLATE_SIZE_MAX, &len, &error);
	free(exact);
	out[len] = '\0';
	return err;
}

static void
assert_renders(const char *text, const char *want)
{
	if (render(text) != 0)
		fail_msg("%s: %u:%u: %s", text, error.line, error.column, error.what);
	assert_string_equal(out, want);
}

static void
assert_refused(const char *text, unsigned line, unsigned column, const char *words)
{
	assert_int_equal(render(text), ERR_FORMAT);
	if (error.line != line || error.column != column ||
	    strstr(error.what, words) == NULL)
		fail_msg("%u:%u: %s; wanted %u:%u: %s", error.line, error.column,
		    error.what, line, column, words);
}

static void
test_slots(void **state)
{
	(void)state;
	assert_renders("", "");
	assert_renders("plain\ntext", "plain\ntext");
	assert_renders("@{mac} @{host} @{ip} @{server}",
	    "52:54:00:ab:cd:ef node1.lab 10.77.0.100 10.77.0.1");
	assert_renders("@{image}@{version}@{arch}", "debian-127x64");
	assert_renders("@{kernel} @{initrd}", "b/linux b/i0");
	assert_renders("@{initrdargs}", "initrd=initrd0 initrd=initrd1");
	assert_renders("@{cmdline}", "console=ttyS0 ip=10.77.0.100 disk=/dev/sda");
	assert_renders("[@{param.empty}][@{param.role}]", "[][a,b=c]");
	assert_renders(
	    "@ @@ a@b { } $ @} @@{ip} @@@{ip} @", "@ @@ a@b { } $ @} @{ip} @@{ip} @");
}

static void
test_languages(void **state)
{
	(void)state;
	assert_renders("@{base}", "http://10.77.0.1/debian-12");
	v.http_port = 8080;
	assert_renders("@{base}", "http://10.77.0.1:8080/debian-12");
	v.https = true;
	assert_renders("@{base}", "https://10.77.0.1:8080/debian-12");
	v.http_port = 443;
	assert_renders("@{base}", "https://10.77.0.1/debian-12");
	v.https = false;
	assert_renders("@{base}", "http://10.77.0.1:443/debian-12");
	v.http_port = 0;
	assert_renders("@{base}", "tftp://10.77.0.1/debian-12");
	assert_renders("@{initrds}",
	    "initrd --name initrd0 tftp://10.77.0.1/debian-12/b/i0\n"
	    "initrd --name initrd1 tftp://10.77.0.1/debian-12/b/i1");
	v.kind = TEMPLATE_GRUB;
	assert_renders(
	    "@{base} @{initrds}", "/debian-12 initrd /debian-12/b/i0 /debian-12/b/i1");
	v.kind = TEMPLATE_PXELINUX;
	assert_renders("@{base} @{initrds}",
	    "::/debian-12 INITRD ::/debian-12/b/i0,::/debian-12/b/i1");
	v.boot = &m.boots[0];
	m.boots[0].ninitrds = 0;
	assert_renders("<@{initrds}@{initrdargs}>", "<>");
	assert_refused("a\n@{initrd}", 2, 3, "no initrd");
	v.kind = TEMPLATE_IPXE;
	v.http_port = 80;
	assert_int_equal(addr_parse("2001:db8::1", &v.server), 0);
	assert_renders("@{base} @{server}", "http://[2001:db8::1]/debian-12 2001:db8::1");
}

static void
test_unknown(void **state)
{
	(void)state;
	assert_refused("a\nb @{nix}\n", 2, 5, "@{nix}: there is no such slot");
	assert_refused("@{}", 1, 3, "no such slot");
	assert_refused("@{MAC}", 1, 3, "no such slot");
	assert_refused("@{macx}", 1, 3, "no such slot");
	assert_refused("@{ma}", 1, 3, "no such slot");
	assert_refused("@{param.}", 1, 3, "no such slot");
	assert_refused("@{param.A}", 1, 3, "no such slot");
	assert_refused("@{param.none}", 1, 3, "not set for this machine");
	assert_refused("@{param.dis}", 1, 3, "not set");
	assert_refused("@{mac", 1, 1, "\"}\"");
	assert_refused("x\n @{mac \n}", 2, 2, "\"}\"");
	assert_refused("@{", 1, 1, "\"}\"");
	assert_refused("@{@{mac}}", 1, 3, "no such slot");
}

/* A value from the broker that is not of its type ends the rendering. */
static void
test_values(void **state)
{
	static const char *const hosts[] = {"a b", "a..b", ".a", "a.", "-a", "a-", "a-.b",
	    "a\nb", "a;b", "a_b", "${x}", "a/b"};
	static const char bad[] = " \n\t;&|$`\"'\\(){}<>*?!#~^%[]\x7f\x80";
	char params[16] = "disk=?\n", label[70];

	(void)state;
	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
		v.host = hosts[i];
		assert_refused("@{host}", 1, 3, "not a DNS name");
	}
	v.host = "";
	assert_refused("@{host}", 1, 3, "has no name");
	memset(label, 'a', sizeof label);
	label[63] = '\0';
	v.host = label;
	assert_renders("@{host}", label);
	label[63] = 'a';
	label[64] = '\0';
	assert_refused("@{host}", 1, 3, "not a DNS name");
	v.params = params;
	v.params_len = strlen(params);
	for (size_t i = 0; i < sizeof bad; i++) {
		if (bad[i] == '\n')
			continue;
		params[5] = bad[i];
		assert_refused("@{param.disk}", 1, 3, "a value consists of");
	}
	params[5] = 'x';
	assert_renders("@{param.disk}", "x");
	for (size_t len = 1; len < 7; len++) {
		v.params_len = len;
		assert_refused("@{param.disk}", 1, 3, "malformed");
	}
	v.params_len = 0;
	assert_refused("@{param.disk}", 1, 3, "not set");
}

static void
test_cmdline(void **state)
{
	(void)state;
	v.params_len = 0;
	assert_refused("x\n\nAPPEND @{cmdline}", 3, 10,
	    "in the command line, column 31: slot @{param.disk}");
	strcpy(m.boots[0].cmdline, "a @{cmdline}");
	assert_refused("@{cmdline}", 1, 3, "cannot hold itself");
	strcpy(m.boots[0].cmdline, "console=ttyS0 ip=@{ip} disk=@{param.disk}");
	m.boots[0].kernel = MANIFEST_NO_FILE;
	assert_refused("@{kernel}", 1, 3, "no kernel");
	assert_refused("@{cmdline}", 1, 3, "no kernel");
	assert_refused("@{initrds}", 1, 3, "no kernel");
	assert_renders("@{arch}", "x64");
}

static void
test_bounds(void **state)
{
	char *big = malloc(TEMPLATE_SIZE_MAX + 1);
	size_t len;

	(void)state;
	memset(big, 'a', TEMPLATE_SIZE_MAX + 1);
	assert_int_equal(
	    template_render(big, TEMPLATE_SIZE_MAX, &v, out, sizeof out, &len, &error), 0);
	assert_int_equal(len, TEMPLATE_SIZE_MAX);
	assert_int_equal(
	    template_render(big, TEMPLATE_SIZE_MAX + 1, &v, out, sizeof out, &len, &error),
	    ERR_LONG);
	memcpy(big, "@{mac}", 6);
	assert_int_equal(
	    template_render(big, TEMPLATE_SIZE_MAX, &v, out, sizeof out, &len, &error),
	    ERR_LONG);
	for (size_t cap = 0; cap < 17; cap++) {
		char *exact = malloc(cap + 1);

		assert_int_equal(
		    template_render("@{mac}", 6, &v, exact, cap, &len, &error), ERR_LONG);
		free(exact);
	}
	assert_int_equal(template_render("@{mac}", 6, &v, out, 17, &len, &error), 0);
	assert_int_equal(template_render("a\0b", 3, &v, out, 17, &len, &error), ERR_FORMAT);
	free(big);
}

static void
test_check(void **state)
{
	bool kernel;

	(void)state;
	assert_int_equal(
	    template_check("@{mac} @{param.x}", 17, false, &kernel, &error), 0);
	assert_false(kernel);
	assert_int_equal(template_check("@{initrds}", 10, false, &kernel, &error), 0);
	assert_true(kernel);
	assert_int_equal(template_check("@{cmdline}", 10, false, &kernel, &error), 0);
	assert_int_equal(
	    template_check("@{cmdline}", 10, true, &kernel, &error), ERR_FORMAT);
	assert_int_equal(template_check("\n@{foo}", 7, false, &kernel, &error), ERR_FORMAT);
	assert_int_equal(error.line, 2);
	assert_int_equal(template_check("@{mac", 5, false, &kernel, &error), ERR_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_slots, set_up),
	    cmocka_unit_test_setup(test_languages, set_up),
	    cmocka_unit_test_setup(test_unknown, set_up),
	    cmocka_unit_test_setup(test_values, set_up),
	    cmocka_unit_test_setup(test_cmdline, set_up),
	    cmocka_unit_test_setup(test_bounds, set_up),
	    cmocka_unit_test_setup(test_check, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
