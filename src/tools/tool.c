/*
 * Helpers of sallyport-image, a program that an operator runs. It may end at the first
 * thing that is wrong; it must say precisely what that was.
 */
#include "src/tools/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "src/verifier/sha256.h"

static void PRINTF_LIKE(1, 0) complain(const char *fmt, va_list ap, const char *more)
{
	fflush(stdout);
	fputs("sallyport-image: ", stderr);
	vfprintf(stderr, fmt, ap);
	if (more != NULL)
		fprintf(stderr, ": %s", more);
	fputc('\n', stderr);
}

void
tool_fail(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap, NULL);
	va_end(ap);
	exit(code);
}

void
tool_fail_errno(const char *fmt, ...)
{
	const char *text = strerror(errno);
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap, text);
	va_end(ap);
	exit(TOOL_SYSTEM);
}

void
tool_fail_text(const char *file, const struct text_error *error)
{
	tool_fail(
	    TOOL_REFUSED, "%s:%u:%u: %s", file, error->line, error->column, error->what);
}

void
tool_complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap, NULL);
	va_end(ap);
}

void *
tool_alloc(size_t n)
{
	void *p = calloc(1, n == 0 ? 1 : n);

	if (p == NULL)
		tool_fail_errno("memory");
	return p;
}

char *
tool_format(const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		tool_fail_errno("memory");
	va_end(ap);
	return text;
}

char *
tool_read(const char *path, size_t max, size_t *len)
{
	FILE *f = fopen(path, "rbe");
	char *bytes = tool_alloc(max + 2);

	if (f == NULL)
		tool_fail_errno("%s", path);
	*len = fread(bytes, 1, max + 1, f);
	if (ferror(f))
		tool_fail_errno("%s", path);
	fclose(f);
	if (*len > max)
		tool_fail(TOOL_REFUSED, "%s: larger than %zu bytes", path, max);
	bytes[*len] = '\0';
	return bytes;
}

static void
write_all(int fd, const void *bytes, size_t len, const char *path)
{
	const char *p = bytes;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			tool_fail_errno("%s", path);
		p += n;
		len -= (size_t)n;
	}
}

void
tool_write(const char *path, mode_t mode, bool replace, const void *bytes, size_t len)
{
	char *temporary = tool_format("%s.XXXXXX", path);
	int fd = mkostemp(temporary, O_CLOEXEC);

	if (fd < 0)
		tool_fail_errno("%s", temporary);
	write_all(fd, bytes, len, temporary);
	if (fchmod(fd, mode) != 0 || fsync(fd) != 0 || close(fd) != 0)
		tool_fail_errno("%s", temporary);
	/* link() instead of rename() so that nothing is lost that came in between. */
	if (replace ? rename(temporary, path) != 0 : link(temporary, path) != 0) {
		int kept = errno;

		unlink(temporary);
		errno = kept;
		tool_fail_errno("%s", path);
	}
	if (!replace)
		unlink(temporary);
	free(temporary);
}

void
tool_write_at(int dir, const char *dirname, const char *name, mode_t mode,
    const void *bytes, size_t len)
{
	char *path = tool_format("%s/%s", dirname, name);
	char *temporary = tool_format("%s.%ld", name, (long)getpid());
	int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0)
		tool_fail_errno("%s/%s", dirname, temporary);
	write_all(fd, bytes, len, path);
	if (fchmod(fd, mode) != 0 || fsync(fd) != 0 || close(fd) != 0 ||
	    renameat(dir, temporary, dir, name) != 0 || fsync(dir) != 0) {
		int kept = errno;

		unlinkat(dir, temporary, 0);
		errno = kept;
		tool_fail_errno("%s", path);
	}
	free(temporary);
	free(path);
}

int
tool_open_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		tool_fail_errno("%s", path);
	return fd;
}

uint64_t
tool_number(const char *option, const char *text, uint64_t min, uint64_t max)
{
	struct text_error error;
	struct lines l;
	uint64_t n = 0;
	char *line = tool_format("%s\n", text);

	lines_init(&l, line, strlen(line), &error);
	if (!lines_number(&l, &n, min, max, "a number") || !lines_end(&l, "its end") ||
	    !lines_done(&l))
		tool_fail(TOOL_USAGE, "%s %s: expected a number from %ju to %ju", option,
		    text, (uintmax_t)min, (uintmax_t)max);
	free(line);
	return n;
}

