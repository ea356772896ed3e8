/*
 * For tests: a lease store with many leases, in a second or two. mkleases FOLDER COUNT
 * FIRST-ADDRESS LEASE-TIME SESSIONS. Each lease belongs to a MAC of its own; the first
 * SESSIONS of them have a boot session. Addresses that end in .0 or .255 are left out, as
 * the server's pools do. One transaction, appended in order, without a sync before its end.
 */
#include <arpa/inet.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/broker/record.h"
#include "src/broker/store.h"

static void
need(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "mkleases: %s: %s\n", what, mdb_strerror(rc));
	exit(1);
}

static struct record
record_of(uint32_t address, uint32_t n, uint64_t now, uint64_t time_s, bool session)
{
	struct record r;
	uint8_t mac[6] = {0x52, 0x54, (uint8_t)(n >> 24), (uint8_t)(n >> 16),
	    (uint8_t)(n >> 8), (uint8_t)n};

	memset(&r, 0, sizeof r);
	r.addr = addr_v4(address);
	r.state = RECORD_BOUND;
	r.expires = now + 60 + n * UINT64_C(2654435761) % time_s;
	r.written = now - 1;
	r.id.kind = ID_HARDWARE;
	r.id.len = 7;
	r.id.b[0] = 1;
	memcpy(r.id.b + 1, mac, sizeof mac);
	memcpy(r.mac.b, mac, sizeof mac);
	if (session) {
		r.session = n + 1;
		r.arch = ARCH_X64;
		r.server = addr_v4(0x0a4d0001);
		snprintf(r.image, sizeof r.image, "sample");
	}
	return r;
}

static void
put(MDB_txn *txn, MDB_dbi dbi, const struct record *r)
{
	uint8_t key[RECORD_KEY_MAX], value[RECORD_SIZE_MAX];
	int klen = record_key_encode(&r->addr, key);
	int vlen = record_encode(r, value, sizeof value);
	MDB_val k = {(size_t)klen, key}, v = {(size_t)vlen, value};

	if (klen < 0 || vlen < 0)
		abort();
	need(mdb_put(txn, dbi, &k, &v, MDB_APPEND), "put");
}

int
main(int argc, char **argv)
{
	uint64_t now = (uint64_t)time(NULL);
	uint32_t count, sessions, address;
	struct in_addr first;
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	if (argc != 6 || inet_pton(AF_INET, argv[3], &first) != 1)
		return 2;
	count = (uint32_t)strtoul(argv[2], NULL, 10);
	sessions = (uint32_t)strtoul(argv[5], NULL, 10);
	address = ntohl(first.s_addr);
	need(mdb_env_create(&env), "create");
	need(mdb_env_set_mapsize(env, STORE_MAP_SIZE), "map size");
	need(mdb_env_set_maxdbs(env, 1), "tables");
	need(mdb_env_open(env, argv[1], MDB_NOLOCK, 0600), "open");
	need(mdb_txn_begin(env, NULL, 0, &txn), "begin");
	need(mdb_dbi_open(txn, "leases", MDB_CREATE, &dbi), "table");
	for (uint32_t n = 0; n < count; address++) {
		struct record r =
		    record_of(address, n, now, strtoul(argv[4], NULL, 10), n < sessions);

		if ((address & 0xff) == 0 || (address & 0xff) == 0xff)
			continue;
		put(txn, dbi, &r);
		n++;
	}
	need(mdb_txn_commit(txn), "commit");
	mdb_env_close(env);
	return 0;
}
