/*
 * Internal to the configuration: the things that may be said at most once, with the words
 * that messages name them by.
 */
#ifndef SALLYPORT_POLICY_CONF_ONCE_H
#define SALLYPORT_POLICY_CONF_ONCE_H

/* Everything that may be said once: in the file, or in the block that it belongs to. */
#define SETTING_LIST(X)                                   \
	X(STATE, "'state'")                               \
	X(IMAGES, "'images'")                             \
	X(KEYRING, "'keyring'")                           \
	X(BOOT, "the 'boot' block")                       \
	X(TFTP, "the 'tftp' block")                       \
	X(HTTP, "the 'http' block")                       \
	X(HTTPS, "the 'https' block")                     \
	X(HTTPS_PORT, "'port'")                           \
	X(TLS_WORKERS, "'workers'")                       \
	X(CLIENT_CA, "'client-ca'")                       \
	X(VERIFY_CLIENT, "'client-certificates'")         \
	X(RSA_EXCHANGE, "'rsa-key-exchange'")             \
	X(HTTP_BOOT, "'http-boot'")                       \
	X(SERVER, "the 'server' block")                   \
	X(DEFAULT, "'default'")                           \
	X(UNKNOWN, "'unknown'")                           \
	X(IPXE_TRANSPORT, "'ipxe-transport'")             \
	X(EXPIRED, "'expired'")                           \
	X(SESSION_TIME, "'session-time'")                 \
	X(SESSIONS, "'sessions'")                         \
	X(PORTS, "'ports'")                               \
	X(SINGLE_PORT, "'single-port'")                   \
	X(ANY_CASE, "'case-insensitive'")                 \
	X(ROLLOVER, "'rollover'")                         \
	X(MAX_WINDOWSIZE, "'max-windowsize'")             \
	X(MAX_BLKSIZE, "'max-blksize'")                   \
	X(TRANSFERS, "'transfers-per-address'")           \
	X(PORT, "'port'")                                 \
	X(HEAD_TIMEOUT, "'head-timeout'")                 \
	X(IDLE_TIMEOUT, "'idle-timeout'")                 \
	X(MIN_RATE, "'min-rate'")                         \
	X(RATE_WINDOW, "'rate-window'")                   \
	X(CONNECTIONS, "'connections-per-address'")       \
	X(WORKERS, "'workers'")                           \
	X(MEMORY, "'memory'")                             \
	X(LANDLOCK, "'landlock'")                         \
	X(LOG_LEVEL, "'log-level'")                       \
	X(UID_BASE, "'uid-base'")                         \
	X(CONTROL_GID, "'control-gid'")                   \
	X(DHCP, "the 'dhcp' block")                       \
	X(AUTHORITATIVE, "'authoritative'")               \
	X(BOOTP, "'bootp'")                               \
	X(PROBE, "'conflict-probe'")                      \
	X(QUARANTINE, "'quarantine'")                     \
	X(CLIENT_RATE, "'client-rate'")                   \
	X(LINK_RATE, "'link-rate'")                       \
	X(PER_PORT, "'leases-per-port'")                  \
	X(POOL_SHARE, "'pool-share'")                     \
	X(LINK_ADDRESS, "'address'")                      \
	X(LINK_ADDRESS6, "'address6'")                    \
	X(LINK_MODE, "'mode'")                            \
	X(LINK_ROGUE, "'rogue-servers'")                  \
	X(ROUTER, "'router'")                             \
	X(DNS, "'dns'")                                   \
	X(DOMAIN, "'domain'")                             \
	X(SUBNET_MODE, "'mode'")                          \
	X(POOL_KNOWN, "'allow known' or 'allow unknown'") \
	X(HOST_ADDRESS, "'address'")                      \
	X(HOST_CERTIFICATE, "'client-certificate'")

enum setting {
#define X(name, text) SET_##name,
	SETTING_LIST(X)
#undef X
	    SETTING_MAX
};

#endif
