/*
 * Hosts in a table of their own, and the keys that hosts are found by: what each column
 * becomes, the error for everything that can be wrong, cut and bent texts, the time that
 * many take.
 */
#include "policy/conf.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "tests/lib/conf_same.h"
#include "tests/unit/unit.h"

#define CONF "interface a;\nsubnet 10.0.0.0/8 { router 10.0.0.1; }\n"

static int
try_both(
    const char *conf, const char *hosts, size_t len, struct conf **c, struct conf_error *e)
{
	struct conf_text t = {
	    .conf = conf, .conf_len = strlen(conf), .hosts = hosts, .hosts_len = len};

	return conf_parse(&t, c, e);
}

static struct conf *
parse(const char *hosts)
{
	struct conf_error e;
	struct conf *c;

	if (try_both(CONF, hosts, strlen(hosts), &c, &e) != 0)
		fail_msg("%u:%u:%u: %s", e.file, e.line, e.column, e.text);
	return c;
}

#define FIND(c, kind, bytes) conf_host_find(c, kind, bytes, sizeof bytes - 1)

static const struct conf_host *
find_port(const struct conf *c, const char *circuit, const char *remote)
{
	uint8_t key[CONF_KEY_MAX];
	int n = conf_port_key(key, circuit, strlen(circuit), remote, strlen(remote));

	assert_true(n > 0);
	return conf_host_find(c, KEY_PORT, key, (size_t)n);
}

static void
every_column(void **state)
{
	struct conf *c =
	    parse("name,mac,client-id,uuid,circuit-id,remote-id,address,image,boot,"
		  "parameters\n"
		  "n1,52:54:00:00:00:01,01:52:54:00:00:00:01,"
		  "4c4c4544-0043-3510-8052-b4c04f4e4c32,ge-0/0/1,sw1,10.0.0.5,"
		  "debian,,disk=/dev/sda;console=ttyS0=x\n"
		  "n2,52-54-00-00-00-02,,,,,,,deny,\n");
	struct addr a = addr_v4(0x0a000005);
	const struct conf_host *h = c->hosts;

	(void)state;
	assert_int_equal(c->nhosts, 2);
	assert_int_equal(c->nkeys, 5);
	assert_int_equal(h->nkeys, 4);
	assert_string_equal(h->name, "n1");
	assert_ptr_equal(FIND(c, KEY_MAC, "\x52\x54\0\0\0\1"), h);
	assert_ptr_equal(FIND(c, KEY_CLIENT_ID, "\1\x52\x54\0\0\0\1"), h);
	assert_ptr_equal(
	    FIND(c, KEY_UUID, "DEL\x4c\x43\0\x10\x35\x80\x52\xb4\xc0\x4fNL2"), h);
	assert_ptr_equal(find_port(c, "ge-0/0/1", "sw1"), h);
	assert_null(find_port(c, "ge-0/0/1", ""));
	assert_null(find_port(c, "", "sw1"));
	assert_ptr_equal(conf_host_reserving(c, &a), h);
	assert_int_equal(h->scope.boot, BOOT_IMAGE);
	assert_string_equal(h->scope.image, "debian");
	assert_int_equal(h->params_len, 30);
	assert_memory_equal(h->params, "disk=/dev/sda\nconsole=ttyS0=x\n", 30);
	h++;
	assert_string_equal(h->name, "n2");
	assert_int_equal(h->scope.boot, BOOT_DENY);
	assert_null(h->scope.image);
	assert_int_equal(h->address.family, ADDR_NONE);
	assert_int_equal(h->params_len, 0);
	conf_free(c);
}

static void
kinds_are_apart(void **state)
{
	struct conf *c = parse("client-id,name\nabcdef,n1\n");

	(void)state;
	assert_ptr_equal(FIND(c, KEY_CLIENT_ID, "abcdef"), c->hosts);
	assert_null(FIND(c, KEY_MAC, "abcdef"));
	assert_null(FIND(c, KEY_PORT, "abcdef"));
	assert_null(FIND(c, KEY_CLIENT_ID, "abcde"));
	assert_null(FIND(c, KEY_CLIENT_ID, "abcdefg"));
	assert_null(conf_host_find(c, KEY_CLIENT_ID, "", 0));
	assert_null(conf_host_key(c, c->hosts, KEY_MAC));
	assert_int_equal(conf_host_key(c, c->hosts, KEY_CLIENT_ID)->len, 6);
	conf_free(c);
}

