/*
 * What the commands of sallyport-image share: ending with a message, files, numbers,
 * passwords, hashes. A command that cannot go on ends the program here.
 */
#ifndef SALLYPORT_TOOLS_TOOL_H
#define SALLYPORT_TOOLS_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "policy/keyring.h"
#include "policy/lines.h"
#include "src/base/err.h"

/* Exit codes. */
enum {
	TOOL_OK = 0,
	TOOL_REFUSED = 1, /* something is wrong with an image, a signature or a key */
	TOOL_USAGE = 2,
	TOOL_SYSTEM = 3, /* a file could not be read or written */
};

#define TOOL_IMAGES SALLYPORT_STATEDIR "/images"
#define TOOL_FLOOR SALLYPORT_STATEDIR "/verifier/floor"
#define TOOL_TLS SALLYPORT_SYSCONFDIR "/sallyport/tls"
#define TOOL_KEYRING SALLYPORT_SYSCONFDIR "/sallyport/keyring"

/* "sallyport-image: ...", then exit(code). */
void tool_fail(int code, const char *fmt, ...) PRINTF_LIKE(2, 3) NORETURN;
/* The same with errno's text behind it, and TOOL_SYSTEM. */
void tool_fail_errno(const char *fmt, ...) PRINTF_LIKE(1, 2) NORETURN;
/* "FILE:LINE:COLUMN: ...", then TOOL_REFUSED. */
void tool_fail_text(const char *file, const struct text_error *error) NORETURN;
/* Complains to stderr and returns. */
void tool_complain(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* malloc and friends that never return NULL. */
void *tool_alloc(size_t n);
char *tool_format(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* The whole file, with a NUL behind it; the caller frees it. */
char *tool_read(const char *path, size_t max, size_t *len);
/* Writes a file durably under its name: complete, or not at all. */
void tool_write(const char *path, mode_t mode, bool replace, const void *bytes, size_t len);
/* The same beneath a directory. Existing files are replaced. */
void tool_write_at(int dir, const char *dirname, const char *name, mode_t mode,
    const void *bytes, size_t len);
/* Opens a directory. */
int tool_open_dir(const char *path);
uint64_t tool_number(const char *option, const char *text, uint64_t min, uint64_t max);

/* Reads a password from a file (its first line) or, when file is NULL, from the terminal,
 * twice when asked to. password is NUL-terminated. */
size_t tool_password(const char *file, bool twice, char *password, size_t cap);
/* A keyring from a keyring file, or from one public key file that may sign anything. */
void tool_load_keyring(const char *keyring, const char *public, struct keyring *k);

/* SHA-256 of all that fd holds, from its beginning; copied to `to` unless that is -1.
 * 0, or ERR_SYS with errno (*writing: it was `to`). */
int tool_hash(int fd, int to, uint8_t hash[32], uint64_t *size, bool *writing) MUST_CHECK;

/* The commands. argv[0] is the command's own name. */
int image_key_generate(int argc, char **argv);
int image_create(int argc, char **argv);
int image_sign(int argc, char **argv);
int image_verify(int argc, char **argv);
int image_install(int argc, char **argv);
int image_list(int argc, char **argv);
int image_trust_init(int argc, char **argv);
int image_trust_show(int argc, char **argv);
int image_tls_init(int argc, char **argv);
int image_tls_renew(int argc, char **argv);

#endif
