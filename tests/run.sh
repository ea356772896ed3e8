#!/bin/bash
# The runner behind make check, check-boot and check-walls.
#
#	tests/run.sh check|boot|walls
#
# Every test is a program that prints "ok NAME", "not ok NAME: why" and "skip NAME: why"
# lines (cmocka's programs speak TAP, which is nearly that). A program that ends badly,
# or says nothing, is one failure more. Whatever fails is shown in full. The last line is
# "N passed, N failed, N skipped". Tools that are missing are installed first (as root).
set -u

ROOT=$(cd "$(dirname "$0")/.." && pwd)
cd "$ROOT" || exit 1
LOGS=$ROOT/build/log
JOBS=${JOBS:-2}
PASSED=0
FAILED=0
SKIPPED=0
QUEUE=()

# What a surrounding make says about itself is not meant for the ones below.
unset MAKEFLAGS MFLAGS MAKELEVEL
export CMOCKA_MESSAGE_OUTPUT=TAP
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1
export LSAN_OPTIONS=suppressions=$ROOT/tests/lsan.supp:print_suppressions=0
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

stamp()
{
	echo "${EPOCHREALTIME/./}"
}

# tally LABEL STATUS MICROSECONDS: counts what $LOGS/LABEL.log says and prints one line.
tally()
{
	local log=$LOGS/$1.log good bad skips time

	skips=$(grep -Eac '^(skip |(not )?ok .*# SKIP)' "$log")
	good=$(grep -Ea '^ok( |$)' "$log" | grep -Eavc '# SKIP')
	bad=$(grep -Ea '^not ok( |$)' "$log" | grep -Eavc '# SKIP')
	if [ "$2" != 0 ] && [ "$bad" = 0 ]; then
		echo "not ok $1: ended with status $2" >>"$log"
		bad=1
	elif [ $((good + bad + skips)) = 0 ]; then
		echo "not ok $1: said nothing" >>"$log"
		bad=1
	fi
	PASSED=$((PASSED + good))
	FAILED=$((FAILED + bad))
	SKIPPED=$((SKIPPED + skips))
	time=$(awk -v t="$3" 'BEGIN { printf "%.1f s", t / 1e6 }')
	if [ "$bad" = 0 ]; then
		echo "  pass  $1: $good ok${skips:+$([ "$skips" = 0 ] || echo ", $skips skipped")}, $time"
		grep -Ea '^skip ' "$log" | sed 's/^/        /'
	else
		echo "  FAIL  $1: $good ok, $bad failed, $time; all it said:"
		sed 's/^/        | /' "$log"
	fi
}

# run LABEL LIMIT COMMAND...: LIMIT in seconds, then SIGTERM, 20 seconds later SIGKILL.
run()
{
	local label=$1 limit=$2 start status

	shift 2
	start=$(stamp)
	timeout -k 20 "$limit" "$@" >"$LOGS/$label.log" 2>&1 </dev/null
	status=$?
	tally "$label" $status $(($(stamp) - start))
}

# A step of the build: its success is a result, its output shows only when it fails.
step()
{
	local label=$1

	shift
	# shellcheck disable=SC2016
	run "$label" 1200 sh -c '"$@" && echo "ok $0"' "$label" "$@"
}

later()
{
	QUEUE+=("$1|$2|$3")
}

# Runs what later() queued, $JOBS at a time; results come in the order of the queue.
drain()
{
	local entry label limit command pids=() i

	for entry in "${QUEUE[@]}"; do
		IFS='|' read -r label limit command <<<"$entry"
		while [ "$(jobs -rp | wc -l)" -ge "$JOBS" ]; do
			wait -n
		done
		queued "$label" "$limit" "$command" &
		pids+=($!)
	done
	for i in "${!QUEUE[@]}"; do
		wait "${pids[i]}"
		label=${QUEUE[i]%%|*}
		tally "$label" "$(sed -n 1p "$LOGS/$label.rc")" "$(sed -n 2p "$LOGS/$label.rc")"
	done
	QUEUE=()
}

queued()
{
	local start status

	start=$(stamp)
	# Words are wanted: a command and its arguments.
	# shellcheck disable=SC2086
	timeout -k 20 "$2" $3 >"$LOGS/$1.log" 2>&1 </dev/null
	status=$?
	printf '%s\n%s\n' $status $(($(stamp) - start)) >"$LOGS/$1.rc"
}

list()
{
	make -s --no-print-directory "print-$1"
}

units()
{
	local name

	for name in $(list UNIT); do
		run "unit-$1-$name" 300 "build/$1/test/test_$name"
	done
}

# Every corpus, through the sanitizer build of its target.
corpora()
{
	local name

	for name in $(list FUZZ); do
		# shellcheck disable=SC2016
		run "corpus-$name" 300 sh -c \
			'build/san/fuzz/$0 fuzz/corpus/$0 && echo "ok corpus $0"' "$name"
	done
}

systems()
{
	local script

	for script in "$@"; do
		[ -e "$script" ] || continue
		later "$(basename "$(dirname "$script")")-$(basename "$script" .sh)" 1500 "$script"
	done
	drain
}

boots()
{
	local case

	for case in "$@"; do
		later "boot-$case" 400 "tests/boot/run_case.sh $case"
	done
	drain
}

check()
{
	step build-gcc make -j2 all helpers loads unit-tests
	step build-clang make -j2 KIND=clang all
	step build-san make -j2 KIND=san unit-tests fuzz-targets
	units release
	units san
	corpora
	run layers 120 tests/layers.sh
	run hardening 120 tests/hardening.sh
	systems tests/system/*.sh
	boots bios-tftp bios-http uefi-pxe uefi-http uefi-https
}

boot()
{
	local cases

	step build-gcc make -j2 all helpers
	cases=$(tests/boot/run_case.sh list)
	# shellcheck disable=SC2086
	boots $cases
}

walls()
{
	step build-gcc make -j2 all helpers loads wall-tools sweeps
	# One at a time: they measure.
	JOBS=1 systems tests/walls/*.sh
	boots kill-after-ack kill-mid-tftp kill-mid-http
	run fuzz-smoke 600 tests/fuzz_smoke.sh "${T:-60}"
}

rm -rf "$LOGS/${1:-none}"
LOGS=$LOGS/${1:-none}
mkdir -p "$LOGS"
case ${1:-} in
check | boot | walls)
	tests/packages.sh check || exit 1
	start=$(stamp)
	"$1"
	awk -v t=$(($(stamp) - start)) -v n="$1" \
		'BEGIN { printf "%s took %d min %d s\n", n, t / 6e7, (t / 1e6) % 60 }'
	;;
*)
	echo "usage: tests/run.sh check|boot|walls" >&2
	exit 2
	;;
esac
echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"
[ "$FAILED" = 0 ]
