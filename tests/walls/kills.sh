#!/bin/bash
# Each process is killed while real clients work: it comes back, the log says why it went,
# clients that ask again are served, and no lease that was acknowledged is forgotten.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$ROOT/tests/lib/clients.sh"
# shellcheck source=../lib/walls.sh
. "$ROOT/tests/lib/walls.sh"

LEASES=240
SYS_socket=41

# again TIMES COMMAND...: until it succeeds.
again()
{
	local left=$1

	shift
	until "$@"; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		sleep 0.5
	done
}

by_tftp()
{
	in_ns a timeout 8 atftp --get -r sample/linux --option "blksize 1432" \
		-l "$RUN/by.tftp" "$SERVER_IP" >/dev/null 2>&1
	cmp -s "$RUN/by.tftp" "$S/stage/sample/linux"
}

by_http()
{
	in_ns a curl -s -m 8 --limit-rate 3M -o "$RUN/by.http" "http://$SERVER_IP/sample/linux"
	cmp -s "$RUN/by.http" "$S/stage/sample/linux"
}

by_dhcp()
{
	udhcpc_once b
}

# The three at work, asking again as firmware and people do.
clients_start()
{
	CLIENTS=()
	for client in by_tftp by_http by_dhcp; do
		again 12 $client &
		CLIENTS+=($!)
	done
}

clients_judge()
{
	local i=0

	for client in TFTP HTTP DHCP; do
		if wait "${CLIENTS[i]}"; then
			ok "$1: a $client client that asks again is served"
		else
			not_ok "$1: a $client client that asks again is served" "it is not"
		fi
		i=$((i + 1))
	done
}

# kill_while_busy ROLE INDEX
kill_while_busy()
{
	local role=$1 index=$2 label="kill $1:$2" pid broker

	pid=$(child_pid "$role" "$index")
	broker=$(child_pid broker)
	clients_start
	sleep 0.3
	kill -KILL "$pid"
	wait_for 15 is_replaced "$role" "$index" "$pid"
	check "$label: it comes back" is_replaced "$role" "$index" "$pid"
	clients_judge "$label"
	logged "$label: the log says why" \
		"role=sallyportd .*event=died of=$role index=$index pid=$pid why=\"signal 9 \(KILL\)\""
	[ "$role" = broker ] || same "$label: the broker lives" "$broker" "$(child_pid broker)"
	logged "$label: and its successor is ready" \
		"event=ready of=$role index=$index pid=$(child_pid "$role" "$index") start=[2-9]"
}

every_role()
{
	for child in $CHILDREN; do
		kill_while_busy "${child%:*}" "${child#*:}"
	done
	check "all children run" all_run
	same "the rest was not touched" "" \
		"$(events died | grep -v 'why="signal 9 (KILL)"')"
}

all_run()
{
	for child in $CHILDREN; do
		child_pid "${child%:*}" "${child#*:}" >/dev/null || return 1
	done
}

# A refused call, made by force, is named in the log.
refused_call()
{
	local role pid said

	for role in http-parser broker; do
		pid=$(child_pid "$role")
		said=$("$TESTBIN/injure" "$pid" $SYS_socket)
		same "refused call in $role: SIGSYS" refused "$said"
		logged "refused call in $role: the log says so" \
			"event=died of=$role index=0 pid=$pid why=\"SIGSYS"
		if grep -Eqa "pid=$pid why=\"SIGSYS, refused call socket" "$SERVER_LOG"; then
			ok "refused call in $role: it is named"
		elif dmesg 2>/dev/null | grep -q "type=1326.* pid=$pid .*syscall=$SYS_socket"; then
			not_ok "refused call in $role: it is named" "the kernel's record is there"
		else
			skip "refused call in $role: it is named" \
				"THE KERNEL'S RECORD CANNOT BE READ HERE (dmesg has none)"
		fi
		wait_for 15 is_replaced "$role" 0 "$pid"
	done
}

# Every MAC asks as firmware does, and begins anew after a NAK: an offer that a dead broker
# made may be another's by now. Who is acknowledged is written down.
# collect NAME FIRST LAST
collect()
{
	local i mac reply

	for i in $(seq "$2" "$3"); do
		mac=$(printf '52:54:00:99:%02x:%02x' $((i / 256)) $((i % 256)))
		for _ in 1 2 3 4 5; do
			reply=$(in_ns "$1" "$PXE" -i eth0 -m "$mac" -a 0 -t 30 boot 2>/dev/null) &&
				break
		done
		sed -n "s/^reply=ACK .*yiaddr=\([^ ]*\).*/$mac \1/p" <<<"$reply" |
			tail -n 1 >>"$RUN/acked"
	done
}