static void
several_keys_of_one_kind(void **state)
{
	struct conf *c = parse("name,mac,uuid\nn1,52:54:00:00:00:01; 52:54:00:00:00:02 ;"
			       ";52:54:00:00:00:03;,000102030405060708090a0b0c0d0e0f\n");
	char text[CONF_UUID_TEXT_MAX];

	(void)state;
	assert_int_equal(c->hosts[0].nkeys, 4);
	assert_ptr_equal(FIND(c, KEY_MAC, "\x52\x54\0\0\0\1"), c->hosts);
	assert_ptr_equal(FIND(c, KEY_MAC, "\x52\x54\0\0\0\2"), c->hosts);
	assert_ptr_equal(FIND(c, KEY_MAC, "\x52\x54\0\0\0\3"), c->hosts);
	assert_null(FIND(c, KEY_MAC, "\x52\x54\0\0\0\4"));
	/* Without hyphens, the bytes as they are sent. */
	assert_ptr_equal(
	    FIND(c, KEY_UUID, "\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf"), c->hosts);
	assert_string_equal(conf_uuid_format(conf_host_key(c, c->hosts, KEY_UUID)->b, text),
	    "03020100-0504-0706-0809-0a0b0c0d0e0f");
	conf_free(c);
}

static void
forms_of_bytes(void **state)
{
	struct conf *c = parse("name,client-id,circuit-id,remote-id\n"
			       "n1,0xff0A01,,\n"
			       "n2,\"say \"\"hi\"\", you\",,\n"
			       "n3,ab,0x00,\n"
			       "n4,,,01:02\n"
			       "n5,,1:2,ab:c\n"
			       "n6,,eth0/1:10,\n");

	(void)state;
	assert_ptr_equal(FIND(c, KEY_CLIENT_ID, "\xff\x0a\x01"), c->hosts);
	assert_ptr_equal(FIND(c, KEY_CLIENT_ID, "say \"hi\", you"), c->hosts + 1);
	assert_ptr_equal(FIND(c, KEY_CLIENT_ID, "ab"), c->hosts + 2);
	assert_ptr_equal(FIND(c, KEY_PORT, "\1\0\0"), c->hosts + 2);
	assert_ptr_equal(find_port(c, "", "\1\2"), c->hosts + 3);
	assert_ptr_equal(find_port(c, "1:2", "ab:c"), c->hosts + 4);
	assert_ptr_equal(find_port(c, "eth0/1:10", ""), c->hosts + 5);
	conf_free(c);
}

/* Doubled quotes are undone in memory of one line: each field has its own part of it, each
 * line begins anew. */
static void
doubled_quotes(void **state)
{
	size_t cap = 65536, n;
	char *text = malloc(cap);
	struct conf *c;

	(void)state;
	assert_non_null(text);
	n = (size_t)snprintf(text, cap, "name,client-id,circuit-id,remote-id\n");
	for (unsigned i = 0; i < 200; i++)
		n += (size_t)snprintf(text + n, cap - n,
		    "n%u,\"%u\"\"%060u\",\"%u\"\"c\",\"%u\"\"r\"\n", i, i, i, i, i);
	c = parse(text);
	free(text);
	for (unsigned i = 0; i < 200; i++) {
		const struct conf_host_key *k =
		    conf_host_key(c, &c->hosts[i], KEY_CLIENT_ID);
		char circuit[16], remote[16], id[80];

		snprintf(id, sizeof id, "%u\"%060u", i, i);
		snprintf(circuit, sizeof circuit, "%u\"c", i);
		snprintf(remote, sizeof remote, "%u\"r", i);
		assert_int_equal(k->len, strlen(id));
		assert_memory_equal(k->b, id, k->len);
		assert_ptr_equal(find_port(c, circuit, remote), &c->hosts[i]);
	}
	conf_free(c);
}

