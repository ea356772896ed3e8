#!/bin/bash
# Thousands of machines take leases while processes are killed, one after the other, and the
# configuration is reloaded; then everything at once is killed. Every lease of which a
# machine got the ACK is there afterwards, its own, and no address was given to two.
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

CLIENTS=${1:-6000}
RATE=200
ROUNDS=5 # below what switches a process off

load_start()
{
	ip netns exec "$NET-a" "$TESTBIN/dhcpload" -s $SERVER_IP -g 10.77.0.250 -r $RATE \
		-n "$CLIENTS" -a "$RUN/acked" >"$RUN/load" 2>&1 &
	LOAD=$!
	at_end "end_process $LOAD"
	wait_for 20 test -s "$RUN/acked"
}

load_runs()
{
	! process_gone "$LOAD"
}

# Each of them in turn, at work, and a reload between.
kill_in_turn()
{
	local role pid

	KILLS=0
	for _ in $(seq $ROUNDS); do
		for role in dhcp-sender dhcp-parser broker logger verifier; do
			sleep 0.3
			load_runs || return
			pid=$(child_pid "$role") || continue
			kill -KILL "$pid" && KILLS=$((KILLS + 1))
			wait_for 10 is_replaced "$role" 0 "$pid"
		done
		kill -HUP "$SERVER_PID"
	done
}

# The whole server, as a loss of power would end its processes.
kill_all()
{
	load_runs
	same "the server is killed under load" 0 $?
	kill -KILL "$SERVER_PID"
	wait "$SERVER_PID" 2>/dev/null
	wait_for 15 nothing_runs || true
}

nothing_runs()
{
	[ -z "$(pgrep -u "$(seq -s, $((UID_BASE + 1)) $((UID_BASE + 12)))")" ]
}

# What the server says of its leases: "mac address" a line.
leases()
{
	"$BIN/sallyport" --socket "$S/state/control" lease list --all --format csv |
		awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
			{ print $at["mac"], $at["address"] }' | sort -u
}

judge()
{
	# A machine that asked again may have got another address: its last ACK counts.
	awk '{ last[$1] = $2 } END { for (m in last) print m, last[m] }' "$RUN/acked" |
		sort >"$RUN/promised"
	leases >"$RUN/leases"
	same "no address was given to two machines" "" \
		"$(sort -u "$RUN/acked" | awk '{ print $2 }' | sort | uniq -d | head -n 5)"
	same "every lease that was acknowledged is there" "" \
		"$(comm -23 "$RUN/promised" "$RUN/leases" | head -n 5)"
	same "no record is damaged" 0 "$(events store-open | awk '
		{ sub(/.*damaged=/, ""); n += $1 } END { print n + 0 }')"
	echo "# kills=$KILLS acknowledged=$(wc -l <"$RUN/promised") leases=$(wc -l <"$RUN/leases") $(cat "$RUN/load")"
}

need_root
run_begin acks
net_begin
in_ns srv ip addr flush dev lan0
in_ns srv ip addr add $SERVER_IP/16 dev lan0
net_client a 52:54:00:77:05:01
in_ns a ip addr add 10.77.0.250/16 dev eth0
server_prepare
sample_image 3000000
server_trust
server_config <<-END
	server { log-level info; workers 2; }
	subnet 10.77.0.0/16 { pool 10.77.1.0 - 10.77.120.255; router $SERVER_IP; lease-time 1h; }
	boot { default image "sample"; unknown allow; ipxe-transport http; }
	tftp { ports 40000 - 40063; }
	http { port 80; }
END
server_start
load_start
kill_in_turn
less "processes were killed: more than" $((ROUNDS * 5 - 5)) "$KILLS"
kill_all
end_process "$LOAD"
less "machines have their ACK: more than" 1000 "$(wc -l <"$RUN/acked")"
: >"$SERVER_LOG"
server_start
judge
exit "$FAILED"
