/*
 * What the parts of the provider share.
 */
#ifndef SALLYPORT_TLS_PROVIDER_PARTS_H
#define SALLYPORT_TLS_PROVIDER_PARTS_H

#include <stdbool.h>

#include "src/tls/provider.h"

#define PROVIDER_NAME "sallyport"
#define PROVIDER_PROPERTIES "provider=" PROVIDER_NAME
#define PROVIDER_PARAM_KEY "sallyport-key" /* unsigned: the key's number */

/* OpenSSL's tables hold functions of all types. */
#define ENTRY(id, function)                      \
	{                                        \
		(id), (void (*)(void))(function) \
	}

/* The provider's own context, one for each library context. */
struct provider {
	struct provider_calls calls;
	OSSL_LIB_CTX *plain; /* the default provider alone: for public keys */
};

/* A key as OpenSSL holds it. */
struct provider_key {
	struct provider *of;
	EVP_PKEY *public; /* in `plain`; NULL until it is imported */
	bool is_rsa;
	bool is_ours; /* else only a public key, imported by OpenSSL to compare it */
	unsigned number;
};

extern const OSSL_ALGORITHM provider_keys[];
extern const OSSL_ALGORITHM provider_signatures[];
extern const OSSL_ALGORITHM provider_ciphers[];

#endif
