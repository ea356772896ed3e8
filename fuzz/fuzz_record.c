/*
 * A record of the lease store from any bytes. Input: one byte (bit 0: put the right
 * checksum behind, as a broker that was owned could), then the record.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "src/broker/record.h"

#define REQUIRE(condition) ((condition) ? (void)0 : abort())

/* CRC-32 of IEEE 802.3, bit by bit: not the code under test. */
static uint32_t
crc32_bitwise(const uint8_t *p, size_t n)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < n * 8; i++) {
		uint32_t bit = (p[i / 8] >> (i % 8) & 1u) ^ (crc & 1u);

		crc = crc >> 1 ^ (bit != 0 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static void
check_record(const struct record *r, const uint8_t *bytes, size_t len)
{
	uint8_t again[RECORD_SIZE_MAX];
	struct record newer;
	int n = record_encode(r, again, sizeof again);

	REQUIRE(r->state <= RECORD_DECLINED && r->arch < ARCH_MAX && r->link < LINKS_MAX);
	REQUIRE(r->id.kind <= ID_UUID && r->id.len <= RECORD_ID_MAX);
	REQUIRE(r->state != RECORD_BOUND || r->id.len > 0);
	REQUIRE(addr_is_canonical(&r->server));
	REQUIRE(strnlen(r->image, sizeof r->image) <= CONF_IMAGE_MAX);
	if (bytes[0] == 3) {
		REQUIRE(n == (int)len && memcmp(again, bytes, len) == 0);
		return;
	}
	/* An older version: what it says is written as the newest, and reads the same. */
	memset(&newer, 0, sizeof newer);
	newer.addr = r->addr;
	REQUIRE(bytes[0] == 1 || bytes[0] == 2);
	REQUIRE(bytes[0] == 2 || (r->ingress == 0 && !r->known));
	REQUIRE(r->past.key == 0 && r->past.classes[0] == 0);
	REQUIRE(n > 0 && record_decode(again, (size_t)n, &newer) == 0);
	REQUIRE(newer.expires == r->expires && lease_id_equal(&newer.id, &r->id));
	REQUIRE(newer.state == r->state && strcmp(newer.image, r->image) == 0);
}

int
fuzz_one(const uint8_t *data, size_t len)
{
	uint8_t bytes[RECORD_SIZE_MAX + 8];
	struct record r, untouched;
	struct addr addr;
	uint32_t crc;

	if (record_key_decode(data, len, &addr) == 0) {
		uint8_t key[RECORD_KEY_MAX];

		REQUIRE(record_key_encode(&addr, key) == (int)len);
		REQUIRE(memcmp(key, data, len) == 0);
	}
	if (len < 1 || len - 1 > sizeof bytes - 4)
		return 0;
	memcpy(bytes, data + 1, len - 1);
	len--;
	if ((data[0] & 1) != 0) {
		crc = crc32_bitwise(bytes, len);
		for (unsigned i = 0; i < 4; i++)
			bytes[len++] = (uint8_t)(crc >> (8 * i));
	}
	memset(&r, 0xa5, sizeof r);
	untouched = r;
	if (record_decode(bytes, len, &r) == 0)
		check_record(&r, bytes, len);
	else
		REQUIRE(memcmp(&r, &untouched, sizeof r) == 0);
	return 0;
}
