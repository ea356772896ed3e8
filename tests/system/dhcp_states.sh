#!/bin/bash
# Every state of a DHCP client, by clients that people use: the lease and its end as the
# client itself sees them. Also clients older than DHCP, and those who lie about others.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$ROOT/tests/lib/clients.sh"

SQUAT_MAC=52:54:00:77:12:99

# We ask nobody about addresses here: finding a neighbour is left to the clients.
config()
{
	server_config <<-END
		server { log-level debug; }
		dhcp { conflict-probe off; bootp yes; quarantine 1h; }
		class "brief" { match mac 52:54:00:77:11; lease-time 14s; }
		subnet 10.77.0.0/24 {
			pool 10.77.0.100 - 10.77.0.200;
			router $SERVER_IP;
			dns $SERVER_IP;
			domain "lab.example";
			lease-time 1h;
		}
		subnet 10.66.0.0/24 { pool 10.66.0.10 - 10.66.0.90; lease-time 1h; }
		subnet 10.88.0.0/24 { pool 10.88.0.100 - 10.88.0.200; router $RELAY_IP; }
		host "old" { mac 52:54:00:77:12:60; address 10.77.0.60; }
		boot { unknown allow; }
		interface lan1 { address 10.66.0.1; }
	END
}

second_link()
{
	in_ns sw ip link add br2 type bridge forward_delay 0 mcast_snooping 0
	in_ns sw ip link set br2 up
	net_plug srv lan1 br2 || die "cannot plug it in"
	in_ns srv ip addr add 10.66.0.1/24 dev lan1 ||
		die "cannot make the second link"
}

# A lease of seconds, kept by asking the server alone, then by asking anybody.
renewing_begin()
{
	BRIEF_OUT=$RUN/brief.dhclient
	printf 'initial-interval 1;\nbackoff-cutoff 2;\n' >"$RUN/brief.conf"
	ip netns exec "$NET-brief" dhclient -4 -d -e "DHCLIENT_OUT=$BRIEF_OUT" \
		-cf "$RUN/brief.conf" -sf "$RUN/dhclient.script" -lf "$RUN/brief.leases" \
		-pf "$RUN/brief.pid" eth0 >"$RUN/brief.log" 2>&1 &
	at_end "end_process $!"
	wait_line 10 "$BRIEF_OUT" '^reason=BOUND' || die "no brief lease: $(cat "$RUN/brief.log")"
	BRIEF=$(got "$BRIEF_OUT" ip)
	same "a brief lease" 14 "$(got "$BRIEF_OUT" lease)"
}

renewing_end()
{
	check "RENEWING: dhclient keeps its lease" wait_line 10 "$BRIEF_OUT" '^reason=RENEW'
	same "RENEWING: the same address" "$BRIEF" "$(got "$BRIEF_OUT" ip)"
	matches "RENEWING: it asked the server alone" \
		"DHCPREQUEST for $BRIEF on eth0 to $SERVER_IP port 67" "$(cat "$RUN/brief.log")"
	# Nothing reaches the server by its own address any more.
	in_ns brief ip rule add pref 10 to $SERVER_IP unreachable
}

# It got its lease by the first such REQUEST, and is bound again after the second.
has_rebound()
{
	awk '/^DHCPREQUEST .* to 255.255.255.255 / { n++; acked = 0 }
		/^DHCPACK/ { acked = 1 }
		END { exit !(n > 1 && acked) }' "$RUN/brief.log"
}

rebinding()
{
	check "REBINDING: dhclient asks everybody and is answered" wait_for 20 has_rebound
	same "REBINDING: the same address" "$BRIEF" "$(got "$BRIEF_OUT" ip)"
	end_process "$(cat "$RUN/brief.pid")"
	same "REBINDING: it never had to begin anew" 1 \
		"$(grep -c '^DHCPOFFER' "$RUN/brief.log")"
}

selecting()
{
	udhcpc_once a
	dhcp_complete "SELECTING: udhcpc:" "$RUN/a.udhcpc"
	dhclient_run b -1
	dhcp_complete "SELECTING: dhclient:" "$RUN/b.dhclient"
	dhcpcd_run c -1 -B --noipv4ll -t 10 &
	DHCPCD=$!
	check "SELECTING: dhcpcd is bound" wait_line 15 "$RUN/c.dhcpcd" '^reason=BOUND'
	C_IP=$(got "$RUN/c.dhcpcd" new_ip_address)
	matches "SELECTING: dhcpcd: address" '^10\.77\.0\.1[0-9][0-9]$' "$C_IP"
	same "SELECTING: dhcpcd: routers" $SERVER_IP "$(got "$RUN/c.dhcpcd" new_routers)"
	same "SELECTING: dhcpcd: lease time" 3600 "$(got "$RUN/c.dhcpcd" new_dhcp_lease_time)"
	matches "SELECTING: dhcpcd set the address" "inet $C_IP/24" \
		"$(in_ns c ip addr show dev eth0)"
	matches "SELECTING: dhcpcd set the route" "^default via $SERVER_IP dev eth0" \
		"$(in_ns c ip route show)"
	wait $DHCPCD
}

