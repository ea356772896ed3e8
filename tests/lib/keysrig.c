/*
 * Stands in for the supervisor and the tls processes of one real keys, in its cage:
 *
 *	keysrig EXECUTABLE MODE KEY CERT [KEY CERT [CLIENT-CA]]
 *
 * MODE good: certificates are told whole, signatures are right. hostile: owned tls
 * processes ask for everything that is none of theirs. decrypt: the same as good, where RSA
 * key exchange is configured. bench: signatures a second. bad: keys must not start. hold:
 * stays until its input ends. Prints a line of TAP for each thing. Test code, runs as root.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "privsep/msg.h"
#include "privsep/spawn.h"
#include "privsep/start.h"
#include "src/base/clock.h"
#include "src/base/openssl.h"
#include "src/wire/tls_sign.h"

#define KEYS_UID 61778
#define SIGNERS 3
#define WAIT_MS 20000

static int super_end, log_end, ends[SIGNERS], child_pidfd;
static pid_t child;
static EVP_PKEY *public[KEYS_MAX];
static unsigned nkeys;
static uint8_t text[TLS_SIGN_TEXT_MAX];
static size_t text_len;

static void NORETURN
die(const char *what)
{
	perror(what);
	exit(1);
}

static void PRINTF_LIKE(2, 3) result(bool good, const char *fmt, ...)
{
	va_list ap;

	printf("%s ", good ? "ok" : "not ok");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

/* ------------------------------------------------------------------ the process */

static int
pair(struct spawn *s, int to)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		die("socketpair");
	spawn_give(s, fds[1], to);
	return fds[0];
}

static void
give_file(struct spawn *s, const char *path, int to)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die(path);
	spawn_give(s, fd, to);
}

static void
load_public(const char *path)
{
	BIO *in = BIO_new_file(path, "r");
	X509 *x = in == NULL ? NULL : PEM_read_bio_X509(in, NULL, NULL, NULL);

	if (x == NULL)
		die(path);
	public[nkeys++] = X509_get_pubkey(x);
	X509_free(x);
	BIO_free(in);
}

static void
start(const char *path, bool decrypts, char **files)
{
	static struct spawn s;
	static char arguments[1024];
	struct start st = {
	    .role = ROLE_KEYS, .generation = 1, .uid = KEYS_UID, .gid = KEYS_UID};
	const char *options[] = {"landlock=1", "log_level=4", "tls=3", "verify_client=1",
	    decrypts ? "rsa_exchange=1" : "rsa_exchange=0"};
	char *argv[16];

	if (start_arguments(&st, options, 5, arguments, sizeof arguments, argv, 16) != 0)
		die("arguments");
	s.path = path;
	s.argv = argv;
	super_end = pair(&s, FD_SUPER);
	log_end = pair(&s, FD_LOG);
	for (int i = 0; i < SIGNERS; i++)
		ends[i] = pair(&s, FD_SIGN + i);
	for (int i = 0; i < KEYS_MAX && files[0] != NULL && files[1] != NULL;
	     i++, files += 2) {
		give_file(&s, files[0], FD_KEY + i);
		give_file(&s, files[1], FD_CERT + i);
	}
	if (files[0] != NULL)
		give_file(&s, files[0], FD_CLIENT_CA);
	if (spawn_child(&s, &child, &child_pidfd) != 0)
		die("spawn");
	for (unsigned i = 0; i < s.nfds; i++)
		close(s.fds[i].from);
}

