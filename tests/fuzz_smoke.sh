#!/bin/bash
# Every fuzz target with libFuzzer, ASan and UBSan, for T seconds in all: tests/fuzz_smoke.sh T
# Starts from the seeds in fuzz/corpus; what it finds on the way stays under build/.
set -u
cd "$(dirname "$0")/.." || exit 1

T=${1:-60}
FOUND=build/fuzz-found
TARGETS=$(make -s --no-print-directory print-FUZZ)
# shellcheck disable=SC2086
set -- $TARGETS
EACH=$((T * 2 / ($# > 0 ? $# : 1)))
[ $EACH -ge 1 ] || EACH=1

fuzz_one()
{
	local name=$1 args=()

	mkdir -p "build/fuzz-corpus/$name" "$FOUND"
	[ -e "fuzz/dict/$name.dict" ] && args+=("-dict=fuzz/dict/$name.dict")
	if "build/fuzz/fuzz/$name" -max_total_time=$EACH -timeout=5 -rss_limit_mb=2048 \
		-print_final_stats=1 -artifact_prefix="$FOUND/$name-" "${args[@]}" \
		"build/fuzz-corpus/$name" "fuzz/corpus/$name" >"build/fuzz-$name.log" 2>&1; then
		echo "ok fuzz $name ($(sed -n 's/^stat::number_of_executed_units: *//p' \
			"build/fuzz-$name.log") runs in $EACH s)"
	else
		grep -v "^#[0-9]" "build/fuzz-$name.log" | tail -n 60
		echo "not ok fuzz $name: crash input kept in $FOUND"
		touch $FOUND/.failed
	fi
}

rm -f $FOUND/.failed
make -s -j2 KIND=fuzz fuzz-targets || {
	echo "not ok fuzz-build: does not build"
	exit 1
}
for name in "$@"; do
	while [ "$(jobs -rp | wc -l)" -ge 2 ]; do
		wait -n
	done
	fuzz_one "$name" &
done
wait
[ ! -e $FOUND/.failed ]
