#!/bin/bash
# What must not be served is not, with an error that names file and reason; other images,
# and the last good version of the same one, serve on. And what is served are the signed
# bytes, whatever happens to the files meanwhile.
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

SIZE=4000000
MAC_A=52:54:00:77:06:01
MAC_B=52:54:00:77:06:02
MAC_C=52:54:00:77:06:03

# prepare NAME VERSION [OPTIONS...]: a signed image in $S/stage/NAME-VERSION, its number in
# the file "version", not yet installed.
prepare()
{
	local name=$1 version=$2 stage=$S/stage/$1-$2

	shift 2
	mkdir -p "$stage/sub"
	head -c "$SIZE" /dev/urandom >"$stage/linux"
	head -c 70001 /dev/urandom >"$stage/loader.bin"
	echo hello >"$stage/sub/hello.txt"
	echo "$name $version" >"$stage/version"
	{
		"$IMAGE_TOOL" create --name "$name" --version "$version" --loader bios=loader.bin \
			--kernel linux "$@" "$stage" &&
			"$IMAGE_TOOL" sign -s "${KEY:-$S/test.key}" "$stage"
	} >>"$RUN/image.log" 2>&1 || die "image $name $version: $(tail -n 3 "$RUN/image.log")"
}

# install NAME VERSION: into the store as whoever can write there would, without a check.
install_unchecked()
{
	mkdir -p "$S/images/$1"
	chmod 755 "$S/images/$1"
	cp -a "$S/stage/$1-$2" "$S/images/$1/.new"
	mv "$S/images/$1/.new" "$S/images/$1/$2"
}

