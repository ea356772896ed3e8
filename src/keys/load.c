/*
 * Reads the private keys of HTTPS, in process keys, as root and before its cage, from files
 * that the supervisor has opened and that only root can write. Still nothing of them is
 * taken for granted: a wrong file is named at start, not by a client later.
 */
#include "src/keys/load.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "privsep/start.h"
#include "src/base/log.h"

#define DAY_S UINT64_C(86400)

OSSL_LIB_CTX *
load_library(void)
{
	OSSL_LIB_CTX *lib;

	if (OPENSSL_init_crypto(
		OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL) != 1)
		return NULL;
	lib = OSSL_LIB_CTX_new();
	if (lib != NULL && OSSL_PROVIDER_load(lib, "default") == NULL) {
		OSSL_LIB_CTX_free(lib);
		lib = NULL;
	}
	return lib;
}

/* ------------------------------------------------------------------ certificates */

static uint64_t
end_of(const X509 *x)
{
	struct tm tm;
	time_t end;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) != 1)
		return 0;
	end = timegm(&tm);
	return end < 0 ? 0 : (uint64_t)end;
}

static bool
is_signed_by(X509 *x, X509 *issuer)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);

	return key != NULL &&
	       X509_NAME_cmp(X509_get_issuer_name(x), X509_get_subject_name(issuer)) == 0 &&
	       X509_verify(x, key) == 1;
}

static const char *
add_certificate(struct chain *c, X509 *x, X509 *before, size_t max)
{
	uint8_t *to = c->der + c->len;
	int len = i2d_X509(x, NULL);

	if (len <= 0)
		return "a certificate cannot be written as DER";
	if ((size_t)len > max - c->len)
		return "too many or too large certificates";
	if (i2d_X509(x, &to) != len)
		return "a certificate cannot be written as DER";
	if (c->n == 0) {
		c->expires = end_of(x);
		c->has_name = X509_get_ext_by_NID(x, NID_subject_alt_name, -1) >= 0;
		c->in_order = true;
	} else if (!is_signed_by(before, x)) {
		c->in_order = false;
	}
	c->len += (size_t)len;
	c->n++;
	return NULL;
}

/* The next certificate. NULL at the end, and *why when that is none. */
static X509 *
read_certificate(OSSL_LIB_CTX *lib, BIO *in, const char **why)
{
	X509 *x = X509_new_ex(lib, NULL);
	unsigned long error;

	*why = NULL;
	if (x == NULL)
		*why = "no memory";
	else if (PEM_read_bio_X509(in, &x, NULL, NULL) != NULL)
		return x;
	error = ERR_peek_last_error();
	if (*why == NULL && !(ERR_GET_LIB(error) == ERR_LIB_PEM &&
				ERR_GET_REASON(error) == PEM_R_NO_START_LINE))
		*why = "a certificate in it is damaged";
	ERR_clear_error();
	X509_free(x);
	return NULL;
}

static const char *
read_chain(OSSL_LIB_CTX *lib, BIO *in, size_t max, struct chain *chain, X509 **first)
{
	X509 *before = NULL, *x;
	const char *why;

	while ((x = read_certificate(lib, in, &why)) != NULL) {
		why = add_certificate(chain, x, before, max);
		if (before != *first)
			X509_free(before);
		if (*first == NULL)
			*first = x;
		before = x;
		if (why != NULL)
			break;
	}
	if (before != *first)
		X509_free(before);
	if (why == NULL && chain->n == 0)
		why = "there is no certificate in it (PEM is expected)";
	return why;
}

/* With *first, the first one of them, which the caller frees. */
static const char *
parse_chain(OSSL_LIB_CTX *lib, const void *pem, size_t len, size_t max, struct chain *chain,
    X509 **first)
{
	BIO *in = len > LOAD_FILE_MAX ? NULL : BIO_new_mem_buf(pem, (int)len);
	const char *why;

	memset(chain, 0, sizeof *chain);
	*first = NULL;
	chain->der = malloc(max);
	why = in == NULL || chain->der == NULL ? "no memory"
					       : read_chain(lib, in, max, chain, first);
	BIO_free(in);
	if (why != NULL) {
		X509_free(*first);
		*first = NULL;
		free(chain->der);
		*chain = (struct chain){0};
	}
	return why;
}

