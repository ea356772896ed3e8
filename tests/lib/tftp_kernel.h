/*
 * The TFTP half of file-sender with a kernel of our own making: sendmmsg and recvmmsg are
 * defined here, so that a test sees each datagram, says when there is no room for more or
 * what is not supported, and owns the clock.
 */
#ifndef SALLYPORT_TESTS_TFTP_KERNEL_H
#define SALLYPORT_TESTS_TFTP_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/file-sender/tftp.h"

#define KERNEL_SENT_MAX 20000

/* One datagram as it is on the wire. */
struct kernel_sent {
	int fd;
	struct addr peer, local;
	uint16_t port;
	uint32_t scope;
	uint16_t opcode, number;
	size_t len;          /* with header */
	uint8_t bytes[1500]; /* of the data; what is longer is cut */
};

struct kernel {
	/* What it is to do. */
	unsigned room;   /* datagrams before it is full */
	int cut_error;   /* for datagrams that are to be cut; 0: cuts them */
	int next_error;  /* for the next calls... */
	unsigned next_n; /* ...so many of them */
	/* What it did. */
	unsigned calls, trains;
	size_t train_most; /* bytes */
	uint64_t bytes;    /* that left, with headers of UDP and IP */
	unsigned sent, kept;
	struct kernel_sent *log; /* the first KERNEL_SENT_MAX, if not NULL */
};

extern struct kernel kernel;
extern struct tftp tftp;
extern struct memfds memfds;
extern uint64_t now;

#define KERNEL_SERVER 0x0a4d0001u
#define KERNEL_CLIENT 0x0a4d0064u
#define KERNEL_POOL 4
#define KERNEL_POOL6 2
#define KERNEL_OBJECT 1     /* number of an object that any length may be taken of, */
#define KERNEL_SIZE 8000000 /* as long as it is not more than this */

/* Fixtures; the object's byte n is kernel_byte(n). */
int kernel_set_up(void **state);
int kernel_tear_down(void **state);
uint8_t kernel_byte(uint64_t n);
void kernel_object(uint32_t id, const void *bytes, size_t len);
/* Forgets what was sent. */
void kernel_clear(void);
/* A grant of the whole of `length` bytes; the caller may change it. */
struct msg_tftp_grant_tell kernel_grant(
    uint16_t port, uint8_t options, uint16_t blksize, uint16_t window, uint64_t length);
/* Gives it, and ends the turn. */
void kernel_begin(const struct msg_tftp_grant_tell *g);
/* An ACK, or an ERROR, lies in the socket that this client was last sent something from;
 * heard in the next turn. */
void kernel_say(const struct addr *peer, uint16_t port, uint16_t opcode, uint16_t number);
/* One turn of the loop: what was said, what is due, what is collected. */
void kernel_turn(void);
/* The same so many ms later. */
void kernel_wait(uint64_t ms);
/* Is datagram i block `block` of object 1, whole? */
void kernel_check_block(unsigned i, uint64_t block, uint32_t blksize, uint32_t len);

#endif
