/*
 * Internal to the configuration: the things that may be said at most once, with the words
 * that messages name them by.
 */
#ifndef SALLYPORT_POLICY_CONF_ONCE_H
#define SALLYPORT_POLICY_CONF_ONCE_H

/* Everything that may be said once: in the file, or in the block that it belongs to. */
#define SETTING_LIST(X)                             \
	X(STATE, "'state'")                         \
	X(IMAGES, "'images'")                       \
	X(KEYRING, "'keyring'")                     \
	X(BOOT, "the 'boot' block")                 \
	X(TFTP, "the 'tftp' block")                 \
	X(HTTP, "the 'http' block")                 \
	X(SERVER, "the 'server' block")             \
	X(DEFAULT, "'default'")                     \
	X(UNKNOWN, "'unknown'")                     \
	X(IPXE_TRANSPORT, "'ipxe-transport'")       \
	X(EXPIRED, "'expired'")                     \
	X(SESSION_TIME, "'session-time'")           \
	X(SESSIONS, "'sessions'")                   \
	X(PORTS, "'ports'")                         \
	X(PORT, "'port'")                           \
	X(HEAD_TIMEOUT, "'head-timeout'")           \
	X(IDLE_TIMEOUT, "'idle-timeout'")           \
	X(MIN_RATE, "'min-rate'")                   \
	X(RATE_WINDOW, "'rate-window'")             \
	X(CONNECTIONS, "'connections-per-address'") \
	X(WORKERS, "'workers'")                     \
	X(MEMORY, "'memory'")                       \
	X(LANDLOCK, "'landlock'")                   \
	X(LOG_LEVEL, "'log-level'")                 \
	X(UID_BASE, "'uid-base'")                   \
	X(LINK_ADDRESS, "'address'")                \
	X(ROUTER, "'router'")                       \
	X(DNS, "'dns'")                             \
	X(DOMAIN, "'domain'")                       \
	X(LEASE_TIME, "'lease-time'")               \
	X(HOST_MAC, "'mac'")                        \
	X(HOST_ADDRESS, "'address'")                \
	X(HOST_BOOT, "'image' or 'boot'")

enum setting {
#define X(name, text) SET_##name,
	SETTING_LIST(X)
#undef X
	    SETTING_MAX
};

#endif
