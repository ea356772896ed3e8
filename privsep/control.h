/*
 * What the broker and the tool `sallyport` mean by the numbers in the messages of the
 * control socket. Nothing here is code of a process.
 */
#ifndef SALLYPORT_PRIVSEP_CONTROL_H
#define SALLYPORT_PRIVSEP_CONTROL_H

/* Parts of a status, bit numbers. */
enum { PART_SERVER, PART_LINKS, PART_POOLS, PART_IMAGES, PART_COUNTERS, PART_ROGUES };

/*   constant   text for the operator */
#define CONTROL_RESULT_LIST(X)                                      \
	X(CONTROL_DONE, "done")                                     \
	X(CONTROL_DENIED, "only root may do that")                  \
	X(CONTROL_BUSY, "too many others are connected; try again") \
	X(CONTROL_ABSENT, "the configuration has no such address")  \
	X(CONTROL_BAD, "the server takes this for no question of ours")

enum control_result {
#define X(name, text) name,
	CONTROL_RESULT_LIST(X)
#undef X
	    CONTROL_RESULT_MAX
};

/* A lease as it is shown. */
#define STATE_SHOWN_LIST(X)         \
	X(SHOWN_FREE, "free")       \
	X(SHOWN_OFFERED, "offered") \
	X(SHOWN_BOUND, "bound")     \
	X(SHOWN_EXPIRED, "expired") \
	X(SHOWN_QUARANTINED, "quarantined")

enum state_shown {
#define X(name, text) name,
	STATE_SHOWN_LIST(X)
#undef X
	    SHOWN_MAX
};

/* What became of a change that was asked for. */
#define CHANGE_LIST(X)                                                       \
	X(DONE, "done")                                                      \
	X(NOT_ROOT, "only root may do that")                                 \
	X(NOT_CONFIGURED, "the configuration has no such address")           \
	X(NOT_LEASED, "nobody has it")                                       \
	X(IN_USE, "another machine has it, or it rests")                     \
	X(ELSEWHERE, "the machine has another lease there")                  \
	X(NOT_PERMITTED, "by the configuration the machine may not have it") \
	X(OVER, "it has ended")                                              \
	X(NO_MACHINE, "it does not say whose it is")                         \
	X(NOT_WRITTEN, "it could not be written to disk")

enum change {
#define X(name, text) CHANGE_##name,
	CHANGE_LIST(X)
#undef X
	    CHANGE_MAX
};

/* Whether we speak on a link. */
#define LINK_SPEAKS_LIST(X)                          \
	X(LINK_OPEN, "yes")                          \
	X(LINK_HELD, "not yet: asking who is there") \
	X(LINK_REFUSED, "no: another server is there")

enum link_speaks {
#define X(name, text) name,
	LINK_SPEAKS_LIST(X)
#undef X
	    LINK_SPEAKS_MAX
};

#endif