init_reboot()
{
	local ip

	ip=$(got "$RUN/b.dhclient" ip)
	end_process "$(cat "$RUN/b.dhclient.pid")"
	dhclient_run b -1 -v
	same "INIT-REBOOT: dhclient: the same address" "$ip" "$(got "$RUN/b.dhclient" ip)"
	same "INIT-REBOOT: dhclient: no DISCOVER" 0 "$(grep -c DHCPDISCOVER "$RUN/b.dhclient.log")"
	same "INIT-REBOOT: dhclient: the reason" REBOOT "$(got "$RUN/b.dhclient" reason)"
	rm "$RUN/c.dhcpcd"
	in_ns c ip addr flush dev eth0
	dhcpcd_run c -1 -B --noipv4ll -t 10 --noarp
	same "INIT-REBOOT: dhcpcd: the reason" REBOOT "$(got "$RUN/c.dhcpcd" reason)"
	same "INIT-REBOOT: dhcpcd: the same address" "$C_IP" \
		"$(got "$RUN/c.dhcpcd" new_ip_address)"
}

# Carried to another network, the client is told at once that its address is wrong there.
wrong_network()
{
	in_ns sw ip link set b-eth0 master br2
	end_process "$(cat "$RUN/b.dhclient.pid")"
	dhclient_run b -1 -v
	matches "another network: dhclient gets a NAK" 'DHCPNAK from 10\.66\.0\.1' \
		"$(cat "$RUN/b.dhclient.log")"
	matches "another network: and an address of it" '^10\.66\.0\.' \
		"$(got "$RUN/b.dhclient" ip)"
	end_process "$(cat "$RUN/b.dhclient.pid")"
	in_ns sw ip link set b-eth0 master br0
	in_ns b ip addr flush dev eth0
}

release()
{
	local ip

	ip=$(got "$RUN/a.udhcpc" ip)
	same "a lease is in the store" 1 "$(leases_with "$ip" bound)"
	UDHCPC_OUT=$RUN/a.udhcpc ip netns exec "$NET-a" udhcpc -f -R -i eth0 \
		-s "$RUN/udhcpc.script" >"$RUN/a.udhcpc.log" 2>&1 &
	wait_line 10 "$RUN/a.udhcpc.log" "lease of $ip obtained"
	end_process $!
	logged "RELEASE: udhcpc -R" "event=release .*ip=$ip"
	check "RELEASE: the lease is over" wait_for 20 lease_is_over "$ip"
	dhclient_run b -1
	ip=$(got "$RUN/b.dhclient" ip)
	dhclient_run b -r
	logged "RELEASE: dhclient -r" "event=release .*ip=$ip"
	check "RELEASE: that lease is over" wait_for 20 lease_is_over "$ip"
}

# leases_with IP STATE: how many the server has.
leases_with()
{
	"$BIN/sallyport" --socket "$S/state/control" lease show "$1" 2>/dev/null | grep -c "$2"
}

lease_is_over()
{
	[ "$(leases_with "$1" bound)" = 0 ]
}

# decline LABEL NAME COMMAND...: the client finds a neighbour on the address that it is
# offered, says so, and gets another one; nobody gets that address for a while.
decline()
{
	local label=$1 ns=$2 next

	shift 2
	pxe "$ns" -C "$DECLINE_ID" discover
	next=$(reply_value OFFER yiaddr)
	in_ns squat ip addr flush dev eth0
	in_ns squat ip addr add "$next/24" dev eth0
	"$@"
	logged "DECLINE: $label: it is seen" \
		"event=address-in-use mac=.* ip=$next reserved=0"
	check "DECLINE: $label: it has another address" wait_for 15 has_other "$ns" "$next"
	pxe d -m 52:54:00:77:12:77 -r "$next" -s $SERVER_IP -t 2 discover
	differs "DECLINE: $label: nobody is offered that one" "$next" "$(reply_value OFFER yiaddr)"
}

has_other()
{
	local ip

	ip=$(in_ns "$1" ip -o -4 addr show dev eth0 | sed -n 's,.* inet \(10[^/]*\)/.*,\1,p')
	[ -n "$ip" ] && [ "$ip" != "$2" ]
}

declines()
{
	DECLINE_ID=01525400771265
	decline "udhcpc -a" e udhcpc_once e -a -A 1
	DECLINE_ID=01525400771266
	decline dhcpcd f dhcpcd_run f -1 -B --noipv4ll -t 20 -I 01:52:54:00:77:12:66
}

