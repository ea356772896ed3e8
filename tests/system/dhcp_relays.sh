#!/bin/bash
# Clients behind relay agents: ISC's, which packages bring, and one of our own for fields
# that it does not send. Then floods: made-up machines, one machine that asks too often,
# one port that wants too much. Last, two links of one host, one of them beside another
# server.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$ROOT/tests/lib/clients.sh"

LOAD=$TESTBIN/dhcpload
FLOOD=10000

config()
{
	server_config <<-END
		server { log-level info; }
		dhcp { conflict-probe off; client-rate 20; leases-per-port 3; }
		always option 225 text "none";
		class "isc" { match circuit-id "down0"; always option 225 text "isc"; }
		class "rack" { match remote-id "rack7"; always option 225 text "rack"; }
		class "relay" { match relay 10.88.0.3; always option 225 text "relay"; }
		subnet 10.77.0.0/24 { pool 10.77.0.100 - 10.77.0.200; router $SERVER_IP; }
		subnet 10.88.0.0/24 { pool 10.88.0.100 - 10.88.0.200; router $RELAY_IP; }
		subnet 10.89.0.0/24 { pool 10.89.0.100 - 10.89.0.200; router 10.89.0.1; }
		subnet 10.90.0.0/22 { pool 10.90.0.10 - 10.90.1.250; router 10.90.0.1; }
		interface lan1 { address 10.66.0.1; mode proxy; }
		subnet 10.91.0.0/24 { mode proxy; }
		host "port" { circuit-id "Gi1/0/7"; address 10.88.0.50; }
		host "port-of" { circuit-id "Gi1/0/8" remote-id "sw2"; address 10.88.0.51; }
		host "kept" { mac 52:54:00:77:31:50; address 10.90.0.20; }
		boot { default image "sample"; unknown allow; }
	END
}

# hex TEXT
hex()
{
	printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'
}

# sub CODE TEXT: a suboption of option 82.
sub()
{
	printf '%02x%02x%s' "$1" "${#2}" "$(hex "$2")"
}

# agent GIADDR ARGUMENTS...: our own relay agent, as pxe.
agent()
{
	local giaddr=$1

	shift
	REPLY=$(in_ns rly "$PXE" -i up0 -g "$giaddr" -s $SERVER_IP "$@" 2>&1)
	STATUS=$?
}

isc_relay()
{
	udhcpc_once far
	matches "ISC relay: an address of its network" '^10\.88\.0\.1' "$(got "$RUN/far.udhcpc" ip)"
	same "ISC relay: its circuit id makes a class" "$(hex isc)" \
		"$(got "$RUN/far.udhcpc.env" opt225)"
	dhclient_run far2 -1 -v
	matches "ISC relay: dhclient: an address" '^10\.88\.0\.1' "$(got "$RUN/far2.dhclient" ip)"
	in_ns far2 ip route replace default via $RELAY_IP
	dhclient_run far2 -r
	check "ISC relay: dhclient's RELEASE past the relay is believed" wait_line 30 \
		"$SERVER_LOG" "event=release .*ip=10\.88\."
}

# With -U the relay is reached at one address and asks for another network (RFC 3527).
isc_link_selection()
{
	local pid

	ip netns exec "$NET-rly" "$PARTS/isc-dhcp-relay/usr/sbin/dhcrelay" -4 -d -a --no-pid \
		-id down1 -iu up0 -U up0 $SERVER_IP >"$RUN/dhcrelay1.log" 2>&1 &
	RELAYS="$RELAYS $!"
	at_end "end_process $!"
	wait_line 10 "$RUN/dhcrelay1.log" 'Sending on.*down1' || die "dhcrelay -U does not start"
	udhcpc_once far3
	matches "link selection by ISC's relay: an address of that network" '^10\.89\.0\.1' \
		"$(got "$RUN/far3.udhcpc" ip)"
	# They would also pass on what our own agent sends.
	for pid in $RELAYS; do
		end_process "$pid"
	done
}

