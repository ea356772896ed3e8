/*
 * Files into sealed memory: what comes out is what the manifest says, or nothing.
 */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/verifier/fill.h"
#include "src/verifier/sha256.h"
#include "src/verifier/store.h"
#include "tests/unit/unit.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define BIG (3u << 20)
#define FILES 4

static const char *const names[FILES] = {"big", "empty", "small", "last"};
static char folder[] = "/tmp/test_fill.XXXXXX";
static int dir;
static struct fill *fill;
static sem_t ready;
static uint8_t *bytes;
static struct manifest_file files[FILES];
static struct hash_file places[FILES];
static struct hash_job job;

static void
is_ready(void)
{
	sem_post(&ready);
}

static void *
copier(void *arg)
{
	fill_copy(arg, is_ready);
}

static void
put(unsigned i, const void *content, size_t len)
{
	const char *path = names[i];
	struct sha256 *sha = sha256_new();
	int fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_int_equal(write(fd, content, len), len);
	close(fd);
	snprintf(files[i].path, sizeof files[i].path, "%s", path);
	files[i].size = len;
	assert_true(sha256_begin(sha) && sha256_add(sha, content, len) &&
		    sha256_end(sha, files[i].hash));
	sha256_free(sha);
}

static int
set_up(void **state)
{
	pthread_t thread;

	(void)state;
	assert_non_null(mkdtemp(folder));
	dir = open(folder, O_RDONLY | O_DIRECTORY);
	fill = fill_new();
	assert_non_null(fill);
	sem_init(&ready, 0, 0);
	assert_int_equal(pthread_create(&thread, NULL, copier, fill), 0);
	sem_wait(&ready);
	bytes = malloc(BIG);
	for (size_t i = 0; i < BIG; i++)
		bytes[i] = (uint8_t)(i * 31 >> 5);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FILES; i++)
		unlinkat(dir, names[i], 0);
	free(bytes);
	return rmdir(folder);
}

/* Four files, one behind the other. */
static int
fresh(void **state)
{
	uint64_t at = 0;

	(void)state;
	put(0, bytes, BIG - 7);
	put(1, "", 0);
	put(2, "small", 5);
	put(3, bytes + 9, 300000);
	for (unsigned i = 0; i < FILES; i++) {
		places[i] = (struct hash_file){&files[i], at};
		at += files[i].size;
	}
	job = (struct hash_job){
	    .dir = dir, .size = at, .files = places, .nfiles = FILES, .keep = true};
	return 0;
}

static void
good_ones_are_sealed(void **state)
{
	static uint8_t back[BIG];
	struct stat st;

	(void)state;
	fill_run(fill, &job);
	assert_true(job.good);
	assert_int_equal(fcntl(job.fd, F_GET_SEALS), SEALS);
	assert_int_equal(fstat(job.fd, &st), 0);
	assert_int_equal(st.st_size, job.size);
	for (unsigned i = 0; i < FILES; i++) {
		const void *want = i == 2   ? (const void *)"small"
				   : i == 3 ? bytes + 9
					    : bytes;

		assert_int_equal(
		    store_pread(job.fd, back, files[i].size, places[i].offset), 0);
		assert_memory_equal(back, want, files[i].size);
	}
	assert_int_equal(pwrite(job.fd, "x", 1, 0), -1);
	close(job.fd);
}

static void
assert_fails(unsigned culprit, const char *why)
{
	int before = dup(dir), after;

	close(before);
	for (unsigned keep = 0; keep < 2; keep++) {
		job.keep = keep;
		fill_run(fill, &job);
		assert_false(job.good);
		assert_int_equal(job.fd, -1);
		assert_ptr_equal(job.culprit, &files[culprit]);
		if (strstr(job.why, why) == NULL)
			fail_msg("%s, not: %s", job.why, why);
	}
	/* Nothing is left open. */
	after = dup(dir);
	close(after);
	assert_int_equal(before, after);
}

static void
each_wrong_file_is_named(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FILES; i++) {
		fresh(NULL);
		files[i].hash[31] ^= 1;
		assert_fails(i, "its SHA-256 is not");
		fresh(NULL);
		unlinkat(dir, files[i].path, 0);
		assert_fails(i, "does not exist");
		fresh(NULL);
		put(i, bytes, 77);
		files[i].size = 78;
		assert_fails(i, "its size is not");
	}
}

static void
checked_without_memory(void **state)
{
	(void)state;
	job.keep = false;
	fill_run(fill, &job);
	assert_true(job.good);
	assert_int_equal(job.fd, -1);
}

static void
one_after_the_other(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		job.nfiles = 1 + i % FILES;
		job.keep = i % 3 != 0;
		files[0].hash[0] ^= i % 5 == 4;
		fill_run(fill, &job);
		assert_int_equal(job.good, i % 5 != 4);
		files[0].hash[0] ^= i % 5 == 4;
		if (job.fd >= 0)
			close(job.fd);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(good_ones_are_sealed, fresh),
	    cmocka_unit_test_setup(each_wrong_file_is_named, fresh),
	    cmocka_unit_test_setup(checked_without_memory, fresh),
	    cmocka_unit_test_setup(one_after_the_other, fresh),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
