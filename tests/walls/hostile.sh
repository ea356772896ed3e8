#!/bin/bash
# In the place of each ear a stand-in that an attacker owns, in the real cage, doing its
# worst. Clients of the other protocols meanwhile fail not once, and wait hardly longer;
# the broker lives on, holds no more than before, and the log stays true.
#
#	tests/walls/hostile.sh [EAR [MODE...]]
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

MODES="silent malformed foreign turn flood fds accuse notices log"
PROBES=300
FLOOR_US=5000 # differences below this are the machine's
REAL=$BIN
PROBE=$ROOT/build/release/testbin/probe
STANDINS=$ROOT/build/release/standin

others_of()
{
	case $1 in
	dhcp-parser) echo "http tftp" ;;
	tftp-parser) echo "http dhcp" ;;
	http-parser) echo "tftp dhcp" ;;
	link-parser) echo "http tftp dhcp" ;;
	esac
}

own_of()
{
	echo "${1%-parser}"
}

# use EAR MODE: the executables of the next start. Each in a folder of its own, for one
# that runs cannot be written over.
use()
{
	BIN=$(mktemp -d "$RUN/bin.XXXX")
	chmod 755 "$BIN"
	ln -s "$REAL"/* "$BIN/"
	if [ "$1" != none ]; then
		rm "$BIN/$1"
		cp "$STANDINS/$1" "$BIN/$1"
		echo "$2" >"$BIN/mode"
	fi
}

# Each start finds the leases of the two clients and nothing that an earlier stand-in left.
begin()
{
	if [ -d "$RUN/leases" ]; then
		rm -rf "$S/state/broker"
		cp -a "$RUN/leases" "$S/state/broker"
	fi
	: >"$SERVER_LOG"
	server_start
	wait_line 60 "$SERVER_LOG" 'event=image-active .*sample' || die "the image is not served"
}

probe()
{
	case $1 in
	dhcp) in_ns b "$PROBE" dhcp $SERVER_IP $PROBES 5 ;;
	*) in_ns a "$PROBE" "$1" $SERVER_IP $PROBES 5 sample/exact.bin 2048 ;;
	esac
}

# probe_all PROTOCOLS: at the same time; what each says in $RUN/probe.PROTOCOL.
probe_all()
{
	local protocol pids=()

	for protocol in $1; do
		probe "$protocol" >"$RUN/probe.$protocol" 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}"
}

memory()
{
	status_of "$1" VmData | tr -dc 0-9
}

count_descriptors()
{
	find "/proc/$1/fd" -mindepth 1 | wc -l
}

# Everybody but the stand-in (and its file-sender, whose end ends an http-parser).
others_alive()
{
	local child

	for child in $CHILDREN; do
		[ "${child%:*}" = "$1" ] || echo "$child $(child_pid "${child%:*}" "${child#*:}")"
	done
}

# too_slow PROTOCOL: the 99th percentile is more than twice that of the quiet time.
too_slow()
{
	local base p99

	base=$(value p99_us <"$RUN/base.$1")
	p99=$(value p99_us <"$RUN/probe.$1")
	[ "${p99:-999999999}" -gt $((2 * ${base:-0} > FLOOR_US ? 2 * ${base:-0} : FLOOR_US)) ]
}

judge_client()
{
	local label=$1 protocol=$2 said base

	said=$(cat "$RUN/probe.$protocol")
	base=$(cat "$RUN/base.$protocol")
	echo "# $label: $protocol before: $base"
	echo "# $label: $protocol during: $said"
	same "$label: $protocol clients that fail" "$PROBES 0" \
		"$(value n <<<"$said") $(value failed <<<"$said")"
	if too_slow "$protocol"; then
		not_ok "$label: $protocol p99" \
			"$(value p99_us <<<"$said") us, and $(value p99_us <<<"$base") us before"
	else
		ok "$label: $protocol p99 ($(value p99_us <<<"$said") us, and $(value p99_us <<<"$base") us before)"
	fi
}

# The log after it: nothing but text, and every line of the stand-in with its own name.
judge_log()
{
	local label=$1 ear=$2

	same "$label: log lines with other bytes" 0 \
		"$(LC_ALL=C grep -ac '[^ -~]' "$SERVER_LOG")"
	same "$label: log lines of unknown form" "" \
		"$(grep -Eav '^20[0-9T:-]+Z level=[a-z]+ role=[a-z-]+ index=[0-9]+ pid=[0-9]+ ' "$SERVER_LOG" | head -n 3)"
	same "$label: lines under another's name" "" \
		"$(grep -a STANDIN "$SERVER_LOG" | grep -Eav "^[^ ]* level=[a-z]+ role=$ear index=[01] pid=[0-9]+ " | head -n 3)"
}

# What the server must have noticed.
judge_mode()
{
	local label=$1 ear=$2 mode=$3 log

	log=$(cat "$SERVER_LOG")
	case $mode in
	malformed | foreign)
		matches "$label: noticed" "role=sallyportd .*event=fault of=$ear .*by=broker" "$log"
		;;
	accuse) matches "$label: noticed" "event=(false-accusation|fault)" "$log" ;;
	notices) matches "$label: noticed" "event=(bad-notice|false-accusation|died of=$ear)" "$log" ;;
	log)
		matches "$label: its lines arrive" "role=$ear .*STANDIN" "$log"
		matches "$label: and are counted when too many" "role=$ear .*event=log-flood suppressed=" "$log"
		less "$label: they do not fill the disk: lines" "$(grep -ac STANDIN "$SERVER_LOG")" 60000
		;;
	turn)
		[ "$ear" != http-parser ] ||
			matches "$label: noticed" "http-unasked|peer-fault|fault of|http-sent" "$log"
		;;
	esac
}

# measure EAR: the clients in the quiet time, then in the hostile one.
measure()
{
	local protocol

	probe_all "$(others_of "$1")"
	for protocol in $(others_of "$1"); do
		mv "$RUN/probe.$protocol" "$RUN/base.$protocol"
	done
	wait_line 15 "$SERVER_LOG" "role=$1 .*event=standin-begins" ||
		die "the stand-in does not begin"
	[ "$1" != http-parser ] || ask_in_vain
	probe_all "$(others_of "$1")"
}

# Requests that only the stand-in hears.
ask_in_vain()
{
	in_ns b sh -c "for i in 1 2 3 4 5 6 7 8; do
		timeout 2 curl -s -o /dev/null http://$SERVER_IP/sample/linux & done; wait" &
}

# against EAR MODE: up to eight tries for the times, for the machine may have other
# things to do and a flood that harms does so in each; after 18 minutes only one.
against()
{
	local ear=$1 mode=$2 label="$1 $2" broker before after fds data try slow scripts

	use "$ear" "$mode"
	for try in 1 2 3 4 5 6 7 8; do
		begin
		broker=$(child_pid broker)
		before=$(others_alive "$ear")
		fds=$(count_descriptors "$broker")
		data=$(memory "$broker")
		measure "$ear"
		slow=
		for protocol in $(others_of "$ear"); do
			! too_slow "$protocol" || slow=yes
		done
		if [ -z "$slow" ] || [ "$try" = 8 ] || [ "$SECONDS" -gt 1080 ]; then
			break
		fi
		server_stop
	done
	for protocol in $(others_of "$ear"); do
		judge_client "$label" "$protocol"
	done
	after=$(others_alive "$ear")
	same "$label: the others live" "" "$(diff <(echo "$before") <(echo "$after"))"
	case $label in
	"tftp-parser turn" | "tftp-parser flood") scripts=8 ;; # one for each that was asked for
	*) scripts=0 ;;
	esac
	less "$label: new descriptors of the broker" \
		$(($(count_descriptors "$broker") - fds)) $((scripts + 1))
	less "$label: the broker's memory grows, KiB" $(($(memory "$broker") - data)) 257
	server_stop
	judge_log "$label" "$ear"
	judge_mode "$label" "$ear" "$mode"
}

# The leases and sessions that all later clients have, and proof that they are served.
sessions()
{
	use none -
	begin
	pxe_session a -a 0
	pxe_session b -a 0
	probe_all "http tftp dhcp"
	for protocol in http tftp dhcp; do
		same "without a stand-in: $protocol" 0 "$(value failed <"$RUN/probe.$protocol")"
	done
	server_stop
	cp -a "$S/state/broker" "$RUN/leases"
}

need_root
run_begin hostile
net_begin
net_client a 52:54:00:77:04:01
net_client b 52:54:00:77:04:02
server_prepare
sample_image 3000000
server_trust
server_config_usual sample
sed -i 's/^server { /server { workers 2; /' "$S/sallyport.conf"
# One machine asks often here, and its times are compared.
echo 'dhcp { client-rate 0; conflict-probe off; }' >>"$S/sallyport.conf"
sessions
ears=${1:-$EARS}
[ $# -lt 1 ] || shift
[ $# -gt 0 ] || read -ra modes <<<"$MODES"
[ $# = 0 ] || modes=("$@")
for ear in $ears; do
	for mode in "${modes[@]}"; do
		against "$ear" "$mode"
	done
	skip "$ear: clients of its own protocol" "a stand-in serves nobody"
done
exit "$FAILED"
