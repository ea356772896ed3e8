#!/bin/bash
# A server that holds a million leases is started again: how long until the first machine
# has an OFFER, and are the leases there.
#
#	restart_million.sh [leases [limit in milliseconds]]
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$ROOT/tests/lib/clients.sh"

LEASES=${1:-1000000}
LIMIT=${2:-2000}
# On a machine that does nothing else it is this; on one that does, so much of its time.
WALL_LIMIT=$((LIMIT * 6))
TRIES=${TRIES:-3}
FIRST=10.96.0.1
MEMORY_MB=1500

make_store()
{
	local uid

	uid=$((UID_BASE + 2))
	mkdir -m 700 "$S/state/broker" || die "cannot make $S/state/broker"
	"$TESTBIN/mkleases" "$S/state/broker" "$LEASES" $FIRST 864000 50000 ||
		die "cannot make the store"
	chown -R $uid:$uid "$S/state/broker"
	chmod 755 "$S/state"
}

# ask N: one machine that has no lease, as often as it takes; when it was answered.
ask()
{
	in_ns a "$PXE" -i eth0 -m "$(printf '52:55:00:00:00:%02x' "$1")" -a 0 -t 15 discover \
		>"$RUN/offer.$1" 2>&1 && echo "${EPOCHREALTIME/./}" >"$RUN/time.$1"
}

# What the server has used of the processors, in milliseconds.
used()
{
	local pid

	for pid in "$SERVER_PID" $(pgrep -P "$SERVER_PID"); do
		sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null
	done | awk -v hz="$(getconf CLK_TCK)" '{ n += $12 + $13 } END { print int(n * 1000 / hz) }'
}

# The time from the start of the supervisor to the first OFFER, milliseconds, in TOOK, and
# what of it the server has worked in USED.
measure()
{
	local start pids=() n

	rm -f "$RUN"/offer.* "$RUN"/time.*
	: >"$SERVER_LOG"
	start=${EPOCHREALTIME/./}
	ip netns exec "$NET-srv" "$BIN/sallyportd" -f "$S/sallyport.conf" -L "$BIN" \
		--uid-base "$UID_BASE" >>"$SERVER_LOG" 2>&1 </dev/null &
	SERVER_PID=$!
	at_end "end_process $SERVER_PID"
	for n in $(seq 40); do
		ask "$n" &
		pids+=($!)
		sleep 0.1
		compgen -G "$RUN/time.*" >/dev/null && break
	done
	wait_for 60 compgen -G "$RUN/time.*" || die "no OFFER: $(tail -n 3 "$SERVER_LOG")"
	USED=$(used)
	kill "${pids[@]}" 2>/dev/null
	wait "${pids[@]}" 2>/dev/null
	TOOK=$((($(sort -n "$RUN"/time.* | head -n 1) - start) / 1000))
	wait_for 60 server_is_up || die "the server is not up: $(tail -n 3 "$SERVER_LOG")"
}

restarts()
{
	local n best="" least=""

	for n in $(seq "$TRIES"); do
		measure
		echo "# restart $n with $LEASES leases: first OFFER after $TOOK ms, $USED ms of work"
		[ -n "$best" ] && [ "$best" -le "$TOOK" ] || best=$TOOK
		[ -n "$least" ] && [ "$least" -le "$USED" ] || least=$USED
		[ "$n" = "$TRIES" ] || server_stop
	done
	# And some that were offered when it ended.
	less "all leases are there: more than" $((LEASES - 1)) \
		"$(events store-open | tail -n 1 | value leases)"
	same "and the sessions" 50000 "$(events store-open | tail -n 1 | value sessions)"
	less "milliseconds of work to the first OFFER, best of $TRIES" "$least" "$LIMIT"
	less "milliseconds to it" "$best" "$WALL_LIMIT"
}

# The machine of the lease number N, as tests/lib/mkleases.c makes it.
lease_is_kept()
{
	local n=$1 ip=$2

	pxe a -m "$(printf '52:54:%02x:%02x:%02x:%02x' $((n >> 24)) $((n >> 16 & 255)) \
		$((n >> 8 & 255)) $((n & 255)))" -r "$ip" -t 15 request
	same "lease $n is honoured" "$ip" "$(reply_value ACK yiaddr)"
}

need_root
if [ "$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)" -lt $MEMORY_MB ]; then
	skip "restart with $LEASES leases" "LESS THAN $MEMORY_MB MB OF MEMORY ARE FREE"
	exit 0
fi
run_begin million
net_begin
in_ns srv ip addr flush dev lan0
in_ns srv ip addr add $SERVER_IP/10 dev lan0
net_client a 52:55:00:00:00:01
server_prepare
sample_image 100000
server_trust
server_config <<-END
	server { log-level info; }
	subnet 10.64.0.0/10 {
		pool 10.96.0.0 - 10.112.255.255;
		router $SERVER_IP;
		lease-time 10d;
	}
	boot { default image "sample"; unknown allow; sessions 60000; }
	tftp { ports 40000 - 40007; }
END
make_store
restarts
lease_is_kept 0 $FIRST
lease_is_kept 1000 10.96.3.239
exit "$FAILED"
