#!/bin/bash
# Several pairs of file-sender and http-parser on one listening socket: when one of them is
# killed, its connections are lost, but nobody new waits: the other pair takes them.
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

KNOCK=$TESTBIN/httpknock

# knock SECONDS: a new connection every two milliseconds; what became of them in KNOCKED.
knock()
{
	KNOCKED=$(in_ns a "$KNOCK" "$SERVER_IP" 80 /sample/sub/hello.txt 2 "${1}000")
}

# The time of those that were answered, in milliseconds.
worst()
{
	value worst_ms <<<"$KNOCKED"
}

quiet()
{
	knock 3
	same "without any death: none is lost" "0 0" \
		"$(value lost <<<"$KNOCKED") $(value silent <<<"$KNOCKED")"
	# What this machine is capable of, with whatever else it is doing.
	CALM=$(worst)
	echo "# $KNOCKED"
}

# Each process of this role in turn, half a second apart.
kill_in_turn()
{
	local pid i

	for i in 0 1; do
		sleep 0.6
		pid=$(child_pid "$1" "$i") || continue
		kill -KILL "$pid"
		wait_for 15 is_replaced "$1" "$i" "$pid"
	done
}

# killed ROLE LIMIT_MS: new connections all the while. A busy machine may make anybody wait;
# what a death does it does each time, so the best of three rounds counts.
killed()
{
	local round killer best=999999

	for round in 1 2 3; do
		kill_in_turn "$1" &
		killer=$!
		knock 4
		wait $killer
		echo "# $1 killed twice: $KNOCKED"
		same "$1 killed: everybody hears something ($round)" 0 \
			"$(value silent <<<"$KNOCKED")"
		less "$1 killed: few are lost with it ($round)" "$(value lost <<<"$KNOCKED")" 200
		[ "$(worst)" -ge "$best" ] || best=$(worst)
		[ "$best" -ge "$2" ] || break
	done
	less "$1 killed: how long a new connection waits, ms" "$best" "$2"
	# With nobody behind them who would wake up a process that has slept through.
	in_ns a "$KNOCK" "$SERVER_IP" 80 /sample/sub/hello.txt 1 50 >"$RUN/last"
	same "$1 killed: afterwards all is well" "0 0" \
		"$(value lost <"$RUN/last") $(value silent <"$RUN/last")"
}

need_root
run_begin pairs
net_begin
net_client a 52:54:00:77:01:01
server_prepare
sample_image 3000000
server_trust
server_config_usual sample
sed -i 's/^server { /server { workers 2; /' "$S/sallyport.conf"
sed -i 's/^http { port 80; }$/http { port 80; connections-per-address 4000; }/' "$S/sallyport.conf"
server_start
wait_line 20 "$SERVER_LOG" 'event=image-active .*sample' || die "the image is not served"
pxe_session a -a 16
quiet
# A file-sender takes its http-parser with it.
killed file-sender $((100 + 2 * CALM))
# Those that had been accepted already wait for the next one.
killed http-parser $((2000 + 2 * CALM))
