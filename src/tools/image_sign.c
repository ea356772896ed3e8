/*
 * "sallyport-image key generate" and "sign": the commands that touch secret keys.
 */
#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/manifest.h"
#include "policy/when.h"
#include "src/base/clock.h"
#include "src/tools/secret.h"
#include "src/tools/tool.h"
#include "src/verifier/store.h"

static const struct option key_options[] = {
    {"public", required_argument, NULL, 'p'},
    {"secret", required_argument, NULL, 's'},
    {"password-file", required_argument, NULL, 'f'},
    {"no-password", no_argument, NULL, 'W'},
    {NULL, 0, NULL, 0},
};

struct key_plan {
	const char *public, *secret, *password_file;
	bool no_password;
};

static void
write_keys(const struct key_plan *p, const struct secret_key *key)
{
	char password[SECRET_PASSWORD_MAX] = "", text[SECRET_FILE_MAX];
	char base64[MINISIGN_PUBLIC_LEN + 1], id[MINISIGN_ID_TEXT];
	struct minisign_public public;
	size_t len = 0;
	char *line;

	if (!p->no_password)
		len = tool_password(p->password_file, true, password, sizeof password);
	if (secret_encode(key, p->no_password ? NULL : password, len, text) != 0)
		tool_fail(TOOL_SYSTEM, "not enough memory to encrypt the key (scrypt takes "
				       "1 GiB); -W makes one "
				       "without a password");
	explicit_bzero(password, sizeof password);
	secret_public(key, &public);
	minisign_public_encode(&public, base64);
	line = tool_format("untrusted comment: minisign public key %s\n%s\n",
	    minisign_id_format(public.id, id), base64);
	tool_write(p->secret, 0600, false, text, strlen(text));
	explicit_bzero(text, sizeof text);
	tool_write(p->public, 0644, false, line, strlen(line));
	free(line);
	printf("secret key: %s\npublic key: %s\nline for the keyring:\nkey %s *\n",
	    p->secret, p->public, base64);
}

int
image_key_generate(int argc, char **argv)
{
	struct key_plan p = {"sallyport.pub", "sallyport.key", NULL, false};
	struct secret_key key;
	int option;

	while ((option = getopt_long(argc, argv, "p:s:W", key_options, NULL)) != -1) {
		switch (option) {
		case 'p': p.public = optarg; break;
		case 's': p.secret = optarg; break;
		case 'f': p.password_file = optarg; break;
		case 'W': p.no_password = true; break;
		default: tool_fail(TOOL_USAGE, "see sallyport-image key generate --help");
		}
	}
	if (optind != argc)
		tool_fail(TOOL_USAGE, "key generate: %s: not expected", argv[optind]);
	if (access(p.public, F_OK) == 0 || access(p.secret, F_OK) == 0)
		tool_fail(TOOL_REFUSED, "%s or %s exists already; remove it first",
		    p.public, p.secret);
	secret_generate(&key);
	write_keys(&p, &key);
	sodium_memzero(&key, sizeof key);
	return TOOL_OK;
}

static void
load_secret(const char *path, const char *password_file, struct secret_key *key)
{
	char password[SECRET_PASSWORD_MAX];
	struct secret_file file;
	struct text_error error;
	size_t len, password_len = 0;
	char *text = tool_read(path, SECRET_FILE_MAX, &len);
	int err = secret_decode(text, len, &file, &error);

	explicit_bzero(text, len);
	free(text);
	if (err != 0)
		tool_fail_text(path, &error);
	if (file.encrypted)
		password_len =
		    tool_password(password_file, false, password, sizeof password);
	err = secret_open(&file, password, password_len, key);
	explicit_bzero(password, sizeof password);
	if (err == ERR_SYS)
		tool_fail(TOOL_SYSTEM, "%s: not enough memory to decrypt it (%ju MiB)",
		    path, (uintmax_t)(file.memory >> 20));
	if (err != 0)
		tool_fail(TOOL_REFUSED, "%s: %s", path,
		    file.encrypted ? "wrong password" : "the key is damaged");
}

/* A manifest that the server would refuse is not signed. */
static char *
load_manifest(int dir, const char *dirname, size_t *len, struct manifest *m)
{
	char *text = tool_alloc(MANIFEST_SIZE_MAX);
	char *file = tool_format("%s/manifest", dirname);
	struct manifest_file *files;
	struct text_error error;
	const char *why;
	int64_t got = store_read(dir, "manifest", text, MANIFEST_SIZE_MAX, NULL, &why);
	unsigned cap;

	if (got < 0)
		tool_fail(TOOL_REFUSED, "%s: %s", file, why);
	*len = (size_t)got;
	cap = manifest_count(text, *len);
	files = tool_alloc(cap * sizeof *files);
	if (manifest_parse(text, *len, files, cap, m, &error) != 0)
		tool_fail_text(file, &error);
	m->files = NULL;
	free(files);
	free(file);
	return text;
}

static const struct option sign_options[] = {
    {"secret", required_argument, NULL, 's'},
    {"password-file", required_argument, NULL, 'f'},
    {"comment", required_argument, NULL, 't'},
    {NULL, 0, NULL, 0},
};

static void
check_comment(const char *comment)
{
	for (const char *c = comment; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			tool_fail(TOOL_USAGE, "--comment: no control characters");
}

static void
sign_folder(const char *dirname, const char *comment, const struct secret_key *key)
{
	char signature[MINISIGN_SIGNATURE_MAX], when[WHEN_TEXT_LEN + 1];
	int dir = tool_open_dir(dirname);
	struct manifest m;
	size_t len;
	char *text = load_manifest(dir, dirname, &len, &m);
	char *own = tool_format("image %s version %ju signed %s", m.name,
	    (uintmax_t)m.version, when_format(clock_wall_s(), when));

	if (secret_sign(key, text, len, comment != NULL ? comment : own, signature) != 0)
		tool_fail(
		    TOOL_USAGE, "--comment: longer than %u bytes", MINISIGN_COMMENT_MAX);
	tool_write_at(dir, dirname, "manifest.minisig", 0644, signature, strlen(signature));
	printf("%s/manifest.minisig: image %s, version %ju\n", dirname, m.name,
	    (uintmax_t)m.version);
	free(own);
	free(text);
	close(dir);
}

int
image_sign(int argc, char **argv)
{
	const char *secret = "sallyport.key", *password_file = NULL, *comment = NULL;
	struct secret_key key;
	int option;

	while ((option = getopt_long(argc, argv, "s:t:", sign_options, NULL)) != -1) {
		switch (option) {
		case 's': secret = optarg; break;
		case 'f': password_file = optarg; break;
		case 't': comment = optarg; break;
		default: tool_fail(TOOL_USAGE, "see sallyport-image sign --help");
		}
	}
	if (optind + 1 != argc)
		tool_fail(TOOL_USAGE, "sign: expected exactly one folder");
	if (comment != NULL)
		check_comment(comment);
	load_secret(secret, password_file, &key);
	sign_folder(argv[optind], comment, &key);
	sodium_memzero(&key, sizeof key);
	return TOOL_OK;
}
