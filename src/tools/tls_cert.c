/*
 * Certificates for HTTPS boot. Part of sallyport-image, run by whoever owns the authority.
 *
 * Firmware decides what stands in them. The authority has an RSA key, and so has one of the
 * two servers' certificates, for OVMF of Debian and iPXE before 2.0 know nothing else; not
 * less than 3072 bits, or newer EDK2 refuses them. Nobody can be asked about revocation
 * in a network that boots, and iPXE would try to: no URL of any kind. iPXE takes no
 * critical extension that it does not know, so name constraints are not critical.
 */
#include "src/tools/tls_cert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/buf.h"
#include "src/base/ident.h"
#include "src/tools/tool.h"

#define RSA_BITS 3072
#define NAME_MAX_LEN 253
#define LABEL_MAX_LEN 63
#define COMMON_NAME_MAX 64 /* RFC 5280, ub-common-name */
/* scrypt takes 16 MiB, what OpenSSL allows at most, eight times over. */
#define SCRYPT_N 16384
#define SCRYPT_R 8
#define SCRYPT_P 8

static void NORETURN
fail_openssl(const char *what)
{
	tool_fail(TOOL_SYSTEM, "%s: %s", what, ERR_reason_error_string(ERR_peek_error()));
}

static void
need(bool done, const char *what)
{
	if (!done)
		fail_openssl(what);
}

/* ------------------------------------------------------------------ names */

static bool
is_label_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-';
}

/* A host name as RFC 1123 has it: no wildcards, which older firmware does not match. The
 * last label is no number, so that a mistyped address is none. */
static bool
is_host_name(const char *name)
{
	const char *label = name;
	bool digits = true;

	if (strlen(name) > NAME_MAX_LEN)
		return false;
	for (const char *p = name;; p++) {
		if (*p == '.' || *p == '\0') {
			size_t len = (size_t)(p - label);

			if (len == 0 || len > LABEL_MAX_LEN || label[0] == '-' ||
			    p[-1] == '-')
				return false;
			if (*p == '\0')
				return !digits;
			label = p + 1;
			digits = true;
		} else if (!is_label_byte(*p)) {
			return false;
		} else if (*p < '0' || *p > '9') {
			digits = false;
		}
	}
}

char *
tls_cert_names(char *const names[], unsigned n, char **why)
{
	char *list = tool_format("%s", "");

	*why = NULL;
	for (unsigned i = 0; i < n; i++) {
		struct addr address;
		bool is_address = addr_parse(names[i], &address) == 0;
		char *longer;

		if (!is_address && !is_host_name(names[i])) {
			*why =
			    tool_format("%s: neither an address nor a host name", names[i]);
			free(list);
			return NULL;
		}
		longer = tool_format("%s%s%s:%s", list, i == 0 ? "" : ",",
		    is_address ? "IP" : "DNS", names[i]);
		free(list);
		list = longer;
	}
	return list;
}

/* ------------------------------------------------------------------ parts */

EVP_PKEY *
tls_cert_make_key(bool is_rsa)
{
	EVP_PKEY *key = is_rsa ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS)
			       : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");

	need(key != NULL, "a new key");
	return key;
}

static void
add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	need(extension != NULL && X509_add_ext(x, extension, -1) == 1, value);
	X509_EXTENSION_free(extension);
}

/* 127 random bits, not 0. */
static void
set_serial(X509 *x)
{
	uint8_t bytes[16];
	BIGNUM *n;

	need(RAND_bytes(bytes, sizeof bytes) == 1, "random bytes");
	bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40);
	n = BN_bin2bn(bytes, sizeof bytes, NULL);
	need(n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL,
	    "a serial number");
	BN_free(n);
}

/* Valid since yesterday: firmware's clocks are seldom right. */
static X509 *
begin(EVP_PKEY *key, unsigned days)
{
	X509 *x = X509_new();

	need(x != NULL && X509_set_version(x, X509_VERSION_3) == 1 &&
		 X509_set_pubkey(x, key) == 1 &&
		 X509_time_adj_ex(X509_getm_notBefore(x), -1, 0, NULL) != NULL &&
		 X509_time_adj_ex(X509_getm_notAfter(x), (int)days, 0, NULL) != NULL,
	    "a new certificate");
	set_serial(x);
	return x;
}

static void
set_subject(X509 *x, const char *common_name, size_t len)
{
	X509_NAME *name = X509_NAME_new();

	need(name != NULL &&
		 X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		     (const unsigned char *)common_name, (int)len, -1, 0) == 1 &&
		 X509_set_subject_name(x, name) == 1,
	    "a certificate's name");
	X509_NAME_free(name);
}

static void
sign(X509 *x, X509 *issuer, EVP_PKEY *issuer_key)
{
	need(X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1 &&
		 X509_sign(x, issuer_key, EVP_sha256()) > 0,
	    "signing a certificate");
}

/* ------------------------------------------------------------------ certificates */

/* The names' list with "permitted;" before each; addresses need a mask: their own. */
static char *
constraint_of(const char *names)
{
	char *copy = tool_format("%s", names), *list = tool_format("%s", ""), *rest = copy;
	char *name;

	while ((name = strsep(&rest, ",")) != NULL) {
		const char *mask = strncmp(name, "IP:", 3) != 0 ? ""
				   : strchr(name + 3, ':') == NULL
				       ? "/255.255.255.255"
				       : "/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
		char *longer = tool_format(
		    "%s%spermitted;%s%s", list, list[0] == '\0' ? "" : ",", name, mask);

		free(list);
		list = longer;
	}
	free(copy);
	return list;
}

