/*
 * From a session and a name to the bytes that answer it: the one place where a request is
 * weighed, whichever protocol it came by.
 *
 * What the session's image has for the name comes first. Then come images that the
 * configuration opens to the network of the address, session or not: their files alone, as
 * <image>/<path>, and no text that is rendered for a machine.
 */
#ifndef SALLYPORT_BROKER_SERVE_H
#define SALLYPORT_BROKER_SERVE_H

#include "src/broker/render.h"
#include "src/broker/session.h"

struct serve_request {
	const struct session *session; /* of the address; NULL: none */
	const struct addr *client;
	const char *name; /* printable, may be empty */
	bool by_http, by_tls;
	const uint8_t *shown; /* SHA-256 of the client's certificate; NULL: none */
};

struct serve_object {
	struct object object; /* memory borrowed: valid until the next turn */
	uint64_t modified;    /* seconds since 1970 */
	enum content content;
	const char *image; /* whose it is; borrowed likewise */
};

/* What is there for the request. 0 and *object; or ERR_ABSENT: nothing, and that may be
 * said (a line was logged); or ERR_STATE: not yet, see *ticket. */
int serve_find(const struct serve_request *r, struct serve_object *object,
    struct render_ticket *ticket) MUST_CHECK;
/* By the end of the name, in either case. */
enum content serve_content(const char *name);
/* The line of a request that is answered with this. */
void serve_log_file(const struct serve_request *r, const struct serve_object *object);

#endif
