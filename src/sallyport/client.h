/*
 * The tool's end of the control socket. Whatever goes wrong ends the program with a
 * message: nothing here returns an error.
 */
#ifndef SALLYPORT_SALLYPORT_CLIENT_H
#define SALLYPORT_SALLYPORT_CLIENT_H

#include "privsep/control.h"
#include "privsep/msg.h"

/* Exit codes. */
enum {
	TOOL_OK = 0,
	TOOL_REFUSED = 1, /* the server says no, or a file is wrong */
	TOOL_USAGE = 2,
	TOOL_SYSTEM = 3 /* no server, or a file could not be read or written */
};

/* "sallyport: ...", then exit(code). */
void fail(int code, const char *fmt, ...) PRINTF_LIKE(2, 3) NORETURN;
/* malloc and realloc that never return NULL. */
void *allocate(size_t size);
void *reallocate(void *old, size_t size);

/* Connects; path NULL: the default. */
void client_connect(const char *path);
void client_send(const struct msg *m);
/* The next message, which the broker may send. */
void client_receive(struct msg *m);
/* The same, of this kind: true; DONE_TELL with CONTROL_DONE: false; anything else ends the
 * program. */
bool client_next(struct msg *m, enum msg_nr kind);
/* Ends the program unless the result is CONTROL_DONE. */
void client_check(const struct msg *done);
const char *change_text(unsigned change);

#endif
