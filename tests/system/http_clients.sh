#!/bin/bash
# curl, and requests written by hand, against the whole server. A file is only for an
# address with a boot session, so the machine asks for a lease as firmware does, first.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$ROOT/tests/lib/clients.sh"

BASE=http://$SERVER_IP/sample

# fetch NAME ARGUMENTS...: curl; the body in $RUN/out, the head in HEAD, the status in CODE.
fetch()
{
	local ns=$1

	shift
	rm -f "$RUN/out" "$RUN/head"
	CODE=$(in_ns "$ns" curl -s -m 30 -o "$RUN/out" -D "$RUN/head" -w '%{http_code}' "$@")
	HEAD=$(tr -d '\r' <"$RUN/head" 2>/dev/null)
}

header()
{
	sed -n "s/^$1: //Ip" <<<"$HEAD" | head -n 1
}

# raw TEXT [SECONDS]: sends exactly this, prints what comes back until the server closes.
# The words are printf's format.
raw()
{
	# shellcheck disable=SC2016
	in_ns a timeout "${2:-5}" bash -c 'exec 3<>/dev/tcp/$0/80 && printf "$1" >&3 && cat <&3' \
		"$SERVER_IP" "$1" 2>/dev/null | tr -d '\r\0'
}

# status LABEL WANTED TEXT: the status of a request written by hand.
status()
{
	local got

	got=$(raw "$3" | sed -n '1s/^HTTP\/1\.1 \([0-9]*\) .*/\1/p')
	matches "$1: $2" "^($2)\$" "$got"
}

whole()
{
	fetch a "$BASE/linux"
	same "GET" 200 "$CODE"
	check "GET: every byte" cmp "$RUN/out" "$S/stage/sample/linux"
	same "GET: Content-Length" 3000000 "$(header Content-Length)"
	ETAG=$(header ETag)
	matches "GET: strong ETag" '^"[^"]+"$' "$ETAG"
	matches "GET: Last-Modified" 'GMT$' "$(header Last-Modified)"
	same "GET: ranges are announced" bytes "$(header Accept-Ranges)"
	fetch a -I "$BASE/loader.efi"
	same "HEAD" 200 "$CODE"
	same "HEAD: Content-Length" 70001 "$(header Content-Length)"
	same "HEAD: EFI content" application/efi "$(header Content-Type)"
	fetch a "http://$SERVER_IP//sample//sub/hello.txt" --path-as-is
	same "double slashes" 200 "$CODE"
	fetch a "$BASE/sub/h%65llo.txt"
	same "percent-encoding" 200 "$CODE"
	fetch a "$BASE/empty"
	same "an empty file" "200 0" "$CODE $(header Content-Length)"
	fetch a "$BASE/loader.bin" -H 'Range:' -A 'UefiHttpBoot/1.0'
	check "the loader" cmp "$RUN/out" "$S/stage/sample/loader.bin"
}

# part LABEL RANGE OFFSET LENGTH
part()
{
	fetch a -H "Range: bytes=$2" "$BASE/linux"
	same "range $1" "206 $4" "$CODE $(header Content-Length)"
	same "range $1: place" "bytes $3-$(($3 + $4 - 1))/3000000" "$(header Content-Range)"
	check "range $1: bytes" cmp "$RUN/out" \
		<(tail -c +$(($3 + 1)) "$S/stage/sample/linux" | head -c "$4")
}

ranges()
{
	part "in the middle" 1000-1999 1000 1000
	part "to the end" 2999000- 2999000 1000
	part "of the last bytes" -500 2999500 500
	part "past the end" 2999990-4000000 2999990 10
	fetch a -H 'Range: bytes=3000000-' "$BASE/linux"
	same "range outside" 416 "$CODE"
	same "range outside: size" 'bytes */3000000' "$(header Content-Range)"
	fetch a -H 'Range: bytes=0-9' -H "If-Range: $ETAG" "$BASE/linux"
	same "If-Range that holds" 206 "$CODE"
	fetch a -H 'Range: bytes=0-9' -H 'If-Range: "other"' "$BASE/linux"
	same "If-Range that does not" 200 "$CODE"
}

