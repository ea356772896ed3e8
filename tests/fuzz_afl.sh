#!/bin/bash
# One fuzz target (or all, one after the other) with AFL++: tests/fuzz_afl.sh NAME|all [SECONDS]
# Without SECONDS it runs until it is interrupted; the next run goes on where this ended.
# What it found lies in build/afl-out/NAME/default/{queue,crashes,hangs}.
set -u
cd "$(dirname "$0")/.." || exit 1

TARGETS=$(make -s --no-print-directory print-FUZZ)
NAMES=${1:-}
T=${2:-}
BAD=0

# The host is not tuned for a fuzzer, and need not be.
export AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1
export AFL_AUTORESUME=1 AFL_NO_UI=1 AFL_QUIET=1

value()
{
	sed -n "s/^$2 *: //p" "build/afl-out/$1/default/fuzzer_stats"
}

run()
{
	local name=$1 args=()

	[ -e "fuzz/dict/$name.dict" ] && args+=(-x "fuzz/dict/$name.dict")
	[ -z "$T" ] || args+=(-V "$T")
	mkdir -p build/afl-out
	if ! afl-fuzz -i "fuzz/corpus/$name" -o "build/afl-out/$name" "${args[@]}" -- \
		"build/afl/fuzz/$name" >"build/afl-out/$name.log" 2>&1; then
		tail -n 20 "build/afl-out/$name.log"
		echo "not ok afl $name: afl-fuzz failed"
		BAD=1
	elif [ "$(value "$name" saved_crashes)" != 0 ]; then
		echo "not ok afl $name: crashes in build/afl-out/$name/default/crashes"
		BAD=1
	else
		echo "ok afl $name ($(value "$name" execs_done) runs," \
			"$(value "$name" edges_found) edges)"
	fi
}

if [ "$NAMES" = all ]; then
	NAMES=$TARGETS
	T=${T:-60}
fi
for name in ${NAMES:-?}; do
	grep -qw -e "$name" <<<"$TARGETS" || {
		echo "TARGET is one of: $TARGETS all"
		exit 2
	}
	make -s KIND=afl "build/afl/fuzz/$name" || exit 1
	run "$name"
done
exit $BAD