X509 *
tls_cert_make_ca(EVP_PKEY *key, const char *title, unsigned days, const char *constraint)
{
	X509 *x = begin(key, days);
	char *list;

	set_subject(x, title, strlen(title));
	add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
	add_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign");
	add_extension(x, x, NID_subject_key_identifier, "hash");
	if (constraint != NULL) {
		list = constraint_of(constraint);
		add_extension(x, x, NID_name_constraints, list);
		free(list);
	}
	sign(x, x, key);
	return x;
}

static void
copy_names(X509 *x, X509 *old)
{
	int at = X509_get_ext_by_NID(old, NID_subject_alt_name, -1);

	if (at < 0)
		tool_fail(TOOL_REFUSED, "the old certificate has no names; give them");
	need(X509_set_subject_name(x, X509_get_subject_name(old)) == 1 &&
		 X509_add_ext(x, X509_get_ext(old, at), -1) == 1,
	    "the old certificate's names");
}

static void
set_names(X509 *x, X509 *ca, const char *names)
{
	const char *first = strchr(names, ':') + 1;
	size_t len = strcspn(first, ",");

	if (len <= COMMON_NAME_MAX)
		set_subject(x, first, len);
	else
		set_subject(x, "sallyport", 9);
	add_extension(x, ca, NID_subject_alt_name, names);
}

X509 *
tls_cert_make_server(
    EVP_PKEY *key, const char *names, X509 *old, unsigned days, X509 *ca, EVP_PKEY *ca_key)
{
	X509 *x = begin(key, days);

	if (names != NULL)
		set_names(x, ca, names);
	else
		copy_names(x, old);
	add_extension(x, ca, NID_basic_constraints, "critical,CA:FALSE");
	/* The second is for RSA key exchange. */
	add_extension(x, ca, NID_key_usage,
	    EVP_PKEY_is_a(key, "RSA") ? "critical,digitalSignature,keyEncipherment"
				      : "critical,digitalSignature");
	add_extension(x, ca, NID_ext_key_usage, "serverAuth");
	add_extension(x, ca, NID_subject_key_identifier, "hash");
	add_extension(x, ca, NID_authority_key_identifier, "keyid:always");
	sign(x, ca, ca_key);
	return x;
}

/* ------------------------------------------------------------------ forms */

static char *
text_of(BIO *out)
{
	char *data;
	long len = BIO_get_mem_data(out, &data);
	char *text = tool_alloc((size_t)len + 1);

	memcpy(text, data, (size_t)len);
	return text;
}

static bool
write_encrypted(BIO *out, EVP_PKEY *key, const char *password)
{
	PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(key);
	X509_ALGOR *how = PKCS5_pbe2_set_scrypt(
	    EVP_aes_256_cbc(), NULL, 0, NULL, SCRYPT_N, SCRYPT_R, SCRYPT_P);
	X509_SIG *box = NULL;
	bool done;

	if (plain != NULL && how != NULL)
		box = PKCS8_set0_pbe(password, (int)strlen(password), plain, how);
	if (box == NULL)
		X509_ALGOR_free(how);
	done = box != NULL && PEM_write_bio_PKCS8(out, box) == 1;
	X509_SIG_free(box);
	PKCS8_PRIV_KEY_INFO_free(plain);
	return done;
}

char *
tls_cert_key_pem(EVP_PKEY *key, const char *password)
{
	BIO *out = BIO_new(BIO_s_secmem());
	bool done;
	char *text;

	need(out != NULL, "memory");
	done = password != NULL ? write_encrypted(out, key, password)
				: PEM_write_bio_PKCS8PrivateKey(
				      out, key, NULL, NULL, 0, NULL, NULL) == 1;
	need(done, "writing a key");
	text = text_of(out);
	BIO_free(out);
	return text;
}

char *
tls_cert_pem(X509 *x)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *text;

	need(out != NULL && PEM_write_bio_X509(out, x) == 1, "writing a certificate");
	text = text_of(out);
	BIO_free(out);
	return text;
}

uint8_t *
tls_cert_der(X509 *x, size_t *len)
{
	uint8_t *der = NULL, *copy;
	int n = i2d_X509(x, &der);

	need(n > 0, "writing a certificate");
	*len = (size_t)n;
	copy = tool_alloc(*len);
	memcpy(copy, der, *len);
	OPENSSL_free(der);
	return copy;
}

int
tls_cert_esl(const uint8_t *der, size_t len, uint8_t *esl, size_t cap)
{
	/* EFI_CERT_X509_GUID, a5c059a1-94e4-4aa7-87b5-ab155c2bf072, and an owner of our
	 * own: the first three fields are little-endian. */
	static const uint8_t type[16] = {0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a,
	    0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72};
	static const uint8_t owner[16] = {0x53, 0x61, 0x6c, 0x6c, 0x79, 0x70, 0x6f, 0x42,
	    0x9e, 0x72, 0x74, 0x0d, 0x31, 0x5a, 0xc8, 0x16};
	struct out out;

	if (len > UINT32_MAX - TLS_CERT_ESL_OVERHEAD)
		return ERR_LONG;
	out_init(&out, esl, cap);
	out_copy(&out, type, sizeof type);
	out_u32_le(&out, (uint32_t)(28 + sizeof owner + len)); /* of the list */
	out_u32_le(&out, 0);                                   /* no header */
	out_u32_le(&out, (uint32_t)(sizeof owner + len));      /* of each entry */
	out_copy(&out, owner, sizeof owner);
	out_copy(&out, der, len);
	return out_ok(&out) ? (int)out.len : ERR_LONG;
}