conditions()
{
	fetch a -H "If-None-Match: $ETAG" "$BASE/linux"
	same "If-None-Match" 304 "$CODE"
	fetch a -H "If-Match: $ETAG" -H 'Range: bytes=5-9' "$BASE/linux"
	same "If-Match that holds" 206 "$CODE"
	fetch a -H 'If-Match: "00000000000000000000000000000000"' "$BASE/linux"
	same "If-Match that does not" 412 "$CODE"
}

# Several requests on one connection; two requests in one segment.
kept()
{
	local count

	count=$(in_ns a curl -s -m 30 -o /dev/null -o /dev/null -o /dev/null \
		-w '%{num_connects}\n' "$BASE/loader.bin" "$BASE/exact.bin" "$BASE/linux" |
		awk '{ n += $1 } END { print n }')
	same "three requests, one connection" 1 "$count"
	count=$(raw "GET /sample/sub/hello.txt HTTP/1.1\r\nHost: x\r\n\r\nGET /sample/sub/hello.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" |
		grep -c '^hello')
	same "two requests in one segment" 2 "$count"
	count=$(raw "HEAD /sample/linux HTTP/1.1\r\nHost: x\r\n\r\nGET /sample/sub/hello.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" |
		grep -c '^HTTP/1.1 200')
	same "HEAD, then GET" 2 "$count"
}

# relay FILE: sends its bytes while it reads, prints the answers.
relay()
{
	# shellcheck disable=SC2016
	in_ns a timeout 60 bash -c 'exec 3<>/dev/tcp/$0/80; cat "$1" >&3 & cat <&3; wait' \
		"$SERVER_IP" "$1" 2>/dev/null | tr -d '\r\0'
}

