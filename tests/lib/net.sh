# A network of our own, in namespaces with names of our own; nothing of it touches the
# host's interfaces. Needs common.sh and run_begin.
#
#	PREFIX-srv   lan0 10.77.0.1/24                 the server
#	PREFIX-sw    bridges br0 (LAN) and br1 (behind the relay), taps for QEMU
#	PREFIX-rly   up0 10.77.0.254, down0 10.88.0.1  the relay, if asked for
#	PREFIX-NAME  eth0 on br0 or br1                a client

# shellcheck shell=bash disable=SC2034

NET=
SERVER_IP=10.77.0.1
RELAY_IP=10.88.0.1
NET_TAPS=0

# in_ns NAME COMMAND... (For a process in the background call ip directly, so that $! is
# the process and not a shell.)
in_ns()
{
	local ns=$NET-$1

	shift
	ip netns exec "$ns" "$@"
}

# Everything that runs in a namespace of ours is ours.
net_end_ns()
{
	local pid

	for pid in $(ip netns pids "$1" 2>/dev/null); do
		kill -KILL "$pid" 2>/dev/null
	done
	ip netns del "$1" 2>/dev/null
}

net_end()
{
	local ns

	for ns in $(ip netns list | awk -v p="$NET-" 'index($1, p) == 1 { print $1 }'); do
		net_end_ns "$ns"
	done
}

net_add_ns()
{
	ip netns add "$NET-$1" || return
	in_ns "$1" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
		echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
		ip link set lo up'
}

net_add_bridge()
{
	in_ns sw ip link add "$1" type bridge forward_delay 0 mcast_snooping 0 &&
		in_ns sw ip link set "$1" up
}

# net_plug NAME DEVICE BRIDGE [MAC]: a cable from a namespace's device to a bridge.
net_plug()
{
	local port=$1-$2

	ip -n "$NET-$1" link add "$2" ${4:+address "$4"} type veth \
		peer name "$port" netns "$NET-sw" &&
		ip -n "$NET-sw" link set "$port" master "$3" up &&
		ip -n "$NET-$1" link set "$2" up
}

net_add_lan()
{
	net_add_ns sw && net_add_bridge br0 && net_add_ns srv && net_plug srv lan0 br0 &&
		in_ns srv ip addr add $SERVER_IP/24 dev lan0
}

# net_begin: the server's namespace and the LAN.
net_begin()
{
	NET=sp$$-$(random_hex 2)
	at_end net_end
	net_add_lan || die "cannot make network namespaces"
}

net_add_far_lan()
{
	net_add_bridge br1 && net_add_ns rly && net_plug rly up0 br0 &&
		net_plug rly down0 br1 &&
		in_ns rly ip addr add 10.77.0.254/24 dev up0 &&
		in_ns rly ip addr add $RELAY_IP/24 dev down0 &&
		in_ns rly sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward' &&
		in_ns srv ip route add 10.88.0.0/24 via 10.77.0.254
}

# net_relay: a second LAN, and a relay agent that adds option 82.
net_relay()
{
	net_add_far_lan || die "cannot make the relay's network"
	ip netns exec "$NET-rly" "$PARTS/isc-dhcp-relay/usr/sbin/dhcrelay" -4 -d -a --no-pid -id down0 -iu up0 \
		$SERVER_IP >"$RUN/dhcrelay.log" 2>&1 &
	at_end "end_process $!"
	wait_line 10 "$RUN/dhcrelay.log" 'Sending on.*down0' || die "dhcrelay does not start"
}

# net_other_dhcp: a DHCP server on the LAN that knows nothing of booting, at 10.77.0.3.
net_other_dhcp()
{
	net_client dhcpd 52:54:00:77:0d:01
	in_ns dhcpd ip addr add 10.77.0.3/24 dev eth0 || die "cannot make the other server"
	: >"$RUN/udhcpd.leases"
	cat >"$RUN/udhcpd.conf" <<-END
		start 10.77.0.100
		end 10.77.0.200
		interface eth0
		lease_file $RUN/udhcpd.leases
		pidfile $RUN/udhcpd.pid
		option subnet 255.255.255.0
		option router 10.77.0.1
		option dns 10.77.0.1
		option lease 3600
	END
	ip netns exec "$NET-dhcpd" "$PARTS/busybox-static/bin/busybox" udhcpd -f \
		"$RUN/udhcpd.conf" >"$RUN/udhcpd.log" 2>&1 &
	at_end "end_process $!"
}

# net_client NAME MAC [BRIDGE]
net_client()
{
	net_add_ns "$1" || die "cannot make the client $1"
	net_plug "$1" eth0 "${3:-br0}" "$2" || die "cannot connect the client $1"
}

# net_tap [BRIDGE]: makes a tap, its name is in TAP afterwards.
net_tap()
{
	TAP=tap$NET_TAPS
	NET_TAPS=$((NET_TAPS + 1))
	in_ns sw ip tuntap add "$TAP" mode tap || die "cannot make $TAP"
	in_ns sw ip link set "$TAP" master "${1:-br0}" up || die "cannot connect $TAP"
}

# net_capture FILE: all that the LAN bridge sees, for whoever must read it later.
net_capture()
{
	ip netns exec "$NET-sw" tcpdump -i br0 -U -s 0 -w "$1" >/dev/null 2>&1 &
	at_end "end_process $!"
	wait_for 5 test -s "$1" || die "tcpdump does not start"
}