# The broker is killed again and again while $LEASES machines get their leases: each time
# some more have got theirs, so that it is killed at work and not at its start.
leases_survive()
{
	local pids=() kills=0 pid mac ip bad=0 opened next=15

	server_stop
	: >"$SERVER_LOG"
	server_start
	: >"$RUN/acked"
	collect b 1 $((LEASES / 2)) &
	pids+=($!)
	collect c $((LEASES / 2 + 1)) $LEASES &
	pids+=($!)
	while kill -0 "${pids[0]}" 2>/dev/null || kill -0 "${pids[1]}" 2>/dev/null; do
		sleep 0.02
		[ "$(wc -l <"$RUN/acked")" -ge $next ] || continue
		pid=$(child_pid broker) && kill -KILL "$pid" && kills=$((kills + 1))
		next=$((next + 30))
	done
	wait "${pids[@]}"
	pid=$(child_pid broker) && kill -KILL "$pid" && kills=$((kills + 1))
	wait_for 60 is_replaced broker 0 "${pid:-0}"
	wait_line 30 "$SERVER_LOG" 'event=image-active'
	less "the broker was killed at least 8 times: more than" 7 "$kills"
	same "every machine got its acknowledgement" $LEASES "$(wc -l <"$RUN/acked")"
	same "no address was given twice" "" "$(awk '{ print $2 }' "$RUN/acked" | sort | uniq -d)"
	opened=$(events store-open | tail -n 1 | value leases)
	less "leases in the store ($opened) are no fewer" $((LEASES - 1)) "$opened"
	while read -r mac ip; do
		pxe b -m "$mac" -a 0 -r "$ip" -t 10 request
		[ "$STATUS" = 0 ] && [ "$(reply_value ACK yiaddr)" = "$ip" ] && continue
		bad=$((bad + 1))
		echo "# $mac had $ip, now: $STATUS $(head -n 1 <<<"$REPLY")"
	done <"$RUN/acked"
	same "each lease is honoured for its owner" 0 $bad
	less "and for no other: leases honoured" "$(honoured_for_others)" 1
	echo "# kills=$kills leases=$opened"
}

# Ten of them asked for by a machine that does not own them.
honoured_for_others()
{
	local n=0 ip

	for ip in $(head -n 10 "$RUN/acked" | awk '{ print $2 }'); do
		pxe c -m 52:54:00:98:00:01 -a 0 -r "$ip" -t 2 request
		[ "$STATUS" != 0 ] || n=$((n + 1))
	done
	echo $n
}

# An ear that dies again and again is switched off; the others serve on.
storm()
{
	local pid kills=0 end=$((SECONDS + 120))

	while ! grep -qa 'event=disabled of=dhcp-parser' "$SERVER_LOG" && [ $SECONDS -lt $end ]; do
		if pid=$(child_pid dhcp-parser) && is_replaced dhcp-parser 0 0; then
			kill -KILL "$pid" && kills=$((kills + 1))
		fi
		sleep 0.1
	done
	matches "an ear that dies $kills times is switched off" \
		'event=disabled of=dhcp-parser index=0 for-s=300' "$(cat "$SERVER_LOG")"
	less "not too early, not too late" $((kills > 10 && kills < 13 ? 0 : kills)) 1
	check "HTTP is served on" again 2 by_http
	check "TFTP is served on" again 2 by_tftp
	if child_pid dhcp-parser >/dev/null; then
		not_ok "the ear stays off" "it runs"
	else
		ok "the ear stays off"
	fi
}

need_root
run_begin kills
net_begin
# Room for more machines than one pool of the usual network has.
in_ns srv ip addr flush dev lan0
in_ns srv ip addr add $SERVER_IP/16 dev lan0
net_client a 52:54:00:77:05:01
net_client b 52:54:00:77:05:02
net_client c 52:54:00:77:05:03
udhcpc_script
server_prepare
sample_image 6000000
server_trust
server_config <<-END
	server { log-level info; workers 2; }
	subnet 10.77.0.0/16 { pool 10.77.1.0 - 10.77.2.255; router $SERVER_IP; lease-time 1h; }
	boot { default image "sample"; unknown allow; ipxe-transport http; }
	tftp { ports 40000 - 40063; }
	http { port 80; }
END
server_start
wait_line 60 "$SERVER_LOG" 'event=image-active .*sample' || die "the image is not served"
pxe_session a -a 0
in_ns a ip addr add "$ADDRESS/16" dev eth0
every_role
refused_call
leases_survive
storm
exit "$FAILED"
