/*
 * Errors: every function that can fail returns 0 (or a count) or one of these
 * negative values, and the caller must look at it.
 */
#ifndef SALLYPORT_BASE_ERR_H
#define SALLYPORT_BASE_ERR_H

#define ERR_LIST(X)                                     \
	X(ERR_SHORT, -1, "input ends too early")        \
	X(ERR_LONG, -2, "input or result too long")     \
	X(ERR_RANGE, -3, "value out of range")          \
	X(ERR_STATE, -4, "not expected at this moment") \
	X(ERR_DENIED, -5, "not allowed")                \
	X(ERR_SYS, -6, "system call failed")            \
	X(ERR_FORMAT, -7, "malformed")                  \
	X(ERR_DUPLICATE, -8, "occurs twice")            \
	X(ERR_FULL, -9, "table or queue is full")       \
	X(ERR_ABSENT, -10, "not found")                 \
	X(ERR_EOF, -11, "the other end is closed")      \
	X(ERR_UNSUPPORTED, -12, "not supported")

enum err {
#define X(name, value, text) name = value,
	ERR_LIST(X)
#undef X
};

/* The result must be looked at. */
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define NORETURN __attribute__((noreturn))

/* Constant text for a negative enum err; "unknown error" for anything else. */
const char *err_text(int err);

/* A broken promise of our own: says where, and aborts. Never for a peer's fault. */
#define bug(what) bug_at(__FILE__, __LINE__, (what))
void bug_at(const char *file, int line, const char *what) NORETURN;

#endif