/* All of these are one host n1 with one hardware address. */
static const char *const same[] = {
    "name,mac\nn1,52:54:00:00:00:01\n",
    "name,mac\nn1,52:54:00:00:00:01",
    "name,mac\r\nn1,52:54:00:00:00:01\r\n",
    "\xef\xbb\xbfname,mac\r\nn1,52:54:00:00:00:01",
    "mac,name\n52:54:00:00:00:01,n1\n",
    "\"name\",\"mac\"\n\"n1\",\"52:54:00:00:00:01\"\n",
    " name , mac \n\tn1 ,  52:54:00:00:00:01\t \n",
    " \"name\" ,\t\"mac\" \n \"n1\" , \"52:54:00:00:00:01\" \n",
    "# hosts\n\n  \n\r\nname,mac\n#n0,52:54:00:00:00:00\n  # x\nn1,52:54:00:00:00:01\n\n#",
    "name,address,mac,image,boot,parameters\nn1,,52:54:00:00:00:01,,,\n",
};

static void
forms_of_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
		struct conf *c = parse(same[i]);

		assert_int_equal(c->nhosts, 1);
		assert_string_equal(c->hosts[0].name, "n1");
		assert_ptr_equal(FIND(c, KEY_MAC, "\x52\x54\0\0\0\1"), c->hosts);
		conf_free(c);
	}
}

static void
no_hosts_at_all(void **state)
{
	static const char *const none[] = {"", "\n", "# nothing\n", "name,mac\n",
	    "\xef\xbb\xbf", "\xef\xbb\xbf\n", "  \r\n"};

	(void)state;
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		struct conf *c = parse(none[i]);

		assert_int_equal(c->nhosts, 0);
		assert_null(FIND(c, KEY_MAC, "\x52\x54\0\0\0\1"));
		conf_free(c);
	}
}

static void
beside_host_blocks(void **state)
{
	static const char hosts[] = "name,mac\nn2,52:54:00:00:00:02\n";
	struct conf_error e;
	struct conf *c;

	(void)state;
	assert_int_equal(
	    try_both(CONF "host \"n1\" { mac 52:54:00:00:00:01; lease-time 1d; }", hosts,
		sizeof hosts - 1, &c, &e),
	    0);
	assert_int_equal(c->nhosts, 2);
	assert_string_equal(c->hosts[0].name, "n1");
	assert_int_equal(c->hosts[0].scope.lease_time, 86400);
	assert_ptr_equal(FIND(c, KEY_MAC, "\x52\x54\0\0\0\2"), c->hosts + 1);
	assert_int_equal(c->hosts[1].scope.lease_time, 0);
	conf_free(c);
}

#define KEYS "mac, client-id, uuid, circuit-id or remote-id"
#define HEAD "name,mac,address,image,boot,parameters\n"
#define MAC1 "52:54:00:00:00:01"

