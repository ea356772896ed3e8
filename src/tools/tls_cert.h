/*
 * Keys and certificates of a private authority for HTTPS boot, of the kinds that firmware
 * takes. What fails ends the program (src/tools/tool.h).
 */
#ifndef SALLYPORT_TOOLS_TLS_CERT_H
#define SALLYPORT_TOOLS_TLS_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/base/openssl.h"

#define TLS_CERT_ESL_OVERHEAD 44 /* bytes before the certificate */

/* "IP:10.0.0.1,DNS:boot.example": what OpenSSL calls a subjectAltName, from addresses and
 * host names as people write them. The caller frees it. NULL and *why (the caller frees
 * that too) when one is neither. */
char *tls_cert_names(char *const names[], unsigned n, char **why);

EVP_PKEY *tls_cert_make_key(bool is_rsa);

/* The authority itself. constraint: a list from tls_cert_names(), or NULL: it may vouch for
 * any name. */
X509 *tls_cert_make_ca(
    EVP_PKEY *key, const char *title, unsigned days, const char *constraint);

/* A server's certificate, signed by the authority. names: from tls_cert_names(), the first
 * one also the common name; NULL: those of old. */
X509 *tls_cert_make_server(
    EVP_PKEY *key, const char *names, X509 *old, unsigned days, X509 *ca, EVP_PKEY *ca_key);

/* PEM, NUL-terminated; the caller wipes and frees it. password NULL: not encrypted, else by
 * scrypt and AES-256 (RFC 8018, RFC 7914), as `openssl pkey` reads it. */
char *tls_cert_key_pem(EVP_PKEY *key, const char *password);
char *tls_cert_pem(X509 *x);
/* The caller frees it. */
uint8_t *tls_cert_der(X509 *x, size_t *len);

/* An EFI signature list (UEFI 2.10, 32.4.1) with one certificate: what firmware keeps in
 * its variable TlsCaCertificate. Returns its length, or ERR_LONG. Pure. */
int tls_cert_esl(const uint8_t *der, size_t len, uint8_t *esl, size_t cap) MUST_CHECK;

#endif