# A machine with an address that it was given by hand wants to know the rest.
inform()
{
	in_ns g ip addr add 10.77.0.77/24 dev eth0
	dhcpcd_run g -1 -B --noipv4ll -t 10 --noarp -s 10.77.0.77/24
	same "INFORM: dhcpcd: the reason" INFORM "$(got "$RUN/g.dhcpcd" reason)"
	same "INFORM: dhcpcd: name servers" $SERVER_IP \
		"$(got "$RUN/g.dhcpcd" new_domain_name_servers)"
	same "INFORM: dhcpcd: domain" lab.example "$(got "$RUN/g.dhcpcd" new_domain_name)"
	same "INFORM: no lease time" "" "$(got "$RUN/g.dhcpcd" new_dhcp_lease_time)"
	pxe g -r 10.77.0.77 -s $SERVER_IP inform
	same "INFORM: no address is given" 0.0.0.0 "$(reply_value ACK yiaddr)"
	same "INFORM: none is on record" 0 "$(leases_with 10.77.0.77 bound)"
	in_ns g ip addr add 10.99.0.77/24 dev eth0
	pxe g -r 10.99.0.77 -s $SERVER_IP -t 2 inform
	same "INFORM from another network: silence" 3 "$STATUS"
}

rapid_commit()
{
	pxe d -m 52:54:00:77:12:80 -o 80: rapid
	matches "rapid commit: an ACK to the DISCOVER" '^10\.77\.0\.1' "$(reply_value ACK yiaddr)"
	matches "rapid commit: it says so" ' opt80= ' "$REPLY"
	same "rapid commit: the lease is on record" 1 \
		"$(leases_with "$(reply_value ACK yiaddr)" bound)"
	pxe d -m 52:54:00:77:12:81 boot
	differs "without it: the usual exchange" "" "$(reply_value OFFER yiaddr)"
	same "without it: nothing of it" 0 "$(grep -c opt80 <<<"$REPLY")"
	dhcpcd_run h -1 -B --noipv4ll -t 10 --noarp -o rapid_commit
	same "rapid commit: dhcpcd is bound" BOUND "$(got "$RUN/h.dhcpcd" reason)"
	same "rapid commit: dhcpcd was not offered anything" 0 \
		"$(grep -c offered "$RUN/h.dhcpcd.log")"
}

bootp()
{
	pxe d -m 52:54:00:77:12:60 bootp
	same "BOOTP: the reserved address" 10.77.0.60 "$(reply_value BOOTP yiaddr)"
	same "BOOTP: no lease time, no DHCP" "" \
		"$(reply_value BOOTP lease)$(reply_value BOOTP server)"
	same "BOOTP: its router" $SERVER_IP "$(reply_value BOOTP router)"
	same "BOOTP: as long as clients want it" 300 "$(reply_value BOOTP size)"
	pxe d -m 52:54:00:77:12:62 -t 2 bootp
	same "BOOTP: nothing from the pool" 3 "$STATUS"
}

# What does not come from the holder does not end a lease.
forgeries()
{
	local victim

	pxe_session d -m 52:54:00:77:12:90 -C 00766963746d
	victim=$ADDRESS
	pxe d -m 52:54:00:77:12:91 -r "$victim" -s $SERVER_IP release
	pxe d -m 52:54:00:77:12:90 -C 01aabbccddeeff -r "$victim" -s $SERVER_IP release
	same "forged: a decline is sent" 0 "$(
		pxe d -m 52:54:00:77:12:91 -r "$victim" -s $SERVER_IP decline
		echo "$STATUS"
	)"
	# The right names, from the wrong link.
	in_ns rly ip addr add 10.88.0.2/24 dev down0
	REPLY=$(in_ns rly "$PXE" -i up0 -m 52:54:00:77:12:90 -C 00766963746d -g 10.88.0.2 -r "$victim" \
		-s $SERVER_IP release 2>&1)
	check "forged: all are refused" wait_for 20 refused_are 4
	same "forged: none was believed" 0 "$(events release | grep -c "ip=$victim")"
	same "forged: the lease is there" 1 "$(leases_with "$victim" bound)"
	pxe d -m 52:54:00:77:12:90 -C 00766963746d -r "$victim" -s $SERVER_IP renew
	same "forged: its holder renews it" "$victim" "$(reply_value ACK yiaddr)"
	pxe d -m 52:54:00:77:12:90 -C 00766963746d -r "$victim" -s $SERVER_IP release
	logged "the holder's own is believed" "event=release .*ip=$victim"
}

refused_are()
{
	[ "$(events dhcp-refused | grep -c 'mac=52:54:00:77:12:9')" -ge "$1" ]
}

need_root
run_begin states
net_begin
second_link
net_client brief 52:54:00:77:11:01
for n in a b c d e f g h; do
	net_client $n 52:54:00:77:12:"$(printf '%02x' "'$n")"
done
net_client squat $SQUAT_MAC
net_add_far_lan || die "cannot make the relay's network"
udhcpc_script
dhclient_script
server_prepare
config
server_start
renewing_begin
selecting
renewing_end
init_reboot
wrong_network
release
declines
rebinding
inform
rapid_commit
bootp
forgeries
exit "$FAILED"
