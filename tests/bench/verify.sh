#!/bin/bash
# How long a large file that is not in memory takes until it can be sent: it is read, copied
# into sealed memory and hashed, beside `openssl dgst -sha256` on the same file in page cache.
#
#	tests/bench/verify.sh          1 GB, 5 rounds
#	tests/bench/verify.sh --quick
#
# There is memory for one of two such images; each is asked for in turn, by the first byte
# of its file, so it is a cold one every time. Before it there is a rest of REST seconds,
# for who has just come into memory may stay for a moment. The results are in build/bench/verify.txt.
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

if [ "${1:-}" = --quick ]; then
	ROUNDS=1 SIZE=50000000
fi
ROUNDS=${ROUNDS:-5}
SIZE=${SIZE:-1000000000}
REST=${REST:-5}
RESULTS=$OUT/verify.txt

# first_byte IMAGE: asks until it comes.
first_byte()
{
	# shellcheck disable=SC2016
	in_ns rly timeout 60 bash -c 'exec 3<>/dev/tcp/$0/80 &&
		printf "GET /%s/large HTTP/1.1\r\nHost: %s\r\nRange: bytes=0-0\r\n" "$1" "$0" >&3 &&
		printf "Connection: close\r\n\r\n" >&3 && read -r line <&3 && echo "$line"' \
		"$SERVER_IP" "$1" | grep -q '^HTTP/1.1 206 '
}

# noted SERVER ROUND COMMAND...: how long it takes, as a line of the results.
noted()
{
	local head="part=verify case=$SIZE server=$1 round=$2" busy start us

	shift 2
	[ "${head#*=sallyport }" = "$head" ] || sleep "$REST"
	busy=$(busy_ticks) start=$(stamp)
	"$@" >/dev/null || die "$* fails"
	us=$(($(stamp) - start))
	awk -v head="$head" -v us=$us -v size="$SIZE" -v hz="$TICKS" \
		-v busy=$(($(busy_ticks) - busy)) 'BEGIN {
		printf "%s bytes=%d mbps=%.1f seconds=%.3f busy=%.2f\n", head, size, size / us,
			us / 1e6, busy / hz / (us / 1e6) }' | tee -a "$RESULTS"
}

image()
{
	mkdir "$S/stage/$1"
	openssl enc -aes-128-ctr -nosalt -K "$(printf '%032d' 7)" -iv "$(printf '%032d' "$2")" \
		-in /dev/zero 2>/dev/null | head -c "$SIZE" >"$S/stage/$1/large"
	head -c 1000 /dev/zero >"$S/stage/$1/boot.efi"
	server_image "$1" --arch x64 --loader x64=boot.efi --no-templates
}

tests/packages.sh bench || exit 1
need_root
run_begin bench-verify
mkdir -p "$OUT"
: >"$RESULTS"
bench_net
server_prepare
image a 1
image b 2
server_trust
server_config <<-END
	server { memory $((SIZE * 3 / 2 / 1048576))M; }
	subnet 10.77.0.0/24 { }
	boot { default image "a"; unknown deny; }
	open image "a" to 10.77.0.0/24;
	open image "b" to 10.77.0.0/24;
END
server_start
wait_for 60 first_byte a || die "a is not served: $(tail -n 3 "$SERVER_LOG")"
wait_for 60 first_byte b || die "b is not served: $(tail -n 3 "$SERVER_LOG")"
for ((round = 1; round <= ROUNDS; round++)); do
	noted sallyport "$round" first_byte a
	noted openssl "$round" openssl dgst -sha256 "$S/stage/a/large"
	noted sallyport "$round" first_byte b
	noted openssl "$round" openssl dgst -sha256 "$S/stage/b/large"
done
{ tests/bench/table.sh "$RESULTS" verify && echo && tests/bench/goals.sh "$RESULTS"; } |
	tee "$OUT/verify.md"
