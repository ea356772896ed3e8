#!/bin/bash
# Files beside tftpd-hpa, atftpd, dnsmasq and nginx: same machine, same files, same load,
# in turn.
#
#	tests/bench/files.sh           all of it
#	tests/bench/files.sh --quick   each part for an instant: does the benchmark work?
#	ROUNDS=5 PARTS_RUN="tftp" tests/bench/files.sh
#
# PARTS_RUN: tftp, http-small (1 KB and 20 KB), http-large, https-large, handshakes.
# The results, one line a run, are in build/bench/files.txt; the tables of medians are made
# of them at the end. "other" is what else the machine did meanwhile, in cores: a round
# with 0.6 or more is shown, but does not count.
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

# CLIENTS WINDOW BLKSIZE. Who knows no windows is only asked without.
TFTP_CASES=("16 16 1468" "16 64 1468" "128 16 1468" "128 64 1468" "16 4 1468" "16 16 1408"
	"1 1 1468" "16 1 1468" "128 1 1468" "16 1 1408" "1 4 1468" "1 16 1468" "1 64 1468")
# NAME CONNECTIONS FILE OPTIONS
HTTP_SMALL=("1K-c64 64 small" "1K-new-c64 64 small -k" "20K-c64 64 middle" "1K-c1 1 small")
HTTP_LARGE=("large-c1 1 large" "large-c8 8 large")
HTTPS_LARGE=("large-c1-1.3 1 large -V 1.3" "large-c8-1.3 8 large -V 1.3"
	"large-c8-1.2 8 large -V 1.2")
RSA="-g RSA-PSS+SHA256:RSA+SHA256" EC="-g ECDSA+SHA256"
HANDSHAKES=("rsa3072-1.3 16 small -k -V 1.3 $RSA" "p256-1.3 16 small -k -V 1.3 $EC"
	"rsa3072-1.2 16 small -k -V 1.2 $RSA" "p256-1.2 16 small -k -V 1.2 $EC")
LARGE=100000000
QUICK=
if [ "${1:-}" = --quick ]; then
	QUICK=yes ROUNDS=1 SECONDS_EACH=0.3 LARGE=10000000
	TFTP_CASES=("16 16 1468" "1 1 1468")
	HTTP_SMALL=("${HTTP_SMALL[@]:0:2}") HTTP_LARGE=("${HTTP_LARGE[@]:1:1}")
	HTTPS_LARGE=("${HTTPS_LARGE[@]:1:1}") HANDSHAKES=("${HANDSHAKES[@]:0:2}")
fi
ROUNDS=${ROUNDS:-5}
SECONDS_EACH=${SECONDS_EACH:-3}
PARTS_RUN=${PARTS_RUN:-tftp http-small http-large https-large handshakes}
RESULTS=$OUT/files.txt

# measure PART CASE SERVER ROUND COMMAND...: one line to the results.
measure()
{
	local head="part=$1 case=$2 server=$3 round=$4" server=$3

	shift 4
	measured "$head" "$server" "$@" | tee -a "$RESULTS"
}

# tftp_case ROUND SERVER CLIENTS WINDOW BLKSIZE. A client alone and its server have a core
# each, for where the kernel happens to put them decides more than what they do.
tftp_case()
{
	local one_cpu=()

	if [ "$3" = 1 ] && [ "$(nproc)" -gt 1 ]; then
		group_cpus "$2" 0
		one_cpu=(taskset -c 1)
	fi
	measure tftp "c$3-w$4-b$5" "$2" "$1" "${one_cpu[@]}" "$TESTBIN/tftpload" \
		-s "$(address_of "$2")" -f "$S/stage/bench/kernel" -a "$CLIENTS" -n "$3" \
		-w "$4" -b "$5" -t "$SECONDS_EACH" bench/kernel
	[ ${#one_cpu[@]} = 0 ] || group_cpus "$2" "0-$(($(nproc) - 1))"
}

run_tftp()
{
	local words server

	for words in "${TFTP_CASES[@]}"; do
		for server in sallyport atftpd dnsmasq hpa; do
			[[ $words = *" 1 "* ]] || [[ $server =~ sallyport|atftpd ]] || continue
			# shellcheck disable=SC2086
			tftp_case "$1" "$server" $words
		done
	done
}

# http PART ROUND SERVERS CASE...
http()
{
	local part=$1 round=$2 servers=$3 words server tls=

	shift 3
	[[ $part = http-* ]] || tls="-S -p 443"
	for words in "$@"; do
		for server in $servers; do
			# shellcheck disable=SC2086
			set -- $words
			# shellcheck disable=SC2086
			measure "$part" "$1" "$server" "$round" "$TESTBIN/httpload" \
				-s "$(address_of "$server")" -f "$S/stage/bench/$3" \
				-a "$CLIENTS" -n "$2" -t "$SECONDS_EACH" $tls "${@:4}" \
				"/bench/$3"
		done
	done
}

run_http_small()
{
	http http-small "$1" "sallyport nginx nginx-cache" "${HTTP_SMALL[@]}"
}

run_http_large()
{
	http http-large "$1" "sallyport nginx" "${HTTP_LARGE[@]}"
}

run_https_large()
{
	http https-large "$1" "$TLS_SERVERS" "${HTTPS_LARGE[@]}"
}

run_handshakes()
{
	http handshakes "$1" "$TLS_SERVERS" "${HANDSHAKES[@]}"
}

each()
{
	local round

	for ((round = 1; round <= ROUNDS; round++)); do
		"$1" "$round"
	done
}

tests/packages.sh bench || exit 1
need_root
run_begin bench-files
# shellcheck source=file_peers.sh
. tests/bench/file_peers.sh
mkdir -p "$OUT"
: >"$RESULTS"
peers_net
peers_files small=1000 middle=20000 kernel=4000000 large=$LARGE
peers_certificates
for server in sallyport $(part tftp && echo hpa atftpd dnsmasq) \
	$(part http-small && echo nginx-cache) \
	$([[ $PARTS_RUN =~ http|handshakes ]] && echo nginx); do
	peer_start "$server"
done
sessions 128
TLS_SERVERS=nginx
has_tls sallyport && TLS_SERVERS="sallyport nginx"
part tftp && each run_tftp
part http-small && each run_http_small
part http-large && each run_http_large
part https-large && each run_https_large
part handshakes && each run_handshakes
{ tests/bench/table.sh "$RESULTS" files && echo && tests/bench/goals.sh "$RESULTS"; } |
	tee "$OUT/files.md"
[ -z "$QUICK" ] || ! grep -q ' error=\| bytes=0 \| wrong=[1-9]' "$RESULTS" ||
	die "a part does not work"
