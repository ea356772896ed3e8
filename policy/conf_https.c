/*
 * Tree building for the configuration: the 'https' block. Runs in conf-check and in the
 * broker, inside their cages; pure. The files that it names are opened by the supervisor.
 */
#include <string.h>

#include "policy/conf_parts.h"

#define PORT_DEFAULT 443

int
build_https(struct build *b, struct place at)
{
	b->conf->https_port = PORT_DEFAULT;
	return build_once(b, SET_HTTPS, at);
}

int
build_certificate(struct build *b, struct slice cert, struct place cert_at,
    struct slice key, struct place key_at)
{
	struct conf_cert *c = &b->conf->certs[b->conf->ncerts];

	if (b->conf->ncerts == KEYS_MAX)
		return build_unexpected(
		    b, ERR_FULL, cert_at, cert, "at most two certificates");
	if (build_copy_path(b, c->certificate, cert, cert_at) != 0 ||
	    build_copy_path(b, c->key, key, key_at) != 0)
		return b->err;
	b->conf->ncerts++;
	return 0;
}

int
build_https_end(struct build *b, struct place at)
{
	const struct conf *c = b->conf;

	if (c->ncerts == 0)
		return build_fail(
		    b, ERR_ABSENT, at, "found '}', expected a 'certificate' before it");
	if (c->verify_client != 0 && c->client_ca[0] == '\0')
		return build_fail(b, ERR_ABSENT, b->set_at[SET_VERIFY_CLIENT],
		    "found 'client-certificates', expected a 'client-ca' beside it");
	if (c->client_ca[0] != '\0' && c->verify_client == 0)
		b->conf->verify_client = 1;
	return 0;
}

/* What is told to load by HTTPS needs it; and each port has one service. */
int
build_https_finish(struct build *b)
{
	const struct conf *c = b->conf;

	if (c->https_port == 0 && c->ipxe_https)
		return build_fail(b, ERR_ABSENT, b->set_at[SET_IPXE_TRANSPORT],
		    "found ipxe-transport https, expected an 'https' block");
	if (c->https_port == 0 && c->boot_https)
		return build_fail(b, ERR_ABSENT, b->set_at[SET_HTTP_BOOT],
		    "found http-boot https, expected an 'https' block");
	if (c->client_ca[0] == '\0' && b->certificate_at.line != 0)
		return build_fail(b, ERR_ABSENT, b->certificate_at,
		    "found 'client-certificate', expected a 'client-ca' in an 'https' "
		    "block");
	if (c->https_port != 0 && c->https_port == c->http_port)
		return build_fail(b, ERR_RANGE, b->set_at[SET_HTTPS],
		    "found https port %u, expected another than that of http",
		    (unsigned)c->https_port);
	return 0;
}
