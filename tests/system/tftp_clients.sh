#!/bin/bash
# Real TFTP clients against the whole server. A file is only for an address with a boot
# session, so the clients' machine asks for a lease as firmware does, first.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$ROOT/tests/lib/clients.sh"

# More blocks of 512 bytes than a block number counts.
LARGE=$((512 * 65536 + 70000))

# hpa NAME COMMANDS...: tftp-hpa, its words in SAID. Its status says nothing of errors.
hpa()
{
	local ns=$1

	shift
	rm -f "$RUN/out"
	SAID=$(in_ns "$ns" timeout 120 tftp -m binary "$SERVER_IP" -c "$@" 2>&1)
}

# atftp_get NAME REMOTE OPTIONS...
atftp_get()
{
	local ns=$1 remote=$2

	shift 2
	rm -f "$RUN/out"
	SAID=$(in_ns "$ns" timeout 60 atftp --get -r "$remote" -l "$RUN/out" "$@" \
		"$SERVER_IP" 2>&1)
}

# fetched LABEL FILE
fetched()
{
	check "$1" cmp "$RUN/out" "$S/stage/sample/$2"
}

plain()
{
	hpa a get "$BOOTFILE" "$RUN/out"
	fetched "tftp-hpa: the boot file of the ACK" loader.bin
	hpa a get "/$BOOTFILE" "$RUN/out"
	fetched "tftp-hpa: with a leading slash" loader.bin
	hpa a get sample//loader.bin "$RUN/out"
	fetched "tftp-hpa: with a double slash" loader.bin
	hpa a get 'sample\loader.bin' "$RUN/out"
	fetched "tftp-hpa: with a backslash" loader.bin
	hpa a get 'sample/%6Coader%2ebin' "$RUN/out"
	fetched "tftp-hpa: with percent codes" loader.bin
	hpa a get 'sample/loader.bin;mode=octet' "$RUN/out"
	fetched "tftp-hpa: with the mode of a URL" loader.bin
	hpa a get $'sample/loader.bin\xff' "$RUN/out"
	fetched "tftp-hpa: with what a ROM appends" loader.bin
	hpa a get 0badcafe/sub/hello.txt "$RUN/out"
	fetched "tftp-hpa: behind a serial number" sub/hello.txt
	hpa a get sample/exact.bin "$RUN/out"
	fetched "tftp-hpa: a whole number of blocks" exact.bin
	hpa a get sample/empty "$RUN/out"
	fetched "tftp-hpa: an empty file" empty
	hpa a get sample/sub/hello.txt "$RUN/out"
	fetched "tftp-hpa: in a folder" sub/hello.txt
	rm -f "$RUN/out"
	in_ns a timeout 60 tftp -m ascii "$SERVER_IP" -c get sample/sub/hello.txt "$RUN/out" \
		>/dev/null 2>&1
	fetched "tftp-hpa: netascii" sub/hello.txt
}

with_options()
{
	local size

	for size in 8 512 1024 1428 1468 8192 65464; do
		[ $size != 8 ] || continue
		atftp_get a sample/loader.bin --option "blksize $size"
		fetched "atftp: blksize $size" loader.bin
	done
	atftp_get a sample/loader.bin --option "tsize 0" --option "blksize 1432" \
		--option "timeout 3"
	fetched "atftp: tsize, blksize, timeout" loader.bin
	atftp_get a sample/loader.bin --option "tsize 0" --trace --verbose
	matches "tsize is the size" 'tsize.*70001' "$SAID"
	atftp_get a sample/loader.bin --option "blksize 65464" --trace --verbose
	matches "blksize is clamped to the MTU" 'blksize: 14[0-9][0-9]' "$SAID"
	atftp_get a sample/loader.bin --option "blksize 1432" --option "windowsize 4"
	fetched "atftp: windowsize" loader.bin
}

roll_over()
{
	hpa a get sample/linux "$RUN/out"
	fetched "block numbers roll over ($LARGE bytes in blocks of 512)" linux
}

refused()
{
	hpa a get sample/nothing "$RUN/out"
	matches "a missing file" 'Error code 1: ' "$SAID"
	hpa a get sample/../../etc/passwd "$RUN/out"
	matches "a name that climbs" 'Error code [12]: ' "$SAID"
	hpa a get sample/LOADER.bin "$RUN/out"
	matches "another case" 'Error code 1: ' "$SAID"
	hpa a get sample/manifest.minisig "$RUN/out"
	matches "a file that is not listed" 'Error code 1: ' "$SAID"
	echo x >"$RUN/in"
	hpa a put "$RUN/in" sample/new
	matches "writing" 'Error code [24]: ' "$SAID"
	in_ns b ip addr add 10.77.0.60/24 dev eth0
	hpa b get sample/loader.bin "$RUN/out"
	matches "an address without a session" 'Error code [12]: ' "$SAID"
	logged "and the log says so" 'event=no-session peer=10\.77\.0\.60 '
}

many_at_once()
{
	local i pids=() bad=0

	for i in 1 2 3 4 5 6 7 8; do
		in_ns a timeout 60 atftp --get -r sample/loader.bin -l "$RUN/out.$i" \
			"$SERVER_IP" >/dev/null 2>&1 &
		pids+=($!)
	done
	for i in 1 2 3 4 5 6 7 8; do
		wait "${pids[i - 1]}"
		cmp -s "$RUN/out.$i" "$S/stage/sample/loader.bin" || bad=$((bad + 1))
	done
	same "eight transfers at once" 0 $bad
}

need_root
run_begin tftp
net_begin
net_client a 52:54:00:77:01:01
net_client b 52:54:00:77:01:02
server_prepare
sample_image $LARGE
server_trust
server_config_usual sample
server_start
wait_line 60 "$SERVER_LOG" "event=image-active .*sample" || die "the image is not served"
pxe_session a -a 0
plain
with_options
refused
many_at_once
roll_over
logged "log of a transfer" 'event=tftp-sent .*bytes=70001'
