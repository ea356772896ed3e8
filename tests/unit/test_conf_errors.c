/*
 * The configuration: for everything that can be wrong, the one error with its place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/err.h"
#include "tests/lib/conf_wrong.h"

#define IF "interface eth0;\n" /* line 1 of most wrong inputs */
#define NET "subnet 10.0.0.0/24 {}"

/* As many digits as a SHA-256 has. */
#define D64 "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"

static const struct conf_wrong wrongs[] = {
    /* shape */
    {"", ERR_FORMAT, 1, 1, "found the end of the file, expected at least one 'interface'"},
    {"# only a comment", ERR_FORMAT, 1, 17,
	"found the end of the file, expected at least one 'interface'"},
    {"interface", ERR_FORMAT, 1, 10,
	"found the end of the file, expected a text in double quotes or a word"},
    {"interface eth0", ERR_FORMAT, 1, 15, "found the end of the file, expected ';' or '{'"},
    {"interface eth0\n{\n", ERR_FORMAT, 3, 1,
	"found the end of the file, expected 'address', 'mode', 'rogue-servers', "
	"'address6' or '}'"},
    {"interface eth0 { port 1; }", ERR_FORMAT, 1, 18,
	"found 'port', expected 'address', 'mode', 'rogue-servers', 'address6' or '}'"},
    {"frobnicate 1;", ERR_FORMAT, 1, 1,
	"found 'frobnicate', expected 'state', 'images', 'keyring', 'interface', 'subnet', "
	"'host', 'boot', 'tftp', 'http', 'https', 'server', 'lease-time', 'class', "
	"'shared-network', 'dhcp', 'option', 'always', 'boot-lease-time' or 'open'"},
    {"interface eth0 { address6 10.0.0.1; }", ERR_FORMAT, 1, 27,
	"found '10.0.0.1', expected 'auto' or an IPv6 address"},
    {"interface eth0 { address fd00::1; }", ERR_FORMAT, 1, 26,
	"found 'fd00::1', expected an IPv4 address"},
    {"interface eth0 { address6 fe80::1; }", ERR_RANGE, 1, 27,
	"found 'fe80::1', expected an address of 2000::/3 or fc00::/7, as machines have "
	"it"},
    {"interface eth0 { address6 auto;\naddress6 fd00::1; }", ERR_DUPLICATE, 2, 1,
	"'address6' is given a second time, expected it once; the first is on line 1"},
    {"interface eth0 { address6 fd00::1; }\ninterface eth1 { address6 fd00:0::1; }",
	ERR_DUPLICATE, 2, 27,
	"found the IPv6 address of interface eth0, expected another; that interface is on "
	"line 1"},
    {IF "}", ERR_FORMAT, 2, 1,
	"found '}', expected 'state', 'images', 'keyring', 'interface', 'subnet', "
	"'host', 'boot', 'tftp', 'http', 'https', 'server', 'lease-time', 'class', "
	"'shared-network', 'dhcp', 'option', 'always', 'boot-lease-time' or 'open'"},
    {IF "state 5;", ERR_FORMAT, 2, 7, "found '5', expected a text in double quotes"},
    {IF "state \"/a\"\nimages \"/b\";", ERR_FORMAT, 3, 1, "found 'images', expected ';'"},
    {IF "state \"/a\n\";", ERR_FORMAT, 2, 7,
	"found \"/a, expected a closing '\"' on the same line"},
    {IF "\tstate \"/a", ERR_FORMAT, 2, 8,
	"found \"/a, expected a closing '\"' on the same line"},
    {IF "http { port 80 }", ERR_FORMAT, 2, 16, "found '}', expected ';'"},
    {IF "http { prot 80; }", ERR_FORMAT, 2, 8,
	"found 'prot', expected 'port', 'head-timeout', 'idle-timeout', 'min-rate', "
	"'rate-window', 'connections-per-address' or '}'"},
    {IF "server { log-level 3; }", ERR_FORMAT, 2, 20, "found '3', expected a word"},
    {IF "boot { x; }", ERR_FORMAT, 2, 8,
	"found 'x', expected 'http-boot', 'default', 'unknown', 'ipxe-transport', "
	"'expired', "
	"'session-time', 'sessions' or '}'"},
    {IF "boot { unknown x; }", ERR_FORMAT, 2, 16,
	"found 'x', expected 'image', 'allow', 'deny' or 'ignore'"},
    {IF "boot { default allow; }", ERR_FORMAT, 2, 16,
	"found 'allow', expected 'image' or 'deny'"},
    {IF "host \"a\" { x; }", ERR_FORMAT, 2, 12,
	"found 'x', expected 'image', 'boot', 'client-certificate', 'mac', 'address', "
	"'parameter', 'lease-time', "
	"'option', 'always', 'boot-lease-time', 'circuit-id', 'remote-id', 'client-id', "
	"'uuid' or '}'"},
    {IF "subnet 10.0.0.0/24 { x; }", ERR_FORMAT, 2, 22,
	"found 'x', expected 'image', 'boot', 'pool', 'router', 'dns', 'domain', "
	"'lease-time', "
	"'exclude', 'mode', 'option', 'always', 'boot-lease-time' or '}'"},
    {IF "subnet 10.0.0.0;", ERR_FORMAT, 2, 8,
	"found '10.0.0.0', expected a subnet such as 192.0.2.0/24"},
    {IF "subnet 10.0.0.0/24;", ERR_FORMAT, 2, 19, "found ';', expected '{'"},
    {IF "http { head-timeout 10; }", ERR_FORMAT, 2, 21,
	"found '10', expected a duration such as 30s, 10m, 1h or 1d"},
    {IF "http { head-timeout 1h30m; }", ERR_FORMAT, 2, 21,
	"found '1h30m', expected a duration such as 30s, 10m, 1h or 1d"},
    {IF "http { min-rate 5s; }", ERR_FORMAT, 2, 17,
	"found '5s', expected a number or a size such as 64K, 512M or 2G"},
    {IF "host \"a\" { mac 52:54:00:12:34; }", ERR_FORMAT, 2, 16,
	"found '52:54:00:12:34', expected a hardware address such as 52:54:00:12:34:56"},
    {IF "host \"a\" { mac 52:54:00-12:34:56; }", ERR_FORMAT, 2, 16,
	"found '52:54:00', expected a hardware address such as 52:54:00:12:34:56"},
    {"interface eth0;\xc3\xa4", ERR_FORMAT, 1, 16,
	"found '\\xc3', expected 'state', 'images', 'keyring', 'interface', 'subnet', "
	"'host', 'boot', 'tftp', 'http', 'https', 'server', 'lease-time', 'class', "
	"'shared-network', 'dhcp', 'option', 'always', 'boot-lease-time' or 'open'"},
    {IF "host \"a\" { address 10.0.0; }", ERR_FORMAT, 2, 20,
	"found '10.0.0', expected an IPv4 address"},
    {IF "host \"a\" { address fe80::1; }", ERR_FORMAT, 2, 20,
	"found 'fe80::1', expected an IPv4 address"},

    /* paths */
    {IF "state \"var\";", ERR_FORMAT, 2, 7,
	"found \"var\", expected an absolute path without '.', '..' or empty parts"},
    {IF "images \"/a/../b\";", ERR_FORMAT, 2, 8,
	"found \"/a/../b\", expected an absolute path without '.', '..' or empty parts"},
    {IF "images \"/a/..\";", ERR_FORMAT, 2, 8,
	"found \"/a/..\", expected an absolute path without '.', '..' or empty parts"},
    {IF "images \"/./b\";", ERR_FORMAT, 2, 8,
	"found \"/./b\", expected an absolute path without '.', '..' or empty parts"},
    {IF "images \"/a//b\";", ERR_FORMAT, 2, 8,
	"found \"/a//b\", expected an absolute path without '.', '..' or empty parts"},
    {IF "images \"/a/\";", ERR_FORMAT, 2, 8,
	"found \"/a/\", expected an absolute path without '.', '..' or empty parts"},
    {IF "images \"/\";", ERR_FORMAT, 2, 8,
	"found \"/\", expected an absolute path without '.', '..' or empty parts"},
    {IF "keyring \"/a\tb\";", ERR_FORMAT, 2, 9,
	"found \"/a\\x09b\", expected an absolute path without '.', '..' or empty parts"},
    {IF "state \"/a\";\n\nstate \"/a\";", ERR_DUPLICATE, 4, 1,
	"'state' is given a second time, expected it once; the first is on line 2"},

    /* interfaces */
    {"interface \"a/b\";", ERR_FORMAT, 1, 11,
	"found \"a/b\", expected an interface name of 1 to 15 letters, digits, '.', '_', "
	"'-'"},
    {"interface abcdefghijklmnop;", ERR_FORMAT, 1, 11,
	"found 'abcdefghijklmnop', expected an interface name of 1 to 15 letters, digits, "
	"'.', '_', '-'"},
    {"interface eth0;\ninterface \"eth0\";", ERR_DUPLICATE, 2, 11,
	"found interface eth0 a second time, expected it once; the first is on line 1"},
    {"interface 5;", ERR_FORMAT, 1, 11,
	"found '5', expected a text in double quotes or a word"},
    {"interface a {\n address 10.0.0.1;\n address 10.0.0.2;\n}", ERR_DUPLICATE, 3, 2,
	"'address' is given a second time, expected it once; the first is on line 2"},
    {"interface a { address 10.0.0.1; }\ninterface b { address 10.0.0.1; }", ERR_DUPLICATE,
	2, 23,
	"found the address of interface a, expected another; that interface is on line 1"},
    {"interface a { address 0.0.0.0; }", ERR_RANGE, 1, 23,
	"found '0.0.0.0', expected an address that a machine can have, from 1.0.0.0 to "
	"223.255.255.255 without 127"},
    {"interface a { address 127.0.0.1; }", ERR_RANGE, 1, 23,
	"found '127.0.0.1', expected an address that a machine can have, from 1.0.0.0 to "
	"223.255.255.255 without 127"},
    {"interface a { address 224.0.0.1; }", ERR_RANGE, 1, 23,
	"found '224.0.0.1', expected an address that a machine can have, from 1.0.0.0 to "
	"223.255.255.255 without 127"},
    {"interface a { address 10.0.0.256; }", ERR_FORMAT, 1, 23,
	"found '10.0.0.256', expected an IPv4 address of four numbers from 0 to 255"},
    {"interface a { address 1000.00000.0000.256; }", ERR_FORMAT, 1, 23,
	"found '1000.00000.0000.256', expected an IPv4 address"},
    {"interface a { address 10.0.0.5; }\n"
     "subnet 10.0.0.0/24 { pool 10.0.0.2 - 10.0.0.9; }",
	ERR_RANGE, 1, 23,
	"found 10.0.0.5 inside a pool, expected an address that is not given to clients"},

    /* subnets */
    {IF "subnet 10.0.0.1/24 {}", ERR_RANGE, 2, 8,
	"found '10.0.0.1/24', expected the subnet's first address: 10.0.0.0/24"},
    {IF "subnet 10.0.0.0/31 {}", ERR_RANGE, 2, 8,
	"found '10.0.0.0/31', expected a prefix length from 8 to 30"},
    {IF "subnet 10.0.0.0/7 {}", ERR_RANGE, 2, 8,
	"found '10.0.0.0/7', expected a prefix length from 8 to 30"},
    {IF "subnet 10.0.0.0/4294967320 {}", ERR_RANGE, 2, 8,
	"found '10.0.0.0/4294967320', expected a prefix length from 8 to 30"},
    {IF "subnet 300.0.0.0/24 {}", ERR_FORMAT, 2, 8,
	"found '300.0.0.0', expected an IPv4 address of four numbers from 0 to 255"},
    {IF "subnet 10.0.0.0/24 {}\nsubnet 10.0.0.0/24 {}", ERR_DUPLICATE, 3, 8,
	"found subnet 10.0.0.0/24 that overlaps the one on line 2, expected each address "
	"once"},
    {IF "subnet 10.0.9.0/24 {}\nsubnet 10.0.0.0/8 {}\nsubnet 10.0.1.0/24 {}", ERR_DUPLICATE,
	4, 8,
	"found subnet 10.0.1.0/24 that overlaps the one on line 3, expected each address "
	"once"},
    {IF "subnet 10.1.0.0/25 {}\nsubnet 10.1.0.0/24 {}\nsubnet 10.1.1.0/24 {}",
	ERR_DUPLICATE, 3, 8,
	"found subnet 10.1.0.0/24 that overlaps the one on line 2, expected each address "
	"once"},
    {IF "subnet 10.1.0.0/24 {}\nsubnet 10.1.0.0/25 {}\n"
	"subnet 10.2.0.0/24 {}\nsubnet 10.2.0.0/25 {}",
	ERR_DUPLICATE, 3, 8,
	"found subnet 10.1.0.0/25 that overlaps the one on line 2, expected each address "
	"once"},
    {IF "subnet 10.0.0.0/24 { pool 10.0.1.5 - 10.0.0.9; }", ERR_RANGE, 2, 27,
	"found '10.0.1.5', expected an address inside 10.0.0.0/24"},
    {IF "subnet 10.0.0.0/24 { pool 10.0.0.5 - 10.0.1.9; }", ERR_RANGE, 2, 38,
	"found '10.0.1.9', expected an address inside 10.0.0.0/24"},
    {IF "subnet 10.0.0.0/24 { pool 10.0.0.9-10.0.0.5; }", ERR_RANGE, 2, 36,
	"found '10.0.0.5', expected a last address that is not below the first"},
    {IF "subnet 10.0.0.0/24 { pool 10.0.0.9 10.0.0.5; }", ERR_FORMAT, 2, 36,
	"found '10.0.0.5', expected '-'"},
    {IF "subnet 10.0.0.0/24 { pool 10.0.0.5 - 10.0.0.9;\n"
	"pool 10.0.0.9 - 10.0.0.20; }",
	ERR_DUPLICATE, 3, 6,
	"found a pool that overlaps the one on line 2, expected each address once"},
    {IF "subnet 10.0.0.0/24 { router 10.0.1.1; }", ERR_RANGE, 2, 29,
	"found '10.0.1.1', expected an address inside 10.0.0.0/24"},
    {IF "subnet 10.0.0.0/24 { router 10.0.0.2, 10.0.0.6;\npool 10.0.0.5 - 10.0.0.9; }",
	ERR_RANGE, 2, 39,
	"found router 10.0.0.6 inside the pool on line 3, expected it outside every pool"},
    {IF "subnet 10.0.0.0/24 { router 10.0.0.1; router 10.0.0.2; }", ERR_DUPLICATE, 2, 39,
	"'router' is given a second time, expected it once; the first is on line 2"},
    {IF "subnet 10.0.0.0/24 { dns 10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4,10.0.0.5,10.0.0.6,"
	"10.0.0.7,10.0.0.8,10.0.0.9; }",
	ERR_FULL, 2, 98, "found '10.0.0.9', expected at most 8 name servers"},
    {IF "subnet 10.0.0.0/24 { dns 10.0.0.1, ; }", ERR_FORMAT, 2, 36,
	"found ';', expected an IPv4 address"},
    {IF "subnet 10.0.0.0/24 { dns 10.0.0.1 10.0.0.2; }", ERR_FORMAT, 2, 35,
	"found '10.0.0.2', expected ';' or ','"},
    {IF "subnet 10.0.0.0/24 { domain \"a..b\"; }", ERR_FORMAT, 2, 29,
	"found \"a..b\", expected a domain name such as \"lab.example\""},
    {IF "subnet 10.0.0.0/24 { domain \"a.b-\"; }", ERR_FORMAT, 2, 29,
	"found \"a.b-\", expected a domain name such as \"lab.example\""},
    {IF "subnet 10.0.0.0/24 { domain \"\"; }", ERR_FORMAT, 2, 29,
	"found \"\", expected a domain name such as \"lab.example\""},
    {IF "subnet 10.0.0.0/24 { lease-time 9s; }", ERR_RANGE, 2, 33,
	"found '9s', expected 10s to 365d"},
    {IF "subnet 10.0.0.0/24 { lease-time 18446744073709551615d; }", ERR_RANGE, 2, 33,
	"found '18446744073709551615d', expected 10s to 365d"},

    /* hosts */
    {IF "host node1 {}", ERR_FORMAT, 2, 6,
	"found 'node1', expected a text in double quotes"},
    {IF "host \"a\" {\n}", ERR_FORMAT, 3, 1,
	"found '}', expected 'mac', 'client-id', 'uuid', 'circuit-id' or 'remote-id': the "
	"host "
	"has none of them"},
    {IF "host \"a.b\" { mac 02:00:00:00:00:01; }", ERR_FORMAT, 2, 6,
	"found \"a.b\", expected a host name: 1 to 63 letters, digits, '-', not '-' first "
	"or last"},
    {IF "host \"-a\" { mac 02:00:00:00:00:01; }", ERR_FORMAT, 2, 6,
	"found \"-a\", expected a host name: 1 to 63 letters, digits, '-', not '-' first "
	"or "
	"last"},
    {IF "host \"\" { mac 02:00:00:00:00:01; }", ERR_FORMAT, 2, 6,
	"found \"\", expected a host name: 1 to 63 letters, digits, '-', not '-' first or "
	"last"},
    {IF "host \"a\" { mac 01:00:5e:00:00:01; }", ERR_RANGE, 2, 16,
	"found '01:00:5e:00:00:01', expected the hardware address of one machine, not a "
	"group's and not all zeros"},
    {IF "host \"a\" { mac 00:00:00:00:00:00; }", ERR_RANGE, 2, 16,
	"found '00:00:00:00:00:00', expected the hardware address of one machine, not a "
	"group's and not all zeros"},
    {IF "host \"a\" { mac 02:00:00:00:00:01;\n mac 02:00:00:00:00:02;\n"
	"mac 02:00:00:00:00:01; }",
	ERR_DUPLICATE, 4, 5,
	"found the hardware address of host 'a' a second time, expected it once; the first "
	"is on line 2"},
    {IF "host \"a\" { image \"x\";\n boot deny; }", ERR_DUPLICATE, 3, 2,
	"'image' or 'boot' is given a second time, expected it once; the first is on line "
	"2"},
    {IF "host \"a\" { image \"X\"; }", ERR_FORMAT, 2, 18,
	"found \"X\", expected an image name: 1 to 63 of a-z, 0-9, '.', '_', '-', first a "
	"letter or digit"},
    {IF "host \"a\" { image \"../x\"; }", ERR_FORMAT, 2, 18,
	"found \"../x\", expected an image name: 1 to 63 of a-z, 0-9, '.', '_', '-', first "
	"a "
	"letter or digit"},
    {IF "host \"a\" { boot allow; }", ERR_FORMAT, 2, 17, "found 'allow', expected 'deny'"},
    {IF "host \"a\" { mac 02:00:00:00:00:01; }\nhost \"A\" { mac 02:00:00:00:00:02; }",
	ERR_DUPLICATE, 3, 6,
	"found the name of host 'a' a second time, expected it once; the first is on line "
	"2"},
    {IF "host \"a\" { mac 02:00:00:00:00:0a; }\nhost \"b\" { mac 02-00-00-00-00-0A; }",
	ERR_DUPLICATE, 3, 16,
	"found the hardware address of host 'a' a second time, expected it once; the first "
	"is on line 2"},
    /* of two mistakes, the first in the file, whichever is sorted first */
    {IF "host \"a\" { mac 02:00:00:00:00:01; }\nhost \"b\" { mac 02:00:00:00:00:01; }\n"
	"host \"c\" { mac 02:00:00:00:00:02; }\nhost \"d\" { mac 02:00:00:00:00:02; }",
	ERR_DUPLICATE, 3, 16,
	"found the hardware address of host 'a' a second time, expected it once; the first "
	"is on line 2"},
    {IF "host \"a\" { mac 02:00:00:00:00:02; }\nhost \"b\" { mac 02:00:00:00:00:02; }\n"
	"host \"c\" { mac 02:00:00:00:00:01; }\nhost \"d\" { mac 02:00:00:00:00:01; }",
	ERR_DUPLICATE, 3, 16,
	"found the hardware address of host 'a' a second time, expected it once; the first "
	"is on line 2"},
    {IF NET "host \"a\" { mac 02:00:00:00:00:01; address 10.0.0.5; }\n"
	    "host \"b\" { mac 02:00:00:00:00:02; address 10.0.0.5; }",
	ERR_DUPLICATE, 3, 43,
	"found the address of host 'a' a second time, expected it once; the first is on "
	"line 2"},
    {IF NET "\nhost \"a\" { mac 02:00:00:00:00:01; address 10.0.1.5; }", ERR_RANGE, 3, 43,
	"found '10.0.1.5', expected an address inside one of the subnets"},
    {IF NET "\nhost \"a\" { mac 02:00:00:00:00:01; address 10.0.0.255; }", ERR_RANGE, 3, 43,
	"found '10.0.0.255', expected neither the first nor the last address of the "
	"subnet"},
    {IF NET "\nhost \"a\" { mac 02:00:00:00:00:01; address 10.0.0.0; }", ERR_RANGE, 3, 43,
	"found '10.0.0.0', expected neither the first nor the last address of the subnet"},
    {"interface a { address 10.0.0.1; }\n" NET
     "\nhost \"a\" { mac 02:00:00:00:00:01; address 10.0.0.1; }",
	ERR_RANGE, 3, 43,
	"found '10.0.0.1', expected an address that is no router's and not our own"},
    {IF "subnet 10.0.0.0/24 { router 10.0.0.1; }"
	"\nhost \"a\" { mac 02:00:00:00:00:01; address 10.0.0.1; }",
	ERR_RANGE, 3, 43,
	"found '10.0.0.1', expected an address that is no router's and not our own"},
    {IF "host \"a\" { parameter \"Disk\" \"x\"; }", ERR_FORMAT, 2, 22,
	"found \"Disk\", expected a parameter name: 1 to 32 of a-z, 0-9, '_', '-', first a "
	"letter"},
    {IF "host \"a\" { parameter \"disk\" \"x y\"; }", ERR_FORMAT, 2, 29,
	"found \"x y\", expected a value: 1 to 200 letters, digits and . _ : / @ , + = -"},
    {IF "host \"a\" { parameter \"disk\" \"\"; }", ERR_FORMAT, 2, 29,
	"found \"\", expected a value: 1 to 200 letters, digits and . _ : / @ , + = -"},
    {IF "host \"a\" { parameter \"disk\" \"x\";\nparameter \"disk2\" \"x\"; parameter "
	"\"disk\" \"y\"; }",
	ERR_DUPLICATE, 3, 34,
	"found parameter \"disk\" a second time, expected it once; the first is on line 2"},

    /* blocks, ranges */
    {IF "boot {}\nboot {}", ERR_DUPLICATE, 3, 1,
	"the 'boot' block is given a second time, expected it once; the first is on line "
	"2"},
    {IF "boot { default deny;\n default image \"a\"; }", ERR_DUPLICATE, 3, 2,
	"'default' is given a second time, expected it once; the first is on line 2"},
    {IF "boot { unknown image \"-a\"; }", ERR_FORMAT, 2, 22,
	"found \"-a\", expected an image name: 1 to 63 of a-z, 0-9, '.', '_', '-', first a "
	"letter or digit"},
    {IF "boot { ipxe-transport ftp; }", ERR_FORMAT, 2, 23,
	"found 'ftp', expected 'tftp', 'http' or 'https'"},
    {IF "boot { expired allow; }", ERR_FORMAT, 2, 16,
	"found 'allow', expected 'refuse' or 'serve'"},
    {IF "boot { session-time 8d; }", ERR_RANGE, 2, 21, "found '8d', expected 5s to 7d"},
    {IF "boot { sessions 0; }", ERR_RANGE, 2, 17, "found '0', expected 1 to 1000000"},
    {IF "tftp { port 69; }", ERR_FORMAT, 2, 8,
	"found 'port', expected 'ports', 'single-port', 'case-insensitive', 'rollover', "
	"'max-windowsize', 'max-blksize', 'transfers-per-address' or '}'"},
    {IF "tftp { single-port 1; }", ERR_FORMAT, 2, 20, "found '1', expected 'yes' or 'no'"},
    {IF "tftp { single-port yes;\nsingle-port no; }", ERR_DUPLICATE, 3, 1,
	"'single-port' is given a second time, expected it once; the first is on line 2"},
    {IF "tftp { case-insensitive off; }", ERR_FORMAT, 2, 25,
	"found 'off', expected 'yes' or 'no'"},
    {IF "tftp { rollover 2; }", ERR_RANGE, 2, 17, "found '2', expected 0 to 1"},
    {IF "tftp { max-windowsize 0; }", ERR_RANGE, 2, 23, "found '0', expected 1 to 1024"},
    {IF "tftp { max-windowsize 1025; }", ERR_RANGE, 2, 23,
	"found '1025', expected 1 to 1024"},
    {IF "tftp { max-blksize 511; }", ERR_RANGE, 2, 20,
	"found '511', expected 512 to 65464"},
    {IF "tftp { max-blksize 65465; }", ERR_RANGE, 2, 20,
	"found '65465', expected 512 to 65464"},
    {IF "tftp { transfers-per-address 0; }", ERR_RANGE, 2, 30,
	"found '0', expected 1 to 65535"},
    {IF "tftp { ports 80 - 90; }", ERR_RANGE, 2, 14, "found '80', expected 1024 to 65535"},
    {IF "tftp { ports 40000 - 39999; }", ERR_RANGE, 2, 22,
	"found '39999', expected a last port from the first one to 65535"},
    {IF "tftp { ports 65000 - 65536; }", ERR_RANGE, 2, 22,
	"found '65536', expected a last port from the first one to 65535"},
    {IF "tftp { ports 40000 - 41024; }", ERR_RANGE, 2, 22,
	"found '41024', expected at most 1024 ports"},
    {IF "tftp { ports 4000-4020; }", ERR_RANGE, 2, 14,
	"found '4000', expected ports without 4011, which the DHCP service uses"},
    {IF "http { port 40063; }", ERR_RANGE, 2, 8,
	"found http port 40063 inside the tftp ports 40000 - 40063, expected it outside"},
    {IF "http { port 8080; }\ntftp { ports 8000 - 8100; }", ERR_RANGE, 3, 8,
	"found http port 8080 inside the tftp ports 8000 - 8100, expected it outside"},
    {"interface a;\nhttps { }", ERR_ABSENT, 2, 9,
	"found '}', expected a 'certificate' before it"},
    {"interface a;\nhttps { certificate \"/c\" key \"k\"; }", ERR_FORMAT, 2, 30,
	"found \"k\", expected an absolute path without '.', '..' or empty parts"},
    {"interface a;\nhttps { certificate \"/a\" key \"/b\"; certificate \"/c\" key \"/d\";\n"
     "certificate \"/e\" key \"/f\"; }",
	ERR_FULL, 3, 13, "found \"/e\", expected at most two certificates"},
    {"interface a;\nhttps { certificate \"/a\" key \"/b\"; client-certificates required; }",
	ERR_ABSENT, 2, 36, "found 'client-certificates', expected a 'client-ca' beside it"},
    {"interface a;\nhttps { certificate \"/a\" key \"/b\"; port 80; }", ERR_RANGE, 2, 1,
	"found https port 80, expected another than that of http"},
    {"interface a;\nhost \"h\" { mac 52:54:00:12:34:56; client-certificate \"0123\"; }",
	ERR_FORMAT, 2, 54,
	"found \"0123\", expected the SHA-256 of a certificate: "
	"64 hexadecimal digits"},
    {"interface a;\nhost \"h\" { mac 52:54:00:12:34:56; client-certificate\n"
     "\"" D64 "\"; }",
	ERR_ABSENT, 2, 35,
	"found 'client-certificate', expected a 'client-ca' in an 'https' block"},
    {"interface a;\nhost \"h\" { mac 52:54:00:12:34:56; client-certificate\n"
     "\"" D64 "\";\nclient-certificate \"" D64 "\"; }",
	ERR_DUPLICATE, 4, 1,
	"'client-certificate' is given a second time, expected it once; the first is on "
	"line 2"},
    {"interface a;\nboot { ipxe-transport https; }", ERR_ABSENT, 2, 8,
	"found ipxe-transport https, expected an 'https' block"},
    {"interface a;\nboot { http-boot https; }", ERR_ABSENT, 2, 8,
	"found http-boot https, expected an 'https' block"},
    {IF "http { port 65536; }", ERR_RANGE, 2, 13, "found '65536', expected 1 to 65535"},
    {IF "http { port 99999999999999999999999; }", ERR_RANGE, 2, 13,
	"found '99999999999999999999999', expected 1 to 65535"},
    {IF "http { idle-timeout 61m; }", ERR_RANGE, 2, 21, "found '61m', expected 1s to 1h"},
    {IF "http { min-rate 2G; }", ERR_RANGE, 2, 17, "found '2G', expected 0 to 1G"},
    {IF "server { workers 17; }", ERR_RANGE, 2, 18, "found '17', expected 1 to 16"},
    {IF "server { memory 1M; }", ERR_RANGE, 2, 17, "found '1M', expected 16M to 1024G"},
    {IF "server { log-level loud; }", ERR_FORMAT, 2, 20,
	"found 'loud', expected error, warning, notice, info or debug"},
    {IF "server { uid-base 0; }", ERR_RANGE, 2, 19,
	"found '0', expected 1000 to 2000000000"},
    {IF "server { landlock 0; }", ERR_RANGE, 2, 19, "found '0', expected 1 to 32"},
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

	return cmocka_run_group_tests_name("conf_errors", tests, NULL, NULL);
}