static const struct wrong {
	const char *text;
	int err;
	unsigned line, column;
	const char *message;
} wrongs[] = {
    /* the header */
    {"name,host\n", ERR_FORMAT, 1, 6,
	"found 'host', expected a column: name, mac, client-id, uuid, circuit-id, "
	"remote-id, "
	"address, image, boot or parameters"},
    {"# x\nname,mac,name\n", ERR_DUPLICATE, 2, 10,
	"found column 'name' a second time, expected it once"},
    {"name,mac,\n", ERR_FORMAT, 1, 10,
	"found '', expected a column: name, mac, client-id, uuid, circuit-id, remote-id, "
	"address, image, boot or parameters"},
    {" mac\n", ERR_FORMAT, 1, 2, "found a header without 'name', expected that column"},
    {"name,address\n", ERR_FORMAT, 1, 1, "found a header without a key, expected " KEYS},
    {"n1," MAC1 "\n", ERR_FORMAT, 1, 1,
	"found 'n1', expected a column: name, mac, client-id, uuid, circuit-id, remote-id, "
	"address, image, boot or parameters"},
    /* lines */
    {"name,mac\nn1\n", ERR_FORMAT, 2, 3,
	"found the end of the line, expected ',' and the field 'mac'"},
    {"name,mac\nn1," MAC1 ",x\n", ERR_FORMAT, 2, 21,
	"found ',x', expected the end of the line: the header has no more columns"},
    {"name,mac\nn1,\"" MAC1 "\n", ERR_FORMAT, 2, 4,
	"found \"52:54:00:00:00:01, expected a closing '\"' on the same line"},
    {"name,mac\n\"n1\" x," MAC1 "\n", ERR_FORMAT, 2, 6,
	"found 'x,52:54:00:00:00:01', expected ',' or the end of the line behind a closing "
	"'\"'"},
    {"name,mac\nn\"1\"," MAC1 "\n", ERR_FORMAT, 2, 1,
	"found 'n\"1\"', expected quotes around the whole field, and those inside doubled"},
    /* fields */
    {HEAD "," MAC1 ",,,,\n", ERR_FORMAT, 2, 1,
	"found '', expected a host name: 1 to 63 letters, digits, '-', not '-' first or "
	"last"},
    {HEAD "n_1," MAC1 ",,,,\n", ERR_FORMAT, 2, 1,
	"found 'n_1', expected a host name: 1 to 63 letters, digits, '-', not '-' first or "
	"last"},
    {HEAD "n1,,,,,\n", ERR_FORMAT, 2, 1, "found a host without a key, expected " KEYS},
    {HEAD "n1,; ,,,,\n", ERR_FORMAT, 2, 1, "found a host without a key, expected " KEYS},
    {HEAD "n1," MAC1 "; 52:54,,,,\n", ERR_FORMAT, 2, 23,
	"found '52:54', expected a hardware address"},
    {HEAD "n1,\"" MAC1 "; 52:54\",,,,\n", ERR_FORMAT, 2, 24,
	"found '52:54', expected a hardware address"},
    {HEAD "n1,01:00:5e:00:00:01,,,,\n", ERR_RANGE, 2, 4,
	"found '01:00:5e:00:00:01', expected the hardware address of one machine, not a "
	"group's and not all zeros"},
    {HEAD "n1," MAC1 ",10.0.0,,,\n", ERR_FORMAT, 2, 22,
	"found '10.0.0', expected an IPv4 address of four numbers from 0 to 255"},
    {HEAD "n1," MAC1 ",11.0.0.1,,,\n", ERR_RANGE, 2, 22,
	"found '11.0.0.1', expected an address inside one of the subnets"},
    {HEAD "n1," MAC1 ",10.0.0.1,,,\n", ERR_RANGE, 2, 22,
	"found '10.0.0.1', expected an address that is no router's and not our own"},
    {HEAD "n1," MAC1 ",,De,,\n", ERR_FORMAT, 2, 23,
	"found 'De', expected an image name: 1 to 63 of a-z, 0-9, '.', '_', '-', first a "
	"letter or digit"},
    {HEAD "n1," MAC1 ",,,allow,\n", ERR_FORMAT, 2, 24,
	"found 'allow', expected 'deny' or nothing"},
    {HEAD "n1," MAC1 ",,d,deny,\n", ERR_FORMAT, 2, 25,
	"found 'deny', expected nothing, for the host has an image"},
    {HEAD "n1," MAC1 ",,,,a=b; c\n", ERR_FORMAT, 2, 30,
	"found 'c', expected a parameter such as name=value"},
    {HEAD "n1," MAC1 ",,,,a=b;A=b\n", ERR_FORMAT, 2, 29,
	"found 'A', expected a parameter name: 1 to 32 of a-z, 0-9, '_', '-', first a "
	"letter"},
    {HEAD "n1," MAC1 ",,,,a=b;ab=\n", ERR_FORMAT, 2, 32,
	"found '', expected a value: 1 to 200 letters, digits and . _ : / @ , + = -"},
    {HEAD "n1," MAC1 ",,,,a=b;a=c\n", ERR_DUPLICATE, 2, 29,
	"found parameter 'a' a second time, expected it once; the first is on line 2"},
    {"name,uuid\nn1,4c4c4544\n", ERR_FORMAT, 2, 4,
	"found '4c4c4544', expected a UUID such as 4c4c4544-0043-3510-8052-b4c04f4e4c32"},
    {"name,uuid\nn1,4c4c45440-043-3510-8052-b4c04f4e4c32\n", ERR_FORMAT, 2, 4,
	"found '4c4c45440-043-3510-8052-b4c04f4e4c32', expected a UUID such as "
	"4c4c4544-0043-3510-8052-b4c04f4e4c32"},
    {"name,uuid\nn1,4c4c4544-0043-3510-8052-b4c04f4e4c3g\n", ERR_FORMAT, 2, 4,
	"found '4c4c4544-0043-3510-8052-b4c04f4e4c3g', expected a UUID such as "
	"4c4c4544-0043-3510-8052-b4c04f4e4c32"},
    {"name,uuid\nn1,00000000-0000-0000-0000-000000000000\n", ERR_RANGE, 2, 4,
	"found '00000000-0000-0000-0000-000000000000', expected the UUID of one machine, "
	"not "
	"what stands for none"},
    {"name,uuid\nn1,ffffffffffffffffffffffffffffffff\n", ERR_RANGE, 2, 4,
	"found 'ffffffffffffffffffffffffffffffff', expected the UUID of one machine, not "
	"what stands for none"},
    {"name,client-id\nn1,0x\n", ERR_FORMAT, 2, 4,
	"found '0x', expected two hexadecimal digits for each byte behind 0x"},
    {"name,client-id\nn1,0x012\n", ERR_FORMAT, 2, 4,
	"found '0x012', expected two hexadecimal digits for each byte behind 0x"},
    {"name,client-id\nn1,a\tb\n", ERR_FORMAT, 2, 4,
	"found 'a\\x09b', expected printable ASCII, or bytes such as 01:02:ff"},
    {"name,circuit-id\nn1,a\rb\r\n", ERR_FORMAT, 2, 4,
	"found 'a\\x0db', expected printable ASCII, or bytes such as 01:02:ff"},
    /* twice */
    {"name,mac\nn1," MAC1 "\nn2," MAC1 "\n", ERR_DUPLICATE, 3, 4,
	"found the hardware address of host 'n1' a second time, expected it once; the "
	"first "
	"is on line 2"},
    {"name,mac\nn1," MAC1 "\nN1,52:54:00:00:00:02\n", ERR_DUPLICATE, 3, 1,
	"found the name of host 'n1' a second time, expected it once; the first is on line "
	"2"},
    {"name,mac\nn1," MAC1 "; " MAC1 "\n", ERR_DUPLICATE, 2, 23,
	"found the hardware address of host 'n1' a second time, expected it once; the "
	"first "
	"is on line 2"},
    {"name,client-id\nn1,01:02\nn2,0x0102\n", ERR_DUPLICATE, 3, 4,
	"found the client identifier of host 'n1' a second time, expected it once; the "
	"first "
	"is on line 2"},
    {"name,uuid\nn1,4c4c4544-0043-3510-8052-b4c04f4e4c32\n"
     "n2,44454c4c430010358052b4c04f4e4c32\n",
	ERR_DUPLICATE, 3, 4,
	"found the UUID of host 'n1' a second time, expected it once; the first is on line "
	"2"},
    {"name,circuit-id,remote-id\nn1,a,b\nn2,a,\nn3,a,b\n", ERR_DUPLICATE, 4, 4,
	"found the relay port of host 'n1' a second time, expected it once; the first is "
	"on "
	"line 2"},
    {HEAD "n1," MAC1 ",10.0.0.9,,,\nn2,52:54:00:00:00:02,10.0.0.9,,,\n", ERR_DUPLICATE, 3,
	22,
	"found the address of host 'n1' a second time, expected it once; the first is on "
	"line 2"},
    {"name,mac\ncc,52:54:00:00:00:99\n", ERR_DUPLICATE, 2, 4,
	"found the hardware address of host 'in-conf' a second time, expected it once; the "
	"first is on line 3 of the configuration"},
    {"name,mac\nIn-Conf," MAC1 "\n", ERR_DUPLICATE, 2, 1,
	"found the name of host 'in-conf' a second time, expected it once; the first is on "
	"line 3 of the configuration"},
};

