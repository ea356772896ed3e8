/*
 * The HTTP connections of this process: a table of fixed size, who knows of each, and
 * what is still owed to the broker and to http-parser because a channel was full. Request
 * bytes are relayed unread. A connection without an answer on its way takes little more
 * than a hundred bytes.
 *
 * Private to http*.c, except struct http and http_init.
 */
#ifndef SALLYPORT_FILE_SENDER_HTTP_CONN_H
#define SALLYPORT_FILE_SENDER_HTTP_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "privsep/chan.h"
#include "src/file-sender/caps.h"
#include "src/file-sender/http_reply.h"
#include "src/file-sender/memfds.h"
#include "src/file-sender/timers.h"
#include "src/file-sender/watch.h"

#define HTTP_CONNS 16384
#define HTTP_BUCKETS 16384u
#define HTTP_RELAY_MAX                                                     \
	8192 /* relayed bytes that no answer has used up: one head's worth \
	      */
#define HTTP_LISTENERS (4 * LINKS_MAX)

/* A listening socket. */
struct http_listener {
	int fd;
	struct addr local; /* our address there */
	bool tls;          /* of HTTPS */
};

struct http_setup {
	struct chan *broker;
	struct chan *parser;
	struct chan *tls; /* as many as there are tls processes */
	unsigned ntls;
	uint64_t spread; /* secret, the same in all file-senders: who meets which of them */
	struct memfds *memfds;
	struct http_listener listeners[HTTP_LISTENERS];
	unsigned nlisteners;
	uint64_t seed;
	uint32_t generation;      /* of this process; in the upper bits of conn numbers */
	uint32_t head_timeout_ms; /* for a whole request head */
	uint32_t idle_timeout_ms; /* between an answer and the next request */
	uint32_t rate_window_ms;
	uint64_t window_bytes; /* fewer in a window: the body is cut */
	uint32_t per_address;  /* connections */
	uint32_t most;         /* connections at once; at most HTTP_CONNS */
};

enum conn_state {
	CONN_FREE,
	CONN_READING, /* relays a request, waits for one, or for its answer */
	CONN_SENDING, /* an answer is on its way */
	CONN_LINGER,  /* answered for the last time; waits for the peer to close */
	CONN_GONE,    /* closed; something is still owed */
};

/* What is owed, in the order in which it is paid. */
enum {
	OWE_CONN = 1,  /* CONN_TELL to the broker */
	OWE_NEXT = 2,  /* NEXT_TELL to the parser */
	OWE_BYTES = 4, /* reading, when there is room to relay */
	OWE_END_BROKER = 8,
	OWE_END_PARSER = 16,
};

/* An answer on its way. */
struct http_answer {
	struct memfd *object; /* NULL: header only */
	uint64_t offset;      /* of the next byte in the object */
	uint64_t left;        /* bytes */
	uint64_t length;      /* bytes of the whole body */
	uint64_t mark;        /* left, when the rate was last looked at */
	uint64_t began;       /* ms */
	uint32_t session;
	uint32_t next; /* in the free list */
	uint16_t head_len, head_sent;
	bool keep;
	uint8_t head[HTTP_REPLY_MAX];
	char name[256];
};

struct http_conn {
	uint64_t nr;
	struct http_answer *answer; /* NULL except in CONN_SENDING */
	int fd;
	uint32_t events;         /* in the epoll set */
	uint32_t next;           /* in its bucket or in the free list */
	uint32_t wait_next;      /* in the waiting list */
	uint32_t older, younger; /* in the list of the idle */
	struct addr peer, local;
	uint16_t port;
	uint8_t tls;      /* one more than the index of the tls process that has it */
	uint16_t relayed; /* bytes that no answer has used up */
	uint8_t state;    /* enum conn_state */
	uint8_t owes;
	bool waiting;      /* is in the waiting list */
	bool idle;         /* is in the list of the idle */
	bool broker_knows; /* CONN_TELL was sent, END_TELL not yet */
	bool parser_knows; /* bytes were relayed, END_TELL not yet */
	bool started;      /* there are bytes of a request that has not been answered */
	bool answered;     /* once at least */
	bool next_due;     /* the parser is to learn with the next bytes that it was */
	bool dead;         /* to be closed */
	bool eof;          /* the peer will send nothing more */
};

