/*
 * A DHCPv4 packet as text for people: requests and replies, well-formed or not. Pure.
 */
#ifndef SALLYPORT_WIRE_DHCP4_SHOW_H
#define SALLYPORT_WIRE_DHCP4_SHOW_H

#include <stddef.h>
#include <stdint.h>

/* Enough for any packet of DHCP4_PACKET_MAX, unless value() below writes more than six
 * bytes for each of its own. */
#define DHCP4_SHOW_MAX 65536

/* What the caller knows of options beyond those that are this module's own (the header's
 * and 43, 50 to 55, 57 to 61, 77, 82, 93, 94, 97, 116, 118, 175). Each function may be
 * NULL, and may return NULL for "not known"; its text is used before the next call. */
struct dhcp4_show_names {
	const char *(*name)(uint8_t code); /* "domain-name-servers" */
	const char *(*value)(uint8_t code, const uint8_t *b, size_t len);
};

/* Writes one line for each field and each option of a UDP payload, in their order, each
 * ended by a newline, and a NUL. Takes any bytes: what is missing or broken is said in
 * place of it. Peer's bytes come out as printable ASCII. names may be NULL. Lines that do
 * not fit are left out whole, and the last one is then "..."; cap >= 8. Returns the
 * length without the NUL. */
size_t dhcp4_show(const uint8_t *bytes, size_t len, const struct dhcp4_show_names *names,
    char *text, size_t cap);

#endif