static bool
is_exact(const struct wrong *w)
{
	struct conf_error e;
	struct conf *c;
	int rc = try_both(CONF "host \"in-conf\" { mac 52:54:00:00:00:99; }", w->text,
	    strlen(w->text), &c, &e);

	if (rc == w->err && e.file == CONF_FILE_HOSTS && e.line == w->line &&
	    e.column == w->column && strcmp(e.text, w->message) == 0 && c == NULL)
		return true;
	conf_free(c);
	print_error("%s\n  got %d %u:%u:%u: %s\n  not %d %u:%u: %s\n", w->text, rc, e.file,
	    e.line, e.column, e.text, w->err, w->line, w->column, w->message);
	return false;
}

static void
errors_are_exact(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++)
		bad += is_exact(&wrongs[i]) ? 0 : 1;
	assert_int_equal(bad, 0);
}

static void
assert_error(const char *text, size_t len, int err, unsigned line, unsigned column,
    const char *message)
{
	struct conf_error e;
	struct conf *c;

	assert_int_equal(try_both(CONF, text, len, &c, &e), err);
	assert_int_equal(e.file, CONF_FILE_HOSTS);
	assert_int_equal(e.line, line);
	assert_int_equal(e.column, column);
	assert_string_equal(e.text, message);
}

static void
limits_hold_at_the_edge(void **state)
{
	static char text[8192];
	struct conf *c;
	size_t n;

	(void)state;
	/* A line of 4096 bytes, most of them blanks, and one more. */
	memset(text, ' ', sizeof text);
	memcpy(text, "name,mac\nn1," MAC1, 29);
	text[9 + 4096] = '\0';
	conf_free(parse(text));
	text[9 + 4096] = ' ';
	text[9 + 4097] = '\0';
	assert_error(text, strlen(text), ERR_LONG, 2, 1,
	    "found a line of 4097 bytes, expected at most 4096");
	/* Client identifiers of 255 bytes and 256. */
	n = (size_t)snprintf(text, sizeof text, "name,client-id\nn1,");
	memset(text + n, 'x', 256);
	text[n + 255] = '\0';
	c = parse(text);
	assert_int_equal(c->keys[0].len, 255);
	assert_ptr_equal(conf_host_find(c, KEY_CLIENT_ID, text + n, 255), c->hosts);
	conf_free(c);
	text[n + 255] = 'x';
	text[n + 256] = '\0';
	assert_error(text, strlen(text), ERR_LONG, 2, 4,
	    "found 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...', "
	    "expected at most 255 bytes");
	/* Remote identifiers of 128 bytes and 129. */
	n = (size_t)snprintf(text, sizeof text, "name,remote-id\nn1,");
	memset(text + n, 'x', 129);
	text[n + 128] = '\0';
	conf_free(parse(text));
	text[n + 128] = 'x';
	text[n + 129] = '\0';
	assert_error(text, strlen(text), ERR_LONG, 2, 4,
	    "found 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...', "
	    "expected at most 128 bytes");
	/* Sixteen keys, and a seventeenth. */
	n = (size_t)snprintf(text, sizeof text, "name,mac\nn1,");
	for (unsigned i = 1; i <= 17; i++) {
		n += (size_t)snprintf(text + n, sizeof text - n, "52:54:00:00:00:%02x;", i);
		if (i == 16) {
			/* As many as the index has at least: it is never full. */
			c = parse(text);
			assert_null(FIND(c, KEY_MAC, "\x52\x54\0\0\1\0"));
			conf_free(c);
		}
	}
	assert_error(
	    text, n, ERR_FULL, 2, 4 + 16 * 18, "found one more key, expected at most 16");
}

