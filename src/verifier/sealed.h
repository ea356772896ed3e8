/*
 * Sealed memory: what is served. An object is the place of one large file or of several
 * small ones; its memory, when it has any, was hashed and sealed and never changes again.
 * Objects are counted: images that hold the same large file share it. This is the table;
 * cache.h decides who has memory.
 */
#ifndef SALLYPORT_VERIFIER_SEALED_H
#define SALLYPORT_VERIFIER_SEALED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

#define SEALED_MAX 16384u
#define SEALED_OPEN_MAX 4000u /* with memory at a time; each is a descriptor */
#define SEALED_NONE UINT16_MAX

enum sealed_state {
	SEALED_COLD,    /* no memory */
	SEALED_LOADING, /* being copied and hashed */
	SEALED_READY,   /* verified memory, fd */
	SEALED_LEAVING, /* still fd: the broker was asked for it, and others may hold it */
	SEALED_STATES,
};

enum sealed_answer { ANSWER_NONE, ANSWER_NO, ANSWER_YES };

struct sealed {
	uint32_t id; /* what messages call it; 0: this entry is free */
	int fd;      /* -1: no memory */
	uint64_t size;
	unsigned refs;
	enum sealed_state state;
	bool told;                 /* the broker has the number */
	bool given;                /* the broker has the memory */
	bool asked;                /* EVICT_TELL or DROP_TELL is out, or will be */
	bool wanted;               /* the broker waits for the memory */
	bool had;                  /* was in memory once */
	bool overdue;              /* has been leaving for long */
	bool listed;               /* in the list of those that have something to say */
	enum sealed_answer answer; /* to be sent */
	bool whole;                /* one file, whose SHA-256 is hash */
	uint8_t hash[32];
	uint64_t since_ms;     /* of the state */
	uint16_t newer, older; /* of those that are ready, by use */
	uint16_t next;         /* in the bucket of its number */
};

/* A new number for a memfd; never the same twice in the life of the process. */
uint32_t sealed_number(void);
/* A new cold object of that size, owned by the caller. Its place in the table or
 * ERR_FULL. */
int sealed_new(uint64_t size) MUST_CHECK;
/* The object that is exactly this file, with one owner more; or ERR_ABSENT. */
int sealed_share(const uint8_t hash[32], uint64_t size) MUST_CHECK;
/* One owner less. Without owners it is closed at once, or, if the broker has the number,
 * told and closed when sealed_freed() says so. */
void sealed_unref(unsigned place);
/* NULL when that place is free. */
struct sealed *sealed_at(unsigned place);
/* By number; its place or ERR_ABSENT. */
int sealed_find(uint32_t id) MUST_CHECK;

/* Changes of state, each from the one before it in the list above. Memory of fd is taken
 * over. */
void sealed_begin(unsigned place, uint64_t now_ms);
void sealed_ready(unsigned place, int fd, uint64_t now_ms);
void sealed_leave(unsigned place, uint64_t now_ms);
/* Loading has failed. */
void sealed_fail(unsigned place);
/* Nobody else holds the memory of this leaving object: closes it. */
void sealed_freed(unsigned place);
/* The broker was told that this object, which has no owner, is dropped: it ends, or leaves
 * if the broker has its memory. */
void sealed_dropped(unsigned place, uint64_t now_ms);
/* A ready one was used. */
void sealed_used(unsigned place);
/* The ready one not used for longest; the next after that. SEALED_NONE at the end. */
uint16_t sealed_oldest(void);

/* Bytes and numbers of objects in a state. */
uint64_t sealed_bytes(enum sealed_state state);
unsigned sealed_count(enum sealed_state state);
/* Of those that are leaving: bytes of those that are overdue. */
uint64_t sealed_overdue(void);
/* Marks those as overdue that have been leaving since before that time. */
void sealed_mark_overdue(uint64_t before_ms);

/* Something is to be said about it: it comes to the end of the list. */
void sealed_list(unsigned place);
/* The first of the list, SEALED_NONE when it is empty; and taking that one off. */
uint16_t sealed_listed(void);
void sealed_unlist(void);

/* The broker is gone: it has none of them. */
void sealed_forget_told(void);

#endif