static void
show_log(void)
{
	uint8_t bytes[MSG_SIZE_MAX];
	struct msg m;
	ssize_t n;

	while ((n = recv(log_end, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
		if (msg_decode(bytes, (size_t)n, &m) == 0)
			printf("# %.*s\n", (int)m.u.log_tell.text.len,
			    (const char *)m.u.log_tell.text.b);
}

/* A notice of this kind comes next. */
static bool
noticed(enum notice kind, uint8_t b[4])
{
	struct pollfd p = {super_end, POLLIN, 0};

	return poll(&p, 1, WAIT_MS) == 1 && recv(super_end, b, 4, MSG_DONTWAIT) == 4 &&
	       b[0] == kind;
}

static int
end(void)
{
	siginfo_t info = {.si_code = 0};

	shutdown(super_end, SHUT_WR);
	if (waitid(P_PIDFD, (id_t)child_pidfd, &info, WEXITED) != 0)
		die("waitid");
	show_log();
	if (info.si_code == CLD_EXITED)
		return info.si_status;
	return 1000 + info.si_status;
}

/* ------------------------------------------------------------------ a tls process */

static void
ask(unsigned who, const struct msg *m)
{
	uint8_t bytes[MSG_SIZE_MAX];
	int n = msg_encode(m, bytes, sizeof bytes);

	if (n < 0 || send(ends[who], bytes, (size_t)n, MSG_NOSIGNAL) != n)
		die("send");
}

static bool
answered(unsigned who, int wait_ms, struct msg *m)
{
	struct pollfd p = {ends[who], POLLIN, 0};
	uint8_t bytes[MSG_SIZE_MAX];
	ssize_t n;

	if (poll(&p, 1, wait_ms) != 1)
		return false;
	n = recv(ends[who], bytes, sizeof bytes, 0);
	return n > 0 && msg_decode(bytes, (size_t)n, m) == 0 &&
	       msg_permitted(m->nr, ROLE_KEYS, ROLE_TLS);
}

static void
ask_sign(unsigned who, uint32_t number, unsigned key, unsigned scheme)
{
	struct msg m = {.nr = MSG_SIGN_ASK};

	m.u.sign_ask.ask = number;
	m.u.sign_ask.key = (uint8_t)key;
	m.u.sign_ask.scheme = (uint8_t)scheme;
	m.u.sign_ask.text.len = (uint16_t)text_len;
	memcpy(m.u.sign_ask.text.b, text, text_len);
	ask(who, &m);
}

/* Put together from pieces, as they travel. */
static void
set_text(size_t pad, int with, const void *then, size_t len, size_t more)
{
	memset(text, with, pad);
	memcpy(text + pad, then, len);
	memset(text + pad + len, 0x5a, more);
	text_len = pad + len + more;
}

static void
set_verify(size_t hash)
{
	set_text(64, ' ', "TLS 1.3, server CertificateVerify", 34, hash);
}

static bool
verifies(unsigned key, unsigned scheme, const struct msg_sign_ans *a)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx;
	bool good = EVP_DigestVerifyInit_ex(md, &ctx, scheme % 2 == 1 ? "SHA384" : "SHA256",
			NULL, NULL, public[key], NULL) == 1;

	if (good && (scheme == SIGN_PSS_SHA256 || scheme == SIGN_PSS_SHA384))
		good = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0;
	good = good &&
	       EVP_DigestVerify(md, a->signature.b, a->signature.len, text, text_len) == 1;
	EVP_MD_CTX_free(md);
	return good;
}

static bool
is_rsa(unsigned key)
{
	return EVP_PKEY_is_a(public[key], "RSA") == 1;
}

/* ------------------------------------------------------------------ modes */

static void
certificates(void)
{
	struct msg m = {.nr = MSG_CERTS_ASK};
	size_t len[KEYS_MAX + 1] = {0};

	m.u.certs_ask.ask = 9;
	ask(0, &m);
	for (;;) {
		if (!answered(0, WAIT_MS, &m)) {
			result(false, "certificates are told");
			return;
		}
		if (m.nr == MSG_CERTS_ANS)
			break;
		len[m.u.cert_tell.kind] += m.u.cert_tell.part.len;
	}
	result(m.u.certs_ans.ask == 9 && m.u.certs_ans.keys == nkeys && len[0] > 300 &&
		   (len[1] > 300) == (nkeys == 2),
	    "certificates are told");
	printf("# clients %zu\n", len[2]);
}

/* A thousand of each, so that whatever OpenSSL does only at times has been done. */
static void
signatures(void)
{
	static const uint8_t x25519[] = {3, 0, 29, 32};
	struct msg m;

	for (unsigned key = 0; key < nkeys; key++)
		for (unsigned scheme = 0; scheme < SIGN_SCHEMES; scheme++) {
			unsigned n = is_rsa(key) ? 30 : 1000, good = 0;

			if (is_rsa(key) != (scheme >= SIGN_PSS_SHA256))
				continue;
			for (unsigned i = 0; i < n; i++) {
				if (scheme < SIGN_PKCS1_SHA256 && i % 2 == 0)
					set_verify(32);
				else
					set_text(64, (int)i, x25519, 4, 32);
				ask_sign(i % SIGNERS, i, key, scheme);
				good += answered(i % SIGNERS, WAIT_MS, &m) &&
					m.nr == MSG_SIGN_ANS && m.u.sign_ans.ask == i &&
					m.u.sign_ans.ok &&
					verifies(key, scheme, &m.u.sign_ans);
			}
			result(good == n, "%u of %u signatures, key %u scheme %u", good, n,
			    key, scheme);
		}
}

static void
decryption(bool configured)
{
	struct msg m = {.nr = MSG_DECRYPT_ASK}, a;

	for (unsigned key = 0; key < nkeys; key++) {
		bool want = configured && is_rsa(key);

		m.u.decrypt_ask.key = (uint8_t)key;
		m.u.decrypt_ask.version = 0x303;
		m.u.decrypt_ask.text.len = (uint16_t)EVP_PKEY_get_size(public[key]);
		memset(m.u.decrypt_ask.text.b, 1, m.u.decrypt_ask.text.len);
		ask(0, &m);
		result(answered(0, WAIT_MS, &a) && a.nr == MSG_DECRYPT_ANS &&
			   a.u.decrypt_ans.ok == want,
		    "decryption with key %u: %s", key, want ? "yes" : "no");
	}
}

/* Nothing for this text, whatever key and scheme; whoever asks ends. */
static void
gets_nothing(const char *what)
{
	static const uint8_t gone[4] = {NOTICE_GONE, ROLE_TLS, 1, 0};
	bool nothing = true;
	uint8_t b[4];
	struct msg m;

	for (unsigned key = 0; key < KEYS_MAX; key++)
		for (unsigned scheme = 0; scheme < 8; scheme++) {
			ask_sign(1, 1, key, scheme);
			nothing = nothing && noticed(NOTICE_FAULT, b) && b[1] == ROLE_TLS &&
				  b[2] == 1;
			/* The supervisor would end it, and a new one begins. */
			if (send(super_end, gone, 4, MSG_NOSIGNAL) != 4)
				die("send");
			nothing =
			    nothing && noticed(NOTICE_CLEARED, b) && !answered(1, 0, &m);
		}
	result(nothing, "nothing is signed: %s", what);
}

static void
hostile(void)
{
	static const uint8_t curves[][4] = {{3, 0, 22, 65}, {3, 0, 30, 56}, {3, 0, 23, 32},
	    {3, 0, 29, 31}, {1, 0, 29, 32}, {3, 1, 29, 32}};
	struct msg m;

	set_text(0, 0, "", 0, 32);
	gets_nothing("a digest");
	set_text(0, 0, "", 0, 0);
	gets_nothing("no text");
	set_text(64, ' ', "TLS 1.3, client CertificateVerify", 34, 32);
	gets_nothing("a client's proof");
	set_verify(31);
	gets_nothing("a hash of 31 bytes");
	set_verify(64);
	gets_nothing("a hash of 64 bytes");
	set_text(63, ' ', "TLS 1.3, server CertificateVerify", 34, 32);
	gets_nothing("a space too few");
	set_text(0, 0, "sallyport-manifest 1\nname debian-12\nversion 7\n", 46, 200);
	gets_nothing("a manifest");
	set_text(0, 0, "\x30\x82\x01\x20\xa0\x03\x02\x01\x02", 9, 279);
	gets_nothing("a certificate");
	for (unsigned i = 0; i < sizeof curves / 4; i++) {
		set_text(64, 7, curves[i], 4, curves[i][3]);
		gets_nothing("other parameters of TLS 1.2");
	}
	set_text(64, 7, "\x01\x00", 2, 256 + 3 + 2 + 256);
	gets_nothing("a group of one's own");
	set_text(0, 0, "", 0, TLS_SIGN_TEXT_MAX);
	gets_nothing("1024 bytes");
	decryption(false);
	/* The others never noticed. */
	set_verify(48);
	ask_sign(2, 7, 0, is_rsa(0) ? SIGN_PSS_SHA256 : SIGN_ECDSA_SHA256);
	result(answered(2, WAIT_MS, &m) && m.u.sign_ans.ok, "another process is served");
}

/* Each process has one ask under way, as OpenSSL has it. */
static void
bench_key(unsigned key)
{
	unsigned scheme = is_rsa(key) ? SIGN_PSS_SHA256 : SIGN_ECDSA_SHA256, n = 0;
	uint64_t begin = clock_mono_ns(), now = begin;
	struct msg m;

	set_verify(32);
	for (unsigned i = 0; i < 2; i++)
		ask_sign(i, 0, key, scheme);
	for (; now - begin < UINT64_C(2000000000); now = clock_mono_ns())
		for (unsigned i = 0; i < 2; i++)
			if (answered(i, 0, &m)) {
				n += m.u.sign_ans.ok;
				ask_sign(i, 0, key, scheme);
			}
	printf("# key %u: %llu signatures a second\n", key,
	    (unsigned long long)n * 1000000000 / (now - begin));
	for (unsigned i = 0; i < 2; i++)
		(void)answered(i, WAIT_MS, &m);
}

static void
show_memory(void)
{
	char path[64], line[128];
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/status", (int)child);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, "Vm", 2) == 0 || strncmp(line, "RssAnon", 7) == 0)
			printf("# %s", line);
	if (f != NULL)
		fclose(f);
}

int
main(int argc, char **argv)
{
	const char *mode = argc < 5 ? "" : argv[2];
	uint8_t b[4];
	bool ready;
	int status;

	if (argc < 5) {
		fprintf(stderr, "usage: see the head of tests/lib/keysrig.c\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	if (strcmp(mode, "bad") != 0)
		for (int i = 4; i < argc && i < 8; i += 2)
			load_public(argv[i]);
	start(argv[1], strcmp(mode, "decrypt") == 0, argv + 3);
	ready = noticed(NOTICE_READY, b);
	show_log();
	if (strcmp(mode, "bad") == 0) {
		result(!ready && end() == EXIT_WALL, "keys does not start");
		return 0;
	}
	result(ready, "keys starts");
	printf("pid %d\n", (int)child);
	fflush(stdout);
	if (strcmp(mode, "good") == 0 || strcmp(mode, "decrypt") == 0) {
		certificates();
		signatures();
		decryption(strcmp(mode, "decrypt") == 0);
	} else if (strcmp(mode, "hostile") == 0) {
		hostile();
	} else if (strcmp(mode, "hold") == 0) {
		while (getchar() != EOF)
			continue;
	} else {
		for (unsigned i = 0; i < nkeys; i++)
			bench_key(i);
	}
	show_memory();
	status = end();
	result(status == 0, "it ends by itself (%d)", status);
	return 0;
}
