/*
 * The lease store on a real disk: what was committed is there after a reopening, after
 * kill -9, and beside damaged records; and the codec of its records.
 */
#include "src/broker/store.h"

#include <fcntl.h>
#include <ftw.h>
#include <lmdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static char dir[64];

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

static int
make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/test_store.XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int
drop_dir(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct record
sample(uint32_t n)
{
	struct record r;

	memset(&r, 0, sizeof r);
	r.addr = addr_v4(UINT32_C(0x0a000000) + n);
	r.state = RECORD_BOUND;
	r.expires = UINT64_C(0x123456789a) + n;
	r.written = UINT64_C(0x1234567890);
	r.link = 3;
	r.id.kind = ID_HARDWARE;
	r.id.len = 7;
	memcpy(r.id.b, "\x01\x52\x54\x00\x77\x00\x01", 7);
	r.id.b[6] = (uint8_t)n;
	memcpy(r.mac.b, r.id.b + 1, 6);
	r.session = 0xdeadbeef;
	r.arch = ARCH_X64;
	r.http = true;
	r.known = true;
	r.ingress = UINT64_C(0xfedcba9876543210);
	r.server = addr_v4(0x0a4d0001);
	strcpy(r.image, "debian-12");
	r.past.key = UINT64_C(0x1122334455667788);
	r.past.classes[0] = 7;
	r.past.classes[1] = 0xffffffff;
	return r;
}

struct seen {
	unsigned n, damaged;
	uint64_t sum;
	struct record last;
};

static void
see(void *arg, const struct record *r, int err)
{
	struct seen *s = arg;

	if (err != 0) {
		s->damaged++;
		return;
	}
	s->n++;
	s->sum += r->expires;
	s->last = *r;
}

static struct seen
open_store(void)
{
	struct seen s;
	uint32_t bad;

	memset(&s, 0, sizeof s);
	assert_int_equal(store_open(dir, see, &s, &bad), 0);
	s.damaged += bad;
	return s;
}

static bool
wait_completed(uint64_t *cookie)
{
	bool ok = false;

	for (;;) {
		struct pollfd p = {store_fd(), POLLIN, 0};

		assert_int_equal(poll(&p, 1, 10000), 1);
		if (store_completed(cookie, &ok))
			return ok;
	}
}

static void
test_record_round_trip(void **state)
{
	uint8_t bytes[RECORD_SIZE_MAX];
	struct record r = sample(5), got;
	int len = record_encode(&r, bytes, sizeof bytes);

	(void)state;
	assert_true(len > 0);
	memset(&got, 0, sizeof got);
	got.addr = r.addr;
	assert_int_equal(record_decode(bytes, (size_t)len, &got), 0);
	assert_memory_equal(&got.id, &r.id, sizeof r.id);
	assert_memory_equal(&got.mac, &r.mac, sizeof r.mac);
	assert_int_equal(got.expires, r.expires);
	assert_int_equal(got.written, r.written);
	assert_int_equal(got.state, r.state);
	assert_int_equal(got.link, r.link);
	assert_int_equal(got.session, r.session);
	assert_int_equal(got.arch, r.arch);
	assert_true(got.http);
	assert_true(got.known);
	assert_int_equal(got.ingress, r.ingress);
	assert_false(got.ipxe);
	assert_true(addr_equal(&got.server, &r.server));
	assert_string_equal(got.image, r.image);
	assert_memory_equal(&got.past, &r.past, sizeof r.past);
}

static void
test_record_largest_fits(void **state)
{
	uint8_t bytes[RECORD_SIZE_MAX];
	struct record r = sample(1), got;
	int len;

	(void)state;
	r.id.kind = ID_CLIENT;
	r.id.len = RECORD_ID_MAX;
	memset(r.id.b, 0xff, sizeof r.id.b);
	memset(r.image, 'z', CONF_IMAGE_MAX);
	r.image[CONF_IMAGE_MAX] = '\0';
	for (unsigned i = 0; i < MATCH_PAST_CLASSES; i++)
		r.past.classes[i] = UINT32_MAX - i;
	len = record_encode(&r, bytes, sizeof bytes);
	assert_true(len > 0);
	got.addr = r.addr;
	assert_int_equal(record_decode(bytes, (size_t)len, &got), 0);
	assert_string_equal(got.image, r.image);
}

/* Records of earlier versions stay readable: the checksum is CRC-32, bit by bit. */
static void
test_record_checksum(void **state)
{
	(void)state;
	for (uint8_t id = 1; id <= RECORD_ID_MAX; id++) {
		uint8_t bytes[RECORD_SIZE_MAX];
		struct record r = sample(id);
		uint32_t crc = UINT32_MAX;
		int len;

		r.id.len = id;
		memset(r.id.b, 0xa0 + id, id);
		len = record_encode(&r, bytes, sizeof bytes);
		assert_true(len > 4);
		for (int bit = 0; bit < 8 * (len - 4); bit++) {
			crc ^= bytes[bit / 8] >> bit % 8 & 1;
			crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
		}
		for (int i = 0; i < 4; i++)
			assert_int_equal(bytes[len - 4 + i], (uint8_t)(~crc >> 8 * i));
	}
}

/* Every truncation and every flipped bit is found, and leaves the result alone. */
static void
test_record_damaged(void **state)
{
	uint8_t bytes[RECORD_SIZE_MAX];
	struct record r = sample(5), got, before;
	int len = record_encode(&r, bytes, sizeof bytes);

	(void)state;
	memset(&got, 0x5a, sizeof got);
	before = got;
	for (int cut = 0; cut < len; cut++)
		assert_true(record_decode(bytes, (size_t)cut, &got) < 0);
	for (int bit = 0; bit < len * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_true(record_decode(bytes, (size_t)len, &got) < 0);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_memory_equal(&got, &before, sizeof got);
	assert_int_equal(record_decode(bytes, (size_t)len, &got), 0);
}

static void
test_record_strict(void **state)
{
	uint8_t bytes[RECORD_SIZE_MAX];
	struct record r = sample(5), got = {0};
	int len;

	(void)state;
	r.arch = ARCH_MAX;
	len = record_encode(&r, bytes, sizeof bytes);
	assert_int_equal(record_decode(bytes, (size_t)len, &got), ERR_RANGE);
	r = sample(5);
	strcpy(r.image, "../x");
	len = record_encode(&r, bytes, sizeof bytes);
	assert_int_equal(record_decode(bytes, (size_t)len, &got), ERR_RANGE);
	r = sample(5);
	r.id.kind = ID_NONE;
	r.id.len = 0;
	len = record_encode(&r, bytes, sizeof bytes);
	assert_int_equal(record_decode(bytes, (size_t)len, &got), ERR_RANGE);
	r.state = RECORD_DECLINED;
	len = record_encode(&r, bytes, sizeof bytes);
	assert_int_equal(record_decode(bytes, (size_t)len, &got), 0);
	/* After a class that is none there is nothing. */
	r.past.classes[0] = 0;
	len = record_encode(&r, bytes, sizeof bytes);
	assert_int_equal(record_decode(bytes, (size_t)len, &got), 0);
	assert_int_equal(got.past.classes[1], 0);
}

/* Records as earlier versions wrote them. */
static const uint8_t first_version[] = {0x01, 0x01, 0x00, 0xd2, 0x49, 0x6b, 0x00, 0x00,
    0x00, 0x00, 0x00, 0xf1, 0x53, 0x65, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x07, 0x01,
    0x52, 0x54, 0x00, 0x12, 0x34, 0x56, 0x52, 0x54, 0x00, 0x12, 0x34, 0x56, 0x07, 0x00,
    0x00, 0x00, 0x02, 0x00, 0x04, 0x0a, 0x4d, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x09, 0x64, 0x65, 0x62, 0x69, 0x61, 0x6e,
    0x2d, 0x31, 0x32, 0xb6, 0x00, 0xb6, 0x98};
static const uint8_t second_version[] = {0x02, 0x01, 0x05, 0xd2, 0x49, 0x6b, 0x00, 0x00,
    0x00, 0x00, 0x00, 0xf1, 0x53, 0x65, 0x00, 0x00, 0x00, 0x00, 0x01, 0x02, 0x03, 0x6f,
    0x6e, 0x65, 0x52, 0x54, 0x00, 0x77, 0x00, 0x01, 0x09, 0x00, 0x00, 0x00, 0x01, 0x04,
    0x04, 0x0a, 0x4d, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x04, 0x62, 0x61, 0x72, 0x65, 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45,
    0x23, 0x01, 0x9f, 0x88, 0xa8, 0xfc};

/* Under the number of another version it is not one of that. */
static void
check_version(const uint8_t *bytes, size_t len, unsigned mine)
{
	uint8_t other[RECORD_SIZE_MAX];
	struct record got;

	memcpy(other, bytes, len);
	for (unsigned version = 0; version < 256; version++) {
		other[0] = (uint8_t)version;
		if (version != mine)
			assert_true(record_decode(other, len, &got) < 0);
	}
}

static void
test_record_of_earlier_versions(void **state)
{
	static const struct match_past none;
	struct record got;

	(void)state;
	memset(&got, 0xa5, sizeof got);
	assert_int_equal(record_decode(first_version, sizeof first_version, &got), 0);
	assert_int_equal(got.state, RECORD_BOUND);
	assert_int_equal(got.id.kind, ID_HARDWARE);
	assert_int_equal(got.id.len, 7);
	assert_int_equal(got.ingress, 0);
	assert_false(got.known);
	assert_memory_equal(&got.past, &none, sizeof none);
	memset(&got, 0xa5, sizeof got);
	assert_int_equal(record_decode(second_version, sizeof second_version, &got), 0);
	assert_int_equal(got.state, RECORD_BOUND);
	assert_int_equal(got.expires, 1800000005);
	assert_int_equal(got.id.kind, ID_CLIENT);
	assert_int_equal(got.ingress, UINT64_C(0x0123456789abcdef));
	assert_true(got.known);
	assert_string_equal(got.image, "bare");
	assert_memory_equal(&got.past, &none, sizeof none);
	check_version(first_version, sizeof first_version, 1);
	check_version(second_version, sizeof second_version, 2);
}

static void
test_commit_and_reopen(void **state)
{
	struct record r = sample(1), changed = sample(1);
	uint64_t cookie = 0;
	struct seen s = open_store();

	(void)state;
	assert_int_equal(s.n, 0);
	assert_int_equal(store_start_thread(), 0);
	assert_false(store_commit(7));
	assert_int_equal(store_put(&r), 0);
	changed.expires++;
	assert_int_equal(store_put(&changed), 0);
	assert_true(store_commit(7));
	assert_true(wait_completed(&cookie));
	assert_int_equal(cookie, 7);
	store_close();
	s = open_store();
	assert_int_equal(s.n, 1);
	assert_int_equal(s.last.expires, changed.expires);
	assert_true(addr_equal(&s.last.addr, &r.addr));
	assert_int_equal(store_start_thread(), 0);
	store_close();
}

/* While one batch is written the next collects; a full one refuses; order is kept. */
static void
test_batches_in_order(void **state)
{
	uint64_t cookie, want = 0, given = 0;
	uint32_t n = 0;
	struct seen s = open_store();

	(void)state;
	assert_int_equal(s.n, 0);
	assert_int_equal(store_start_thread(), 0);
	while (want < 20) {
		struct record r = sample(n);

		if (given < 20 && store_put(&r) == 0)
			n++;
		else
			assert_true(given >= 20 || store_pending() == STORE_BATCH_MAX);
		if (given < 20 && store_pending() >= 700 && store_commit(given))
			given++;
		if (given > want && store_pending() == STORE_BATCH_MAX) {
			assert_false(store_commit(99));
			assert_true(wait_completed(&cookie));
			assert_int_equal(cookie, want++);
		} else if (given == 20 && want < 20) {
			assert_true(wait_completed(&cookie));
			assert_int_equal(cookie, want++);
		}
	}
	n -= store_pending();
	store_close();
	s = open_store();
	assert_int_equal(s.n, n);
	assert_int_equal(store_start_thread(), 0);
	store_close();
}

static void
put_raw(const void *key, size_t klen, const void *value, size_t vlen)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_val k = {klen, (void *)(uintptr_t)key}, v = {vlen, (void *)(uintptr_t)value};

	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, 1), 0);
	assert_int_equal(mdb_env_open(env, dir, MDB_NOLOCK, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, "leases", MDB_CREATE, &dbi), 0);
	assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

