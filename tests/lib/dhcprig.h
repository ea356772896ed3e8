/*
 * The DHCP half of a broker without its process: real configuration text, real lease
 * store, real tables, and the other end of dhcp-sender's channel in the test's hands.
 */
#ifndef SALLYPORT_TESTS_DHCPRIG_H
#define SALLYPORT_TESTS_DHCPRIG_H

#include <stdbool.h>
#include <stdint.h>

#include "src/broker/dhcp.h"

/* 10.77.0.0/24 on eth0 (pool .100 to .109, .60 reserved), 10.78.0.0/24 on eth1,
 * 10.88.0.0/24 behind relays. Image "debian" boots bios, x64, arm64; "bare" only bios,
 * without iPXE script. Unknown machines as known ones. */
extern const char rig_text[];

/* Makes directories once, and starts a broker on them: tables empty, store as it is. */
void rig_start(const char *text);
/* As if the process had died and the next one started. */
void rig_restart(void);
/* The same, and the next one finds another configuration. */
void rig_reload(const char *text);
/* Empties the tables, not the store; quicker than rig_restart. */
void rig_forget(void);
void rig_stop(void);
/* Lets time pass, on both clocks. */
void rig_pass(uint64_t seconds);
/* The images that rig_text names begin (or stop) to serve. */
void rig_images(bool serve);

/* A request from this machine on eth0, broadcast, of that type. */
struct msg_dhcp_tell rig_request(uint8_t type, const char *mac);
/* Firmware of that option 93 and class (1 PXE, 2 HTTP). */
void rig_firmware(struct msg_dhcp_tell *m, uint16_t arch, uint8_t class60);
struct addr rig_addr(const char *text);

/* Hands the request to the broker, and commits. True when there is a reply in *r. */
bool rig_ask(const struct msg_dhcp_tell *m, struct msg_reply_tell *r);
/* The same without a commit. */
bool rig_ask_only(const struct msg_dhcp_tell *m, struct msg_reply_tell *r);
/* The replies of a commit come one at a time: the first here, the others by rig_take. */
bool rig_commit(struct msg_reply_tell *r);
bool rig_take(struct msg_reply_tell *r);

/* Conflict probes, which are off after rig_start(). */
void rig_probe(bool on);
/* The oldest question to the links that nobody has taken yet; there must be no reply
 * before it. */
bool rig_take_probe(struct msg_probe_tell *m);

#endif
