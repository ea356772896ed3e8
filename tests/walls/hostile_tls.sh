#!/bin/bash
# In the place of one of two tls processes a stand-in that an attacker owns, in the real
# cage, doing its worst: it gets no signature over what is no handshake and no secret, the
# other tls goes on with the same keys, and nobody else dies or fails.
#
#	tests/walls/hostile_tls.sh [MODE...]
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

MODES="oracle decrypt sign certs malformed foreign clients fds accuse"
REAL=$BIN
STANDIN=$ROOT/build/release/standin/tls
GOOD=4 # handshakes, of 32, that must come about: half of them, by chance

use()
{
	BIN=$(mktemp -d "$RUN/bin.XXXX")
	chmod 755 "$BIN"
	ln -s "$REAL"/* "$BIN/"
	mv "$BIN/tls" "$BIN/tls.real"
	cp "$STANDIN" "$BIN/tls"
	echo "$1" >"$BIN/mode"
}

# The pids of all that are not the stand-in.
others()
{
	local child

	for child in $CHILDREN keys:0 tls:1; do
		echo "$child $(child_pid "${child%:*}" "${child#*:}")"
	done
}

# Handshakes from many addresses at once, for each belongs to one of the two: how many came
# about. What is given to the stand-in is lost.
handshakes()
{
	in_ns a timeout 60 python3 - "$SERVER_IP" "$RUN/tls/ca.pem" <<-'END'
		import socket, ssl, sys, threading

		context = ssl.create_default_context(cafile=sys.argv[2])
		good = []

		def shake(address):
		    try:
		        with socket.create_connection((sys.argv[1], 443), 8, (address, 0)) as s:
		            with context.wrap_socket(s, server_hostname=sys.argv[1]):
		                good.append(address)
		    except OSError:
		        pass

		threads = [threading.Thread(target=shake, args=(f"10.77.0.{n}",))
		           for n in range(160, 160 + 32)]
		for t in threads:
		    t.start()
		for t in threads:
		    t.join()
		print(len(good))
	END
}

# Plain requests while that goes on: none fails.
plain()
{
	local i

	for ((i = 0; i < 20; i++)); do
		in_ns b curl -s -m 10 -o /dev/null -w '%{http_code}\n' \
			"http://$SERVER_IP/sample/exact.bin"
	done | grep -vc '^200$'
}

# What the server must have noticed.
noticed()
{
	local regex

	case $1 in
	oracle) regex='event=peer-fault peer=tls index=0 .*no handshake' ;;
	malformed) regex='event=fault of=tls index=0 by=keys' ;;
	foreign) regex='event=fault of=tls index=0 by=(keys|broker)' ;;
	accuse) regex='event=(false-accusation|fault)' ;;
	*) return ;;
	esac
	check "$1: noticed" wait_line 20 "$SERVER_LOG" "$regex"
}

against()
{
	local mode=$1 before failed good

	use "$mode"
	: >"$SERVER_LOG"
	server_start
	wait_line 60 "$SERVER_LOG" 'event=image-active .*sample' || die "the image is not served"
	[ -n "${SESSIONS:-}" ] || {
		pxe_session a -a 0
		pxe_session b -a 0
		for n in {160..191}; do
			in_ns a ip addr add "10.77.0.$n/24" dev eth0
		done
		SESSIONS=yes
	}
	wait_line 30 "$SERVER_LOG" "role=tls index=0 .*event=standin-begins" ||
		die "the stand-in does not begin"
	before=$(others)
	plain >"$RUN/plain" &
	failed=$!
	good=$(handshakes)
	check "$mode: handshakes with the other tls ($good of 32)" test "$good" -ge "$GOOD"
	wait "$failed"
	same "$mode: plain requests that fail" 0 "$(cat "$RUN/plain")"
	noticed "$mode"
	same "$mode: the others live" "" "$(diff <(echo "$before") <(others))"
	same "$mode: it gets nothing" "" "$(grep -a -m 1 event=standin-got "$SERVER_LOG")"
	server_stop
}

need_root
run_begin hostile_tls
net_begin
net_client a 52:54:00:77:05:01
net_client b 52:54:00:77:05:02
server_prepare
sample_image 3000000
server_trust
"$REAL/sallyport-image" tls init -W -d "$RUN/tls" "$SERVER_IP" >/dev/null || die "tls init"
server_config_usual sample
sed -i 's/^server { /server { workers 2; /' "$S/sallyport.conf"
cat >>"$S/sallyport.conf" <<-END
	https {
		certificate "$RUN/tls/rsa.pem" key "$RUN/tls/rsa.key";
		certificate "$RUN/tls/ec.pem" key "$RUN/tls/ec.key";
		workers 2;
	}
END
[ $# -gt 0 ] || read -ra modes <<<"$MODES"
[ $# = 0 ] || modes=("$@")
for mode in "${modes[@]}"; do
	against "$mode"
done
exit "$FAILED"
