#!/bin/bash
# Real DHCP clients against the whole server: leases that last, renewal, release,
# reservations, refusals, a relay, and the boot options of each kind of machine.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$ROOT/tests/lib/clients.sh"

config()
{
	server_config_usual sample
	cat >>"$S/sallyport.conf" <<-'END'
		host "fixed" { mac 52:54:00:77:01:50; address 10.77.0.50; }
		host "disk" { mac 52:54:00:77:01:51; boot deny; }
	END
}

udhcpc_lease()
{
	udhcpc_once a
	dhcp_complete udhcpc "$RUN/a.udhcpc"
	FIRST=$(got "$RUN/a.udhcpc" ip)
	udhcpc_once a
	same "udhcpc same address again" "$FIRST" "$(got "$RUN/a.udhcpc" ip)"
}

# What was acknowledged is still known after the whole server was restarted.
lease_lasts()
{
	server_stop
	server_start
	pxe a -r "$FIRST" -C "01525400770101" request
	same "lease survives a restart" "$FIRST" "$(reply_value ACK yiaddr)"
}

dhclient_lease()
{
	local ip

	dhclient_run b -1
	dhcp_complete dhclient "$RUN/b.dhclient"
	ip=$(got "$RUN/b.dhclient" ip)
	differs "dhclient gets an address of its own" "$FIRST" "$ip"
	end_process "$(cat "$RUN/b.dhclient.pid")"
	dhclient_run b -1
	same "dhclient INIT-REBOOT" "$ip" "$(got "$RUN/b.dhclient" ip)"
	dhclient_run b -r
	logged "release is seen" "event=release .*ip=$ip"
}

renewal()
{
	pxe_session c -C 01525400770103
	pxe c -r "$ADDRESS" -s $SERVER_IP -C 01525400770103 renew
	same "renewal" "$ADDRESS" "$(reply_value ACK yiaddr)"
	same "renewal comes by unicast" "$ADDRESS" "$(reply_value ACK dst)"
}

refusals()
{
	pxe c -m 52:54:00:77:02:01 -r 10.99.0.1 request
	same "address of another network: NAK" 4 "$STATUS"
	matches "NAK is broadcast" 'dst=255.255.255.255' "$REPLY"
	pxe c -m 52:54:00:77:02:02 -t 3 -r 10.77.0.177 request
	same "unknown client in INIT-REBOOT: silence" 3 "$STATUS"
	pxe c -m 52:54:00:77:02:03 -r "$FIRST" request
	differs "somebody else's address is not given" 0 "$STATUS"
}

reservations()
{
	pxe c -m 52:54:00:77:01:50 boot
	same "reserved address" 10.77.0.50 "$(reply_value ACK yiaddr)"
	pxe c -m 52:54:00:77:01:51 -a 7 boot
	same "a machine that boots its disk gets a lease" 0 "$STATUS"
	same "and no boot file" "" "$(reply_value ACK bootfile)$(reply_value ACK file)"
}

# boot_reply LABEL WANTED_BOOTFILE WANTED_CLASS PXE-OPTIONS...
boot_reply()
{
	local label=$1 wanted=$2 class=$3

	shift 3
	pxe c "$@" boot
	matches "$label boot file" "$wanted" "$(reply_value ACK bootfile)"
	same "$label class" "$class" "$(reply_value ACK class)"
	case $wanted in
	*http*) ;;
	*) same "$label file field" "$(reply_value ACK bootfile | sed 's/\\x00$//')" \
		"$(reply_value ACK file)" ;;
	esac
	same "$label next server" $SERVER_IP "$(reply_value ACK siaddr)"
}

boot_replies()
{
	boot_reply bios 'loader\.bin' PXEClient -m 52:54:00:77:03:01 -a 0
	boot_reply uefi 'loader\.efi' PXEClient -m 52:54:00:77:03:02 -a 7
	boot_reply http '^http://10\.77\.0\.1/.*loader\.efi' HTTPClient \
		-m 52:54:00:77:03:03 -a 16
	boot_reply ipxe '^http://10\.77\.0\.1/' '' -m 52:54:00:77:03:04 -a 0 -x
	pxe c -m 52:54:00:77:03:01 -a 0 boot
	matches "client's UUID is echoed" 'opt97=00' "$REPLY"
	pxe c -m 52:54:00:77:03:05 boot
	same "no boot file for a machine that does not boot" "" "$(reply_value ACK bootfile)"
	pxe c -m 52:54:00:77:03:06 -b -a 0 boot
	same "broadcast flag is obeyed" ff:ff:ff:ff:ff:ff "$(reply_value ACK dstmac)"
	pxe c -m 52:54:00:77:03:07 -a 0 boot
	same "without the flag the frame is the client's" 52:54:00:77:03:07 \
		"$(reply_value ACK dstmac)"
}

relayed()
{
	net_relay
	net_client far 52:54:00:77:01:04 br1
	udhcpc_once far
	matches "relay: address of its own subnet" '^10\.88\.0\.1[0-9][0-9]$' \
		"$(got "$RUN/far.udhcpc" ip)"
	same "relay: router of its own subnet" $RELAY_IP "$(got "$RUN/far.udhcpc" router)"
	# As a relay ourselves, to see what the relay sees.
	in_ns rly ip addr add 10.88.0.2/24 dev down0
	REPLY=$(in_ns rly "$PXE" -i up0 -m 52:54:00:77:04:01 -g 10.88.0.2 -s $SERVER_IP \
		-R 0104deadbeef0203aabbcc -a 0 boot 2>&1)
	same "option 82 comes back as it was" 0104deadbeef0203aabbcc "$(reply_value ACK opt82)"
	matches "option 82 is the last" 'order=[0-9,]*,82 ' "$REPLY"
	same "reply goes to the relay" 10.88.0.2 "$(reply_value ACK dst)"
	matches "address of the relay's subnet" '^10\.88\.' "$(reply_value ACK yiaddr)"
}

need_root
run_begin dhcp
net_begin
net_client a 52:54:00:77:01:01
net_client b 52:54:00:77:01:02
net_client c 52:54:00:77:01:03
udhcpc_script
dhclient_script
server_prepare
sample_image 3000000
server_trust
config
server_start
wait_line 60 "$SERVER_LOG" "event=image-active .*sample" || die "the image is not served"
udhcpc_lease
lease_lasts
dhclient_lease
renewal
refusals
reservations
boot_replies
relayed
