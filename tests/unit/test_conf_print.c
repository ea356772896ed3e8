/*
 * The effective configuration: what is printed gives the same tree, whatever it was made
 * from, and says what was left out as well.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/conf.h"
#include "policy/option.h"
#include "tests/lib/conf_same.h"

static struct conf *
parse(const char *text, size_t len)
{
	struct conf_text t = {.conf = text, .conf_len = len};
	struct conf_error e;
	struct conf *c;

	if (conf_parse(&t, &c, &e) == 0)
		return c;
	print_error("%.*s\n", (int)(len < 4000 ? len : 4000), text);
	fail_msg("%u:%u: %s", e.line, e.column, e.text);
	return NULL;
}

/* The text that c gives, to be freed. Frees c. */
static char *
round_trip(struct conf *c, size_t *len)
{
	char *first = conf_printed(c, len), *second;
	struct conf *again = parse(first, *len);
	const char *different = conf_same(c, again);
	size_t second_len;

	if (different != NULL)
		fail_msg(
		    "printed and read again: not %s\n%.*s", different, (int)*len, first);
	second = conf_printed(again, &second_len);
	assert_int_equal(*len, second_len);
	assert_memory_equal(first, second, *len);
	free(second);
	conf_free(again);
	conf_free(c);
	return first;
}

static char *
read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	char *text = malloc(65536);

	if (f == NULL || text == NULL) {
		free(text);
		fail_msg("%s: run from the top of the source tree", path);
		return NULL;
	}
	*len = fread(text, 1, 65536, f);
	fclose(f);
	return text;
}

static void
of_file(const char *path)
{
	size_t len, printed_len;
	char *text = read_file(path, &len), *printed;
	struct conf *c = parse(text, len);

	free(text); /* the tree must not point into the text */
	printed = round_trip(c, &printed_len);
	free(printed);
}

static void
examples(void **state)
{
	(void)state;
	of_file("examples/minimal.conf");
	of_file("examples/full.conf");
	of_file("examples/proxy.conf");
}

/* Every seed that is a configuration at all. */
static void
corpus(void **state)
{
	DIR *d = opendir("fuzz/corpus/conf");
	struct dirent *e;
	unsigned sound = 0;

	(void)state;
	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		struct conf_text t = {0};
		struct conf_error error;
		struct conf *c;
		char path[512], *text;
		size_t len;

		snprintf(path, sizeof path, "fuzz/corpus/conf/%s", e->d_name);
		if (e->d_name[0] == '.')
			continue;
		text = read_file(path, &t.conf_len);
		t.conf = text;
		if (conf_parse(&t, &c, &error) == 0) {
			sound++;
			free(text);
			text = round_trip(c, &len);
		}
		free(text);
	}
	closedir(d);
	print_message("%u sound seeds\n", sound);
	assert_true(sound >= 15);
}

static void
defaults_are_said(void **state)
{
	static const char *const lines[] = {
	    "interface \"a\" {\n\t# address: the interface's first\n"
	    "\t# address6: none, no IPv6\n\tmode full;\n"
	    "\trogue-servers refuse;\n}\n",
	    "dhcp {\n\tauthoritative yes;\n\tbootp no;\n\tconflict-probe 200ms;\n"
	    "\tquarantine 10m;\n\tclient-rate 100;\n\tlink-rate 0;\n\tleases-per-port 0;\n"
	    "\tpool-share 100%;\n}\n",
	    "boot {\n\tdefault deny;\n\tunknown deny;\n\tipxe-transport http;\n"
	    "\thttp-boot http;\n\texpired refuse;\n\tsession-time 1h;\n\tsessions "
	    "10000;\n}\n",
	    "tftp {\n\tports 40000 - 40063;\n\tsingle-port no;\n\tcase-insensitive no;\n"
	    "\trollover 0;\n\tmax-windowsize 64;\n\tmax-blksize 65464;\n"
	    "\ttransfers-per-address 64;\n}\n",
	    "http {\n\tport 80;\n\thead-timeout 10s;\n\tidle-timeout 30s;\n\tmin-rate 1K;\n"
	    "\trate-window 30s;\n\tconnections-per-address 64;\n}\n",
	    "server {\n\t# workers: one for each processor core\n\tmemory 2G;\n"
	    "\tlandlock 2;\n\tlog-level info;\n\t# uid-base: named users\n"
	    "\t# control-gid: root alone\n}\n",
	    "lease-time 1h;\n",
	};
	size_t len;
	char *text = round_trip(parse("interface a;", 12), &len);
	char *whole = malloc(len + 1);

	(void)state;
	assert_non_null(whole);
	memcpy(whole, text, len);
	whole[len] = '\0';
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		if (strstr(whole, lines[i]) == NULL)
			fail_msg("not printed:\n%s", lines[i]);
	}
	free(text);
	free(whole);
}

/* Whatever bytes an option has: by name where its type can say them, else as bytes. */
static void
every_option_with_any_bytes(void **state)
{
	static const char *const values[] = {"00", "01", "22", "3b:7b:7d", "20:61",
	    "61:2c:20:62", "0a:00:00:01", "0a:00:00:01:0a:00:00:02",
	    "18:0a:00:00:0a:00:00:01", "01:61:00", "03:61:2c:62:00", "23:23", "ff:ff:ff:ff",
	    "00:00:00:00:00:00:00:00"};
	unsigned tried = 0;

	(void)state;
	for (unsigned code = 1; code < 255; code++) {
		const struct option_def *def = option_by_code(code);

		for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
			char text[200];
			size_t len;

			if (def != NULL && def->type == OPTION_OURS)
				continue;
			snprintf(text, sizeof text, "interface a; option %u bytes %s;",
			    code, values[i]);
			free(round_trip(parse(text, strlen(text)), &len));
			tried++;
		}
	}
	assert_true(tried > 2000);
}

static void
keys_of_hosts(void **state)
{
	static const char text[] =
	    "interface a; host \"h\" { client-id \"a;b\"; client-id 00:22; uuid "
	    "\"4c4c4544-0043-3510-8052-b4c04f4e4c32\"; circuit-id \"p 1\"; remote-id "
	    "22:23; "
	    "circuit-id \"p 2\" remote-id 01; mac 02-00-00-00-00-0A; option host-name "
	    "\"h\"; "
	    "lease-time 5d; boot deny; }";
	static const char printed[] =
	    "host \"h\" {\n\tclient-id \"a;b\";\n\tclient-id 00:22;\n"
	    "\tuuid \"4c4c4544-0043-3510-8052-b4c04f4e4c32\";\n\tcircuit-id \"p 1\";\n"
	    "\tremote-id 22:23;\n\tcircuit-id \"p 2\" remote-id 01;\n"
	    "\tmac 02:00:00:00:00:0a;\n\tlease-time 5d;\n\tboot deny;\n"
	    "\toption host-name \"h\";\n}\n";
	size_t len;
	char *all = round_trip(parse(text, sizeof text - 1), &len);

	(void)state;
	assert_true(len > sizeof printed);
	assert_memory_equal(all + len - (sizeof printed - 1), printed, sizeof printed - 1);
	free(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(examples),
	    cmocka_unit_test(corpus),
	    cmocka_unit_test(defaults_are_said),
	    cmocka_unit_test(every_option_with_any_bytes),
	    cmocka_unit_test(keys_of_hosts),
	};

	return cmocka_run_group_tests_name("conf_print", tests, NULL, NULL);
}