/* One line from the terminal, unseen. */
static size_t
ask_terminal(const char *prompt, char *password, size_t cap)
{
	struct termios seen, unseen;
	FILE *tty = fopen("/dev/tty", "r+e");
	size_t len;

	if (tty == NULL)
		tool_fail(TOOL_USAGE, "no terminal to ask for the password; use "
				      "--password-file");
	fputs(prompt, tty);
	fflush(tty);
	if (tcgetattr(fileno(tty), &seen) != 0)
		tool_fail_errno("terminal");
	unseen = seen;
	unseen.c_lflag &= ~(tcflag_t)ECHO;
	(void)tcsetattr(fileno(tty), TCSAFLUSH, &unseen);
	if (fgets(password, (int)cap, tty) == NULL)
		password[0] = '\0';
	(void)tcsetattr(fileno(tty), TCSAFLUSH, &seen);
	fputc('\n', tty);
	fclose(tty);
	len = strcspn(password, "\n");
	password[len] = '\0';
	return len;
}

size_t
tool_password(const char *file, bool twice, char *password, size_t cap)
{
	char *text, *again;
	size_t len;

	if (file != NULL) {
		text = tool_read(file, cap - 1, &len);
		len = strcspn(text, "\n");
		memcpy(password, text, len);
		password[len] = '\0';
		explicit_bzero(text, cap);
		free(text);
	} else {
		len = ask_terminal("Password of the secret key: ", password, cap);
	}
	if (file == NULL && twice) {
		again = tool_alloc(cap);
		(void)ask_terminal("The same once more: ", again, cap);
		if (strcmp(password, again) != 0)
			tool_fail(TOOL_USAGE, "the passwords differ");
		explicit_bzero(again, cap);
		free(again);
	}
	if (len == 0)
		tool_fail(
		    TOOL_USAGE, "the password is empty; use -W for a key without one");
	return len;
}

void
tool_load_keyring(const char *keyring, const char *public, struct keyring *k)
{
	const char *path = public != NULL    ? public
			   : keyring != NULL ? keyring
					     : TOOL_KEYRING;
	struct text_error error;
	size_t len;
	char *text;

	if (keyring != NULL && public != NULL)
		tool_fail(TOOL_USAGE, "give --keyring or --public, not both");
	text = tool_read(path, KEYRING_SIZE_MAX, &len);
	if (public == NULL) {
		if (keyring_parse(text, len, k, &error) != 0)
			tool_fail_text(path, &error);
		if (k->n == 0)
			tool_fail(TOOL_REFUSED, "%s: holds no key", path);
	} else {
		memset(k, 0, sizeof *k);
		k->n = 1;
		strcpy(k->keys[0].images, "*");
		if (minisign_public_file(text, len, &k->keys[0].public, &error) != 0)
			tool_fail_text(path, &error);
	}
	free(text);
}

/* Writes n bytes to fd. */
static bool
put_bytes(int fd, const uint8_t *bytes, size_t n)
{
	while (n > 0) {
		ssize_t put = write(fd, bytes, n);

		if (put < 0)
			return false;
		bytes += put;
		n -= (size_t)put;
	}
	return true;
}

int
tool_hash(int fd, int to, uint8_t hash[32], uint64_t *size, bool *writing)
{
	static struct sha256 *sha;
	static uint8_t bytes[1 << 18];
	ssize_t n;

	if (sha == NULL)
		sha = sha256_new();
	if (sha == NULL || !sha256_begin(sha))
		tool_fail(TOOL_SYSTEM, "SHA-256 is not available");
	*size = 0;
	*writing = false;
	while ((n = pread(fd, bytes, sizeof bytes, (off_t)*size)) > 0) {
		if (!sha256_add(sha, bytes, (size_t)n))
			return ERR_SYS;
		if (to >= 0 && !put_bytes(to, bytes, (size_t)n)) {
			*writing = true;
			return ERR_SYS;
		}
		*size += (uint64_t)n;
	}
	return n == 0 && sha256_end(sha, hash) ? 0 : ERR_SYS;
}
