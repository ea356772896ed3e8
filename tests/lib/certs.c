/*
 * Keys and certificates for unit tests. Test code: ends at the first thing that fails.
 */
#include "tests/lib/certs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEED(condition) ((condition) ? (void)0 : abort())

static void
add(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	NEED(extension != NULL && X509_add_ext(x, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

static void
add_name(X509 *x, const char *name)
{
	char value[80];

	snprintf(value, sizeof value, "DNS:%s", name);
	if (name[0] == '+')
		add(x, NID_basic_constraints, "critical,CA:TRUE");
	else if (name[0] != '-')
		add(x, NID_subject_alt_name, value);
}

X509 *
certs_make(EVP_PKEY *key, const char *name, int days, X509 *issuer, EVP_PKEY *issuer_key)
{
	static long serial;
	X509 *x = X509_new();
	X509_NAME *subject = X509_NAME_new();

	NEED(x != NULL && subject != NULL && X509_set_version(x, X509_VERSION_3) == 1);
	NEED(ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial) == 1);
	NEED(X509_gmtime_adj(X509_getm_notBefore(x), -400 * 86400L) != NULL);
	NEED(X509_gmtime_adj(X509_getm_notAfter(x), days * 86400L) != NULL);
	NEED(X509_NAME_add_entry_by_txt(
		 subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0) == 1);
	NEED(X509_set_subject_name(x, subject) == 1);
	NEED(X509_set_issuer_name(
		 x, issuer == NULL ? subject : X509_get_subject_name(issuer)) == 1);
	NEED(X509_set_pubkey(x, key) == 1);
	add_name(x, name);
	NEED(X509_sign(x, issuer == NULL ? key : issuer_key, EVP_sha256()) > 0);
	X509_NAME_free(subject);
	return x;
}

static char *
text_of(BIO *out)
{
	char *data, *text;
	long len = BIO_get_mem_data(out, &data);

	NEED(len > 0);
	text = strndup(data, (size_t)len);
	NEED(text != NULL);
	BIO_free(out);
	return text;
}

char *
certs_key_pem(EVP_PKEY *key, char *password)
{
	BIO *out = BIO_new(BIO_s_mem());

	NEED(out != NULL && PEM_write_bio_PKCS8PrivateKey(out, key,
				password == NULL ? NULL : EVP_aes_256_cbc(), NULL, 0, NULL,
				password) == 1);
	return text_of(out);
}

char *
certs_pem(X509 *const certs[], unsigned n)
{
	BIO *out = BIO_new(BIO_s_mem());

	NEED(out != NULL);
	for (unsigned i = 0; i < n; i++)
		NEED(PEM_write_bio_X509(out, certs[i]) == 1);
	return text_of(out);
}