static void
parts_of_a_port(void **state)
{
	static const uint8_t part[129];
	uint8_t key[CONF_KEY_MAX];

	(void)state;
	assert_int_equal(conf_port_key(key, part, 0, part, 0), ERR_RANGE);
	assert_int_equal(conf_port_key(key, part, 129, part, 1), ERR_RANGE);
	assert_int_equal(conf_port_key(key, part, 1, part, 129), ERR_RANGE);
	assert_int_equal(conf_port_key(key, part, 128, part, 128), 258);
	assert_int_equal(conf_port_key(key, NULL, 0, "ab", 2), 4);
	assert_memory_equal(key, "\0\2ab", 4);
}

static void
most_hosts_and_most_keys(void **state)
{
	size_t cap = CONF_TEXT_MAX, n;
	char *text = malloc(cap);
	unsigned k = 0;

	(void)state;
	assert_non_null(text);
	n = (size_t)snprintf(text, cap, "name,client-id\n");
	for (unsigned i = 0; i <= CONF_HOSTS_MAX; i++)
		n += (size_t)snprintf(text + n, cap - n, "n%u,%u\n", i, i);
	assert_error(text, n, ERR_FULL, CONF_HOSTS_MAX + 2, 1,
	    "found 'n131072', expected at most 131072 hosts");
	n = (size_t)snprintf(text, cap, "name,mac\n");
	for (unsigned i = 0; i <= CONF_KEYS_MAX / 16; i++) {
		n += (size_t)snprintf(text + n, cap - n, "n%u,", i);
		for (unsigned m = 0; m < (i < CONF_KEYS_MAX / 16 ? 16 : 1); m++, k++)
			n += (size_t)snprintf(text + n, cap - n, "02:00:00:%02x:%02x:%02x;",
			    k >> 16, k >> 8 & 255, k & 255);
		n += (size_t)snprintf(text + n, cap - n, "\n");
	}
	assert_error(text, n, ERR_FULL, CONF_KEYS_MAX / 16 + 2, 8,
	    "found one more key, expected at most 524288 of all hosts");
	free(text);
}

