#!/bin/bash
# Addresses that somebody uses already are not given away, on the link and behind a relay,
# and nobody else waits for the question. Another DHCP server on the link keeps us silent
# when it is there at the start, and is named when it comes later.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$ROOT/tests/lib/clients.sh"

BUSYBOX=$PARTS/busybox-static/bin/busybox
ROGUE_MAC=52:54:00:77:05:09
ROGUE_IP=10.77.0.9

# config INTERFACE-SETTINGS PROBE: few addresses, so that it is known which come next.
config()
{
	server_config <<-END
		server { log-level debug; }
		dhcp { conflict-probe $2; }
		subnet 10.77.0.0/24 {
			pool 10.77.0.100 - 10.77.0.105;
			lease-time 1h;
		}
		subnet 10.88.0.0/24 {
			pool 10.88.0.100 - 10.88.0.102;
			router $RELAY_IP;
			lease-time 1h;
		}
		boot { unknown allow; }
	END
	sed -i "s/^interface lan0 { /&$1 /" "$S/sallyport.conf"
}

# begin INTERFACE-SETTINGS PROBE: a server without leases.
begin()
{
	rm -rf "$S/state/broker"
	: >"$SERVER_LOG"
	config "$1" "$2"
	server_start
}

milliseconds()
{
	echo $((${EPOCHREALTIME/./} / 1000))
}

# asks NAME ARGUMENTS...: pxe, and how long it took in TOOK.
asks()
{
	local start

	start=$(milliseconds)
	pxe "$@"
	TOOK=$(($(milliseconds) - start))
}

# It asks by ARP for two seconds before each OFFER.
rogue_start()
{
	cat >"$RUN/udhcpd.conf" <<-END
		start 10.77.0.150
		end 10.77.0.160
		interface eth0
		lease_file $RUN/udhcpd.leases
		pidfile $RUN/udhcpd.pid
		option subnet 255.255.255.0
		option lease 600
	END
	: >"$RUN/udhcpd.leases"
	in_ns rogue ip addr replace $ROGUE_IP/24 dev eth0
	ip netns exec "$NET-rogue" "$BUSYBOX" udhcpd -f "$RUN/udhcpd.conf" \
		>>"$RUN/udhcpd.log" 2>&1 &
	ROGUE_PID=$!
	at_end "end_process $ROGUE_PID"
	wait_line 20 "$RUN/udhcpd.log" 'started' || die "udhcpd does not start"
}

rogue_stop()
{
	end_process "$ROGUE_PID"
}

# The servers that answered, each once.
answered_by()
{
	sed -n "s/.* server=\([0-9.]*\).*/\1/p" <<<"$REPLY" |
		sort -u | tr '\n' ' '
}

squatter_on_link()
{
	begin "" 3s
	in_ns squat ip addr add 10.77.0.100/24 dev eth0
	in_ns squat ip addr add 10.77.0.101/24 dev eth0
	pxe_session b -a 0
	same "the first free address goes to the first machine" 10.77.0.102 "$ADDRESS"
	logged "the conflict is named" "event=address-in-use ip=10.77.0.100 mac=52:54:00:77:05:02"
	logged "and the second one" "event=address-in-use ip=10.77.0.101 mac=52:54:00:77:05:02"
	same "each was asked for once" 2 "$(events address-in-use | wc -l)"
	asks a -a 0 discover
	same "the next machine gets the next address" 10.77.0.103 "$(reply_value OFFER yiaddr)"
	less "an address asked for: at least, ms" 2999 "$TOOK"
	less "and no longer, ms" "$TOOK" 5900
	asks a -a 0 discover
	same "the same machine asks again" 10.77.0.103 "$(reply_value OFFER yiaddr)"
	less "what was asked for lately is offered at once, ms" "$TOOK" 2900
}

# A machine that has its lease asks while another one waits.
nobody_waits()
{
	pxe c -a 0 discover &
	sleep 0.5
	asks b -a 0 boot
	same "a machine with a lease keeps its address" 10.77.0.102 "$(reply_value ACK yiaddr)"
	check "and has it while another one's question runs" kill -0 $!
	wait $!
}

# asked_for ADDRESS [TIMES]: by ARP, so often (once or more).
asked_for()
{
	local n

	n=$(in_ns squat tcpdump -r "$RUN/arp.pcap" -n 2>/dev/null | grep -c "who-has $1 ")
	[ "$n" = "${2:-$n}" ] && [ "$n" -gt 0 ]
}