# flip FILE OFFSET: one bit.
flip()
{
	local byte

	byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
	printf '%b' "\\x$(printf %02x $((byte ^ 1)))" |
		dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# get CLIENT PATH: by HTTP. CODE, and the bytes in $RUN/got.
get()
{
	rm -f "$RUN/got"
	CODE=$(in_ns "$1" curl -s -m 20 -o "$RUN/got" -w '%{http_code}' "http://$SERVER_IP/$2")
}

# serves LABEL CLIENT IMAGE VERSION: that version of that image, now.
serves()
{
	get "$2" "$3/version"
	same "$1" "200 $3 $4" "$CODE $(cat "$RUN/got" 2>/dev/null)"
}

# refused LABEL VERSION FILE REASON: version VERSION of sample is in the store; it is not
# served, and the error says so; version 5 of it and the other image are.
refused()
{
	wait_line 30 "$SERVER_LOG" "event=image-refused image=sample version=$2 "
	matches "$1: file and reason are named" \
		"level=error role=verifier .*event=image-refused image=sample version=$2 file=$3 why=\"[^\"]*($4)" \
		"$(events image-refused | grep -a "version=$2 ")"
	serves "$1: the good version serves on" a sample 5
	serves "$1: the other image serves on" b other 1
	rm -rf "$S/images/sample/${2:?}"
}

damaged()
{
	prepare sample 10
	flip "$S/stage/sample-10/linux" $((SIZE / 2))
	install_unchecked sample 10
	refused "a bit in a file" 10 linux 'hash|SHA-256|differ'
	prepare sample 11
	flip "$S/stage/sample-11/manifest" 40
	install_unchecked sample 11
	refused "a bit in the manifest" 11 'manifest[a-z.]*' 'signature'
	prepare sample 12
	flip "$S/stage/sample-12/manifest.minisig" 100
	install_unchecked sample 12
	refused "a bit in the signature" 12 'manifest[a-z.]*' '.'
	prepare sample 13
	head -c $((SIZE - 1)) "$S/stage/sample-13/linux" >"$RUN/cut"
	cp "$RUN/cut" "$S/stage/sample-13/linux"
	install_unchecked sample 13
	refused "a file that is too short" 13 linux '.'
	prepare sample 14
	echo x >>"$S/stage/sample-14/linux"
	install_unchecked sample 14
	refused "a file that is too long" 14 linux '.'
	prepare sample 15
	rm "$S/stage/sample-15/sub/hello.txt"
	install_unchecked sample 15
	refused "a file that is missing" 15 sub/hello.txt '.'
	prepare sample 16
	rm "$S/stage/sample-16/manifest.minisig"
	install_unchecked sample 16
	refused "no signature" 16 manifest.minisig '.'
}

kinds()
{
	prepare sample 20
	mv "$S/stage/sample-20/linux" "$S/stage/linux"
	ln -s "$S/stage/linux" "$S/stage/sample-20/linux"
	install_unchecked sample 20
	refused "a symlink to the right bytes" 20 linux '.'
	prepare sample 21
	rm "$S/stage/sample-21/linux"
	mkfifo "$S/stage/sample-21/linux"
	install_unchecked sample 21
	refused "a FIFO" 21 linux '.'
	prepare sample 22
	rm "$S/stage/sample-22/linux"
	if mknod "$S/stage/sample-22/linux" c 1 5 2>/dev/null; then
		install_unchecked sample 22
		refused "a device" 22 linux '.'
	else
		skip "a device" "device files cannot be made here"
	fi
	prepare sample 23
	mv "$S/stage/sample-23/sub" "$S/stage/sub"
	ln -s "$S/stage/sub" "$S/stage/sample-23/sub"
	install_unchecked sample 23
	refused "a folder that is a symlink" 23 sub/hello.txt '.'
	prepare sample 24
	rm "$S/stage/sample-24/linux"
	mkdir "$S/stage/sample-24/linux"
	install_unchecked sample 24
	refused "a folder" 24 linux '.'
	prepare sample 25
	mv "$S/stage/sample-25/manifest" "$S/stage/manifest"
	ln -s "$S/stage/manifest" "$S/stage/sample-25/manifest"
	install_unchecked sample 25
	refused "a manifest that is a symlink" 25 manifest '.'
	prepare sample 26
	ln -s "$S/stage/sample-26" "$S/images/sample/26"
	sleep 5
	serves "a version that is a symlink is not followed" a sample 5
	rm "$S/images/sample/26"
}

signed_by_others()
{
	"$IMAGE_TOOL" key generate -W -p "$S/other.pub" -s "$S/other.key" >>"$RUN/image.log" 2>&1
	KEY=$S/other.key prepare sample 30
	install_unchecked sample 30
	refused "another's key" 30 manifest.minisig 'not in the keyring'
	prepare other 31
	mv "$S/stage/other-31" "$S/stage/sample-31"
	install_unchecked sample 31
	refused "another image's manifest" 31 manifest 'names image other'
	prepare sample 32
	mv "$S/stage/sample-32" "$S/stage/sample-33"
	install_unchecked sample 33
	refused "another version's manifest" 33 manifest 'names version 32'
	prepare sample 34 --created 2020-01-01T00:00:00Z --expires 30
	install_unchecked sample 34
	refused "an expired manifest" 34 manifest 'expired'
}

# Slowly fetched while the file is overwritten in place, replaced, and cut.
swapped()
{
	local file=$S/images/sample/5/linux pid

	in_ns a curl -s -m 40 --limit-rate 800k -o "$RUN/slow" "http://$SERVER_IP/sample/linux" &
	pid=$!
	sleep 1
	head -c "$SIZE" /dev/zero | dd of="$file" conv=notrunc status=none
	sleep 1
	head -c "$SIZE" /dev/zero >"$RUN/zero"
	mv "$RUN/zero" "$file"
	: >"$file"
	wait $pid
	check "a file that is swapped while it is served: the signed bytes" \
		cmp "$RUN/slow" "$S/stage/sample-5/linux"
	get a sample/linux
	check "and for the next one" cmp "$RUN/got" "$S/stage/sample-5/linux"
	in_ns a timeout 30 atftp --get -r sample/linux -l "$RUN/by.tftp" \
		--option "blksize 1432" "$SERVER_IP" >/dev/null 2>&1
	check "and by TFTP" cmp "$RUN/by.tftp" "$S/stage/sample-5/linux"
	serves "and it is served on" a sample 5
}

# tftp CLIENT WORDS...: what tftp-hpa says in SAID.
by_tftp()
{
	local ns=$1

	shift
	SAID=$(in_ns "$ns" timeout 30 tftp -m binary "$SERVER_IP" -c "$@" 2>&1)
}

requests()
{
	echo secret >"$S/images/sample/5/unlisted"
	get a sample/unlisted
	same "an unlisted file" 404 "$CODE"
	by_tftp a get sample/unlisted "$RUN/none"
	matches "an unlisted file by TFTP" 'Error code 1: ' "$SAID"
	get a other/version
	same "a file of another image than one's own" 404 "$CODE"
	get a sample/../other/version
	same "a name that climbs" 404 "$CODE"
	echo x >"$RUN/in"
	by_tftp a put "$RUN/in" sample/new
	matches "writing" 'Error code 2: ' "$SAID"
	same "writing leaves nothing" "" "$(find "$S/images" -name new)"
	in_ns c ip addr add 10.77.0.60/24 dev eth0
	by_tftp c get sample/version "$RUN/none"
	matches "an address without a session: TFTP" 'Error code 1: ' "$SAID"
	get c sample/version
	same "an address without a session: HTTP" 404 "$CODE"
	logged "an address without a session: the log" \
		'role=broker .*event=no-session .*10\.77\.0\.60'
	in_ns c ip addr flush dev eth0
}

# Without the newest version, the one before it must not come back.
older()
{
	server_stop
	mv "$S/images/sample/5" "$S/stage/five"
	prepare sample 3
	install_unchecked sample 3
	restart
	wait_line 30 "$SERVER_LOG" 'event=image-refused image=sample version=3 '
	matches "an older version is refused" \
		'event=image-refused image=sample version=3 file=manifest why="[^"]*(lower|older|below|less|served)' \
		"$(events image-refused)"
	get a sample/version
	same "and nothing of it is served" 404 "$CODE"
	serves "the other image serves on" b other 1
	prepare sample 6
	install_unchecked sample 6
	wait_line 30 "$SERVER_LOG" 'event=image-active image=sample version=6'
	serves "a newer one is served" a sample 6
}

# Sessions outlive it.
restart()
{
	: >"$SERVER_LOG"
	server_start
	wait_line 30 "$SERVER_LOG" 'event=image-active image=other'
}

# configure UNKNOWN: what machines without a host block get. a and b are known.
configure()
{
	server_config <<-END
		server { log-level info; workers 2; }
		subnet 10.77.0.0/24 { pool 10.77.0.100 - 10.77.0.200; router $SERVER_IP; }
		host "known-a" { mac $MAC_A; }
		host "known-b" { mac $MAC_B; image "other"; }
		boot { default image "sample"; unknown $1; ipxe-transport http; }
		tftp { ports 40000 - 40063; }
		http { port 80; }
	END
}

unknown()
{
	pxe c -a 0 -t 3 boot
	same "an unknown machine, ignore: silence" 3 "$STATUS"
	server_stop
	configure deny
	restart
	pxe c -a 0 -t 5 boot
	same "an unknown machine, deny: a lease" 0 "$STATUS"
	same "and no boot file" "" "$(reply_value ACK bootfile)"
	in_ns c ip addr add "$(reply_value ACK yiaddr)/24" dev eth0
	get c sample/version
	same "and no files" 404 "$CODE"
	in_ns c ip addr flush dev eth0
	server_stop
	configure allow
	restart
	wait_line 30 "$SERVER_LOG" 'event=image-active image=sample'
	pxe_session c -a 0
	differs "an unknown machine, allow: a boot file" "" "$BOOTFILE"
	serves "and files" c sample 6
}

no_floor()
{
	server_start
	logged "no floor: an error says what to do" \
		'level=error role=verifier .*event=floor-missing .*trust init'
	# While images may still be loading, machines that would boot one are not answered.
	pxe a -a 0 -t 45 boot
	same "no floor: a lease" 0 "$STATUS"
	in_ns a ip addr add "$(reply_value ACK yiaddr)/24" dev eth0
	get a sample/version
	same "no floor: nothing is served" 404 "$CODE"
	same "no floor: no image is active" "" "$(events image-active)"
	server_stop
	"$IMAGE_TOOL" trust init --floor "$S/state/verifier/floor" >>"$RUN/image.log" 2>&1 ||
		die "trust init: $(tail -n 3 "$RUN/image.log")"
	restart
	wait_line 30 "$SERVER_LOG" 'event=image-active image=sample'
	pxe_session a -a 0
	pxe_session b -a 0
	serves "after trust init it is served" a sample 5
}

need_root
run_begin refusals
net_begin
net_client a $MAC_A
net_client b $MAC_B
net_client c $MAC_C
server_prepare
prepare sample 5
prepare other 1
install_unchecked sample 5
install_unchecked other 1
configure ignore
no_floor
damaged
kinds
signed_by_others
swapped
requests
older
unknown
exit "$FAILED"