own_agent()
{
	agent 10.88.0.2 -m 52:54:00:77:30:01 -R "$(sub 2 rack7)" boot
	same "remote id makes a class" "$(hex rack)" "$(reply_value ACK opt225)"
	agent 10.88.0.3 -m 52:54:00:77:30:02 boot
	same "the relay's address makes a class" "$(hex relay)" "$(reply_value ACK opt225)"
	agent 10.88.0.2 -m 52:54:00:77:30:03 -R 05040a590000 boot
	matches "link selection (RFC 3527)" '^10\.89\.' "$(reply_value ACK yiaddr)"
	agent 10.88.0.2 -m 52:54:00:77:30:04 -o 118:0a590000 boot
	matches "subnet selection (RFC 3011)" '^10\.89\.' "$(reply_value ACK yiaddr)"
	agent 10.88.0.2 -m 52:54:00:77:30:05 -R 0b040a580002 boot
	same "server identifier (RFC 5107)" 10.88.0.2 "$(reply_value ACK server)"
	agent 10.88.0.2 -m 52:54:00:77:30:06 -p 6767 -R 1300 boot
	same "from another port (RFC 8357)" 0 "$STATUS"
	same "the option comes back" 1300 "$(reply_value ACK opt82)"
	agent 10.88.0.2 -m 52:54:00:77:30:07 -p 6768 -t 2 discover
	same "without saying so: the answer goes to port 67" 3 "$STATUS"
	agent 10.92.0.2 -m 52:54:00:77:30:08 -t 2 discover
	same "a network that is not configured" 3 "$STATUS"
}

reserved_ports()
{
	agent 10.88.0.2 -m 52:54:00:77:30:11 -R "$(sub 1 Gi1/0/7)" boot
	same "reserved by circuit id" 10.88.0.50 "$(reply_value ACK yiaddr)"
	agent 10.88.0.2 -m 52:54:00:77:30:12 -R "$(sub 1 Gi1/0/8)$(sub 2 sw2)" boot
	same "reserved by circuit and remote id" 10.88.0.51 "$(reply_value ACK yiaddr)"
	agent 10.88.0.2 -m 52:54:00:77:30:13 -R "$(sub 1 Gi1/0/8)$(sub 2 sw3)" boot
	matches "another remote id: not that one" '^10\.88\.0\.1' "$(reply_value ACK yiaddr)"
}

leases_per_port()
{
	local n count=0

	for n in 1 2 3; do
		agent 10.88.0.2 -m 52:54:00:77:32:0$n -R "$(sub 1 ge-9)" boot
		[ "$STATUS" = 0 ] && count=$((count + 1))
	done
	same "leases of one port, up to its limit" 3 $count
	agent 10.88.0.2 -m 52:54:00:77:32:04 -R "$(sub 1 ge-9)" -t 2 boot
	same "one more: none" 3 "$STATUS"
	agent 10.88.0.2 -m 52:54:00:77:32:02 -R "$(sub 1 ge-9)" boot
	same "who has one keeps it" 0 "$STATUS"
	agent 10.88.0.2 -m 52:54:00:77:32:05 -R "$(sub 1 ge-10)" boot
	same "another port is not concerned" 0 "$STATUS"
}

# Twenty at once are answered, then two a second; others do not notice.
client_rate()
{
	local n count=0 begun=$SECONDS

	for n in $(seq 50); do
		agent 10.88.0.2 -m 52:54:00:77:33:01 -t 0.4 discover
		[ "$STATUS" = 0 ] && count=$((count + 1))
	done
	less "answers to one machine that asks 50 times" $count $((23 + 2 * (SECONDS - begun)))
	less "and not fewer than it may have" 19 $count
	agent 10.88.0.2 -m 52:54:00:77:33:02 boot
	same "another machine is answered meanwhile" 0 "$STATUS"
}

# Ten thousand made-up machines ask a network of five hundred addresses.
starvation()
{
	local memory kept said

	agent 10.90.0.2 -m 52:54:00:77:31:01 boot
	kept=$(reply_value ACK yiaddr)
	memory=$(broker_kb)
	said=$(timeout 40 ip netns exec "$NET-rly" "$LOAD" -s $SERVER_IP -g 10.90.0.2 -r 2500 -n $FLOOD -t 5 2>&1)
	matches "the flood came" '^done=[1-9]' "$said"
	agent 10.90.0.2 -m 52:54:00:77:31:99 -t 2 discover
	same "nothing is left for a stranger" 3 "$STATUS"
	agent 10.90.0.2 -m 52:54:00:77:31:50 boot
	same "a reserved machine gets its address" 10.90.0.20 "$(reply_value ACK yiaddr)"
	agent 10.90.0.2 -m 52:54:00:77:31:01 -r "$kept" request
	same "a lease from before is kept" "$kept" "$(reply_value ACK yiaddr)"
	pxe near boot
	same "another network is served" 0 "$STATUS"
	less "kilobytes that the broker has grown by" $(($(broker_kb) - memory)) 4096
	check "it is the same broker" process_alive "$BROKER"
}

