/*
 * What root takes from conf-check, which may be owned by the text that it parses: a child
 * that says what the test wants stands in for it.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "privsep/spec.h"
#include "src/base/clock.h"

static struct spec_check c;
static int theirs;
static pid_t child;

static void
say(const struct msg *m)
{
	uint8_t bytes[MSG_SIZE_MAX];
	int n = msg_encode(m, bytes, sizeof bytes);

	assert_true(n > 0);
	assert_int_equal(send(theirs, bytes, (size_t)n, 0), n);
}

static void
say_link(const char *name)
{
	struct msg m = {.nr = MSG_SPEC_LINK_TELL};

	snprintf(m.u.spec_link_tell.name, sizeof m.u.spec_link_tell.name, "%s", name);
	say(&m);
}

static struct msg
good_spec(void)
{
	struct msg m = {.nr = MSG_SPEC_TELL};
	struct msg_spec_tell *s = &m.u.spec_tell;

	s->tftp_first = 40000;
	s->tftp_last = 40063;
	s->http_port = 80;
	strcpy(s->state, "/var/lib/sallyport");
	strcpy(s->images, "/var/lib/sallyport/images");
	strcpy(s->keyring, "/etc/sallyport/keyring");
	return m;
}

/* Ends with that status when it is let go; until then it lives. */
static int
begin(void **state)
{
	int ends[2];

	(void)state;
	memset(&c, 0, sizeof c);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	c.tell = ends[0];
	theirs = ends[1];
	c.until_ms = clock_mono_ms() + 10000;
	return 0;
}

static void
run(int status, bool ends)
{
	c.pid = child = fork();
	if (child == 0) {
		if (!ends)
			pause();
		_exit(status);
	}
	c.pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	assert_true(c.pidfd >= 0);
}

/* The result, once there is one; the child's end of the channel is closed by then. */
static int
result(void)
{
	int r;

	do
		r = spec_step(&c);
	while (r == 0);
	/* Nothing is left of it. */
	assert_int_equal(waitpid(child, NULL, WNOHANG), -1);
	close(theirs);
	return r;
}

static void
good_is_taken(void **state)
{
	struct msg m = good_spec();

	(void)state;
	say_link("eth0");
	say_link("eth1");
	say(&m);
	run(0, true);
	assert_int_equal(result(), 1);
	assert_int_equal(c.spec.nlinks, 2);
	assert_string_equal(c.spec.links[1].name, "eth1");
	assert_int_equal(c.spec.s.http_port, 80);
}

static void
wrong_is_wrong(void **state)
{
	(void)state;
	run(1, true);
	assert_int_equal(result(), ERR_FORMAT);
}

/* Only with all of its words, and a good end, is it believed. */
static void
half_is_nothing(void **state)
{
	struct msg m = good_spec();

	(void)state;
	say_link("eth0");
	run(0, true);
	assert_int_equal(result(), ERR_SYS);
	begin(NULL);
	say_link("eth0");
	say(&m);
	run(1, true);
	assert_int_equal(result(), ERR_SYS);
	begin(NULL);
	say(&m);
	run(0, true);
	assert_int_equal(result(), ERR_RANGE);
}

static void
nonsense_ends_it(void **state)
{
	struct msg m = good_spec(), no = {.nr = MSG_LOG_TELL};

	(void)state;
	assert_int_equal(send(theirs, "nonsense", 8, 0), 8);
	run(0, false);
	assert_int_equal(result(), ERR_RANGE);
	begin(NULL);
	say(&no);
	run(0, false);
	assert_int_equal(result(), ERR_RANGE);
	begin(NULL);
	say_link("eth0");
	say(&m);
	say(&m);
	run(0, false);
	assert_int_equal(result(), ERR_RANGE);
}

static void
links_are_bounded(void **state)
{
	char name[16];

	(void)state;
	for (int i = 0; i <= LINKS_MAX; i++) {
		snprintf(name, sizeof name, "eth%d", i);
		say_link(name);
	}
	run(0, false);
	assert_int_equal(result(), ERR_RANGE);
	begin(NULL);
	say_link("a/b");
	run(0, false);
	assert_int_equal(result(), ERR_RANGE);
	begin(NULL);
	say_link("");
	run(0, false);
	assert_int_equal(result(), ERR_RANGE);
}

static void
refuses(const struct msg *m)
{
	begin(NULL);
	say_link("eth0");
	say(m);
	run(0, false);
	assert_int_equal(result(), ERR_RANGE);
}

static void
paths_and_ports_are_plain(void **state)
{
	static const char *const bad[] = {
	    "", "relative", "/a/../b", "/a/..", "//a", "/..", "/a//b"};
	struct msg m;

	(void)state;
	close(theirs);
	close(c.tell);
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		m = good_spec();
		snprintf(m.u.spec_tell.state, sizeof m.u.spec_tell.state, "%s", bad[i]);
		refuses(&m);
		m = good_spec();
		snprintf(m.u.spec_tell.keyring, sizeof m.u.spec_tell.keyring, "%s", bad[i]);
		refuses(&m);
	}
	m = good_spec();
	m.u.spec_tell.tftp_last = 39999;
	refuses(&m);
	m.u.spec_tell.tftp_last = 41024;
	refuses(&m);
	m = good_spec();
	m.u.spec_tell.http_port = 0;
	refuses(&m);
}

static void
silence_is_given_up(void **state)
{
	(void)state;
	say_link("eth0");
	c.until_ms = clock_mono_ms() + 100;
	run(0, false);
	assert_int_equal(spec_step(&c), 0);
	assert_int_equal(result(), ERR_SYS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(good_is_taken, begin),
	    cmocka_unit_test_setup(wrong_is_wrong, begin),
	    cmocka_unit_test_setup(half_is_nothing, begin),
	    cmocka_unit_test_setup(nonsense_ends_it, begin),
	    cmocka_unit_test_setup(links_are_bounded, begin),
	    cmocka_unit_test_setup(paths_and_ports_are_plain, begin),
	    cmocka_unit_test_setup(silence_is_given_up, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
