#!/bin/bash
# Right after the start: a machine whose image the verifier has refused is not kept waiting,
# one whose image is still being looked through is, and one that boots nothing neither way.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$ROOT/tests/lib/clients.sh"

LATE_MS=8000
BIG_BYTES=$((600 << 20))
BROKEN=52:54:00:77:0a:01
BIG=52:54:00:77:0a:02
SAMPLE=52:54:00:77:0a:03

configure()
{
	server_config <<-END
		server { log-level info; }
		subnet 10.77.0.0/24 {
			pool 10.77.0.100 - 10.77.0.200;
			router $SERVER_IP;
			lease-time 1h;
		}
		host "broken" { mac $BROKEN; image "broken"; }
		host "big" { mac $BIG; image "big"; }
		host "sample" { mac $SAMPLE; image "sample"; }
		boot { default deny; unknown allow; }
		dhcp { conflict-probe off; }
		tftp { ports 40000 - 40007; }
	END
}

# An image that was changed after it was signed.
broken_image()
{
	local file

	mkdir -p "$S/stage/broken"
	head -c 70001 /dev/urandom >"$S/stage/broken/loader.bin"
	server_image broken --loader bios=loader.bin
	file=$(find "$S/images/broken" -name loader.bin | head -n 1)
	[ -n "$file" ] || die "the installed image has no loader"
	printf changed | dd of="$file" conv=notrunc status=none
}

big_image()
{
	mkdir -p "$S/stage/big"
	head -c 70001 /dev/urandom >"$S/stage/big/loader.bin"
	truncate -s $BIG_BYTES "$S/stage/big/disk.img"
	server_image big --loader bios=loader.bin
}

# boot MAC: like firmware; its answers in REPLY, and in TOOK the milliseconds since START.
boot()
{
	pxe a -m "$1" -a 0 -t 20 boot
	TOOK=$((($(date +%s%N) - START) / 1000000))
}

start()
{
	: >"$SERVER_LOG"
	START=$(date +%s%N)
	server_start
}

refused_at_once()
{
	start
	boot $BROKEN
	same "a machine of a refused image has a lease" 0 "$STATUS"
	less "milliseconds from the start to that" "$TOOK" $LATE_MS
	same "it is told nothing to boot" "" "$(reply_value ACK bootfile | sed 's/\\x00//g')"
	logged "the image was refused" 'event=image-refused (.* )?image=broken'
	boot $SAMPLE
	matches "another machine boots" '^sample/' "$(reply_value ACK bootfile)"
	server_stop
}

# The verifier is halted in the middle of it, for a fast machine is through in no time.
waits_for_its_image()
{
	local verifier

	start
	verifier=$(server_pid verifier)
	kill -STOP "$verifier"
	pxe a -m 52:54:00:77:0a:04 boot
	same "an unknown system has its lease at once" 0 "$STATUS"
	same "before the images were looked through" "" "$(events images-looked)"
	(sleep 3 && kill -CONT "$verifier") &
	boot $BIG
	same "a machine of a large image has a lease" 0 "$STATUS"
	matches "it boots that" '^big/' "$(reply_value ACK bootfile)"
	wait_line 30 "$SERVER_LOG" "event=dhcp-ack .*mac=$BIG "
	less "times that it was not answered before: more than" 0 \
		"$(events dhcp-refused | grep -c "reason=image-not-yet-loaded .*mac=$BIG")"
	boot $BROKEN
	same "the other has its lease then" 0 "$STATUS"
	server_stop
}

# The verifier goes on and has nothing to look through again.
after_a_reload()
{
	start
	wait_for 20 events images-looked >/dev/null
	kill -HUP "$SERVER_PID"
	wait_for 15 events reloaded >/dev/null
	START=$(date +%s%N)
	boot $BROKEN
	same "after a reload: a lease without an image" 0 "$STATUS"
	less "milliseconds from the reload to that" "$TOOK" $LATE_MS
	boot $BIG
	matches "after a reload: the large image boots" '^big/' "$(reply_value ACK bootfile)"
	less "milliseconds to both" "$TOOK" $LATE_MS
}

need_root
run_begin late
net_begin
net_client a 52:55:00:00:00:01
server_prepare
sample_image 100000
broken_image
server_trust
configure
refused_at_once
big_image
waits_for_its_image
after_a_reload
exit "$FAILED"
