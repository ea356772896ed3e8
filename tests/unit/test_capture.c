/*
 * Requests out of captures, and requests made of options: what is found is what was put
 * in, and the server's own decoder reads it as it was meant.
 */
#include <stdlib.h>
#include <string.h>

#include "src/base/buf.h"
#include "src/sallyport/capture.h"
#include "src/sallyport/request.h"
#include "src/wire/dhcp4.h"
#include "tests/unit/unit.h"

static uint8_t file[4096];
static struct out out;
static struct captured c;

static void
put(bool swapped, uint32_t n)
{
	if (swapped)
		out_u32_le(&out, n);
	else
		out_u32(&out, n);
}

static void
begin(bool swapped, uint32_t magic, uint32_t link_type)
{
	out_init(&out, file, sizeof file);
	put(swapped, magic);
	for (unsigned i = 0; i < 4; i++)
		put(swapped, i);
	put(swapped, link_type);
}

/* A datagram of `len` bytes of 1, behind `head` bytes of the link. */
static void
packet(bool swapped, const char *head, size_t head_len, uint16_t dport, size_t len,
    uint16_t fragment)
{
	put(swapped, 0);
	put(swapped, 0);
	put(swapped, (uint32_t)(head_len + 28 + len));
	put(swapped, 9999);
	out_copy(&out, head, head_len);
	out_u16(&out, 0x4500);
	out_u16(&out, (uint16_t)(28 + len));
	out_u16(&out, 7);
	out_u16(&out, fragment);
	out_u16(&out, 0x4011);
	out_u16(&out, 0);
	out_u32(&out, 0x0a4d0065);
	out_u32(&out, 0xffffffff);
	out_u16(&out, 68);
	out_u16(&out, dport);
	out_u16(&out, (uint16_t)(8 + len));
	out_u16(&out, 0);
	out_fill(&out, 1, len);
}

static int
find(unsigned n, size_t len)
{
	uint8_t *copy = malloc(len == 0 ? 1 : len);
	int err;

	assert_non_null(copy);
	memcpy(copy, file, len);
	err = capture_find(copy, len, n, &c);
	if (err == 0 && c.len > 0)
		assert_true(c.payload >= copy && c.payload + c.len <= copy + len);
	free(copy);
	return err;
}

#define ETHERNET "\1\2\3\4\5\6\1\2\3\4\5\6\10\0"
#define VLAN "\1\2\3\4\5\6\1\2\3\4\5\6\x88\xa8\0\1\x81\0\0\2\10\0"
#define SLL "\0\0\0\1\0\6\1\2\3\4\5\6\0\0\10\0"
#define SLL2 "\10\0\0\0\0\0\0\1\0\1\0\6\1\2\3\4\5\6\0\0"

static void
captures(void **state)
{
	static const struct {
		uint32_t type;
		const char *head;
		size_t len;
	} links[] = {{1, ETHERNET, 14}, {1, VLAN, 22}, {113, SLL, 16}, {276, SLL2, 20},
	    {101, "", 0}};
	static const uint32_t magics[] = {0xa1b2c3d4, 0xa1b23c4d};
	struct addr from = addr_v4(0x0a4d0065);

	(void)state;
	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
		for (unsigned k = 0; k < 4; k++) {
			bool swapped = k % 2 != 0;

			begin(swapped, magics[k / 2], links[i].type);
			packet(swapped, links[i].head, links[i].len, 53, 40, 0);
			packet(swapped, links[i].head, links[i].len, 67, 240, 0x2000);
			packet(swapped, links[i].head, links[i].len, 67, 241, 0x4000);
			packet(swapped, links[i].head, links[i].len, 4011, 242, 0);
			assert_int_equal(find(1, out.len), 0);
			assert_int_equal(c.len, 241);
			assert_true(c.has_headers && addr_equal(&c.src, &from));
			assert_int_equal(c.sport, 68);
			assert_int_equal(c.dport, 67);
			assert_int_equal(find(2, out.len), 0);
			assert_int_equal(c.len, 242);
			assert_int_equal(c.dport, 4011);
			assert_int_equal(find(3, out.len), ERR_ABSENT);
			for (size_t cut = 4; cut < out.len; cut++)
				(void)find(2, cut);
		}
	}
}

