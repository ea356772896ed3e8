#!/bin/bash
# Crowds: ten thousand idle connections, more than there is room for, heads that never end,
# and clients that read nothing. Who has a real request is served all the while, and memory
# does not grow with them.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$ROOT/tests/lib/clients.sh"

SMALL=/sample/sub/hello.txt
LARGE=/sample/linux

# resident: KiB in memory of those that serve files.
resident()
{
	local role

	for role in file-sender http-parser broker; do
		sed -n 's/^Rss:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(server_pid $role)/smaps_rollup"
	done | awk '{ n += $1 } END { print n }'
}

# crowd NUMBER KIND SECONDS PATH: begins one; its lines go to $RUN/crowd.
crowd()
{
	rm -f "$RUN/crowd"
	ip netns exec "$NET-b" "$TESTBIN/httpcrowd" "$SERVER_IP" 80 "$4" "$1" "$2" "$3" \
		>"$RUN/crowd" 2>&1 &
	CROWD=$!
	wait_for 70 grep -q '^begun=' "$RUN/crowd"
}

crowd_ends()
{
	wait "$CROWD"
	ENDED=$(tail -n 1 "$RUN/crowd")
}

# served LABEL: a request of somebody else, without waiting for the crowd to go.
served()
{
	local got

	got=$(in_ns a curl -s -m 5 -o "$RUN/out" -w '%{http_code} %{time_total}' \
		"http://$SERVER_IP$SMALL")
	same "$1: a request is answered (${got#* } s)" 200 "${got% *}"
}

# As many as an address may have here: all.
idle()
{
	local before after

	before=$(resident)
	crowd 10000 idle 3 $SMALL
	same "10000 idle connections: all were answered" begun=10000 "$(head -n 1 "$RUN/crowd")"
	after=$(resident)
	less "10000 idle connections: bytes of each" $(((after - before) * 1024 / 10000)) 1024
	served "10000 idle connections"
	crowd_ends
	same "10000 idle connections: none is closed" 10000 "$(value open <<<"$ENDED")"
	crowd 17000 idle 2 $SMALL
	served "more connections than there is room for"
	crowd_ends
	less "more connections than there is room for: the idle make room" 500 \
		"$(value closed <<<"$ENDED")"
}

loris()
{
	crowd 5000 loris 40 $SMALL
	served "5000 heads that do not end"
	crowd_ends
	same "5000 heads that do not end: all are ended" 5000 "$(value closed <<<"$ENDED")"
	less "5000 heads that do not end: after seconds" \
		"$(value seconds <<<"$ENDED" | sed 's/\..*//')" 35
}

deaf()
{
	local before after

	before=$(resident)
	crowd 3000 deaf 60 $LARGE
	served "3000 clients that read nothing"
	after=$(resident)
	less "3000 clients that read nothing: bytes of each" \
		$(((after - before) * 1024 / 3000)) 4096
	crowd_ends
	same "3000 clients that read nothing: all are cut off" 3000 \
		"$(value closed <<<"$ENDED")"
	matches "3000 clients that read nothing: the log says why" \
		'event=http-cut .*reason=too-slow' "$(cat "$SERVER_LOG")"
}

need_root
if [ "$(ulimit -Hn)" -lt 18000 ]; then
	skip "crowds" "A PROCESS MAY HAVE ONLY $(ulimit -Hn) DESCRIPTORS HERE"
	exit 0
fi
run_begin crowds
net_begin
net_client a 52:54:00:77:01:01
net_client b 52:54:00:77:01:02
server_prepare
sample_image 3000000
server_trust
server_config_usual sample
# One worker, so that it is known who has the connections.
sed -i 's/^server { /&workers 1; /; s/^http { port 80; }$/http { port 80; head-timeout 8s; idle-timeout 60s; min-rate 100K; rate-window 4s; connections-per-address 30000; }/' \
	"$S/sallyport.conf"
server_start
wait_line 20 "$SERVER_LOG" 'event=image-active .*sample' || die "the image is not served"
pxe_session a -a 16
pxe_session b -a 16
idle
loris
deaf
same "nobody has died" "" "$(events died)"
