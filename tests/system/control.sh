#!/bin/bash
# The control socket and `sallyport`: what a running server says of itself, who may ask
# what, leases that come and go through files, explanations that come true, and that nobody
# who asks delays who boots.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$ROOT/tests/lib/clients.sh"

GROUP=$((UID_BASE + 15))
CLIENT=$TESTBIN/controlclient
MANY=100000

config()
{
	server_config <<-END
		server { log-level debug; control-gid $GROUP; }
		dhcp { client-rate 0; }
		subnet 10.77.0.0/24 {
			pool 10.77.0.100 - 10.77.0.200;
			router $SERVER_IP;
			lease-time 1h;
		}
		subnet 10.128.0.0/14 { pool 10.128.0.1 - 10.129.255.254; lease-time 1h; }
		host "fixed" { mac 52:54:00:77:01:50; address 10.77.0.50; }
		boot { default image "sample"; unknown allow; ipxe-transport http; }
		tftp { ports 40000 - 40063; }
		http { port 80; }
	END
}

sallyport()
{
	"$BIN/sallyport" --socket "$S/state/control" "$@"
}

# as UID GID COMMAND...
as()
{
	local uid=$1 gid=$2

	shift 2
	setpriv --reuid "$uid" --regid "$gid" --clear-groups "$@"
}

is_json()
{
	"$CLIENT" json <<<"$1"
}

status()
{
	local out

	out=$(sallyport status)
	matches "status says the version" '^sallyport [0-9.]+, up [0-9]+ s; .*start 1' "$out"
	matches "status says the link" 'lan0 +10\.77\.0\.1/24 .*full' "$out"
	matches "status says the image" '^ *sample +20[0-9]+ ' "$out"
	matches "status says the pool" '10\.77\.0\.100 +10\.77\.0\.200 +101 +101 +0 +0 +0' "$out"
	out=$(sallyport status --json)
	check "status is JSON" is_json "$out"
	matches "JSON says the link" '"name": "lan0"' "$out"
}

leases()
{
	local out

	udhcpc_once a
	FIRST=$(got "$RUN/a.udhcpc" ip)
	differs "a client has an address" "" "$FIRST"
	out=$(sallyport lease list)
	matches "list shows the lease" "^$FIRST +bound .*52:54:00:77:01:01" "$out"
	same "one lease" 2 "$(wc -l <<<"$out")"
	check "list is JSON" is_json "$(sallyport lease list --format json)"
	matches "show shows it" "^state +bound" "$(sallyport lease show "$FIRST")"
	matches "show of a free address" '^state +free' "$(sallyport lease show 10.77.0.199)"
	matches "show of one that is not configured" 'no such address' \
		"$(sallyport lease show 192.0.2.1 2>&1)"
	pxe a -m 52:54:00:77:01:09 -a 7 boot
	matches "the session is listed" '52:54:00:77:01:09 .* x64 +pxe +yes +sample' \
		"$(sallyport session list)"
	check "release" sallyport lease release "$FIRST"
	matches "the address is free" '^state +free' "$(sallyport lease show "$FIRST")"
	logged "the release is in the log" "event=control-release (.* )?ip=$FIRST .*by-uid=0"
}

permissions()
{
	local out

	same "the socket's mode" "660 0 $GROUP" "$(stat -c '%a %u %g' "$S/state/control")"
	out=$(as 65533 65533 "$BIN/sallyport" --socket "$S/state/control" status 2>&1)
	same "anybody else cannot connect" 3 $?
	matches "and is told" 'permission denied' "$out"
	check "the group may ask" as 65533 "$GROUP" \
		"$BIN/sallyport" --socket "$S/state/control" status
	check "and list" as 65533 "$GROUP" \
		"$BIN/sallyport" --socket "$S/state/control" lease list
	check "and have explained" as 65533 "$GROUP" \
		"$BIN/sallyport" --socket "$S/state/control" explain --mac 52:54:00:00:00:01
	out=$(as 65533 "$GROUP" "$BIN/sallyport" --socket "$S/state/control" \
		lease release 10.77.0.100 2>&1)
	same "but not change" 1 $?
	matches "and is told why" 'only root' "$out"
}