static void
too_long_a_file(void **state)
{
	char *large = malloc(CONF_TEXT_MAX + 1);

	(void)state;
	assert_non_null(large);
	memset(large, '\n', CONF_TEXT_MAX + 1);
	assert_error(large, CONF_TEXT_MAX + 1, ERR_LONG, 1, 1,
	    "found more than 16 MiB of text, expected less");
	memcpy(large + CONF_TEXT_MAX - 2, "x\n", 2);
	assert_error(large, CONF_TEXT_MAX, ERR_FORMAT, CONF_TEXT_MAX - 1, 1,
	    "found 'x', expected a column: name, mac, client-id, uuid, circuit-id, "
	    "remote-id, "
	    "address, image, boot or parameters");
	free(large);
}

static const char whole[] =
    "\xef\xbb\xbfname,mac,client-id,uuid,circuit-id,remote-id,address,"
    "image,boot,parameters\r\n# x\r\n\r\n"
    "n1,\"52:54:00:00:00:01;52:54:00:00:00:02\",0x0102,"
    "4c4c4544-0043-3510-8052-b4c04f4e4c32,\"a\"\"b\",c,10.0.0.5,debian,,"
    "\"disk=/dev/sda; x=y\"\r\n"
    "n2,,a,,,01:02,10.0.0.6,,deny,\n";

/* Printed, hosts of the table are blocks that say the same. */
static void
same_as_blocks(void **state)
{
	static const char hosts[] =
	    "name,mac,client-id,uuid,circuit-id,remote-id,parameters\n"
	    "n1,52:54:00:00:00:01,0x00,,,,\n"
	    "n2,,0x010203040506,,,,a=b;c=d\n"
	    "n3,,\"a\"\"b\",,,,\n"
	    "n4,,,000102030405060708090a0b0c0d0e0f,0x99,,\n"
	    "n5,,,,port 1,0x0a0b0c0d0e0f,\n"
	    "n6,,,,,0x2222,\n"
	    "n7,,12,,,10.0.0.1,\n";
	struct conf *c = parse(whole), *again;
	struct conf_text t = {0};
	struct conf_error e;
	char *text;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		text = conf_printed(c, &t.conf_len);
		t.conf = text;
		if (conf_parse(&t, &again, &e) != 0)
			fail_msg("%u:%u: %s", e.line, e.column, e.text);
		assert_null(conf_same(c, again));
		free(text);
		conf_free(again);
		conf_free(c);
		c = parse(hosts);
	}
	assert_int_equal(c->nhosts, 7);
	conf_free(c);
}