# Ten thousand requests ahead of their answers; one whose bytes come one by one.
pipelined()
{
	local request="GET /sample/sub/hello.txt HTTP/1.1\r\nHost: x\r\n" i bytes=

	# shellcheck disable=SC2059
	for ((i = 1; i < 10000; i++)); do
		printf "$request\r\n"
	done >"$RUN/requests"
	# shellcheck disable=SC2059
	printf "${request}Connection: close\r\n\r\n" >>"$RUN/requests"
	relay "$RUN/requests" >"$RUN/answers"
	same "ten thousand requests at once: answers" 10000 \
		"$(grep -c '^HTTP/1.1 200 OK' "$RUN/answers")"
	same "ten thousand requests at once: files" 10000 "$(grep -c '^hello' "$RUN/answers")"
	# shellcheck disable=SC2016
	bytes=$(in_ns a timeout 20 bash -c 'exec 3<>/dev/tcp/$0/80
		while IFS= read -r -n 1 -d "" c; do printf %s "$c" >&3; done <"$1"; cat <&3' \
		"$SERVER_IP" <(tail -n 4 "$RUN/requests") 2>/dev/null | grep -c '^hello')
	same "a request byte by byte" 1 "$bytes"
}

# What firmware and boot loaders send, byte for byte, and what they need of the answer.
firmware()
{
	local edk2="Host: $SERVER_IP\r\nAccept: */*\r\nUser-Agent: UefiHttpBoot/1.0\r\n"
	local said tag

	said=$(raw "HEAD /sample/loader.efi HTTP/1.1\r\n$edk2\r\nGET /sample/loader.efi HTTP/1.1\r\n$edk2\r\n" 10)
	same "EDK2: HEAD, then GET on the same connection" 2 \
		"$(grep -ac '^HTTP/1.1 200 OK$' <<<"$said")"
	same "EDK2: a length each time" 2 "$(grep -ac '^Content-Length: 70001$' <<<"$said")"
	same "EDK2: a type that it boots" 2 \
		"$(grep -ac '^Content-Type: application/efi$' <<<"$said")"
	same "EDK2: no early end" 2 "$(grep -ac '^Connection: keep-alive$' <<<"$said")"
	tag=$(sed -n 's/^ETag: //p' <<<"$said" | head -n 1)
	said=$(raw "GET /sample/loader.efi HTTP/1.1\r\n${edk2}If-Match: $tag\r\nRange: bytes=4096-70000\r\n\r\n" 10)
	matches "EDK2: goes on where it was cut" '^Content-Range: bytes 4096-70000/70001$' "$said"
	said=$(raw "GET //sample//loader.efi HTTP/1.1\r\n$edk2\r\n" 10)
	matches "EDK2: two slashes are no redirection" '^HTTP/1.1 200 OK$' "$said"
	said=$(raw "GET /sample/linux HTTP/1.1\r\nHost: $SERVER_IP\r\nUser-Agent: GRUB 2.06\r\nRange: bytes=2999990-\r\n\r\n" 10)
	matches "GRUB: the end of a file" '^Content-Length: 10$' "$said"
	said=$(raw "GET /sample/sub/hello.txt HTTP/1.1\r\nConnection: keep-alive\r\nUser-Agent: iPXE/1.21.1\r\nHost: $SERVER_IP:80\r\n\r\n" 10)
	matches "iPXE: the connection stays" '^Connection: keep-alive$' "$said"
	said=$(raw "GET /sample/sub/hello.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" 10)
	matches "HTTP/1.0 that asks for it: it stays" '^Connection: keep-alive$' "$said"
	said=$(raw "GET /sample/sub/hello.txt HTTP/1.0\r\n\r\n" 10)
	matches "HTTP/1.0 that does not: it ends" '^Connection: close$' "$said"
}

downloaders()
{
	local box=$PARTS/busybox-static/bin/busybox

	command -v wget >/dev/null || {
		skip "wget" "IT IS NOT INSTALLED"
		return
	}
	in_ns a timeout 20 wget -q -O "$RUN/out" "$BASE/linux"
	check "wget: every byte" cmp "$RUN/out" "$S/stage/sample/linux"
	head -c 1000000 "$S/stage/sample/linux" >"$RUN/part"
	in_ns a timeout 20 wget -q -c -O "$RUN/part" "$BASE/linux"
	check "wget: goes on with a part" cmp "$RUN/part" "$S/stage/sample/linux"
	[ -x "$box" ] || return
	in_ns a timeout 20 "$box" wget -q -O "$RUN/out" "$BASE/linux"
	check "busybox wget: every byte" cmp "$RUN/out" "$S/stage/sample/linux"
	head -c 1000000 "$S/stage/sample/linux" >"$RUN/part"
	in_ns a timeout 20 "$box" wget -q -c -O "$RUN/part" "$BASE/linux"
	check "busybox wget: goes on with a part" cmp "$RUN/part" "$S/stage/sample/linux"
}

# Several ranges are answered with the whole file, and a date does for If-Range too.
more_ranges()
{
	fetch a -H 'Range: bytes=0-9,20-29' "$BASE/linux"
	same "several ranges: the whole" "200 3000000" "$CODE $(header Content-Length)"
	fetch a -H 'Range: bytes=0-18446744073709551615' "$BASE/linux"
	same "a range beyond all numbers: up to the end" "206 3000000" \
		"$CODE $(header Content-Length)"
	fetch a -I "$BASE/linux"
	DATE=$(header Last-Modified)
	fetch a -H 'Range: bytes=0-9' -H "If-Range: $DATE" "$BASE/linux"
	same "If-Range: its date" 206 "$CODE"
	fetch a -H 'Range: bytes=0-9' -H "If-Range: Mon, 01 Jan 2001 00:00:00 GMT" "$BASE/linux"
	same "If-Range: another date" 200 "$CODE"
	fetch a -H "If-Modified-Since: $DATE" "$BASE/linux"
	same "If-Modified-Since" 304 "$CODE"
	fetch a -H "If-Unmodified-Since: Mon, 01 Jan 2001 00:00:00 GMT" "$BASE/linux"
	same "If-Unmodified-Since that does not hold" 412 "$CODE"
	fetch a -H "If-Modified-Since: $DATE" -H 'If-None-Match: "other"' "$BASE/linux"
	same "If-None-Match goes before If-Modified-Since" 200 "$CODE"
	fetch a -H "If-Unmodified-Since: Mon, 01 Jan 2001 00:00:00 GMT" -H "If-Match: $ETAG" \
		"$BASE/linux"
	same "If-Match goes before If-Unmodified-Since" 200 "$CODE"
}

refused()
{
	local long

	long=$(head -c 9000 /dev/zero | tr '\0' a)
	fetch a "$BASE/nothing"
	same "a missing file" 404 "$CODE"
	fetch a "$BASE/manifest.minisig"
	same "a file that is not listed" 404 "$CODE"
	fetch a "http://$SERVER_IP/"
	same "the root" 404 "$CODE"
	status "a name that climbs" '400|404' "GET /sample/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n"
	status "POST" '405|501' "POST /sample/linux HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
	status "an unknown method" '405|501' "BREW /sample/linux HTTP/1.1\r\nHost: x\r\n\r\n"
	status "no Host" 400 "GET /sample/linux HTTP/1.1\r\n\r\n"
	status "two Hosts" 400 "GET /sample/linux HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"
	status "HTTP/2.0 in plain text" 505 "GET /sample/linux HTTP/2.0\r\nHost: x\r\n\r\n"
	status "no protocol" 400 "GET /sample/linux\r\n\r\n"
	status "garbage" 400 "\\001\\002\\003\r\n\r\n"
	status "a space before the colon" 400 "GET /sample/linux HTTP/1.1\r\nHost : x\r\n\r\n"
	status "a folded header" 400 "GET /sample/linux HTTP/1.1\r\nHost: x\r\n y\r\n\r\n"
	status "a body" '400|413|501' "GET /sample/linux HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
	status "chunks" '400|501' "GET /sample/linux HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
	status "a head that is too long" '431|414' "GET /sample/linux HTTP/1.1\r\nHost: x\r\nX: $long\r\n\r\n"
	status "a target that is too long" '414|431|400|404' "GET /$(head -c 3000 /dev/zero | tr '\0' a) HTTP/1.1\r\nHost: x\r\n\r\n"
	in_ns b ip addr add 10.77.0.60/24 dev eth0
	fetch b "$BASE/linux"
	same "an address without a session" 404 "$CODE"
}

# took SECONDS COMMAND...: how long, in tenths, and its output in SAID.
took()
{
	local start=${EPOCHREALTIME/./}

	SAID=$("$@")
	TENTHS=$(((${EPOCHREALTIME/./} - start) / 100000))
}

between()
{
	if [ "$2" -ge "$3" ] && [ "$2" -le "$4" ]; then
		ok "$1 ($2 tenths of a second)"
	else
		not_ok "$1" "after $2 tenths of a second, wanted $3 to $4"
	fi
}

# The configuration says 2 s for a head, 3 s idle, 100 KB/s over 2 s, 8 connections.
limits()
{
	local i pids=() refused

	took raw "GET /sample/linux HTTP/1.1\r\nHos" 20
	between "an unfinished head ends" "$TENTHS" 15 60
	took raw "GET /sample/sub/hello.txt HTTP/1.1\r\nHost: x\r\n\r\n" 20
	matches "and is answered before" '^hello' "$SAID"
	between "an idle connection ends" "$TENTHS" 25 70
	took in_ns a curl -s -m 40 --limit-rate 4k -o "$RUN/out" -w '%{http_code} %{size_download}' \
		"$BASE/linux"
	less "a slow reader is cut off" "$(stat -c %s "$RUN/out")" 3000000
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		raw "GET /sample/sub/hello.txt HTTP/1.1\r\nHost: x\r\n\r\n" 6 >"$RUN/conn.$i" &
		pids+=($!)
	done
	wait "${pids[@]}"
	refused=$(find "$RUN" -name 'conn.*' -size 0 | wc -l)
	same "connections over the limit of an address" 4 "$refused"
}

need_root
run_begin http
net_begin
net_client a 52:54:00:77:01:01
net_client b 52:54:00:77:01:02
server_prepare
sample_image 3000000
server_trust
server_config_usual sample
sed -i 's/^http { port 80; }$/http { port 80; head-timeout 2s; idle-timeout 3s; min-rate 100K; rate-window 2s; connections-per-address 8; }/' \
	"$S/sallyport.conf"
# The limit of an address is counted by each worker.
sed -i "s|^server { |&workers 1; |" "$S/sallyport.conf"
server_start
wait_line 60 "$SERVER_LOG" "event=image-active .*sample" || die "the image is not served"
pxe_session a -a 16
whole
ranges
conditions
more_ranges
kept
pipelined
firmware
downloaders
refused
limits
logged "log of an answer" 'event=http-sent .*bytes=3000000'