const char *
load_chain(OSSL_LIB_CTX *lib, const void *pem, size_t len, size_t max, struct chain *chain)
{
	X509 *first;
	const char *why = parse_chain(lib, pem, len, max, chain, &first);

	X509_free(first);
	return why;
}

/* ------------------------------------------------------------------ keys */

/* Nobody is there to be asked for a password. */
static int
no_password(char *text, int size, int writes, void *arg)
{
	(void)text;
	(void)size;
	(void)writes;
	*(bool *)arg = true;
	return -1;
}

static const char *
read_key(OSSL_LIB_CTX *lib, const void *pem, size_t len, EVP_PKEY **key)
{
	BIO *in = len > LOAD_FILE_MAX ? NULL : BIO_new_mem_buf(pem, (int)len);
	bool asked = false;

	*key = in == NULL
		   ? NULL
		   : PEM_read_bio_PrivateKey_ex(in, NULL, no_password, &asked, lib, NULL);
	BIO_free(in);
	ERR_clear_error();
	if (*key != NULL)
		return NULL;
	return asked ? "it is encrypted; the server has no password"
		     : "there is no private key in it (PEM is expected)";
}

static bool
is_curve(EVP_PKEY *key, const char *name, const char *alias)
{
	char group[32] = "";
	size_t len;

	return EVP_PKEY_get_group_name(key, group, sizeof group, &len) == 1 &&
	       (strcmp(group, name) == 0 || strcmp(group, alias) == 0);
}

static const char *
examine_key(struct key *k)
{
	int bits = EVP_PKEY_get_bits(k->private);

	k->is_rsa = EVP_PKEY_is_a(k->private, "RSA") == 1;
	if (k->is_rsa) {
		k->size = (size_t)EVP_PKEY_get_size(k->private);
		return bits < LOAD_RSA_MIN || bits > LOAD_RSA_MAX
			   ? "an RSA key has 2048 to 4096 bits"
			   : NULL;
	}
	if (EVP_PKEY_is_a(k->private, "EC") != 1)
		return "neither an RSA nor an EC key";
	k->is_quick = is_curve(k->private, "prime256v1", "P-256");
	return k->is_quick || is_curve(k->private, "secp384r1", "P-384")
		   ? NULL
		   : "an EC key is one of P-256 or P-384";
}

static const char *
fill_key(OSSL_LIB_CTX *lib, const void *chain_pem, size_t chain_len, struct key *key)
{
	const char *why = examine_key(key);
	X509 *own = NULL;

	if (why == NULL)
		why = parse_chain(
		    lib, chain_pem, chain_len, LOAD_CHAIN_MAX, &key->chain, &own);
	if (why == NULL && X509_check_private_key(own, key->private) != 1)
		why = "it does not belong to the first certificate";
	ERR_clear_error();
	X509_free(own);
	return why;
}

static void
empty_key(struct key *key)
{
	EVP_PKEY_free(key->private); /* OpenSSL wipes it */
	free(key->chain.der);
	memset(key, 0, sizeof *key);
}

const char *
load_key(OSSL_LIB_CTX *lib, const void *key_pem, size_t key_len, const void *chain_pem,
    size_t chain_len, struct key *key)
{
	const char *why;

	memset(key, 0, sizeof *key);
	why = read_key(lib, key_pem, key_len, &key->private);
	if (why == NULL)
		why = fill_key(lib, chain_pem, chain_len, key);
	if (why != NULL)
		empty_key(key);
	return why;
}

void
load_forget(struct secrets *s)
{
	for (unsigned i = 0; i < s->n; i++)
		empty_key(&s->keys[i]);
	s->n = 0;
	free(s->clients.der);
	memset(&s->clients, 0, sizeof s->clients);
}

/* ------------------------------------------------------------------ files */

static void NORETURN
refuse(const char *what, unsigned number, const char *why)
{
	log_event(
	    LOG_ERROR, "https-refused", "file=%s number=%u why=\"%s\"", what, number, why);
	errno = EINVAL;
	start_fail(what);
}