static void
odd_captures(void **state)
{
	(void)state;
	begin(false, 0xa1b2c3d4, 9);
	assert_int_equal(find(1, out.len), ERR_UNSUPPORTED);
	begin(false, 0x0a0d0d0a, 1);
	assert_int_equal(find(1, out.len), ERR_UNSUPPORTED);
	begin(false, 0xa1b2c3d4, 1);
	assert_int_equal(find(1, out.len), ERR_ABSENT);
	assert_int_equal(find(0, out.len), ERR_FORMAT);
	assert_int_equal(find(1, 20), ERR_FORMAT);
	put(false, 0);
	put(false, 0);
	put(false, 0xffffffff);
	put(false, 1);
	assert_int_equal(find(1, out.len), ERR_FORMAT);
	/* UDP says more than IP has. */
	begin(false, 0xa1b2c3d4, 101);
	packet(false, "", 0, 67, 100, 0);
	file[40 + 25] = 255;
	assert_int_equal(find(1, out.len), ERR_ABSENT);
	/* A payload as it is. */
	memset(file, 1, 300);
	assert_int_equal(find(1, 300), 0);
	assert_int_equal(c.len, 300);
	assert_false(c.has_headers);
	assert_int_equal(find(2, 300), ERR_ABSENT);
	assert_int_equal(find(1, 0), 0);
	assert_int_equal(c.len, 0);
}

static struct said
say(const char *text)
{
	struct said s = {.len = strlen(text)};

	memcpy(s.b, text, s.len);
	return s;
}

static void
made_requests(void **state)
{
	struct request r = {.type = 3,
	    .xid = 77,
	    .broadcast = true,
	    .has_arch = true,
	    .arch = 16,
	    .has_uuid = true,
	    .giaddr = addr_v4(0x0a580001),
	    .requested = addr_v4(0x0a4d0065),
	    .server_id = addr_v4(0x0a4d0001)};
	uint8_t bytes[REQUEST_MAX];
	struct dhcp4_request q;
	int n;

	(void)state;
	assert_int_equal(mac_parse("52:54:00:00:00:01", &r.mac), 0);
	r.vendor = say("HTTPClient:Arch:00016");
	r.user = say("\4site");
	r.client_id = say("abc");
	r.circuit = say("eth0");
	r.remote = say("sw1");
	n = request_encode(&r, bytes, sizeof bytes);
	assert_true(n > 240);
	assert_int_equal(dhcp4_decode(bytes, (size_t)n, &q), 0);
	assert_int_equal(q.type, 3);
	assert_int_equal(q.xid, 77);
	assert_int_equal(q.flags, 0x8000);
	assert_memory_equal(q.hw, r.mac.b, 6);
	assert_true(q.has_arch && q.arch == 16 && q.class60 == DHCP4_CLASS_HTTP);
	assert_int_equal(q.uuid_len, DHCP4_UUID_LEN);
	assert_true(addr_equal(&q.giaddr, &r.giaddr));
	assert_true(addr_equal(&q.requested, &r.requested));
	assert_true(addr_equal(&q.server_id, &r.server_id));
	assert_int_equal(q.client_id_len, 3);
	assert_int_equal(q.circuit_len, 4);
	assert_memory_equal(q.circuit, "eth0", 4);
	assert_int_equal(q.remote_len, 3);
	assert_int_equal(q.user_len, 5);
	for (size_t cap = 0; cap < (size_t)n; cap++)
		assert_int_equal(request_encode(&r, bytes, cap), ERR_LONG);
	r.ipxe = true;
	n = request_encode(&r, bytes, sizeof bytes);
	assert_int_equal(dhcp4_decode(bytes, (size_t)n, &q), 0);
	assert_true(q.ipxe);
	r.circuit.len = r.remote.len = 126;
	assert_int_equal(request_encode(&r, bytes, sizeof bytes), ERR_LONG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(captures),
	    cmocka_unit_test(odd_captures),
	    cmocka_unit_test(made_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
