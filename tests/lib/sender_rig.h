/*
 * A file-sender that runs, with the test as supervisor, logger, broker and http-parser
 * around it, and as its TFTP and HTTP client on loopback. All checks are cmocka's: they
 * end the test that calls.
 */
#ifndef SALLYPORT_TESTS_SENDER_RIG_H
#define SALLYPORT_TESTS_SENDER_RIG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "privsep/chan.h"

#define RIG_POOL 4
#define RIG_FILE_SIZE 300000
#define RIG_SERVER 0x7f000002u /* 127.0.0.2, the only local address of file-sender */
#define RIG_CLIENT 0x7f000003u
#define RIG_WAIT_MS 3000

/* The ends that stay with the test, and what it needs to know. */
struct rig {
	pid_t pid; /* 0: not started, because we are not root or nothing is built */
	int super, log;
	struct chan broker, parser; /* as the broker and as http-parser see file-sender */
	uint16_t http_port;
	uint64_t asked;              /* the connection whose bytes were relayed last */
	uint16_t asked_used;         /* bytes of it since its last grant */
	uint8_t file[RIG_FILE_SIZE]; /* object 1 */
	char lines[65536];           /* of the log */
	size_t lines_len;
};

extern struct rig rig;

/* Sockets that file-sender is given besides, if a test opens them before the fixture: on a
 * port of the server's that hears nothing, and over IPv6 for transfers and for HTTP. Else
 * -1. */
#define RIG_POOL6 2
#define RIG_SERVER6 "fd00::2" /* on loopback only where a test has put it */
struct rig_more {
	int single;
	int pool6[RIG_POOL6];
	int listen6;
};
extern struct rig_more rig_more;

/* A TFTP client. */
struct rig_client {
	int fd;
	uint16_t port;
	struct sockaddr_in server; /* of the last datagram */
	uint8_t bytes[16384];
	size_t len;
};

int rig_udp(uint32_t addr, uint16_t port);
/* Seals these bytes and tells file-sender the number. */
void rig_object(uint32_t id, const void *bytes, size_t len);
/* Fixture: file-sender runs, ready, and has object 1. */
int rig_set_up(void **state);
/* Ends it, and fails unless it ended by itself: a call that its cage forbids would have
 * killed it. */
int rig_tear_down(void **state);
void rig_wait(int fd, int ms);
/* The next message of this channel, which must be this one. */
void rig_expect(struct chan *c, unsigned nr, struct msg *m);
/* Sends a message of the broker. */
void rig_order(const struct msg *m);
/* Waits until the log has this in it. */
void rig_expect_line(const char *what);
/* file-sender reports a breach by this role... */
void rig_expect_fault(enum role role);
/* ...and forgets it. */
void rig_gone(enum role role);
/* http-parser works (again): connections are taken. */
void rig_parser_here(void);
/* A TFTP grant to RIG_CLIENT: `length` bytes of object 1 from its tenth on. */
void rig_grant(
    uint16_t port, uint8_t options, uint16_t blksize, uint16_t window, uint64_t length);
struct rig_client rig_client_open(void);
/* The next datagram; false when none comes in time. */
bool rig_client_receive(struct rig_client *c, int ms);
void rig_client_send(struct rig_client *c, uint16_t opcode, uint16_t number);
uint16_t rig_client_opcode(const struct rig_client *c);
/* Takes a whole file and checks every byte; loses each lose-th datagram. Only the last
 * block of a window is acknowledged, and gaps at once. */
void rig_client_download(
    struct rig_client *c, size_t length, size_t blksize, unsigned window, unsigned lose);
int rig_http_connect(void);
/* The number of the connection that the broker is told of. */
uint64_t rig_http_announced(void);
/* http-parser gets exactly this. */
void rig_http_relayed(uint64_t conn, const char *text);
/* 200 with bytes of object 1 as above. */
/* How many bytes of a request are to be answered: all that rig_http_relayed saw. */
uint16_t rig_http_used(uint64_t conn);
void rig_http_grant(uint64_t conn, uint64_t length, bool keep);
/* Reads a header and `length` bytes, and checks them if they are the object's. */
void rig_http_answer(int fd, const char *status, size_t length);
/* The server closes; so do we. */
void rig_http_closed(int fd);
/* END_TELL to both neighbours. */
void rig_http_end(uint64_t conn);

/* The first line of each test. */
#define RIG_NEEDED()              \
	do {                      \
		(void)state;      \
		if (rig.pid == 0) \
			skip();   \
	} while (0)

#define RIG_CASE(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

#endif
