/*
 * Every message of msgs.def: there and back, exact length, ranges, permissions.
 */
#include <string.h>

#include "tests/unit/sample.h"
#include "tests/unit/unit.h"

static struct msg a, b;
static uint8_t bytes[MSG_SIZE_MAX + 64], again[MSG_SIZE_MAX + 64];

static void
round_trip(void **state)
{
	unsigned nr, seen = 0;

	(void)state;
	for (unsigned i = 0; (nr = msg_number(i)) != 0; i++, seen++) {
		for (int full = 0; full < 2; full++) {
			int len, len2;

			sample_message(nr, &a, full);
			len = msg_encode(&a, bytes, MSG_SIZE_MAX);
			assert_in_range(len, 2, MSG_SIZE_MAX);
			assert_int_equal(msg_decode(bytes, (size_t)len, &b), 0);
			len2 = msg_encode(&b, again, MSG_SIZE_MAX);
			assert_int_equal(len, len2);
			assert_memory_equal(bytes, again, (size_t)len);
		}
	}
	assert_in_range(seen, 25, 255);
}

static void
every_other_length_is_refused(void **state)
{
	unsigned nr;

	(void)state;
	for (unsigned i = 0; (nr = msg_number(i)) != 0; i++) {
		int len;

		sample_message(nr, &a, true);
		len = msg_encode(&a, bytes, sizeof bytes);
		for (int cut = 0; cut < len; cut++) {
			int err = msg_decode(bytes, (size_t)cut, &b);

			assert_true(
			    err == ERR_SHORT || err == ERR_RANGE || err == ERR_FORMAT);
		}
		assert_int_equal(msg_decode(bytes, (size_t)len + 1, &b), ERR_LONG);
	}
}

static void
small_buffers_are_refused(void **state)
{
	unsigned nr;

	(void)state;
	for (unsigned i = 0; (nr = msg_number(i)) != 0; i++) {
		int len;

		sample_message(nr, &a, true);
		len = msg_encode(&a, bytes, sizeof bytes);
		for (int cap = 0; cap < len; cap++)
			assert_int_equal(msg_encode(&a, again, (size_t)cap), ERR_LONG);
	}
}

static void
ranges(void **state)
{
	int len;

	(void)state;
	sample_message(MSG_DHCP_TELL, &a, true);
	a.u.dhcp_tell.link = LINKS_MAX;
	assert_int_equal(msg_encode(&a, bytes, sizeof bytes), ERR_RANGE);
	a.u.dhcp_tell.link = 0;
	len = msg_encode(&a, bytes, sizeof bytes);
	bytes[2] = LINKS_MAX; /* the first field */
	assert_int_equal(msg_decode(bytes, (size_t)len, &b), ERR_RANGE);

	sample_message(MSG_RRQ_TELL, &a, true);
	a.u.rrq_tell.name[3] = '\n';
	len = msg_encode(&a, bytes, sizeof bytes);
	assert_true(len > 0);
	assert_int_equal(msg_decode(bytes, (size_t)len, &b), ERR_RANGE);

	sample_message(MSG_CONN_TELL, &a, false);
	a.u.conn_tell.peer.b[7] = 1; /* not canonical */
	assert_int_equal(msg_encode(&a, bytes, sizeof bytes), ERR_RANGE);
}

static void
unknown_numbers(void **state)
{
	(void)state;
	for (unsigned nr = 0; nr <= 0xffff; nr++) {
		bytes[0] = (uint8_t)nr;
		bytes[1] = (uint8_t)(nr >> 8);
		if (strcmp(msg_name(nr), "?") != 0)
			continue;
		assert_int_equal(msg_decode(bytes, 100, &b), ERR_FORMAT);
		assert_false(msg_permitted(nr, ROLE_BROKER, ROLE_FILE_SENDER));
		assert_false(msg_carries_fd(nr));
	}
}

/* The walls that matter most, said once more in plain words. */
static void
permissions(void **state)
{
	static const enum role ears[] = {
	    ROLE_DHCP_PARSER, ROLE_TFTP_PARSER, ROLE_HTTP_PARSER, ROLE_LINK_PARSER};
	unsigned nr;

	(void)state;
	for (unsigned i = 0; (nr = msg_number(i)) != 0; i++) {
		for (unsigned e = 0; e < sizeof ears / sizeof ears[0]; e++) {
			/* An ear speaks to the broker and the logger, to nobody else, and
			 * never with a descriptor. */
			for (unsigned to = 0; to < ROLE_MAX; to++)
				if (to != ROLE_BROKER && to != ROLE_LOGGER)
					assert_false(msg_permitted(nr, ears[e], to));
			if (msg_carries_fd(nr))
				assert_false(msg_permitted(nr, ears[e], ROLE_BROKER));
		}
		/* The ears of packets hear nothing from inside. */
		for (unsigned from = 0; from < ROLE_MAX; from++) {
			assert_false(msg_permitted(nr, from, ROLE_DHCP_PARSER));
			assert_false(msg_permitted(nr, from, ROLE_TFTP_PARSER));
			assert_false(msg_permitted(nr, from, ROLE_LINK_PARSER));
		}
		/* dhcp-sender obeys the broker and tells nobody anything but lines. */
		assert_false(msg_permitted(nr, ROLE_DHCP_SENDER, ROLE_BROKER));
		/* Descriptors flow from the verifier to the broker to the senders, and with
		 * connections from file-sender to tls. */
		if (msg_carries_fd(nr))
			for (unsigned from = 0; from < ROLE_MAX; from++)
				for (unsigned to = 0; to < ROLE_MAX; to++)
					if (from != ROLE_VERIFIER && from != ROLE_BROKER &&
					    !(from == ROLE_FILE_SENDER && to == ROLE_TLS))
						assert_false(msg_permitted(nr, from, to));
		/* What tls can say goes to the broker (who has shown a certificate), to
		 * keys and to the logger; keys answers tls alone. */
		for (unsigned to = 0; to < ROLE_MAX; to++) {
			if (to != ROLE_TLS && to != ROLE_LOGGER)
				assert_false(msg_permitted(nr, ROLE_KEYS, to));
			if (to != ROLE_BROKER && to != ROLE_KEYS && to != ROLE_LOGGER)
				assert_false(msg_permitted(nr, ROLE_TLS, to));
			if (nr != MSG_CLIENT_TELL)
				assert_false(msg_permitted(nr, ROLE_TLS, ROLE_BROKER));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(round_trip),
	    cmocka_unit_test(every_other_length_is_refused),
	    cmocka_unit_test(small_buffers_are_refused),
	    cmocka_unit_test(ranges),
	    cmocka_unit_test(unknown_numbers),
	    cmocka_unit_test(permissions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