# What identifies a lease, of a CSV export.
essence()
{
	tr -d '\r' <"$1" | awk -F, 'NR > 1 { print $1, $2, $4, $5 }'
}

# drift ONE TWO: how many seconds apart the same leases of two exports end, at most.
drift()
{
	local one two most=0

	while read -r one two; do
		one=$(($(date -d "$one" +%s) - $(date -d "$two" +%s)))
		[ "${one#-}" -le "$most" ] || most=${one#-}
	done < <(paste -d' ' <(cut -d, -f3 "$1") <(cut -d, -f3 "$2") | tail -n +2)
	echo "$most"
}

# What is exported is on disk, and comes back in a server that knows nothing.
round_trip()
{
	local n

	for n in 1 2 3 4 5; do
		pxe a -m "52:54:00:77:05:0$n" boot
		same "lease $n" 0 "$STATUS"
	done
	pxe a -m 52:54:00:77:01:50 boot
	sallyport lease export --format csv >"$RUN/one.csv"
	server_kill broker
	wait_for 30 sallyport status || die "no answer after a kill of the broker"
	sallyport lease export --format csv >"$RUN/two.csv"
	same "the same after kill -9" "$(essence "$RUN/one.csv")" "$(essence "$RUN/two.csv")"
	less "seconds that they then end apart" "$(drift "$RUN/one.csv" "$RUN/two.csv")" 5
	server_stop
	rm -rf "$S/state/broker"
	server_start
	same "nothing is known" 1 "$(sallyport lease list | wc -l)"
	matches "import" '^[0-9]+ imported$' \
		"$(sallyport lease import --format csv "$RUN/one.csv")"
	server_kill broker
	wait_for 30 sallyport status || die "no answer after a kill of the broker"
	sallyport lease export --format csv >"$RUN/three.csv"
	same "all is back, and on disk" "$(essence "$RUN/one.csv")" "$(essence "$RUN/three.csv")"
	less "seconds that they end apart" "$(drift "$RUN/one.csv" "$RUN/three.csv")" 5
	pxe a -m 52:54:00:77:05:03 boot
	matches "a machine gets its address again" \
		"^$(reply_value ACK yiaddr),bound,.*52:54:00:77:05:03" "$(cat "$RUN/one.csv")"
}

# Other servers' files; what cannot be is left out and said.
imports()
{
	local end out

	end=$(($(date +%s) + 7000))
	cat >"$RUN/dnsmasq.leases" <<-END
		$end 52:54:00:77:06:01 10.77.0.150 one *
		$end 52:54:00:77:06:02 192.0.2.1 two *
		1000 52:54:00:77:06:03 10.77.0.151 old *
		$end 52:54:00:77:06:04 10.77.0.50 reserved *
		$end 52:54:00:77:06:01 10.77.0.152 twice *
	END
	out=$(sallyport lease import --format dnsmasq --verbose "$RUN/dnsmasq.leases" 2>&1)
	matches "one of dnsmasq's" '^1 imported' "$out"
	matches "not ours" '^line 2: 192\.0\.2\.1: .*no such address' "$out"
	matches "expired" '^line 3: 10\.77\.0\.151: it has expired' "$out"
	matches "reserved for another" '^line 4: .*may not have it' "$out"
	matches "a second one" '^line 5: .*has another lease' "$out"
	cat >"$RUN/dhcpd.leases" <<-END
		lease 10.77.0.160 {
		  starts epoch 1; ends epoch $end; binding state active;
		  hardware ethernet 52:54:00:77:06:10; uid "\001RT\000w\006\020";
		}
		lease 10.77.0.161 { ends never; binding state free; hardware ethernet 52:54:00:77:06:11; }
	END
	matches "one of ISC dhcpd's" '^1 imported' \
		"$(sallyport lease import --format isc "$RUN/dhcpd.leases")"
	printf '%s\n' address,hwaddr,client_id,valid_lifetime,expire,subnet_id \
		"10.77.0.170,52:54:00:77:06:20,,7200,$end,1" >"$RUN/kea.csv"
	matches "one of Kea's" '^1 imported' "$(sallyport lease import --format kea "$RUN/kea.csv")"
	pxe a -m 52:54:00:77:06:20 boot
	same "Kea's client keeps its address" 10.77.0.170 "$(reply_value ACK yiaddr)"
	logged "and the log has it" 'event=dhcp-ack .*mac=52:54:00:77:06:20 '
	echo "10.77.0.171,x" >>"$RUN/kea.csv"
	out=$(sallyport lease import --format kea "$RUN/kea.csv" 2>&1)
	same "a broken file" 1 $?
	matches "and where" 'kea\.csv:[34]:[0-9]+: ' "$out"
}

# What a request leaves behind: leases, sessions, counters, lines. The lines of all that
# came before must be in the log, which another process writes.
traces()
{
	# Without the end, which two clocks with seconds of their own say.
	sallyport lease list --all --format csv | cut -d, -f1,2,4-
	sallyport session list --format csv | tr -d '\r' | sed 's/,[0-9]*$//'
	sallyport status --json | sed -n '/"counters"/,/^  \]/p'
	grep -ac 'event=dhcp-' "$SERVER_LOG"
}

# Every firmware packet that needs no relay: what is explained is what then is sent.
explanations()
{
	local file said sent before after

	before=$(traces)
	for file in "$ROOT"/fuzz/corpus/dhcp4/*-discover.bin; do
		sallyport explain --packet "$file" >/dev/null || not_ok explain "$file"
	done
	after=$(traces)
	same "explaining leaves no trace" "$before" "$after"
	for file in "$ROOT"/fuzz/corpus/dhcp4/{arm64,bios,uefi}*-discover.bin; do
		said=$(sallyport explain --packet "$file" --json |
			sed -n 's/^  "hex": "\([0-9a-f]*\)"$/\1/p')
		sent=$(in_ns a "$CLIENT" dhcp eth0 "$file")
		same "as explained, byte for byte: $(basename "$file" .bin)" "$said" "$sent"
	done
	differs "a real request leaves one" "$before" "$(traces)"
	check "explain is JSON" is_json "$(sallyport explain --json --mac 52:54:00:00:00:01)"
	net_capture "$RUN/lan.pcap"
	pxe a -m 52:54:00:77:07:01 -a 0 discover
	wait_for 30 sallyport explain --packet "$RUN/lan.pcap"
	matches "from a capture of tcpdump's" 'hardware-address: 52:54:00:77:07:01' \
		"$(sallyport explain --packet "$RUN/lan.pcap" 2>&1)"
}

many_csv()
{
	awk -v n=$MANY -v end="$(date -u -d '+2 hours' +%Y-%m-%dT%H:%M:%SZ)" 'BEGIN {
		print "address,state,until,mac,identity"
		for (i = 0; i < n; i++) {
			a = 256 * 256 * 128 + 1 + i
			if (a % 256 == 0 || a % 256 == 255)
				continue
			mac = sprintf("02:00:00:%02x:%02x:%02x", i / 65536, i / 256 % 256, i % 256)
			printf "10.%d.%d.%d,bound,%s,%s,hw:01:%s\n", a / 65536, a / 256 % 256,
				a % 256, end, mac, mac
		}
	}'
}

# served LABEL N: all of N DISCOVERs are answered, and most of them within a second; a few
# may have waited for a busy machine.
served()
{
	local label=$1 n none=0 late=0 start

	for n in $(seq "$2"); do
		start=${EPOCHREALTIME/./}
		pxe a -m "52:54:00:78:00:$(printf %02x "$n")" -t 15 discover
		[ "$STATUS" = 0 ] || none=$((none + 1))
		[ $((${EPOCHREALTIME/./} - start)) -lt 1000000 ] || late=$((late + 1))
	done
	same "DHCP is served $label" 0 $none
	less "and of $2 answers few are late" $late $(($2 / 3 + 1))
}

many_leases()
{
	local wanted start

	many_csv >"$RUN/many.csv"
	wanted=$(($(wc -l <"$RUN/many.csv") - 1))
	start=$SECONDS
	matches "import of $wanted leases" "^$wanted imported" \
		"$(sallyport lease import --format csv "$RUN/many.csv")"
	less "seconds for that" $((SECONDS - start)) 300
	start=$SECONDS
	same "all are listed" "$wanted" \
		"$(sallyport lease list --format csv 10.128.0.0/14 | tail -n +2 | wc -l)"
	less "seconds for that" $((SECONDS - start)) 60
	while :; do sallyport lease list --format csv >/dev/null; done &
	at_end "kill $! 2>/dev/null"
	served "while all are listed again and again" 20
	kill $!
	wait $! 2>/dev/null
}

hostile()
{
	local pid

	pid=$(server_pid broker)
	"$CLIENT" flood "$S/state/control" &
	at_end "kill $! 2>/dev/null"
	served "while a client asks and never reads" 10
	check "which goes on all the time" kill $!
	wait $! 2>/dev/null
	check "junk over 200 connections" "$CLIENT" junk "$S/state/control"
	logged "is in the log" 'event=control-breach client-uid=0 '
	as 65533 "$GROUP" "$CLIENT" hold "$S/state/control" >"$RUN/held" &
	wait_for 30 test -s "$RUN/held"
	check "root gets in while the group holds all places" sallyport status
	wait $!
	if [ "$(printf '%s\n' 6.16 "$(uname -r)" | sort -V | head -n 1)" = 6.16 ]; then
		same "the kernel refuses descriptors" refused \
			"$("$CLIENT" descriptor "$S/state/control")"
	else
		skip "descriptors" "this kernel cannot refuse them"
	fi
	wait_for 30 sallyport status
	same "the broker has lived through all that" "$pid" "$(server_pid broker)"
	served "after that" 3
}

# refused_start NAME REASON ARGUMENTS...: the server does not start, and says why.
refused_start()
{
	local name=$1 reason=$2 out

	shift 2
	out=$(in_ns srv timeout 60 "$BIN/sallyportd" -f "$S/sallyport.conf" -L "$BIN" \
		--uid-base "$UID_BASE" "$@" 2>&1)
	same "$name: status" 78 $?
	matches "$name: named" "$reason" "$out"
}

starts()
{
	local children child

	refused_start "a socket that is in use" 'another server listens there'
	check "which still answers" sallyport status
	mkdir -m 777 "$RUN/open"
	chmod 777 "$RUN/open"
	refused_start "a folder open to others" 'wrong owner or mode of its folder' \
		--control "$RUN/open/control"
	refused_start "something else of that name" 'something else' \
		--control "$S/sallyport.conf"
	refused_start "a path too long" 'longer than 107' \
		--control "$S/state/$(printf 'x%.0s' {1..100})"
	# A server that had no time to tidy up.
	children=$(pgrep -P "$SERVER_PID")
	kill -KILL "$SERVER_PID"
	wait "$SERVER_PID" 2>/dev/null
	# Their death by the supervisor's takes a moment; the broker holds the socket.
	for child in $children; do
		wait_for 10 process_gone "$child"
	done
	check "its socket is left" test -S "$S/state/control"
	server_start
	check "and the next one listens there" sallyport status
}

need_root
run_begin control
net_begin
server_prepare
sample_image 300000
server_trust
config
net_client a 52:54:00:77:01:01
udhcpc_script
server_start
wait_line 60 "$SERVER_LOG" "event=image-active .*sample" || die "the image is not served"
status
leases
permissions
imports
explanations
round_trip
many_leases
hostile
starts
server_stop
same "the socket is gone with the server" no "$([ -e "$S/state/control" ] && echo yes || echo no)"
exit "$FAILED"
