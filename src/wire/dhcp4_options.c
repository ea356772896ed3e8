/*
 * The form of the configured options that travel from the broker to a reply. Runs in
 * dhcp-sender, which judges by it what the broker says, and in its encoder.
 */
#include "src/base/buf.h"
#include "src/wire/dhcp4_codes.h"
#include "src/wire/dhcp4_reply.h"

/* Is the option one that fields of the reply, or only clients, speak of? */
static bool
is_own(uint8_t code)
{
	switch (code) {
	case DHCP4_OPT_PAD:
	case DHCP4_OPT_MASK:
	case DHCP4_OPT_TFTP_SERVER:
	case DHCP4_OPT_BOOTFILE:
	case DHCP4_OPT_USER_CLASS:
	case DHCP4_OPT_RAPID_COMMIT:
	case DHCP4_OPT_RELAY:
	case DHCP4_OPT_ARCH:
	case DHCP4_OPT_UNDI:
	case DHCP4_OPT_UUID:
	case DHCP4_OPT_AUTO_CONFIGURE:
	case DHCP4_OPT_SUBNET:
	case DHCP4_OPT_IPXE:
	case DHCP4_OPT_END: return true;
	default: return code >= DHCP4_OPT_REQUESTED && code <= DHCP4_OPT_CLIENT_ID;
	}
}

const char *
dhcp4_options_check(struct dhcp4_span options)
{
	struct in in;
	uint8_t last = 0;

	in_init(&in, options.b, options.len);
	while (in_left(&in) > 0) {
		uint8_t code = in_u8(&in);

		in_skip(&in, in_u8(&in));
		if (!in_ok(&in))
			return "a configured option runs past the end";
		if (is_own(code))
			return "a configured option that is the server's own";
		if (code <= last)
			return "configured options out of order";
		last = code;
	}
	return NULL;
}
