/*
 * Images: what the verifier tells becomes one in a single step, what it tells wrongly is
 * its fault, and what serves goes on serving when it is gone.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "src/broker/image_table.h"
#include "src/broker/intake.h"
#include "tests/lib/broker_rig.h"
#include "tests/unit/unit.h"

static unsigned
descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static int
set_up(void **state)
{
	(void)state;
	rig_init();
	return 0;
}

static void
assert_verifier_fault(void)
{
	rig_turn();
	assert_true(rig_fault(ROLE_VERIFIER, 0));
	assert_true(broker.verifier.breached);
}

static void
assert_no_fault(void)
{
	rig_turn();
	assert_false(rig_fault(ROLE_VERIFIER, 0));
}

static void
an_image_serves_when_active(void **state)
{
	const struct image *image;
	const struct object *o;

	(void)state;
	rig_memfd(7, 1000);
	rig_image(1, "debian", 5);
	rig_file(1, "efi/shimx64.efi", 7, 0, 100);
	rig_boot(1, ARCH_X64, "efi/shimx64.efi", 3);
	rig_boot(1, ARCH_BIOS, "", 1);
	assert_no_fault();
	assert_null(image_find("debian", broker.wall_s));
	rig_number(MSG_ACTIVE_TELL, 1);
	rig_number(MSG_DROP_TELL, 7); /* files hold on to it */
	assert_no_fault();
	image = image_find("debian", broker.wall_s);
	assert_non_null(image);
	assert_string_equal(image_name(image), "debian");
	assert_string_equal(image_boot(image, ARCH_X64)->loader, "efi/shimx64.efi");
	assert_int_equal(image_boot(image, ARCH_X64)->templates, 3);
	assert_string_equal(image_boot(image, ARCH_BIOS)->loader, "");
	assert_null(image_boot(image, ARCH_ARM64));
	assert_null(image_boot(image, ARCH_NONE));
	assert_null(image_boot(image, ARCH_MAX));
	o = image_file(image, "efi/shimx64.efi");
	assert_non_null(o);
	assert_int_equal(o->length, 100);
	assert_null(image_file(image, "efi/shimx64.efi2"));
	assert_null(image_file(image, "efi"));
	assert_null(image_file(image, ""));
	assert_null(image_find("debia", broker.wall_s));
	rig_number(MSG_RETIRE_TELL, 1);
	assert_no_fault();
	assert_null(image_find("debian", broker.wall_s));
	assert_int_equal(memfd_count(), 0);
	assert_int_equal(image_bytes(), 0);
}

static void
expired_ones_as_configured(void **state)
{
	struct conf expired_serve = *broker.conf;
	const struct conf *keep = broker.conf;

	(void)state;
	rig_debian(1, 1, 0);
	assert_non_null(image_find("debian", 1899999999));
	assert_null(image_find("debian", 1900000000));
	expired_serve.expired_serve = true;
	broker.conf = &expired_serve;
	assert_non_null(image_find("debian", 1900000000));
	broker.conf = keep;
}

static void
a_newer_one_takes_over(void **state)
{
	const struct image *image;

	(void)state;
	rig_debian(1, 1, 0);
	rig_memfd(2, 10);
	rig_image(2, "debian", 2);
	rig_file(2, "linux", 2, 0, 10);
	assert_no_fault();
	image = image_find("debian", broker.wall_s);
	assert_int_equal(image->version, 1);
	rig_number(MSG_ACTIVE_TELL, 2);
	assert_no_fault();
	image = image_find("debian", broker.wall_s);
	assert_int_equal(image->version, 2);
	assert_int_equal(image_file(image, "linux")->length, 10);
	assert_null(image_file(image, "efi/shimx64.efi"));
	/* The verifier ends the old one as well: it is gone already, and that is fine. */
	rig_number(MSG_RETIRE_TELL, 1);
	rig_number(MSG_DROP_TELL, 1);
	assert_no_fault();
	assert_int_equal(memfd_count(), 1);
}

static void
other_images_are_not_touched(void **state)
{
	(void)state;
	rig_debian(1, 1, 0);
	rig_image(2, "fedora", 1);
	rig_number(MSG_ACTIVE_TELL, 2);
	rig_number(MSG_RETIRE_TELL, 2);
	assert_no_fault();
	assert_non_null(image_find("debian", broker.wall_s));
}