/* The whole file; 0 where there is none: the number is free. Then it is /dev/null. */
static size_t
read_file(int fd, const char *what, unsigned number, uint8_t *bytes)
{
	size_t len = 0;
	ssize_t n;
	int null;

	do {
		n = pread(fd, bytes + len, LOAD_FILE_MAX + 1 - len, (off_t)len);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 && len <= LOAD_FILE_MAX);
	if (n < 0 && errno != EBADF)
		start_fail(what);
	if (len > LOAD_FILE_MAX)
		refuse(what, number, "larger than 128 KiB");
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0 || (null != fd && dup3(null, fd, O_CLOEXEC) < 0))
		start_fail("/dev/null");
	if (null != fd)
		close(null);
	return len;
}

static void
describe(const struct key *k, unsigned number)
{
	log_event(LOG_INFO, "https-key", "number=%u kind=%s bits=%d certificates=%u",
	    number, k->is_rsa ? "rsa" : "ec", EVP_PKEY_get_bits(k->private), k->chain.n);
	if (k->is_rsa && EVP_PKEY_get_bits(k->private) < LOAD_RSA_ADVISED)
		log_event(LOG_WARNING, "https-key-short",
		    "number=%u bits=%d why=\"newer firmware refuses less than 3072\"",
		    number, EVP_PKEY_get_bits(k->private));
	if (!k->chain.has_name)
		log_event(LOG_WARNING, "https-nameless",
		    "number=%u why=\"the certificate has no subjectAltName; clients "
		    "compare "
		    "that with the URL\"",
		    number);
	if (!k->chain.in_order)
		log_event(LOG_WARNING, "https-chain",
		    "number=%u why=\"the certificates are not each signed by the next\"",
		    number);
}

static void
load_one(struct secrets *s, unsigned i, uint8_t *key_pem, uint8_t *chain_pem)
{
	size_t key_len = read_file(FD_KEY + (int)i, "private key", i + 1, key_pem);
	size_t chain_len = read_file(FD_CERT + (int)i, "certificates", i + 1, chain_pem);
	const char *why;

	if (key_len == 0 && chain_len == 0 && i > 0)
		return;
	why = load_key(s->lib, key_pem, key_len, chain_pem, chain_len, &s->keys[s->n]);
	OPENSSL_cleanse(key_pem, key_len);
	if (why != NULL)
		refuse("private key or certificates", i + 1, why);
	describe(&s->keys[s->n], i + 1);
	s->n++;
}

void
load_secrets(struct secrets *s)
{
	uint8_t *key_pem = OPENSSL_secure_malloc(LOAD_FILE_MAX + 1);
	uint8_t *pem = malloc(LOAD_FILE_MAX + 1);
	const char *why;
	size_t len;

	s->lib = load_library();
	if (s->lib == NULL || key_pem == NULL || pem == NULL)
		start_fail("memory of the keys");
	for (unsigned i = 0; i < KEYS_MAX; i++)
		load_one(s, i, key_pem, pem);
	if (s->n == 2 && s->keys[0].is_rsa == s->keys[1].is_rsa)
		refuse("private key", 2, "of the same kind as the first");
	len = read_file(FD_CLIENT_CA, "client authorities", 0, pem);
	why = len == 0 ? NULL : load_chain(s->lib, pem, len, LOAD_CLIENTS_MAX, &s->clients);
	if (why != NULL)
		refuse("client authorities", 0, why);
	OPENSSL_secure_clear_free(key_pem, LOAD_FILE_MAX + 1);
	free(pem);
}

/* ------------------------------------------------------------------ expiry */

static void
warn_of_one(uint64_t expires, uint64_t now, unsigned number, uint8_t *warned)
{
	static const uint8_t days[] = {30, 7, 1, 0};
	uint8_t reached = 0;

	for (unsigned i = 0; i < sizeof days; i++)
		if (now >= expires || expires - now <= days[i] * DAY_S)
			reached = (uint8_t)(i + 1);
	if (reached <= *warned)
		return;
	*warned = reached;
	if (now >= expires)
		log_event(LOG_ERROR, "https-expired", "number=%u served=yes", number);
	else
		log_event(LOG_WARNING, "https-expires", "number=%u hours=%" PRIu64, number,
		    (expires - now) / 3600);
}

void
load_warn_of_expiry(const struct secrets *s, uint64_t now)
{
	static uint8_t warned[KEYS_MAX];

	for (unsigned i = 0; i < s->n; i++)
		warn_of_one(s->keys[i].chain.expires, now, i + 1, &warned[i]);
}