# The same DISCOVER three times while its question runs: one question, one answer.
repetition()
{
	local asked

	asked=$(in_ns squat tcpdump -r "$RUN/arp.pcap" -n 2>/dev/null | grep -c 'who-has 10.77.0.105')
	same "nobody has asked for that address yet" 0 "$asked"
	for _ in 1 2 3; do
		in_ns d "$PXE" -i eth0 -a 0 -t 0.1 discover >/dev/null 2>&1
	done
	pxe d -a 0 discover
	same "a repeated DISCOVER gets its address" 10.77.0.105 "$(reply_value OFFER yiaddr)"
	wait_for 20 asked_for 10.77.0.105
	asked=$(in_ns squat tcpdump -r "$RUN/arp.pcap" -n 2>/dev/null | grep -c 'who-has 10.77.0.105')
	same "and one question" 1 "$asked"
}

# Who uses an address itself is no conflict.
own_address()
{
	server_stop
	rm -rf "$S/state/broker"
	server_start
	in_ns squat ip addr flush dev eth0
	in_ns a ip addr add 10.77.0.100/24 dev eth0
	pxe a -a 0 discover
	same "a machine gets the address that it uses itself" 10.77.0.100 \
		"$(reply_value OFFER yiaddr)"
	in_ns a ip addr flush dev eth0
	server_stop
}

squatter_behind_relay()
{
	net_relay
	net_client far 52:54:00:77:05:04 br1
	net_client far2 52:54:00:77:05:05 br1
	begin "" 500ms
	in_ns far2 ip addr add 10.88.0.100/24 dev eth0
	in_ns far2 ip route add default via $RELAY_IP
	in_ns srv ping -c 1 -W 2 10.88.0.100 >/dev/null || die "no route to the squatter"
	udhcpc_once far
	same "relay: the address of a squatter is not given" 10.88.0.101 \
		"$(got "$RUN/far.udhcpc" ip)"
	logged "relay: the conflict is named" "event=address-in-use ip=10.88.0.100 mac=- "
	server_stop
}

rogue_at_start()
{
	rogue_start
	begin "" 100ms
	logged "another server at the start is named" \
		"level=error role=broker .*event=link-refused link=lan0 server=$ROGUE_IP mac=$ROGUE_MAC"
	pxe a -b discover
	same "where it answers we are silent" "$ROGUE_IP " "$(answered_by)"
	same "no OFFER of ours" 0 "$(events dhcp-offer | wc -l)"
	rogue_stop
	check "when it has gone the link opens" wait_line 90 "$SERVER_LOG" \
		'event=link-open link=lan0'
	pxe a -a 0 discover
	same "and is served" $SERVER_IP "$(reply_value OFFER server)"
}

rogue_later()
{
	local start

	rogue_start
	pxe c -m 52:54:00:77:06:01 -c - -b discover
	start=$(milliseconds)
	logged "another server that comes later is named" \
		"event=rogue-server link=lan0 server=$ROGUE_IP mac=$ROGUE_MAC gives=addresses"
	less "soon, ms" $(($(milliseconds) - start)) 15000
	pxe c -m 52:54:00:77:06:02 -a 0 discover
	matches "and we go on serving" "$SERVER_IP" "$REPLY"
	rogue_stop
	server_stop
}

rogue_warned()
{
	rogue_start
	begin "rogue-servers warn;" 100ms
	logged "with 'warn' it is named too" \
		"level=warning .*event=rogue-server link=lan0 server=$ROGUE_IP mac=$ROGUE_MAC"
	pxe a -a 0 discover
	matches "and we serve beside it" "$SERVER_IP" "$REPLY"
	same "nothing is refused" 0 "$(events link-refused | wc -l)"
	server_stop
	begin "rogue-servers ignore;" 100ms
	pxe a -a 0 -b discover
	sleep 2.5
	same "with 'ignore' nothing is said" 0 "$(events rogue-server | wc -l)"
	rogue_stop
	server_stop
}

# What waits for the end of the first second is answered then.
held_at_start()
{
	begin "" 100ms
	asks a -a 0 -t 20 discover
	same "a request in the first second is answered after it" 0 "$STATUS"
	less "that is soon, ms" "$TOOK" 4000
	same "our own question is no other server" 0 "$(events rogue-server | wc -l)"
	server_stop
}

need_root
run_begin probe
net_begin
net_client a 52:54:00:77:04:01
net_client b 52:54:00:77:04:02
net_client c 52:54:00:77:04:03
net_client d 52:54:00:77:04:04
net_client squat 52:54:00:77:05:02
net_client rogue $ROGUE_MAC
udhcpc_script
server_prepare
net_capture "$RUN/arp.pcap"
held_at_start
squatter_on_link
nobody_waits
repetition
own_address
rogue_at_start
rogue_later
rogue_warned
squatter_behind_relay
exit "$FAILED"
