/*
 * The configuration: for everything that can be wrong with levels, options, classes,
 * pools and shared networks, the one error with its place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/err.h"
#include "tests/lib/conf_wrong.h"

#define IF "interface eth0;\n" /* line 1 of all of them */
#define NET(text) IF "subnet 10.0.0.0/24 { " text " }"
#define CLASS(text) IF "class \"c\" { " text " }"

static const struct conf_wrong wrongs[] = {
    /* options */
    {IF "option;", ERR_FORMAT, 2, 7,
	"found ';', expected an option's name or an option's number"},
    {IF "always lease-time 1h;", ERR_FORMAT, 2, 8, "found 'lease-time', expected 'option'"},
    {IF "option \"routers\" 10.0.0.1;", ERR_FORMAT, 2, 8,
	"found \"routers\", expected an option's name or an option's number"},
    {IF "option routers;", ERR_FORMAT, 2, 15, "found ';', expected a value"},
    {IF "option routers 10.0.0.1,;", ERR_FORMAT, 2, 25,
	"found ';', expected a text in double quotes or a value"},
    {IF "option routers 10.0.0.1 10.0.0.2;", ERR_FORMAT, 2, 16,
	"found '10.0.0.1 10.0.0.2', expected an IPv4 address"},
    {IF "option routers 10.0.0.256;", ERR_FORMAT, 2, 16,
	"found '10.0.0.256', expected an IPv4 address"},
    {IF "option routers \"10.0.0.1, 10.0.0.2\";", ERR_FORMAT, 2, 16,
	"found '10.0.0.1, 10.0.0.2', expected an IPv4 address"},
    {IF "option routers 10.0.0.1 }", ERR_FORMAT, 2, 25,
	"found '}', expected a text in double quotes, a value, ';' or ','"},
    {IF "option routers 10.0.0.1", ERR_FORMAT, 2, 24,
	"found the end of the file, expected a text in double quotes, a value, ';' or "
	"','"},
    {IF "option rooters 10.0.0.1;", ERR_FORMAT, 2, 8,
	"found 'rooters', expected the name of a DHCP option, or its number and a "
	"type"},
    {IF "option 0 u8 1;", ERR_RANGE, 2, 8, "found '0', expected 1 to 254"},
    {IF "option 255 u8 1;", ERR_RANGE, 2, 8, "found '255', expected 1 to 254"},
    {IF "option 224 1;", ERR_FORMAT, 2, 12,
	"found '1', expected a type such as address, u16 or text"},
    {IF "option 224 ours 1;", ERR_FORMAT, 2, 12,
	"found 'ours', expected a type of option such as address, u16, text or bytes"},
    {IF "option 224 number 1;", ERR_FORMAT, 2, 12,
	"found 'number', expected a type of option such as address, u16, text or "
	"bytes"},
    {IF "option 224 u8 256;", ERR_RANGE, 2, 15,
	"found '256', expected a number from 0 to 255"},
    {IF "option 224 u8 1, 2;", ERR_DUPLICATE, 2, 18,
	"found '2', expected ';': this option has one value"},
    {IF "option 224 empty 1;", ERR_FORMAT, 2, 18,
	"found '1', expected ';': this option has no value"},
    {IF "option 224 bytes;", ERR_FORMAT, 2, 17, "found ';', expected a value"},
    {IF "option interface-mtu 67;", ERR_RANGE, 2, 22,
	"found '67', expected a number from 68 to 65535"},
    {IF "option host-name \"a\x01\";", ERR_FORMAT, 2, 18,
	"found 'a\\x01', expected a text of 1 to 255 printable ASCII characters"},
    {IF "option host-name \"a\n\";", ERR_FORMAT, 2, 18,
	"found \"a, expected a closing '\"' on the same line"},
    {IF "option 224 u8 1;\noption 224 u8 2;", ERR_DUPLICATE, 3, 8,
	"found option '224' a second time, expected option 224 once; the first is on "
	"line 2"},
    {IF "option 3 u8 1;\noption routers 10.0.0.1;", ERR_DUPLICATE, 3, 8,
	"found option 'routers' a second time, expected option 3 once; the first is "
	"on line 2"},
    {IF "option subnet-mask 255.0.0.0;", ERR_DENIED, 2, 8,
	"found option 'subnet-mask', expected 'subnet' instead, from which the server "
	"makes that option"},
    {IF "option 51 u32 5;", ERR_DENIED, 2, 8,
	"found option '51', expected 'lease-time' instead, from which the server "
	"makes that option"},
    {IF "option dhcp-server-identifier 10.0.0.1;", ERR_DENIED, 2, 8,
	"found option 'dhcp-server-identifier', expected the 'address' of the "
	"interface instead, from which the server makes that option"},
    {IF "option 67 text \"x\";", ERR_DENIED, 2, 8,
	"found option '67', expected 'image' instead, from which the server makes "
	"that option"},
    {IF "option 53 u8 5;", ERR_DENIED, 2, 8,
	"found option '53', expected one that is not made by the server itself"},
    {NET("router 10.0.0.1;\noption routers 10.0.0.2;"), ERR_DUPLICATE, 2, 22,
	"found option 'router' a second time, expected option 3 once; the first is on "
	"line 3"},
    {NET("option routers 10.0.0.7;\npool 10.0.0.5 - 10.0.0.9;"), ERR_RANGE, 2, 29,
	"found router 10.0.0.7 inside the pool on line 3, expected it outside every "
	"pool"},

    /* times and choices of a level */
    {IF "lease-time 1h;\nlease-time 2h;", ERR_DUPLICATE, 3, 1,
	"'lease-time' is given a second time, expected it once; the first is on line "
	"2"},
    {IF "boot-lease-time 9s;", ERR_RANGE, 2, 17, "found '9s', expected 10s to 365d"},
    {IF "lease-time 366d;", ERR_RANGE, 2, 12, "found '366d', expected 10s to 365d"},
    {IF "lease-time 100;", ERR_FORMAT, 2, 12,
	"found '100', expected a duration such as 30s, 10m, 1h or 1d"},
    {IF "image \"x\";", ERR_FORMAT, 2, 1,
	"found 'image', expected 'state', 'images', 'keyring', 'interface', 'subnet', "
	"'host', 'boot', 'tftp', 'http', 'https', 'server', 'lease-time', 'class', "
	"'shared-network', 'dhcp', 'option', 'always', 'boot-lease-time' or 'open'"},
    {NET("image \"x\";\nboot deny;"), ERR_DUPLICATE, 3, 1,
	"'image' or 'boot' is given a second time, expected it once; the first is on "
	"line 2"},
    {NET("image \"X\";"), ERR_FORMAT, 2, 28,
	"found \"X\", expected an image name: 1 to 63 of a-z, 0-9, '.', '_', '-', "
	"first a letter or digit"},
    {NET("boot allow;"), ERR_FORMAT, 2, 27, "found 'allow', expected 'deny'"},

    /* interfaces and modes */
    {"interface a { mode full;\nmode off; }", ERR_DUPLICATE, 2, 1,
	"'mode' is given a second time, expected it once; the first is on line 1"},
    {"interface a { mode on; }", ERR_FORMAT, 1, 20,
	"found 'on', expected 'full', 'proxy' or 'off'"},
    {"interface a { rogue-servers kill; }", ERR_FORMAT, 1, 29,
	"found 'kill', expected 'ignore', 'refuse' or 'warn'"},
    {"interface a { rogue-servers warn;\nrogue-servers warn; }", ERR_DUPLICATE, 2, 1,
	"'rogue-servers' is given a second time, expected it once; the first is on "
	"line 1"},
    {NET("mode off;"), ERR_FORMAT, 2, 27, "found 'off', expected 'full' or 'proxy'"},
    {NET("mode full;\nmode full;"), ERR_DUPLICATE, 3, 1,
	"'mode' is given a second time, expected it once; the first is on line 2"},

    /* the dhcp block */
    {IF "dhcp { authoritative maybe; }", ERR_FORMAT, 2, 22,
	"found 'maybe', expected 'yes' or 'no'"},
    {IF "dhcp { bootp yes; bootp no; }", ERR_DUPLICATE, 2, 19,
	"'bootp' is given a second time, expected it once; the first is on line 2"},
    {IF "dhcp { conflict-probe 200; }", ERR_FORMAT, 2, 23,
	"found '200', expected 'off', a duration such as 30s, 10m, 1h or 1d or a time "
	"such as 200ms"},
    {IF "dhcp { conflict-probe 49ms; }", ERR_RANGE, 2, 23,
	"found '49ms', expected 50ms to 5s"},
    {IF "dhcp { conflict-probe 6s; }", ERR_RANGE, 2, 23, "found '6s', expected 50ms to 5s"},
    {IF "dhcp { quarantine 8d; }", ERR_RANGE, 2, 19, "found '8d', expected 10s to 7d"},
    {IF "dhcp { client-rate 100001; }", ERR_RANGE, 2, 20,
	"found '100001', expected 0 to 100000"},
    {IF "dhcp { link-rate x; }", ERR_FORMAT, 2, 18, "found 'x', expected a number"},
    {IF "dhcp { leases-per-port 1000001; }", ERR_RANGE, 2, 24,
	"found '1000001', expected 0 to 1000000"},
    {IF "dhcp { pool-share 50; }", ERR_FORMAT, 2, 19,
	"found '50', expected a percentage such as 80%"},
    {IF "dhcp { pool-share 0%; }", ERR_RANGE, 2, 19, "found '0%', expected 1% to 100%"},
    {IF "dhcp {}\ndhcp {}", ERR_DUPLICATE, 3, 1,
	"the 'dhcp' block is given a second time, expected it once; the first is on "
	"line 2"},
    {IF "server { control-gid 0; }", ERR_RANGE, 2, 22,
	"found '0', expected 1 to 4294967294"},

    /* classes */
    {IF "class c { match mac 02; }", ERR_FORMAT, 2, 7,
	"found 'c', expected a text in double quotes"},
    {IF "class \"\" { match mac 02; }", ERR_FORMAT, 2, 7,
	"found \"\", expected a name: 1 to 63 letters, digits, ' ', '.', '_', '-', no "
	"space first or last"},
    {IF "class \" c\" { match mac 02; }", ERR_FORMAT, 2, 7,
	"found \" c\", expected a name: 1 to 63 letters, digits, ' ', '.', '_', '-', "
	"no space first or last"},
    {IF "class \"c\" { match mac 02; }\nclass \"c\" { match mac 02; }", ERR_DUPLICATE, 3, 7,
	"found class \"c\" a second time, expected it once; the first is on line 2"},
    {CLASS("lease-time 1h;"), ERR_FORMAT, 2, 28,
	"found '}', expected 'match': the class has none"},
    {CLASS("match x;"), ERR_FORMAT, 2, 19,
	"found 'x', expected 'interface', 'mac', 'vendor-class', 'user-class', "
	"'architecture', 'relay', 'circuit-id' or 'remote-id'"},
    {CLASS("match mac;"), ERR_FORMAT, 2, 22, "found ';', expected bytes such as 01:02:ff"},
    {CLASS("match mac \"ab\";"), ERR_FORMAT, 2, 23,
	"found \"ab\", expected bytes such as 01:02:ff"},
    {CLASS("match mac 52:5;"), ERR_FORMAT, 2, 23,
	"found '52:5', expected bytes such as 01:02:ff"},
    {CLASS("match mac 52:54-00;"), ERR_FORMAT, 2, 28, "found '-', expected ';' or ','"},
    {CLASS("match mac 01:02:03:04:05:06:07;"), ERR_RANGE, 2, 23,
	"found '01:02:03:04:05:06:07', expected 1 to 6 bytes"},
    {CLASS("match vendor-class PXE;"), ERR_FORMAT, 2, 32,
	"found 'PXE', expected a text in double quotes or bytes such as 01:02:ff"},
    {CLASS("match vendor-class \"\";"), ERR_RANGE, 2, 32,
	"found \"\", expected 1 to 255 bytes, in quotes those of printable ASCII"},
    {CLASS("match user-class \"\xc3\xa4\";"), ERR_RANGE, 2, 30,
	"found \"\\xc3\\xa4\", expected 1 to 255 bytes, in quotes those of printable "
	"ASCII"},
    {CLASS("match architecture vax;"), ERR_FORMAT, 2, 32,
	"found 'vax', expected bios, x86, x64, arm32, arm64, riscv64, loongarch64 or "
	"none"},
    {CLASS("match relay 10.0.0.1/16;"), ERR_RANGE, 2, 25,
	"found '10.0.0.1/16', expected the subnet's first address: 10.0.0.0/16"},
    {CLASS("match relay 10.0.0.0/33;"), ERR_RANGE, 2, 25,
	"found '10.0.0.0/33', expected a prefix length from 8 to 32"},
    {CLASS("match relay 0.0.0.0;"), ERR_RANGE, 2, 25,
	"found '0.0.0.0', expected an address that a machine can have, from 1.0.0.0 "
	"to 223.255.255.255 without 127"},
    {CLASS("match relay eth0;"), ERR_FORMAT, 2, 25,
	"found 'eth0', expected an IPv4 address or a subnet such as 192.0.2.0/24"},
    {CLASS("match interface eth1;"), ERR_ABSENT, 2, 29,
	"found 'eth1', expected an interface that this file declares"},
    {CLASS("match interface eth0, eth1, \"eth2\";"), ERR_ABSENT, 2, 35,
	"found 'eth1', expected an interface that this file declares"},

    /* pools and exclusions */
    {NET("pool 10.0.0.5 - 10.0.0.9 { x; }"), ERR_FORMAT, 2, 49,
	"found 'x', expected 'image', 'boot', 'lease-time', 'allow', 'deny', "
	"'option', 'always', 'boot-lease-time' or '}'"},
    {NET("pool 10.0.0.5 - 10.0.0.9 { allow x; }"), ERR_FORMAT, 2, 55,
	"found 'x', expected 'unknown', 'class' or 'known'"},
    {NET("pool 10.0.0.5 - 10.0.0.9 { deny known; }"), ERR_FORMAT, 2, 54,
	"found 'known', expected 'class'"},
    {NET("pool 10.0.0.5 - 10.0.0.9 { allow class \"c\"; }"), ERR_ABSENT, 2, 61,
	"found 'c', expected a class that this file declares"},
    {CLASS("match mac 02;") "subnet 10.0.0.0/24 { pool 10.0.0.5 - 10.0.0.9 { allow class "
			    "\"c\";\ndeny class \"c\"; } }",
	ERR_DUPLICATE, 3, 12,
	"found \"c\", expected a class that this pool does not name already"},
    {NET("pool 10.0.0.5 - 10.0.0.9 { allow known;\nallow unknown; }"), ERR_DUPLICATE, 3, 1,
	"'allow known' or 'allow unknown' is given a second time, expected it once; "
	"the first is on line 2"},
    {NET("exclude 10.0.1.5;"), ERR_RANGE, 2, 30,
	"found '10.0.1.5', expected an address inside 10.0.0.0/24"},
    {NET("exclude 10.0.0.9 - 10.0.0.5;"), ERR_RANGE, 2, 41,
	"found '10.0.0.5', expected a last address that is not below the first"},
    {NET("exclude 10.0.0.5 - 10.0.0.9;\nexclude 10.0.0.9;"), ERR_DUPLICATE, 3, 9,
	"found addresses that are excluded on line 2, expected each once"},

    /* shared networks */
    {IF "shared-network \"s\" { }", ERR_FORMAT, 2, 22,
	"found '}', expected 'subnet': the shared network has none"},
    {IF "shared-network \"s\" { pool 10.0.0.5 - 10.0.0.9; }", ERR_FORMAT, 2, 22,
	"found 'pool', expected 'subnet', 'image', 'boot', 'lease-time', 'option', "
	"'always', 'boot-lease-time' or '}'"},
    {IF "shared-network \"s/\" { subnet 10.0.0.0/24 {} }", ERR_FORMAT, 2, 16,
	"found \"s/\", expected a name: 1 to 63 letters, digits, ' ', '.', '_', '-', "
	"no space first or last"},
    {IF "shared-network \"s\" { subnet 10.0.0.0/24 {} }\n"
	"shared-network \"s\" { subnet 10.0.1.0/24 {} }",
	ERR_DUPLICATE, 3, 16,
	"found shared network 's' a second time, expected it once; the first is on "
	"line 2"},
    {IF "shared-network \"s\" { subnet 10.0.0.0/24 {}\nsubnet 10.0.0.0/25 {} }",
	ERR_DUPLICATE, 3, 8,
	"found subnet 10.0.0.0/25 that overlaps the one on line 2, expected each "
	"address once"},
    {IF "shared-network \"s\" { subnet 10.0.0.0/24 {}\nsubnet 10.0.1.0/24 { mode full; } }",
	ERR_RANGE, 3, 8,
	"found another mode than that of the subnet on line 2, expected the same in "
	"one shared network"},
    {IF "subnet 10.0.0.0/24 {} shared-network \"s\" {\n}", ERR_FORMAT, 3, 1,
	"found '}', expected 'subnet': the shared network has none"},
};

static void
errors_are_exact(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++)
		bad += conf_wrong_is_exact(&wrongs[i]) ? 0 : 1;
	assert_int_equal(bad, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(errors_are_exact),
	};

	return cmocka_run_group_tests_name("conf_level_errors", tests, NULL, NULL);
}
