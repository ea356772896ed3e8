/*
 * libssl's headers, after those of libcrypto: see src/base/openssl.h. No code.
 */
#ifndef SALLYPORT_TLS_LIBSSL_H
#define SALLYPORT_TLS_LIBSSL_H

#include "src/base/openssl.h"

#include <openssl/async.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#endif
