/*
 * Every socket that Sallyport has on a network is made here, by the supervisor, at start
 * and when a reload adds one. Ears are shut for writing; mouths hear nothing.
 * All return a non-blocking, close-on-exec descriptor, or ERR_SYS with errno.
 */
#ifndef SALLYPORT_PRIVSEP_SOCKETS_H
#define SALLYPORT_PRIVSEP_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "privsep/start.h"

/* Hears UDP on that port of one interface, with IP_PKTINFO; cannot send. joins: other
 * links' sockets of ours are on that port, and open to it. */
int socket_ear(const struct link *l, uint16_t port, bool joins) MUST_CHECK;
/* Sends UDP from our address and port; connected to a black hole, so that the ear on the
 * same port gets everything. */
int socket_mouth(const struct link *l, uint16_t port) MUST_CHECK;
/* After all ears and mouths are open: nobody else can join their ports any more. */
int socket_seal(int fd) MUST_CHECK;
/* Another ear or mouth of ours can join, until it is sealed again. */
int socket_unseal(int fd) MUST_CHECK;
/* Sends whole frames on one interface; protocol 0, so it receives nothing. */
int socket_frames(const struct link *l) MUST_CHECK;
/* Hears ARP replies and other DHCP servers on one interface, in a ring to be mapped
 * (privsep/ring.h); its holder closes it after that, for it could send. */
int socket_ring(const struct link *l) MUST_CHECK;
/* Hears replies to ICMP echo requests of that identifier; cannot send. */
int socket_echo_ear(uint16_t ident) MUST_CHECK;
/* Sends ICMP; hears nothing. */
int socket_echo_mouth(void) MUST_CHECK;
/* Listens for TCP on our address. */
int socket_listen(const struct link *l, uint16_t port) MUST_CHECK;
/* One of the TFTP transfer sockets, on any of our addresses, with IP_PKTINFO. */
int socket_transfer(uint16_t port) MUST_CHECK;

/* The same over IPv6 alone; from and on l->address6. */
int socket_ear6(const struct link *l, uint16_t port, bool joins) MUST_CHECK;
int socket_mouth6(const struct link *l, uint16_t port) MUST_CHECK;
int socket_listen6(const struct link *l, uint16_t port) MUST_CHECK;
int socket_transfer6(uint16_t port) MUST_CHECK;
/* Our IPv6 address on that interface: with find6 the first that is not of one link alone,
 * else the one that is set. 0 or ERR_ABSENT. */
int link_find6(struct link *l) MUST_CHECK;
/* Fills in index, mtu, mac, prefix, and the address when it is unset (the interface's
 * first), of the interface l->name. 0, or ERR_ABSENT with *why set. */
int link_resolve(struct link *l, const char **why) MUST_CHECK;

#endif
