#!/bin/bash
# TFTP from a single port, for clients behind address translation: whatever the server
# sends comes from port 69, over IPv4 and IPv6, to real clients; and a reload takes the
# setting back.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$ROOT/tests/lib/clients.sh"

SERVER6=2001:db8:77::1
CLIENT6=2001:db8:77::a

with_ipv6()
{
	in_ns "$1" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
	in_ns "$1" ip -6 addr add "$3/64" dev "$2" nodad || die "no IPv6 here"
}

# get LABEL FILE COMMAND...: a client in its namespace, which writes to $RUN/out.
get()
{
	local label=$1 file=$2

	shift 2
	rm -f "$RUN/out"
	SAID=$(in_ns a timeout 60 "$@" 2>&1 </dev/null)
	check "$label" cmp "$RUN/out" "$S/stage/sample/$file"
}

# seen FILTER: how many packets of the capture.
seen()
{
	tcpdump -n -r "$RUN/lan.pcap" "$1" 2>/dev/null | wc -l
}

clients()
{
	get "tftp-hpa" loader.bin tftp -m binary "$SERVER_IP" -c get sample/loader.bin "$RUN/out"
	get "tftp-hpa: netascii" sub/hello.txt tftp -m ascii "$SERVER_IP" -c get \
		sample/sub/hello.txt "$RUN/out"
	get "atftp: options" loader.bin atftp --get -r sample/loader.bin -l "$RUN/out" \
		--option "tsize 0" --option "blksize 1432" --option "windowsize 8" "$SERVER_IP"
	get "curl" linux curl -s -m 50 -o "$RUN/out" "tftp://$SERVER_IP/sample/linux"
	get "curl over IPv6" linux curl -g -s -m 50 -o "$RUN/out" "tftp://[$SERVER6]/sample/linux"
	get "atftp over IPv6" loader.bin atftp --get -r sample/loader.bin -l "$RUN/out" \
		--option "blksize 1432" --option "windowsize 8" $SERVER6
	SAID=$(in_ns a timeout 60 tftp -m binary "$SERVER_IP" -c get sample/nothing "$RUN/none" 2>&1)
	matches "a missing file" 'Error code 1: ' "$SAID"
}

at_once()
{
	local i pids=() bad=0

	for i in 1 2 3 4 5 6 7 8; do
		in_ns a timeout 60 atftp --get -r sample/loader.bin -l "$RUN/out.$i" \
			"$SERVER_IP" >/dev/null 2>&1 &
		pids+=($!)
	done
	for i in 1 2 3 4 5 6 7 8; do
		wait "${pids[i - 1]}"
		cmp -s "$RUN/out.$i" "$S/stage/sample/loader.bin" || bad=$((bad + 1))
	done
	same "eight transfers at once" 0 $bad
}

ports()
{
	differs "blocks come from port 69" 0 "$(seen "udp and src host $SERVER_IP and src port 69")"
	differs "over IPv6 too" 0 "$(seen "udp and src host $SERVER6 and src port 69")"
	same "and from no other" 0 "$(seen "udp and (src host $SERVER_IP or src host $SERVER6) and
		not src port 69 and not src port 67 and not src port 4011")"
}

# A client that the server knows as its router, which lets in what answers somebody: the
# same address and port.
behind_nat()
{
	NFT=$PARTS/nftables/usr/sbin/nft
	[ -x "$NFT" ] || {
		skip "a client behind address translation" "no nft"
		return 1
	}
	net_add_far_lan || die "cannot make the network behind the router"
	net_client c 52:54:00:77:01:03 br1
	in_ns c ip addr add 10.88.0.9/24 dev eth0
	in_ns c ip route add default via "$RELAY_IP"
	in_ns srv ip route del 10.88.0.0/24
	in_ns rly "$NFT" -f - <<-END || die "cannot translate addresses"
		table ip nat {
			chain out {
				type nat hook postrouting priority 100
				oifname "up0" masquerade random
			}
		}
	END
	rm -f "$RUN/out"
	in_ns c curl -s -m 50 -o "$RUN/out" "tftp://$SERVER_IP/sample/linux"
	check "curl behind address translation" cmp "$RUN/out" "$S/stage/sample/linux"
	rm -f "$RUN/out"
	in_ns c timeout 50 tftp -m binary "$SERVER_IP" -c get sample/loader.bin "$RUN/out" \
		>/dev/null 2>&1
	check "tftp-hpa behind address translation" cmp "$RUN/out" "$S/stage/sample/loader.bin"
}

take_back()
{
	sed -i 's/single-port yes/single-port no/' "$S/sallyport.conf"
	kill -HUP "$SERVER_PID"
	wait_line 20 "$SERVER_LOG" 'event=reloaded ' || not_ok "reload" "no word of it"
	get "after a reload: tftp-hpa" loader.bin tftp -m binary "$SERVER_IP" -c get \
		sample/loader.bin "$RUN/out"
	wait_for 10 from_the_pool || not_ok "after a reload" "no block from the pool"
	ok "after a reload blocks come from the pool"
	[ "$1" = nat ] || return
	in_ns c curl -s -m 3 -o "$RUN/out.c" "tftp://$SERVER_IP/sample/linux"
	check "which do not pass address translation" test ! -s "$RUN/out.c"
}

from_the_pool()
{
	[ "$(seen "udp and src host $SERVER_IP and src portrange 40000-40063")" != 0 ]
}

need_root
run_begin single
net_begin
net_client a 52:54:00:77:01:01
with_ipv6 srv lan0 $SERVER6
server_prepare
sample_image 300000
server_trust
LINK_SETTINGS="address6 $SERVER6;" server_config_usual sample
sed -i 's/^tftp {/tftp { single-port yes;/; s/tftp { ports/tftp { single-port yes; ports/' \
	"$S/sallyport.conf"
echo 'open image "sample" to 2001:db8:77::/64; open image "sample" to 10.77.0.254/32;' \
	>>"$S/sallyport.conf"
net_capture "$RUN/lan.pcap"
server_start
wait_line 10 "$SERVER_LOG" "event=image-active .*sample" || die "the image is not served"
pxe_session a -a 0
with_ipv6 a eth0 $CLIENT6
clients
at_once
NAT=none
! behind_nat || NAT=nat
ports
take_back $NAT
