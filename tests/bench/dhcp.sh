#!/bin/bash
# DHCP beside Kea, ISC dhcpd and dnsmasq: same machine, same pools, same load, in turn.
#
#	tests/bench/dhcp.sh            all of it (about 15 minutes)
#	tests/bench/dhcp.sh --quick    one part for an instant: does the benchmark work?
#	ROUNDS=1 PARTS_RUN="peak" tests/bench/dhcp.sh sallyport kea-mt
#
# PARTS_RUN: peak (64 exchanges at once), steady (latency at 1000/s), single (one at a
# time), perfdhcp, size (1 k, 65 k, 1 M leases), full (1 % free against 90 % free).
# The results, one line a run, are in build/bench/dhcp.txt; the table of medians is made
# of them at the end. "other" is what else the machine did meanwhile, in cores: a round
# with 0.6 or more is shown, but does not count.
set -u

cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=../lib/common.sh
. tests/lib/common.sh
# shellcheck source=../lib/net.sh
. tests/lib/net.sh
# shellcheck source=../lib/server.sh
. tests/lib/server.sh
# shellcheck source=lib.sh
. tests/bench/lib.sh
# shellcheck source=peers.sh
. tests/bench/peers.sh

if [ "${1:-}" = --quick ]; then
	ROUNDS=1 SECONDS_EACH=1 PARTS_RUN=peak
	shift
fi
ROUNDS=${ROUNDS:-5}
SECONDS_EACH=${SECONDS_EACH:-4}
PARTS_RUN=${PARTS_RUN:-peak steady single perfdhcp size full}
SERVERS=${*:-sallyport kea kea-mt isc dnsmasq}
RESULTS=$OUT/dhcp.txt
LOAD=$TESTBIN/dhcpload

# The processes of the server, and what they have used so far, in ticks.
server_pids()
{
	echo "$PEER_PID"
	pgrep -P "$PEER_PID"
}

server_ticks()
{
	local pid sum=0 t

	for pid in $(server_pids); do
		t=$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | awk '{ print $12 + $13 }')
		sum=$((sum + ${t:-0}))
	done
	echo $sum
}

# Proportional set size of all processes, in KiB: what they share counts once.
server_memory()
{
	local pid

	for pid in $(server_pids); do
		cat "/proc/$pid/smaps_rollup" 2>/dev/null
	done | awk '/^Pss:/ { s += $2 } END { print s }'
}

# measure PART SERVER ROUND LOAD-OPTIONS...: one line to the results.
measure()
{
	local part=$1 server=$2 round=$3 before busy start load line

	shift 3
	before=$(server_ticks) busy=$(busy_ticks) start=$(stamp)
	load=$({ TIMEFORMAT='%3U %3S'; time in_ns rly "$LOAD" -s $SERVER_IP -g $RELAY "$@" \
		>"$RUN/load.out" 2>"$RUN/load.err"; } 2>&1)
	line=$(cat "$RUN/load.out")
	[ -n "$line" ] || line="done=0 error=$(tr ' \n' '__' <"$RUN/load.err")"
	awk -v line="$line" -v cpu=$(($(server_ticks) - before)) \
		-v busy=$(($(busy_ticks) - busy)) -v us=$(($(stamp) - start)) \
		-v load="$load" -v hz="$TICKS" -v head="part=$part server=$server round=$round" \
		-v memory="$(server_memory)" 'BEGIN {
		split(load, l, " "); cpu = cpu / hz; busy = busy / hz
		match(line, /done=[0-9]+/); n = substr(line, RSTART + 5, RLENGTH - 5)
		other = (busy - cpu - l[1] - l[2]) / (us / 1e6)
		printf "%s %s cpu=%.2f per10k=%.3f load_cpu=%.2f other=%.2f memory=%d\n", head,
			line, cpu, (n + 0 ? cpu * 1e4 / n : 0), l[1] + l[2],
			(other < 0 ? 0 : other), memory }' | tee -a "$RESULTS"
}

# fresh SERVER POOL: a server with no leases. POOL: 1k, 65k or 1M.
fresh()
{
	peer_stop
	peer_start "$1" "$2" || die "$1 does not start: $(tail -n 3 "$RUN/peer.log")"
}

fill()
{
	in_ns rly "$LOAD" -s $SERVER_IP -g $RELAY -w 256 -n "$1" >/dev/null
}

run_peak()
{
	fresh "$1" 65k
	measure peak "$1" "$2" -p -w 64 -t "$SECONDS_EACH" -n 64000
}

run_steady()
{
	fresh "$1" 65k
	measure steady "$1" "$2" -p -r 1000 -t "$SECONDS_EACH" -n 64000
	measure single "$1" "$2" -p -w 1 -t "$SECONDS_EACH" -n 64000 -o 100000
}

# The highest of some rates that perfdhcp sees answered with less than 1 % lost.
run_perfdhcp()
{
	local rate best=0 lost

	fresh "$1" 65k
	for rate in 200 500 1000 2000 3000 4000 6000 8000 11000 14000; do
		lost=$(peer_perfdhcp $rate)
		awk -v l="${lost:-100}" 'BEGIN { exit !(l < 1) }' || break
		best=$rate
	done
	echo "part=perfdhcp server=$1 round=$2 rate=$best next=$rate lost_there=${lost:-all}" |
		tee -a "$RESULTS"
}

# With so many leases given: memory, and the rate of their renewal.
run_size()
{
	local n

	for n in 1000 65000 1000000; do
		[ "$n" = 1000000 ] && [ "$1" != sallyport ] && [ -z "${FULL:-}" ] && continue
		fresh "$1" 1M
		fill $n
		measure "size-$n" "$1" "$2" -w 64 -t "$SECONDS_EACH" -n $n
	done
}

# Each address is given back at once, so that the pool stays as full as it is.
run_full()
{
	fresh "$1" 65k
	fill 6400
	measure free-90 "$1" "$2" -R -w 64 -t "$SECONDS_EACH" -o 1000000
	fresh "$1" 65k
	fill 64300
	measure free-1 "$1" "$2" -R -w 64 -t "$SECONDS_EACH" -o 1000000
}

each()
{
	local round server

	for ((round = 1; round <= ROUNDS; round++)); do
		for server in $SERVERS; do
			"$1" "$server" "$round"
		done
	done
}

tests/packages.sh bench || exit 1
run_begin bench-dhcp
mkdir -p "$OUT"
: >"$RESULTS"
bench_net
at_end peer_stop
part peak && each run_peak
part steady && each run_steady
SERVERS=sallyport
ROUNDS_BEFORE=$ROUNDS
part full && ROUNDS=3 each run_full
ROUNDS=1
part size && each run_size
SERVERS=${*:-sallyport kea kea-mt isc dnsmasq}
part perfdhcp && each run_perfdhcp
ROUNDS=$ROUNDS_BEFORE
tests/bench/table.sh "$RESULTS" | tee "$OUT/dhcp.md"