/* Bad values, an empty one, a bad key: all reported, none stops the good ones. */
static void
test_bad_records(void **state)
{
	uint8_t bytes[RECORD_SIZE_MAX];
	struct record r = sample(9);
	int len = record_encode(&r, bytes, sizeof bytes);
	struct seen s;

	(void)state;
	put_raw("\x0a\0\0\x09", 4, bytes, (size_t)len);
	put_raw("\x0a\0\0\x0a", 4, bytes, (size_t)len - 1);
	put_raw("\x0a\0\0\x0b", 4, "", 0);
	put_raw("key", 3, bytes, (size_t)len);
	bytes[0]++;
	put_raw("\x0a\0\0\x0c", 4, bytes, (size_t)len);
	s = open_store();
	assert_int_equal(s.n, 1);
	assert_int_equal(s.damaged, 4);
	assert_int_equal(store_start_thread(), 0);
	store_close();
}

/* A store that earlier versions have written is read whole, and written in the newest. */
static void
test_store_of_earlier_versions(void **state)
{
	uint64_t cookie;
	struct seen s;

	(void)state;
	put_raw("\x0a\x4d\0\x64", 4, first_version, sizeof first_version);
	put_raw("\x0a\x4d\0\x65", 4, second_version, sizeof second_version);
	s = open_store();
	assert_int_equal(s.n, 2);
	assert_int_equal(s.damaged, 0);
	assert_int_equal(s.sum, 2 * UINT64_C(1800000000) + 5);
	assert_int_equal(addr_to_v4(&s.last.addr), 0x0a4d0065);
	assert_int_equal(store_start_thread(), 0);
	assert_int_equal(store_put(&s.last), 0);
	assert_true(store_commit(1));
	assert_true(wait_completed(&cookie));
	store_close();
	s = open_store();
	assert_int_equal(s.n, 2);
	assert_int_equal(s.damaged, 0);
	assert_int_equal(s.last.expires, 1800000005);
	assert_int_equal(store_start_thread(), 0);
	store_close();
}