/* Cut anywhere and with any bit turned: a sound tree, or one error inside the text. */
static void
cut_and_bent(void **state)
{
	size_t len = sizeof whole - 1;

	(void)state;
	for (size_t i = 0; i <= len + len * 8; i++) {
		size_t n = i <= len ? i : len;
		char *bent = malloc(n + 1);
		struct conf_error e;
		struct conf *c;

		assert_non_null(bent);
		memcpy(bent, whole, n);
		if (i > len)
			bent[(i - len - 1) / 8] =
			    (char)(bent[(i - len - 1) / 8] ^ (1 << ((i - len - 1) % 8)));
		if (try_both(CONF, bent, n, &c, &e) == 0) {
			assert_true(c->nhosts <= 2);
			conf_free(c);
		} else {
			assert_null(c);
			assert_int_equal(e.file, CONF_FILE_HOSTS);
			assert_true(e.line >= 1 && e.line <= 7);
			assert_true(e.column >= 1 && e.column <= 200);
			assert_non_null(strstr(e.text, "expected"));
		}
		free(bent);
	}
}

#define MANY 100000u

static char *
write_many(size_t *len)
{
	size_t cap = MANY * 120, n;
	char *text = malloc(cap);

	assert_non_null(text);
	n = (size_t)snprintf(text, cap, "name,mac,uuid,address,image,parameters\n");
	/* Odd multiplier: visits every number below 2^17 once, in no order. */
	for (unsigned i = 0; i < MANY; i++) {
		unsigned k = (i * 40503u) & 0x1ffff;

		n += (size_t)snprintf(text + n, cap - n,
		    "n%u,02:00:00:%02x:%02x:%02x,,10.%u.%u.%u,debian,disk=/dev/sda\n", i,
		    k >> 16, (k >> 8) & 255, k & 255, 1 + (i >> 16), (i >> 8) & 255,
		    i & 255);
	}
	*len = n;
	return text;
}

static void
check_many(const struct conf *c)
{
	assert_int_equal(c->nhosts, MANY);
	assert_int_equal(c->nreserved, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		const struct conf_host *h = &c->hosts[i];
		const struct conf_host_key *k = conf_host_key(c, h, KEY_MAC);

		if (conf_host_find(c, KEY_MAC, k->b, k->len) != h ||
		    conf_host_reserving(c, &h->address) != h)
			fail_msg("host %u is not found", i);
	}
}

static void
many_hosts(void **state)
{
	struct conf_error e;
	struct conf *c;
	uint64_t began, took;
	size_t len, before;
	char *text = write_many(&len);

	(void)state;
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	began = clock_mono_ms();
	assert_int_equal(try_both(CONF, text, len, &c, &e), 0);
	took = clock_mono_ms() - began;
	print_message("%u hosts, %zu bytes: %llu ms, %zu bytes of memory each\n", MANY, len,
	    (unsigned long long)took,
	    (mallinfo2().uordblks + mallinfo2().hblkhd - before) / MANY);
	check_many(c);
	began = clock_mono_ms();
	check_many(c);
	print_message("%u keys and addresses found in %llu ms\n", MANY,
	    (unsigned long long)(clock_mono_ms() - began));
	conf_free(c);
	assert_true(took < 10000); /* 2 s without sanitizers; a busy machine has room */
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_column),
	    cmocka_unit_test(kinds_are_apart),
	    cmocka_unit_test(several_keys_of_one_kind),
	    cmocka_unit_test(forms_of_bytes),
	    cmocka_unit_test(doubled_quotes),
	    cmocka_unit_test(forms_of_lines),
	    cmocka_unit_test(no_hosts_at_all),
	    cmocka_unit_test(beside_host_blocks),
	    cmocka_unit_test(errors_are_exact),
	    cmocka_unit_test(limits_hold_at_the_edge),
	    cmocka_unit_test(parts_of_a_port),
	    cmocka_unit_test(most_hosts_and_most_keys),
	    cmocka_unit_test(too_long_a_file),
	    cmocka_unit_test(same_as_blocks),
	    cmocka_unit_test(cut_and_bent),
	    cmocka_unit_test(many_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
