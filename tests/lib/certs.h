/*
 * Keys and certificates for unit tests, made on the spot.
 */
#ifndef SALLYPORT_TESTS_CERTS_H
#define SALLYPORT_TESTS_CERTS_H

#include "src/base/openssl.h"

/* A certificate for key, signed by issuer_key as issuer; by itself when issuer is NULL.
 * name: common name, and subjectAltName unless it begins with a minus; with a plus it is an
 * authority's. Ends in `days`. */
X509 *certs_make(
    EVP_PKEY *key, const char *name, int days, X509 *issuer, EVP_PKEY *issuer_key);

/* PEM, NUL-terminated; the caller frees it. password NULL: not encrypted. */
char *certs_key_pem(EVP_PKEY *key, char *password);
char *certs_pem(X509 *const certs[], unsigned n);

#endif
