#!/bin/bash
# Whatever reads bytes that others wrote has a fuzz target: every file of src/wire and
# policy, and the handlers of messages below, are linked into one. And each target has
# seeds, few and small, and a dictionary.
set -u
cd "$(dirname "$0")/.." || exit 1

SEEDS_MOST=200 BYTES_MOST=2000000
HANDLERS="privsep/msg privsep/chan privsep/notice src/http-parser/conns src/dhcp-sender/reply_check
	src/broker/record src/broker/dhcp src/broker/files src/broker/control
	src/sallyport/leasefile_csv src/sallyport/leasefile_dnsmasq src/sallyport/leasefile_isc
	src/sallyport/capture src/verifier/render
	src/file-sender/tftp_xfer src/file-sender/http_reply src/file-sender/tftp
	src/file-sender/http src/tls/intake src/tls/signer src/tls/certs src/tls/session"
BAD=0

said()
{
	echo "$1"
	BAD=1
}

list()
{
	make -s --no-print-directory "print-$1"
}

targets=$(list FUZZ)
# Words are wanted here and below: one target or object each.
# shellcheck disable=SC2086
linked=$(for name in $targets; do list "OBJ_fuzz_$name"; done | tr ' ' '\n' | sort -u)
files=$(git ls-files 'src/wire/*.c' 'policy/*.c' ':!policy/cage' 'policy/*.[ly]' |
	sed 's/\.c$//; s|^\(policy/conf\)\.l$|gen/\1_scan|; s|^\(policy/conf\)\.y$|gen/\1_grammar|')
for unit in $files $HANDLERS; do
	grep -qx "$unit" <<<"$linked" || said "$unit is in no fuzz target"
done

for name in $targets; do
	seeds=$(git ls-files "fuzz/corpus/$name" | wc -l)
	[ -e "fuzz/fuzz_$name.c" ] || said "$name has no fuzz/fuzz_$name.c"
	[ -s "fuzz/dict/$name.dict" ] || said "$name has no dictionary"
	[ "$seeds" -gt 0 ] || said "$name has no seeds"
	[ "$seeds" -lt $SEEDS_MOST ] || said "$name has $seeds seeds, $SEEDS_MOST are too many"
done
for file in fuzz/fuzz_*.c; do
	name=$(basename "$file" .c)
	grep -qw "${name#fuzz_}" <<<"$targets" || said "$file is no target of the Makefile"
done
for dir in fuzz/corpus/*; do
	grep -qw "$(basename "$dir")" <<<"$targets" || said "$dir belongs to no target"
done
bytes=$(git ls-files -z fuzz/corpus | xargs -0 cat | wc -c)
[ "$bytes" -lt $BYTES_MOST ] || said "the seeds are $bytes bytes, more than $BYTES_MOST"
exit $BAD
