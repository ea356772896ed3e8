/*
 * All of the verifier but its main loop and its cage, so that sanitizers see it: an image
 * from a store in a folder of the test's own to the messages that the broker gets.
 */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "privsep/roles.h"
#include "src/base/log.h"
#include "src/tools/secret.h"
#include "src/verifier/cache.h"
#include "src/verifier/catalog.h"
#include "src/verifier/floorfile.h"
#include "src/verifier/hasher.h"
#include "src/verifier/image.h"
#include "src/verifier/load.h"
#include "src/verifier/render.h"
#include "src/verifier/sealed.h"
#include "src/verifier/tell.h"

#define LARGE_LEN (3u << 20)

static char dir[] = "/tmp/test_verifier.XXXXXX";
static char last_log[LOG_TEXT_MAX + 1];
static struct secret_key signer;
static int broker = -1; /* the broker's end */
static uint8_t *large;

static void
keep_log(enum log_level level, const char *text, size_t len)
{
	(void)level;
	memcpy(last_log, text, len);
	last_log[len] = '\0';
}

static void
put_file(const char *path, const void *bytes, size_t len)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof full, "%s/%s", dir, path);
	f = fopen(full, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void
make_dir(const char *path)
{
	char full[512];

	snprintf(full, sizeof full, "%s/%s", dir, path);
	assert_true(mkdir(full, 0755) == 0 || access(full, F_OK) == 0);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

static int
tear_down(void **state)
{
	(void)state;
	free(large);
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void
set_fd(int fd, int number)
{
	assert_int_equal(dup2(fd, number), number);
	close(fd);
}

static int
set_up(void **state)
{
	int pair[2];
	char path[64];

	(void)state;
	log_init(keep_log, LOG_DEBUG);
	assert_non_null(mkdtemp(dir));
	while (open("/dev/null", O_RDWR | O_CLOEXEC) < FD_FREE)
		;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	set_fd(pair[0], FD_BROKER);
	broker = pair[1];
	make_dir("store");
	snprintf(path, sizeof path, "%s/store", dir);
	set_fd(open(path, O_RDONLY | O_DIRECTORY), FD_STORE);
	snprintf(path, sizeof path, "%s/floor", dir);
	set_fd(open(path, O_RDWR | O_CREAT, 0600), FD_FLOOR);
	secret_generate(&signer);
	load_rules.keyring.n = 1;
	secret_public(&signer, &load_rules.keyring.keys[0].public);
	strcpy(load_rules.keyring.keys[0].images, "*");
	cache_init(64u << 20);
	assert_int_equal(floorfile_load(&load_rules.floor), ERR_ABSENT);
	assert_int_equal(ftruncate(FD_FLOOR, FLOOR_SIZE), 0);
	load_rules.floor.time = 1;
	assert_int_equal(floorfile_save(&load_rules.floor), 0);
	load_rules.has_floor = true;
	large = malloc(LARGE_LEN);
	randombytes_buf(large, LARGE_LEN);
	hasher_init();
	hasher_start(NULL);
	tell_init(1);
	return 0;
}

static void
hex(const void *bytes, size_t len, char text[65])
{
	uint8_t hash[32];

	hasher_sum(bytes, len, hash);
	sodium_bin2hex(text, 65, hash, sizeof hash);
}

/* A signed image debian/VERSION: linux (large), small, t (a template). */
static void
place(unsigned version, const char *small, const char *template)
{
	static char manifest[4096], signature[MINISIGN_SIGNATURE_MAX];
	char path[128], hashes[3][65];

	hex(large, LARGE_LEN, hashes[0]);
	hex(small, strlen(small), hashes[1]);
	hex(template, strlen(template), hashes[2]);
	snprintf(manifest, sizeof manifest,
	    "sallyport-manifest 1\nname debian\nversion %u\ncreated 2026-01-01T00:00:00Z\n"
	    "expires 2999-01-01T00:00:00Z\nfile %s %u linux\nfile %s %zu small\n"
	    "file %s %zu t\nboot x64\nkernel linux\ncmdline a=@{param.a}\n"
	    "template ipxe t\nend\n",
	    version, hashes[0], LARGE_LEN, hashes[1], strlen(small), hashes[2],
	    strlen(template));
	assert_int_equal(
	    secret_sign(&signer, manifest, strlen(manifest), "", signature), 0);
	make_dir("store/debian");
	snprintf(path, sizeof path, "store/debian/%u", version);
	make_dir(path);
#define IN(name) (snprintf(path, sizeof path, "store/debian/%u/%s", version, name), path)
	put_file(IN("linux"), large, LARGE_LEN);
	put_file(IN("small"), small, strlen(small));
	put_file(IN("t"), template, strlen(template));
	put_file(IN("manifest"), manifest, strlen(manifest));
	put_file(IN("manifest.minisig"), signature, strlen(signature));
}

static void
no_one_gone(struct entry *e)
{
	fail_msg("%s is gone", e->name);
}

/* Loads that version to its end; NULL when it was refused. */
static struct image *
load(unsigned version)
{
	struct pollfd p = {FD_WAKE, POLLIN, 0};
	struct entry *e;

	last_log[0] = '\0';
	assert_int_equal(catalog_scan(no_one_gone), 0);
	e = catalog_find("debian", version);
	assert_non_null(e);
	assert_int_equal(e->state, ENTRY_NEW);
	load_begin(e);
	if (!load_busy())
		return NULL;
	while (!load_ready()) {
		const struct hash_job *job;

		assert_int_equal(poll(&p, 1, 20000), 1);
		hasher_clear();
		while ((job = hasher_take()) != NULL)
			load_ran(job);
	}
	return load_finish();
}

/* What the broker hears next: its number, 0 when nothing. Closes descriptors. */
static enum msg_nr
hear(struct msg *m)
{
	uint8_t bytes[MSG_SIZE_MAX];
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {bytes, sizeof bytes};
	struct msghdr hdr = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof control};
	ssize_t n = recvmsg(broker, &hdr, MSG_DONTWAIT);
	struct cmsghdr *cm = n < 0 ? NULL : CMSG_FIRSTHDR(&hdr);
	int fd;

	if (n < 0)
		return 0;
	if (cm != NULL) {
		memcpy(&fd, CMSG_DATA(cm), sizeof fd);
		close(fd);
	}
	assert_int_equal(msg_decode(bytes, (size_t)n, m), 0);
	return m->nr;
}

static void
assert_hears(const enum msg_nr *want)
{
	struct msg m;

	tell_pump();
	for (; *want != 0; want++)
		assert_int_equal(hear(&m), *want);
	assert_int_equal(hear(&m), 0);
}

static void
test_served(void **state)
{
	static const enum msg_nr all[] = {MSG_RESET_TELL, MSG_MEMFD_TELL, MSG_MEMFD_TELL,
	    MSG_IMAGE_TELL, MSG_FILE_TELL, MSG_FILE_TELL, MSG_FILE_TELL, MSG_BOOT_TELL,
	    MSG_ACTIVE_TELL, 0};
	struct image *image;

	(void)state;
	place(3, "small", "hello @{mac} @{cmdline}");
	image = load(3);
	assert_non_null(image);
	assert_int_equal(image->m.version, 3);
	assert_int_equal(image->templates[0], 1);
	assert_int_equal(sealed_bytes(SEALED_READY), LARGE_LEN + 5 + 23);
	assert_int_equal(load_rules.floor.images[0].version, 3);
	assert_hears(all);
	assert_hears(all + 9);
	tell_reset();
	assert_hears(all);
}

static void
ask(uint32_t image, const char *params, bool ok)
{
	struct msg_render_ask m = {.ask = 9, .image = image, .kind = 0, .arch = ARCH_X64};
	struct msg heard;

	m.client = m.server = addr_v4(0x0a000001);
	m.params.len = (uint16_t)strlen(params);
	memcpy(m.params.b, params, strlen(params));
	on_render_ask(&m);
	assert_true(tell_answer_pending());
	tell_pump();
	assert_false(tell_answer_pending());
	if (ok)
		assert_int_equal(hear(&heard), MSG_MEMFD_TELL);
	assert_int_equal(hear(&heard), MSG_RENDER_ANS);
	assert_int_equal(heard.u.render_ans.ok, ok);
	assert_int_equal(heard.u.render_ans.ask, 9);
	assert_int_equal(
	    heard.u.render_ans.length, ok ? strlen("hello 00:00:00:00:00:00 a=b") : 0);
}

static void
test_rendered(void **state)
{
	uint32_t id = image_serving("debian")->id;

	(void)state;
	ask(id, "a=b\n", true);
	ask(id, "a=b c\n", false);
	ask(id, "", false);
	assert_non_null(strstr(last_log, "column"));
	ask(id + 1, "a=b\n", false);
	assert_non_null(strstr(last_log, "no such image"));
}

static void
assert_refused(unsigned version, const char *words)
{
	uint64_t before = sealed_bytes(SEALED_READY);

	assert_null(load(version));
	if (strstr(last_log, words) == NULL)
		fail_msg("%s; wanted %s", last_log, words);
	assert_int_equal(sealed_bytes(SEALED_READY), before);
	assert_int_equal(sealed_bytes(SEALED_LOADING), 0);
	assert_int_equal(image_serving("debian")->m.version, 3);
	assert_int_equal(load_rules.floor.images[0].version, 3);
}

static void
test_refused(void **state)
{
	static const enum msg_nr none[] = {0};

	(void)state;
	place(4, "small", "x");
	put_file("store/debian/4/small", "Small", 5);
	assert_refused(4, "file=small why=\"its SHA-256");
	place(5, "small", "x");
	put_file("store/debian/5/small", "smal", 4);
	assert_refused(5, "file=small why=\"its size");
	place(6, "small", "@{nix}");
	assert_refused(6, "file=t why=\"line 1, column 3: slot @{nix}");
	place(7, "small", "x");
	put_file("store/debian/7/manifest.minisig", "", 0);
	assert_refused(7, "file=manifest.minisig why=\"line 1");
	place(8, "small", "x");
	cache_init(5);
	assert_refused(
	    8, "file=small why=\"needs 6 bytes of memory, all images together have 5");
	cache_init(64u << 20);
	place(2, "small", "x");
	assert_refused(2, "rolled back");
	assert_hears(none);
}

static void
test_replaced(void **state)
{
	/* The large file is shared: one new piece of memory, one dropped. */
	static const enum msg_nr all[] = {MSG_MEMFD_TELL, MSG_IMAGE_TELL, MSG_FILE_TELL,
	    MSG_FILE_TELL, MSG_FILE_TELL, MSG_BOOT_TELL, MSG_ACTIVE_TELL, MSG_RETIRE_TELL,
	    MSG_DROP_TELL, 0};
	static const enum msg_nr end[] = {MSG_RETIRE_TELL, MSG_DROP_TELL, MSG_DROP_TELL, 0};

	(void)state;
	place(9, "smaller", "y");
	assert_non_null(load(9));
	assert_hears(all);
	assert_int_equal(sealed_bytes(SEALED_READY), LARGE_LEN + 8);
	/* What was dropped counts until nobody holds it. */
	assert_int_equal(sealed_bytes(SEALED_LEAVING), 28);
	cache_freed(2);
	assert_int_equal(sealed_bytes(SEALED_LEAVING), 0);
	tell_retire(image_serving("debian"));
	assert_hears(end);
	assert_true(tell_freed());
	assert_int_equal(sealed_bytes(SEALED_READY), 0);
	for (uint32_t id = 0; id < 100; id++)
		cache_freed(id);
	assert_int_equal(cache_room(), 64u << 20);
	assert_int_equal(sealed_count(SEALED_COLD), 0);
	assert_false(image_any());
}

/* Said once, after all images; and again to the next broker. */
static void
test_looked(void **state)
{
	static const enum msg_nr all[] = {MSG_MEMFD_TELL, MSG_MEMFD_TELL, MSG_IMAGE_TELL,
	    MSG_FILE_TELL, MSG_FILE_TELL, MSG_FILE_TELL, MSG_BOOT_TELL, MSG_ACTIVE_TELL,
	    MSG_LOOKED_TELL, 0};
	static const enum msg_nr none[] = {0};
	static const enum msg_nr again[] = {MSG_RESET_TELL, MSG_MEMFD_TELL, MSG_MEMFD_TELL,
	    MSG_IMAGE_TELL, MSG_FILE_TELL, MSG_FILE_TELL, MSG_FILE_TELL, MSG_BOOT_TELL,
	    MSG_ACTIVE_TELL, MSG_LOOKED_TELL, 0};

	(void)state;
	place(10, "small", "x");
	assert_non_null(load(10));
	tell_looked();
	assert_hears(all);
	tell_looked();
	assert_hears(none);
	tell_reset();
	assert_hears(again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_served),
	    cmocka_unit_test(test_rendered),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_replaced),
	    cmocka_unit_test(test_looked),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, set_up, tear_down);
}
