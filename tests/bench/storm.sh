#!/bin/bash
# Machines that are switched on at once: a lease, a loader by TFTP, a kernel by HTTP, from
# Sallyport, and from dnsmasq (DHCP, TFTP) with nginx (HTTP), in turn.
#
#	tests/bench/storm.sh           1,000 and 10,000 machines
#	tests/bench/storm.sh --quick   a few machines: does the benchmark work?
#	ROUNDS=3 MACHINES="1000" tests/bench/storm.sh
#
# LOADER and KERNEL are the sizes in bytes (1 MB, 10 MB). dnsmasq and nginx are asked by
# PEER_MOST machines at most (1000): more take very long. RAMP: milliseconds over which the
# machines are switched on (0).
# Beside it a slow steady DHCP client, 50 exchanges a second, measures how long an exchange
# takes while files are sent, and before the storm. It does not look at the first FIRST
# seconds (2), in which all machines ask for leases at once: what these wait is shown
# beside it. The results are in build/bench/storm.txt, one line a
# run. "other" is what else the machine did meanwhile, in cores: a round with 0.6 or more
# is shown, but does not count.
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

QUICK=
if [ "${1:-}" = --quick ]; then
	QUICK=yes ROUNDS=1 MACHINES=50 KERNEL=1000000 IDLE=1 FIRST=0
fi
ROUNDS=${ROUNDS:-3}
MACHINES=${MACHINES:-1000 10000}
LOADER=${LOADER:-1000000}
KERNEL=${KERNEL:-10000000}
PEER_MOST=${PEER_MOST:-1000}
IDLE=${IDLE:-8}
FIRST=${FIRST:-2}
LIMIT=${LIMIT:-600}
RAMP=${RAMP:-0}
RESULTS=$OUT/storm.txt
PROBE_RELAY=10.96.0.2

field()
{
	sed -n "s/^\(.* \)\{0,1\}$1=\([^ ]*\).*/\2/p" | head -n 1
}

# The probe has a process of its own, which the storm's clients do not delay.
probe()
{
	ip netns exec "$NET-rly" nice -n -15 "$TESTBIN/dhcpload" -s "$1" -g $PROBE_RELAY -p -r 50 \
		-o "$2" -t "$3"
}

# storm SERVER ROUND COUNT
storm()
{
	local dhcp http groups first=$(($2 * 100000)) idle pid

	if [ "$1" = sallyport ]; then
		groups=sallyport dhcp=$(address_of sallyport)
		http=$dhcp
	else
		groups="dnsmasq-boot nginx" dhcp=$(address_of dnsmasq-boot)
		http=$(address_of nginx)
	fi
	idle=$(probe "$dhcp" $((500000000 + first)) "$IDLE" | field dora_p99)
	ip netns exec "$NET-rly" nice -n -15 "$TESTBIN/dhcpload" -s "$dhcp" -g $PROBE_RELAY -p \
		-r 50 -o $((600000000 + first)) -S "$FIRST" -t "$LIMIT" >"$RUN/probe.out" &
	pid=$!
	measured "case=$3 server=$1 round=$2" "$groups" "$TESTBIN/stormload" -s "$dhcp" \
		-h "$http" -g "$RELAY" -n "$3" -o "$first" -r "$RAMP" -t "$LIMIT" \
		-l "$S/stage/bench/boot.efi" -k "$S/stage/bench/kernel" bench/boot.efi \
		/bench/kernel >"$RUN/storm.out"
	kill -TERM $pid
	wait $pid
	echo "$(cat "$RUN/storm.out") probe_idle=$idle probe_p99=$(field dora_p99 <"$RUN/probe.out")" \
		"probe_done=$(field "done" <"$RUN/probe.out") probe_lost=$(field lost <"$RUN/probe.out")" |
		tee -a "$RESULTS"
}

tests/packages.sh bench || exit 1
need_root
run_begin bench-storm
# shellcheck source=file_peers.sh
. tests/bench/file_peers.sh
mkdir -p "$OUT"
: >"$RESULTS"
peers_net
peers_files kernel="$KERNEL"
peer_start nginx
for count in $MACHINES; do
	for ((round = 1; round <= ROUNDS; round++)); do
		for server in sallyport dnsmasq-boot; do
			[ $server = sallyport ] || [ "$count" -le "$PEER_MOST" ] || continue
			peer_start $server
			storm $server "$round" "$count"
			peer_stop $server
		done
	done
done
tests/bench/table.sh "$RESULTS" storm | tee "$OUT/storm.md"
[ -z "$QUICK" ] || ! grep -q ' error=\| failed=[1-9]\| wrong=[1-9]' "$RESULTS" ||
	die "a storm does not work"
