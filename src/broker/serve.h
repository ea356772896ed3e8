/*
 * From a session and a name to the bytes that answer it: the one place where a request is
 * weighed, whichever protocol it came by.
 */
#ifndef SALLYPORT_BROKER_SERVE_H
#define SALLYPORT_BROKER_SERVE_H

#include "src/broker/render.h"
#include "src/broker/session.h"

struct serve_object {
	struct object object; /* memory borrowed: valid until the next turn */
	uint64_t modified;    /* seconds since 1970 */
	enum content content;
};

/* What the machine of session s at address client gets for the name. 0 and *object; or
 * ERR_ABSENT: nothing, and that may be said (a line was logged); or ERR_STATE: not yet,
 * see *ticket. */
int serve_find(const struct session *s, const struct addr *client, const char *name,
    bool by_http, struct serve_object *object, struct render_ticket *ticket) MUST_CHECK;
/* By the end of the name, in either case. */
enum content serve_content(const char *name);
/* The lines of requests: one that is answered with an object, one from an address that
 * has no session. name: printable, may be empty. */
void serve_log_file(
    const struct session *s, const struct addr *peer, const char *name, bool by_http);
void serve_log_stranger(const struct addr *peer, const char *name, bool by_http);

#endif