process_alive()
{
	! process_gone "$1"
}

broker_kb()
{
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$BROKER/status"
}

# Beside a server that knows nothing of booting; the other link of the host is full.
proxy_kind()
{
	local label=$1 wanted=$2

	shift 2
	pxe beside "$@" discover
	while [ "$(reply_value OFFER server)" != 10.66.0.1 ] && [ "$STATUS" = 0 ]; do
		pxe beside "$@" discover
	done
	same "proxy: $label: no address" 0.0.0.0 "$(reply_value OFFER yiaddr)"
	matches "proxy: $label: what to boot" "$wanted" \
		"$(reply_value OFFER bootfile)$(reply_value OFFER file)"
}

proxies()
{
	proxy_kind BIOS 'loader\.bin' -m 52:54:00:77:34:01 -a 0
	matches "proxy: BIOS: told not to search" '^06' "$(reply_value OFFER opt43)"
	proxy_kind UEFI '' -m 52:54:00:77:34:02 -a 7
	in_ns beside ip addr add 10.66.0.77/24 dev eth0
	pxe beside -m 52:54:00:77:34:02 -a 7 -r 10.66.0.77 -s 10.66.0.1 proxy
	matches "proxy: UEFI: port 4011 says what to boot" 'loader\.efi' \
		"$(reply_value ACK bootfile)$(reply_value ACK file)"
	proxy_kind "UEFI HTTP" '^http://10\.66\.0\.1/.*loader\.efi' -m 52:54:00:77:34:03 -a 16
	pxe beside -m 52:54:00:77:34:04 -t 2 discover
	same "proxy: who does not boot is not answered" 3 "$STATUS"
	agent 10.91.0.2 -m 52:54:00:77:34:05 -a 0 discover
	same "proxy: relayed: no address" 0.0.0.0 "$(reply_value OFFER yiaddr)"
	matches "proxy: relayed: what to boot" 'loader\.bin' \
		"$(reply_value OFFER bootfile)$(reply_value OFFER file)"
	pxe near -a 0 boot
	matches "the full link gives addresses" '^10\.77\.0\.1' "$(reply_value ACK yiaddr)"
	matches "and what to boot" 'loader\.bin' "$(reply_value ACK bootfile)"
}

networks()
{
	net_relay
	RELAYS=$!
	in_ns sw ip link add br3 type bridge forward_delay 0 mcast_snooping 0
	in_ns sw ip link set br3 up
	net_plug rly down1 br3 || die "cannot plug in the second far network"
	in_ns sw ip link add br2 type bridge forward_delay 0 mcast_snooping 0
	in_ns sw ip link set br2 up
	net_plug srv lan1 br2 || die "cannot plug in the second link"
	in_ns srv ip addr add 10.66.0.1/24 dev lan1
	in_ns rly ip addr add 10.89.0.1/24 dev down1
	for a in 10.88.0.2/24 10.88.0.3/24 10.90.0.2/22 10.91.0.2/24 10.92.0.2/24; do
		in_ns rly ip addr add $a dev lo
	done
	for n in 10.89.0.0/24 10.90.0.0/22 10.91.0.0/24 10.92.0.0/24; do
		in_ns srv ip route add $n via 10.77.0.254
	done
}

need_root
run_begin relays
net_begin
networks
net_client near 52:54:00:77:30:a1
net_client far 52:54:00:77:30:a2 br1
net_client far2 52:54:00:77:30:a3 br1
net_client far3 52:54:00:77:30:a4 br3
net_client beside 52:54:00:77:30:a5 br2
udhcpc_script
dhclient_script
server_prepare
sample_image 100000
server_trust
config
server_start
wait_line 60 "$SERVER_LOG" 'event=image-active .*sample' || die "the image is not served"
BROKER=$(server_pid broker)
isc_relay
isc_link_selection
own_agent
reserved_ports
leases_per_port
client_rate
proxies
starvation
exit "$FAILED"
