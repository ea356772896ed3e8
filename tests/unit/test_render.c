/*
 * Rendered texts: one ask for all who wait, kept until the image ends, and a verifier that
 * is slow, silent, gone or lying.
 */
#include <stdio.h>
#include <string.h>

#include "src/broker/intake.h"
#include "src/broker/wait.h"
#include "tests/lib/broker_rig.h"
#include "tests/unit/unit.h"

static struct render_key key;
static struct render_text text;
static struct render_ticket ticket;
static struct msg m;

static int
set_up(void **state)
{
	(void)state;
	rig_init();
	rig_debian(1, 1, 7);
	key = (struct render_key){
	    .kind = TEMPLATE_IPXE,
	    .arch = ARCH_X64,
	    .http_port = 8080,
	    .mac = rig_mac(RIG_MAC),
	    .client = rig_addr(RIG_CLIENT),
	    .server = rig_addr("10.77.0.1"),
	    .host = &broker.conf->hosts[0],
	};
	return 0;
}

static int
get(void)
{
	const struct image *image = image_find("debian", broker.wall_s);

	assert_non_null(image);
	return render_get(image, &key, &text, &ticket);
}

/* The ask that the verifier has got; 0 when none. */
static uint32_t
take_ask(void)
{
	rig_turn();
	if (!rig_take_answer(&rig.verifier, &m))
		return 0;
	assert_int_equal(m.nr, MSG_RENDER_ASK);
	return m.u.render_ask.ask;
}

static void
answer(uint32_t ask, uint8_t ok, uint32_t memfd, uint64_t length)
{
	struct msg a = {.nr = MSG_RENDER_ANS};

	a.u.render_ans.ask = ask;
	a.u.render_ans.ok = ok;
	a.u.render_ans.memfd = memfd;
	a.u.render_ans.length = length;
	memset(a.u.render_ans.hash, 0xaa, sizeof a.u.render_ans.hash);
	rig_send(&rig.verifier, &a);
	rig_turn();
}

static void
slots_are_ours(void **state)
{
	const struct msg_render_ask *a = &m.u.render_ask;

	(void)state;
	assert_int_equal(get(), ERR_STATE);
	assert_int_not_equal(take_ask(), 0);
	assert_int_equal(a->image, 1);
	assert_int_equal(a->kind, TEMPLATE_IPXE);
	assert_int_equal(a->arch, ARCH_X64);
	assert_int_equal(a->http_port, 8080);
	assert_true(mac_equal(&a->mac, &key.mac));
	assert_true(addr_equal(&a->client, &key.client));
	assert_true(addr_equal(&a->server, &key.server));
	assert_string_equal(a->host, "node1");
	assert_int_equal(a->params.len, strlen("disk=/dev/sda\n"));
	assert_memory_equal(a->params.b, "disk=/dev/sda\n", a->params.len);
	/* A machine without a host block has no name. */
	key.host = NULL;
	assert_int_equal(get(), ERR_STATE);
	assert_int_not_equal(take_ask(), 0);
	assert_string_equal(a->host, "");
	assert_int_equal(a->params.len, 0);
	key.host = &broker.conf->hosts[1];
	assert_int_equal(get(), ERR_STATE);
	assert_int_not_equal(take_ask(), 0);
	assert_string_equal(a->host, "node2");
	assert_int_equal(a->params.len, strlen("disk=b\n"));
}

static void
one_ask_for_all(void **state)
{
	uint32_t ask;

	(void)state;
	assert_int_equal(get(), ERR_STATE);
	assert_int_equal(get(), ERR_STATE);
	assert_false(render_changed(&ticket));
	ask = take_ask();
	assert_int_equal(take_ask(), 0);
	assert_int_equal(render_asked(), 1);
	rig_memfd(50, 300);
	answer(ask, 1, 50, 299);
	assert_true(render_changed(&ticket));
	assert_int_equal(render_asked(), 0);
	assert_int_equal(get(), 0);
	assert_int_equal(text.object.length, 299);
	assert_int_equal(text.object.hash[0], 0xaa);
	assert_int_equal(text.modified, broker.wall_s);
	assert_int_equal(take_ask(), 0);
	/* The number of its memory has ended with the answer. */
	assert_null(memfd_held(50));
	assert_int_equal(memfd_count(), 2);
}

static void
each_slot_makes_another_text(void **state)
{
	struct render_key base = key;
	unsigned asks = 0;

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		key = base;
		switch (i) {
		case 1: key.kind = TEMPLATE_GRUB; break;
		case 2: key.arch = ARCH_BIOS; break;
		case 3: key.http_port = 0; break;
		case 4: key.mac.b[5] ^= 1; break;
		case 5: key.client.b[3] ^= 1; break;
		case 6: key.server.b[3] ^= 1; break;
		case 7: key.host = NULL; break;
		default: break;
		}
		assert_int_equal(get(), ERR_STATE);
	}
	while (take_ask() != 0)
		asks++;
	assert_int_equal(asks, 8);
}

static void
refused_for_a_while(void **state)
{
	(void)state;
	assert_int_equal(get(), ERR_STATE);
	answer(take_ask(), 0, 0, 0);
	assert_true(render_changed(&ticket));
	assert_int_equal(get(), ERR_ABSENT);
	broker.now_ms += RENDER_FAILED_MS - 1;
	assert_int_equal(get(), ERR_ABSENT);
	assert_int_equal(take_ask(), 0);
	broker.now_ms += 1;
	assert_int_equal(get(), ERR_STATE);
	assert_int_not_equal(take_ask(), 0);
}