static void
many_files(void **state)
{
	char path[64];
	const struct image *image;

	(void)state;
	rig_memfd(1, IMAGE_FILES_MAX);
	rig_image(1, "big", 1);
	for (unsigned i = 0; i < IMAGE_FILES_MAX; i++) {
		snprintf(path, sizeof path, "d%u/f%u", i % 7, i);
		rig_file(1, path, 1, i, 1);
		if (i % 100 == 0)
			rig_turn();
	}
	rig_number(MSG_ACTIVE_TELL, 1);
	assert_no_fault();
	image = image_find("big", broker.wall_s);
	assert_non_null(image);
	for (unsigned i = 0; i < IMAGE_FILES_MAX; i++) {
		snprintf(path, sizeof path, "d%u/f%u", i % 7, i);
		assert_non_null(image_file(image, path));
		assert_int_equal(image_file(image, path)->offset, i);
	}
	assert_null(image_file(image, "d0/f1"));
}

static void
one_file_too_many(void **state)
{
	char path[64];

	(void)state;
	rig_memfd(1, 10);
	rig_image(1, "big", 1);
	for (unsigned i = 0; i <= IMAGE_FILES_MAX; i++) {
		if (i % 100 == 0)
			assert_no_fault();
		snprintf(path, sizeof path, "f%u", i);
		rig_file(1, path, 1, 0, 1);
	}
	assert_verifier_fault();
}

/* A path of full length. */
static const char *
long_path(unsigned i, char path[201])
{
	snprintf(path, 201, "%05u", i);
	memset(path + 5, 'a', 195);
	path[200] = '\0';
	return path;
}

/* Takes almost all memory for names. */
static void
fill_with_names(void)
{
	struct msg_image_tell tell = {.image = 100, .name = "n"};
	struct object object = {.mem = memfd_held(2)};
	char path[201];

	while (image_bytes() + 3000000 < IMAGE_BYTES_MAX) {
		struct image *image = image_begin(&tell);

		assert_non_null(image);
		tell.image++;
		for (unsigned i = 0; i < IMAGE_FILES_MAX; i++)
			assert_int_equal(
			    image_add_file(image, long_path(i, path), &object), 0);
	}
}

/* Names that do not fit into memory refuse the image, not the verifier. */
static void
too_many_names_refuse_the_image(void **state)
{
	char path[201];

	(void)state;
	rig_debian(1, 1, 0);
	rig_memfd(2, 10);
	rig_turn();
	fill_with_names();
	rig_image(2, "last", 1);
	for (unsigned i = 0; i < IMAGE_FILES_MAX; i++) {
		rig_file(2, long_path(i, path), 2, 0, 1);
		if (i % 100 == 0)
			assert_no_fault();
	}
	rig_number(MSG_ACTIVE_TELL, 2);
	assert_no_fault();
	assert_null(image_find("last", broker.wall_s));
	assert_non_null(image_find("debian", broker.wall_s));
	assert_true(image_bytes() <= IMAGE_BYTES_MAX);
}

static void
too_many_images(void **state)
{
	char name[16];

	(void)state;
	for (unsigned i = 0; i < IMAGE_MAX; i++) {
		snprintf(name, sizeof name, "n%u", i);
		rig_image(i, name, 1);
		assert_no_fault();
	}
	rig_image(1000, "more", 1);
	assert_verifier_fault();
}

static void
bad_names(void **state)
{
	static const char *const names[] = {
	    "", "A", ".x", "-x", "a/b", "a b", "a\\b", "..", "debian\x7e"};
	static const char *const paths[] = {"", "/a", "a/", "a//b", ".", "..", "a/../b",
	    "./a", "a\\b", "a b", "a%b", "manifest", "manifest.minisig"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		rig_init();
		rig_image(1, names[i], 1);
		assert_verifier_fault();
	}
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		rig_init();
		rig_memfd(1, 10);
		rig_image(1, "debian", 1);
		rig_file(1, paths[i], 1, 0, 1);
		assert_verifier_fault();
	}
}

