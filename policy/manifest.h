/*
 * The manifest of an image: what it is called, which files belong to it, and what each
 * kind of machine boots. Its text has one form only, see sallyport-manifest(5); whoever
 * prints a parsed manifest gets the same bytes back. Pure, allocates nothing.
 */
#ifndef SALLYPORT_POLICY_MANIFEST_H
#define SALLYPORT_POLICY_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "policy/lines.h"
#include "policy/paths.h"
#include "src/base/err.h"
#include "src/base/ident.h"

#define MANIFEST_SIZE_MAX (4u << 20) /* bytes of text */
#define MANIFEST_FILES_MAX 10000u
#define MANIFEST_INITRDS_MAX 8u
#define MANIFEST_CMDLINE_MAX 1024u
#define MANIFEST_BOOTS_MAX ((unsigned)ARCH_MAX - 1)
#define MANIFEST_NO_FILE UINT16_MAX

/* Kinds of template, as messages number them. */
struct manifest_file {
	char path[PATHS_PATH_MAX + 1];
	uint16_t folded;  /* n-th in the order of paths_compare_folded() */
	uint64_t size;    /* bytes, at most INT64_MAX */
	uint8_t hash[32]; /* SHA-256 */
};

/* What machines of one architecture boot. Files are numbers into files[], or
 * MANIFEST_NO_FILE; there is a loader, a kernel, or both; initrds and a command line
 * only with a kernel. */
struct manifest_boot {
	enum arch arch;
	uint16_t loader;
	uint16_t kernel;
	uint8_t ninitrds;
	uint16_t initrds[MANIFEST_INITRDS_MAX];
	char cmdline[MANIFEST_CMDLINE_MAX + 1]; /* "" when there is none */
};

struct manifest {
	char name[PATHS_NAME_MAX + 1];
	uint64_t version; /* at least 1 */
	uint64_t created; /* seconds since 1970 */
	uint64_t expires; /* later than created */
	unsigned nfiles;
	struct manifest_file *files; /* the caller's, strictly ascending by path */
	unsigned nboots;
	struct manifest_boot boots[MANIFEST_BOOTS_MAX]; /* ascending by arch */
	uint16_t templates[TEMPLATE_MAX];
};

/* How many entries of files[] this text can need at most, up to MANIFEST_FILES_MAX. */
unsigned manifest_count(const char *text, size_t len);
/* Reads the text into m, with the list in files[cap]. 0, or ERR_FORMAT with *error set;
 * m must then not be used. Keeps no pointer to the text. */
int manifest_parse(const char *text, size_t len, struct manifest_file *files, unsigned cap,
    struct manifest *m, struct text_error *error) MUST_CHECK;
/* Writes the text of m to out. The length, or ERR_LONG. */
int manifest_print(const struct manifest *m, char *text, size_t cap) MUST_CHECK;
/* The number of a listed file, or MANIFEST_NO_FILE. */
uint16_t manifest_find(const struct manifest *m, const char *path, size_t len);
/* NULL when the image has nothing for it. */
const struct manifest_boot *manifest_boot_for(const struct manifest *m, enum arch arch);

/* "ipxe", "grub", "pxelinux". */
const char *template_kind_name(enum template_kind kind);
/* TEMPLATE_MAX when the name is not known. */
enum template_kind template_kind_parse(const char *name, size_t len);

#endif
