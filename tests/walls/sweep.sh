#!/bin/bash
# Every role's filter, from both sides: what its table allows is the reviewed list, and
# what lives in its real executable is what the table allows. Two roles at a time.
#
#	tests/walls/sweep.sh [ROLE...]
#
# A table that was changed on purpose: build/host/cage-ROLE calls >policy/cage/golden/ROLE.calls
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"

TESTS=$ROOT/build/release/test
HOST=$ROOT/build/host
GOLDEN=$ROOT/policy/cage/golden

# The reviewed lists name calls by their numbers on x86-64.
reviewed()
{
	local role difference

	for role in "$@"; do
		if difference=$(diff "$GOLDEN/$role.calls" <("$HOST/cage-$role" calls)); then
			ok "reviewed $role ($(wc -l <"$GOLDEN/$role.calls") calls)"
		else
			not_ok "reviewed $role" "differs from policy/cage/golden/$role.calls"
			# shellcheck disable=SC2001
			sed 's/^/# /' <<<"$difference"
		fi
	done
}

# one PROGRAM: in a folder of its own; what it says goes to $RUN/PROGRAM.out.
one()
{
	mkdir -m 711 "$RUN/$1"
	timeout -k 5 300 "$TESTS/$1" "$BIN" "$RUN/$1" >"$RUN/$1.out" 2>&1 ||
		grep -q '^not ok' "$RUN/$1.out" ||
		echo "not ok $1: ended with status $?" >>"$RUN/$1.out"
}

# Which of them failed is counted from what they said.
in_pairs()
{
	local program pids=()

	for program in "$@"; do
		while [ "$(jobs -rp | wc -l)" -ge 2 ]; do
			wait -n
		done
		one "$program" &
		pids+=($!)
	done
	wait "${pids[@]}"
	for program in "$@"; do
		cat "$RUN/$program.out"
		FAILED=$((FAILED + $(grep -c '^not ok' "$RUN/$program.out")))
	done
}

need_root
run_begin sweep
read -ra roles <<<"$(make -s -C "$ROOT" --no-print-directory print-ROLES)"
[ $# = 0 ] || roles=("$@")
reviewed "${roles[@]}"
if [ "$(uname -m)" = x86_64 ]; then
	in_pairs mute "${roles[@]/#/sweep-}"
else
	skip sweep "system calls are injected on x86-64 only"
fi
exit "$FAILED"