static void
test_not_a_store(void **state)
{
	char path[128];
	struct seen s;
	uint32_t bad;
	int fd;

	(void)state;
	snprintf(path, sizeof path, "%s/data.mdb", dir);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	for (int i = 0; i < 4096; i++)
		assert_int_equal(write(fd, "no lmdb ", 8), 8);
	close(fd);
	assert_int_equal(store_open(dir, see, &s, &bad), ERR_SYS);
	assert_true(strlen(store_failure()) > 0);
	snprintf(path, sizeof path, "%s/nowhere", dir);
	assert_int_equal(store_open(path, see, &s, &bad), ERR_SYS);
}

/* A disk that is full: the commit fails and says so, nothing of it is there, and the
 * next one works once there is room. */
static void
test_failing_commit(void **state)
{
	struct rlimit small = {65536, RLIM_INFINITY}, old;
	struct record r = sample(1);
	uint64_t cookie;
	struct seen s = open_store();
	unsigned failures = 0;

	(void)state;
	assert_int_equal(s.n, 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(store_start_thread(), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		r = sample(i);
		assert_int_equal(store_put(&r), 0);
	}
	assert_true(store_commit(1));
	failures += !wait_completed(&cookie);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(failures, 1);
	assert_false(store_dead());
	assert_int_equal(store_put(&r), 0);
	assert_true(store_commit(2));
	assert_true(wait_completed(&cookie));
	store_close();
	s = open_store();
	assert_int_equal(s.n, 1);
	assert_int_equal(store_start_thread(), 0);
	store_close();
}

struct progress {
	volatile uint32_t completed; /* records whose commit the child has seen complete */
};

static void
child(struct progress *p, uint32_t from)
{
	uint64_t cookie;
	uint32_t n = from;
	bool ok;

	(void)open_store();
	if (store_start_thread() != 0)
		_exit(1);
	for (;;) {
		for (unsigned i = 0; i < 50; i++) {
			struct record r = sample(n++);

			if (store_put(&r) != 0)
				_exit(1);
		}
		if (!store_commit(n))
			_exit(1);
		do {
			struct pollfd f = {store_fd(), POLLIN, 0};

			poll(&f, 1, -1);
		} while (!store_completed(&cookie, &ok));
		if (!ok)
			_exit(1);
		p->completed = (uint32_t)cookie;
	}
}

/* kill -9 in the middle, many times: what was reported as complete is there, each time. */
static void
test_kill(void **state)
{
	struct progress *p = mmap(
	    NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(p != MAP_FAILED);
	for (unsigned round = 0; round < 30; round++) {
		uint32_t from = p->completed;
		struct seen s;
		int status;
		pid_t pid = fork();

		if (pid == 0)
			child(p, from);
		usleep(3000 + (round * 7919) % 40000);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		s = open_store();
		assert_true(s.n >= p->completed);
		/* No torn batch: a batch is there whole or not at all. */
		assert_int_equal(s.n % 50, 0);
		assert_int_equal(s.damaged, 0);
		assert_int_equal(store_start_thread(), 0);
		store_close();
		p->completed = s.n;
	}
	assert_true(p->completed > 0);
	munmap(p, sizeof *p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_record_round_trip),
	    cmocka_unit_test(test_record_largest_fits),
	    cmocka_unit_test(test_record_checksum),
	    cmocka_unit_test(test_record_damaged),
	    cmocka_unit_test(test_record_strict),
	    cmocka_unit_test(test_record_of_earlier_versions),
	    cmocka_unit_test_setup_teardown(test_commit_and_reopen, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(test_batches_in_order, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(test_bad_records, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(
		test_store_of_earlier_versions, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(test_not_a_store, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(test_failing_commit, make_dir, drop_dir),
	    cmocka_unit_test_setup_teardown(test_kill, make_dir, drop_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
