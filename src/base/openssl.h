/*
 * OpenSSL's headers, in a file that knows our errors too: both call something ERR_STATE.
 * Theirs, which nothing here has a use for, goes by another name. No code; whoever
 * includes this links what it calls.
 */
#ifndef SALLYPORT_BASE_OPENSSL_H
#define SALLYPORT_BASE_OPENSSL_H

#define ERR_STATE openssl_err_state
#define OPENSSL_NO_DEPRECATED
#include <openssl/bn.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#endif