static void
files_beyond_their_memory(void **state)
{
	static const struct {
		uint64_t offset, length;
		bool good;
	} rows[] = {
	    {0, 1000, true},
	    {0, 0, true},
	    {1000, 0, true},
	    {999, 1, true},
	    {0, 1001, false},
	    {1000, 1, false},
	    {1001, 0, false},
	    {1, UINT64_MAX, false},
	    {UINT64_MAX, 1, false},
	    {UINT64_MAX, UINT64_MAX, false},
	    {UINT64_MAX - 999, 1000, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		rig_init();
		rig_memfd(1, 1000);
		rig_image(1, "debian", 1);
		rig_file(1, "linux", 1, rows[i].offset, rows[i].length);
		if (rows[i].good)
			assert_no_fault();
		else
			assert_verifier_fault();
	}
}

static void
out_of_order(void **state)
{
	(void)state;
	rig_file(1, "linux", 1, 0, 1);
	assert_verifier_fault();
	rig_init();
	rig_boot(1, ARCH_X64, "", 0);
	assert_verifier_fault();
	rig_init();
	rig_number(MSG_ACTIVE_TELL, 1);
	assert_verifier_fault();
	rig_init();
	rig_number(MSG_RETIRE_TELL, 1);
	assert_verifier_fault();
	rig_init();
	rig_number(MSG_DROP_TELL, 1);
	assert_verifier_fault();
	/* Adding to one that serves already. */
	rig_init();
	rig_debian(1, 1, 0);
	rig_file(1, "more", 1, 0, 1);
	assert_verifier_fault();
	rig_init();
	rig_debian(1, 1, 0);
	rig_number(MSG_ACTIVE_TELL, 1);
	assert_verifier_fault();
	/* Memory that was dropped. */
	rig_init();
	rig_memfd(1, 10);
	rig_number(MSG_DROP_TELL, 1);
	rig_image(1, "debian", 1);
	rig_file(1, "linux", 1, 0, 1);
	assert_verifier_fault();
}

static void
things_twice(void **state)
{
	(void)state;
	rig_image(1, "debian", 1);
	rig_image(1, "fedora", 1);
	assert_verifier_fault();
	rig_init();
	rig_memfd(1, 10);
	rig_memfd(1, 10);
	assert_verifier_fault();
	rig_init();
	rig_memfd(1, 10);
	rig_image(1, "debian", 1);
	rig_file(1, "linux", 1, 0, 1);
	rig_file(1, "linux", 1, 1, 1);
	assert_verifier_fault();
	rig_init();
	rig_image(1, "debian", 1);
	rig_boot(1, ARCH_X64, "", 0);
	rig_boot(1, ARCH_X64, "", 0);
	assert_verifier_fault();
}

static void
boot_entries(void **state)
{
	(void)state;
	rig_image(1, "debian", 1);
	rig_boot(1, ARCH_NONE, "", 0);
	assert_verifier_fault();
	/* A loader that is not a file of the image; never half an image. */
	rig_init();
	rig_image(1, "debian", 1);
	rig_boot(1, ARCH_X64, "linux", 0);
	assert_no_fault();
	rig_number(MSG_ACTIVE_TELL, 1);
	assert_verifier_fault();
	assert_null(image_find("debian", broker.wall_s));
}

static void
memory_that_is_not_sealed(void **state)
{
	unsigned before;

	(void)state;
	before = descriptors();
	rig_memfd_odd(1, 10, 10, false);
	assert_verifier_fault();
	rig_init();
	rig_memfd_odd(1, 10, 11, true);
	assert_verifier_fault();
	rig_init();
	rig_memfd_odd(1, 10, UINT64_MAX, true);
	assert_verifier_fault();
	rig_init();
	rig_memfd_odd(1, 10, 0, true);
	assert_verifier_fault();
	assert_int_equal(descriptors(), before);
}

static void
nothing_leaks(void **state)
{
	unsigned before;

	(void)state;
	before = descriptors();
	for (uint32_t i = 1; i <= 50; i++)
		rig_debian(i, i, 0);
	assert_no_fault();
	assert_int_equal(memfd_count(), 50); /* the verifier has not dropped them */
	for (uint32_t i = 1; i <= 50; i++)
		rig_number(MSG_DROP_TELL, i);
	assert_no_fault();
	assert_int_equal(memfd_count(), 1);
	assert_int_equal(descriptors(), before + 1);
	rig_number(MSG_RETIRE_TELL, 50);
	assert_no_fault();
	assert_int_equal(descriptors(), before);
	assert_int_equal(image_bytes(), 0);
}

static void
active_ones_outlive_the_verifier(void **state)
{
	const struct image *image;

	(void)state;
	rig_debian(1, 1, 0);
	rig_memfd(2, 10);
	rig_image(2, "pending", 1);
	assert_no_fault();
	rig_gone(ROLE_VERIFIER, 0);
	rig_turn();
	image = image_find("debian", broker.wall_s);
	assert_non_null(image);
	assert_non_null(image_file(image, "linux"));
	assert_null(image_told(2));
	assert_null(image_told(1));
	/* Its pending memory is gone, that of the serving image is not. */
	assert_int_equal(memfd_count(), 1);
	/* Without a verifier, nothing ends it. */
	broker.now_ms += 10u * INTAKE_QUIET_MS;
	rig_turn();
	assert_non_null(image_find("debian", broker.wall_s));
	/* The numbers of the new one mean nothing that they meant before. */
	rig_reset(&rig.verifier);
	rig_memfd(1, 20);
	rig_image(1, "fedora", 1);
	rig_file(1, "linux", 1, 0, 20);
	rig_number(MSG_ACTIVE_TELL, 1);
	assert_no_fault();
	image = image_find("debian", broker.wall_s);
	assert_int_equal(image_file(image, "linux")->length, 700);
	assert_int_equal(
	    image_file(image_find("fedora", broker.wall_s), "linux")->length, 20);
	/* Made active again, it is renewed; what is not ends when the new one is quiet. */
	broker.now_ms += INTAKE_QUIET_MS - 1;
	rig_debian(2, 1, 0);
	assert_no_fault();
	broker.now_ms += 2u * INTAKE_QUIET_MS;
	rig_turn();
	assert_non_null(image_find("debian", broker.wall_s));
	assert_non_null(image_find("fedora", broker.wall_s));
}

static void
stale_ones_end(void **state)
{
	(void)state;
	rig_debian(1, 1, 0);
	rig_gone(ROLE_VERIFIER, 0);
	rig_reset(&rig.verifier);
	rig_turn();
	broker.now_ms += INTAKE_QUIET_MS - 1;
	rig_image(9, "other", 1);
	rig_turn();
	broker.now_ms += INTAKE_QUIET_MS - 1;
	rig_turn();
	assert_non_null(image_find("debian", broker.wall_s));
	broker.now_ms += 1;
	rig_turn();
	assert_null(image_find("debian", broker.wall_s));
	assert_int_equal(memfd_count(), 0);
}

/* A verifier that lost us and begins anew is no fault, and doubles nothing. */
static void
reset_voids_what_came_before(void **state)
{
	(void)state;
	rig_debian(1, 1, 0);
	rig_image(2, "half", 1);
	rig_reset(&rig.verifier);
	rig_debian(1, 1, 0);
	assert_no_fault();
	rig_image(2, "half", 1);
	assert_no_fault();
	assert_int_equal(memfd_count(), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(an_image_serves_when_active, set_up),
	    cmocka_unit_test_setup(expired_ones_as_configured, set_up),
	    cmocka_unit_test_setup(a_newer_one_takes_over, set_up),
	    cmocka_unit_test_setup(other_images_are_not_touched, set_up),
	    cmocka_unit_test_setup(many_files, set_up),
	    cmocka_unit_test_setup(one_file_too_many, set_up),
	    cmocka_unit_test_setup(too_many_names_refuse_the_image, set_up),
	    cmocka_unit_test_setup(too_many_images, set_up),
	    cmocka_unit_test_setup(bad_names, set_up),
	    cmocka_unit_test_setup(files_beyond_their_memory, set_up),
	    cmocka_unit_test_setup(out_of_order, set_up),
	    cmocka_unit_test_setup(things_twice, set_up),
	    cmocka_unit_test_setup(boot_entries, set_up),
	    cmocka_unit_test_setup(memory_that_is_not_sealed, set_up),
	    cmocka_unit_test_setup(nothing_leaks, set_up),
	    cmocka_unit_test_setup(active_ones_outlive_the_verifier, set_up),
	    cmocka_unit_test_setup(stale_ones_end, set_up),
	    cmocka_unit_test_setup(reset_voids_what_came_before, set_up),
	};

	return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