struct http {
	struct http_setup setup;
	struct http_conn *all;
	struct http_answer
	    *answers; /* as many, of which a new one is touched when needed */
	uint32_t answer_free, answers_new;
	uint32_t *buckets;
	uint32_t free;
	uint32_t wait_first, wait_last;
	uint32_t oldest, youngest; /* of the idle */
	bool parser_here;          /* there is somebody to read requests */
	bool deaf;                 /* does not listen: for want of that, or of room */
	uint64_t deaf_until;       /* ms, when nothing that ends here may make room */
	struct timers timers;
	struct caps caps;
	uint64_t issued; /* connection numbers so far */
	uint64_t now;    /* of the call that is being served */
};

/* Allocates. 0 or ERR_SYS. */
int http_init(struct http *h, const struct http_setup *setup) MUST_CHECK;

/* Whose connection it is, and where it came in. */
struct http_peer {
	struct addr peer, local;
	uint16_t port;
	uint8_t tls; /* as in struct http_conn */
};

/* Takes at most 16 connections from listening socket number `listener`. */
void http_conn_accept(struct http *h, unsigned listener);
/* A connection from a stream socket, non-blocking, that may be of any family: taken over,
 * or closed when that cannot be. */
void http_conn_adopt(struct http *h, int fd, const struct http_peer *from);
/* Listens, if it does not and may now. */
void http_conn_listen(struct http *h);
/* Does not, before that time at least. */
void http_conn_go_deaf(struct http *h, uint64_t until);
/* The live connection of that number. NULL when it is gone or was never; then *foreign
 * says that this process can never have issued it. */
struct http_conn *http_conn_find(struct http *h, uint64_t nr, bool *foreign);
/* The one of an event; NULL when another has its place by now. */
struct http_conn *http_conn_at(struct http *h, struct watch_tag tag);
void http_conn_want(struct http *h, struct http_conn *c, uint32_t events);
void http_conn_deadline(struct http *h, struct http_conn *c, uint32_t ms);
/* Owes these, pays what there is room for, and puts the rest on the waiting list. The
 * connection may be gone afterwards. */
void http_conn_owe(struct http *h, struct http_conn *c, unsigned bits);
/* Pays the waiting ones in turn. */
void http_conn_pay_waiting(struct http *h);
/* There are connections waiting, and room for what they wait with. */
bool http_conn_can_pay(const struct http *h);
/* The connection gets its last answer, or none: nobody need know it any more. */
void http_conn_tell_end(struct http *h, struct http_conn *c);
/* Closes; the entry is free as soon as nothing is owed. */
void http_conn_close(struct http *h, struct http_conn *c);

/* What http_accept.c, https.c and http_conn.c have to know of each other. */
void http_conn_enlist(struct http *h, int fd, const struct http_peer *from);
uint64_t http_conn_next_nr(const struct http *h);
/* A connection of HTTPS: its socket and one end of a new pair go to a tls process, the other
 * end is the connection. Closed when that cannot be. */
void https_adopt(struct http *h, int fd, const struct http_peer *from);
struct watch_tag http_conn_next_tag(const struct http *h);
/* Nothing is asked: it may be closed in favour of a new one, who waits longest first. */
void http_conn_idle(struct http *h, struct http_conn *c);
/* Closes the one that has been idle longest. False when none is. */
bool http_conn_evict(struct http *h);

/* An answer for this connection, which has none; and back. */
struct http_answer *http_answer_take(struct http *h, struct http_conn *c);
void http_answer_give(struct http *h, struct http_conn *c);

#endif