static void
no_answer_in_time(void **state)
{
	uint32_t ask;

	(void)state;
	assert_int_equal(get(), ERR_STATE);
	ask = take_ask();
	broker.now_ms += RENDER_WAIT_MS - 1;
	rig_turn();
	assert_false(render_changed(&ticket));
	broker.now_ms += 60;
	rig_turn();
	assert_true(render_changed(&ticket));
	assert_int_equal(get(), ERR_ABSENT);
	/* A late answer is no fault, is not used, and leaks nothing. */
	rig_memfd(50, 300);
	answer(ask, 1, 50, 300);
	assert_false(rig_fault(ROLE_VERIFIER, 0));
	assert_int_equal(get(), ERR_ABSENT);
	assert_int_equal(memfd_count(), 1);
	/* So is one that comes twice. */
	answer(ask, 0, 0, 0);
	assert_false(rig_fault(ROLE_VERIFIER, 0));
}

static void
lies_are_faults(void **state)
{
	static const struct {
		uint32_t more; /* than the ask */
		uint32_t memfd;
		uint64_t length;
	} rows[] = {
	    {1, 50, 300},
	    {UINT32_MAX, 50, 300}, /* 0 */
	    {0, 51, 300},
	    {0, 50, 301},
	    {0, 50, UINT64_MAX},
	    {0, 60, RENDER_SIZE_MAX + 1},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint32_t ask;

		set_up(state);
		assert_int_equal(get(), ERR_STATE);
		ask = take_ask();
		rig_memfd(50, 300);
		rig_memfd(60, RENDER_SIZE_MAX + 1);
		answer(ask + rows[i].more, 1, rows[i].memfd, rows[i].length);
		if (!rig_fault(ROLE_VERIFIER, 0))
			fail_msg("row %zu", i);
		assert_int_equal(get(), ERR_STATE);
	}
}

static void
ends_with_its_image(void **state)
{
	(void)state;
	assert_int_equal(get(), ERR_STATE);
	rig_memfd(50, 300);
	answer(take_ask(), 1, 50, 300);
	assert_int_equal(get(), 0);
	key.kind = TEMPLATE_GRUB;
	assert_int_equal(get(), ERR_STATE);
	rig_debian(2, 2, 7);
	assert_true(render_changed(&ticket));
	assert_int_equal(render_asked(), 0);
	rig_number(MSG_DROP_TELL, 1);
	rig_turn();
	assert_int_equal(memfd_count(), 1);
	assert_int_equal(get(), ERR_STATE);
	while (take_ask() != 0)
		;
	assert_int_equal(m.u.render_ask.image, 2);
}

/* A text that was rendered serves on without a verifier; what is waited for goes to the
 * next one once it has made the image active again. */
static void
verifier_gone(void **state)
{
	uint32_t ask;

	(void)state;
	assert_int_equal(get(), ERR_STATE);
	rig_memfd(50, 300);
	answer(take_ask(), 1, 50, 300);
	key.kind = TEMPLATE_GRUB;
	assert_int_equal(get(), ERR_STATE);
	ask = take_ask();
	rig_gone(ROLE_VERIFIER, 0);
	assert_int_equal(take_ask(), 0);
	assert_int_equal(get(), ERR_STATE);
	key.kind = TEMPLATE_IPXE;
	assert_int_equal(get(), 0);
	/* An answer to what this one was not asked. */
	rig_memfd(50, 300);
	answer(ask + 1, 1, 50, 300);
	assert_true(rig_fault(ROLE_VERIFIER, 0));
	rig_gone(ROLE_VERIFIER, 0);
	rig_reset(&rig.verifier);
	rig_debian(1, 1, 7);
	assert_int_equal(get(), ERR_STATE);
	assert_true(take_ask() > ask);
}

/* More machines than there are places: the oldest go, nothing grows. */
static void
bounded(void **state)
{
	uint32_t ask, memfd = 100;

	(void)state;
	for (unsigned i = 0; i < RENDER_MAX + 100; i++) {
		key.mac.b[4] = (uint8_t)(i >> 8);
		key.mac.b[5] = (uint8_t)i;
		assert_int_equal(get(), ERR_STATE);
		ask = take_ask();
		rig_memfd(++memfd, 10);
		answer(ask, 1, memfd, 10);
		assert_int_equal(get(), 0);
	}
	assert_int_equal(memfd_count(), RENDER_MAX + 1);
	/* The first one has gone, the last one not. */
	assert_int_equal(get(), 0);
	key.mac.b[4] = key.mac.b[5] = 0;
	assert_int_equal(get(), ERR_STATE);
	/* So many at once, then it has to be tried again. */
	for (unsigned i = 0; i < RENDER_ASKED_MAX + 50; i++) {
		key.mac.b[3] = 1;
		key.mac.b[4] = (uint8_t)(i >> 8);
		key.mac.b[5] = (uint8_t)i;
		assert_int_equal(get(), ERR_STATE);
	}
	assert_int_equal(render_asked(), RENDER_ASKED_MAX);
	assert_null(ticket.entry);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(slots_are_ours, set_up),
	    cmocka_unit_test_setup(one_ask_for_all, set_up),
	    cmocka_unit_test_setup(each_slot_makes_another_text, set_up),
	    cmocka_unit_test_setup(refused_for_a_while, set_up),
	    cmocka_unit_test_setup(no_answer_in_time, set_up),
	    cmocka_unit_test_setup(lies_are_faults, set_up),
	    cmocka_unit_test_setup(ends_with_its_image, set_up),
	    cmocka_unit_test_setup(verifier_gone, set_up),
	    cmocka_unit_test_setup(bounded, set_up),
	};

	return cmocka_run_group_tests_name("render", tests, NULL, NULL);
}
