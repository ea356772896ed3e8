/*
 * What is known of each HTTP connection of this process, in a table of fixed size. A
 * connection without an answer on its way takes little more than a hundred bytes.
 *
 * Private to http*.c, except struct http and what http_init is given.
 */
#ifndef SALLYPORT_FILE_SENDER_HTTP_TABLE_H
#define SALLYPORT_FILE_SENDER_HTTP_TABLE_H

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
/* Relayed bytes that no answer has used up: one head's worth. */
#define HTTP_RELAY_MAX 8192
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
	struct http_answer *answers; /* as many; a new one is touched when needed */
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

#endif
