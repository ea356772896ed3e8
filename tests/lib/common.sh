# Sourced by the system tests, the boots and the demo: where things are, result lines,
# waiting, and an ending that cleans up however it comes.
#
# A script sets -u, sources this, and calls run_begin NAME. Then $RUN is its own folder,
# and whatever was registered with at_end is called, last first, on exit, failure and
# interrupt alike.

# The variables are for those who source this.
# shellcheck shell=bash disable=SC2034

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PARTS=$ROOT/build/parts
KIND=${KIND:-release}
BIN=$ROOT/build/$KIND/bin
TESTBIN=$ROOT/build/release/testbin
PATH=$PATH:/usr/sbin:/sbin

RUN=
FAILED=0
ENDINGS=()

ok()
{
	echo "ok $*"
}

# not_ok NAME REASON...
not_ok()
{
	local name=$1

	shift
	FAILED=$((FAILED + 1))
	echo "not ok $name: $*"
}

# skip NAME REASON...
skip()
{
	local name=$1

	shift
	echo "skip $name: $*"
}

# check NAME COMMAND...: ok when the command succeeds.
check()
{
	local name=$1 out

	shift
	if out=$("$@" 2>&1); then
		ok "$name"
	else
		not_ok "$name" "\`$*\` failed${out:+: $(tail -n 3 <<<"$out" | tr '\n' ' ')}"
	fi
}

# same NAME WANTED GOT
same()
{
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "wanted '$2', got '$3'"
	fi
}

# differs NAME UNWANTED GOT
differs()
{
	if [ "$2" != "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "got '$3'"
	fi
}

# less NAME GOT LIMIT
less()
{
	if [ "$2" -lt "$3" ]; then
		ok "$1 ($2)"
	else
		not_ok "$1" "$2 is not below $3"
	fi
}

# matches NAME EXTENDED_REGEX TEXT: some line matches.
matches()
{
	if grep -Eq -e "$2" <<<"$3"; then
		ok "$1"
	else
		not_ok "$1" "nothing like '$2' in '$(head -c 400 <<<"$3" | tr '\n' ' ')'"
	fi
}

die()
{
	echo "not ok $(basename "$0"): $*"
	FAILED=$((FAILED + 1))
	exit 1
}

at_end()
{
	ENDINGS+=("$*")
}

run_end()
{
	local status=$? i

	trap - EXIT INT TERM HUP
	for ((i = ${#ENDINGS[@]} - 1; i >= 0; i--)); do
		eval "${ENDINGS[i]}" || true
	done
	if [ -n "$RUN" ]; then
		if [ "$FAILED" = 0 ] && [ "$status" = 0 ] && [ -z "${KEEP:-}" ]; then
			rm -rf "$RUN"
		else
			echo "# kept: $RUN"
		fi
	fi
	[ "$FAILED" = 0 ] || [ "$status" != 0 ] || status=1
	exit "$status"
}

need_root()
{
	[ "$(id -u)" = 0 ] || {
		echo "not ok $(basename "$0"): needs root (network namespaces)"
		exit 1
	}
}

# A folder outside the tree: the server's users must be able to reach it, and a clone
# may lie under a home that is closed to them.
run_begin()
{
	RUN=$(mktemp -d "${TMPDIR:-/tmp}/sallyport-$1.XXXXXX") || exit 1
	chmod 711 "$RUN"
	trap run_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
}

# wait_for SECONDS COMMAND...: polls five times a second.
wait_for()
{
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))

	shift
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/./}" -lt "$end" ] || return 1
		sleep 0.2
	done
}

# wait_line SECONDS FILE EXTENDED_REGEX
wait_line()
{
	wait_for "$1" grep -Eqa -e "$3" "$2"
}

# Ends a process of ours: SIGTERM, then SIGKILL after fifteen seconds. Reaps a child.
end_process()
{
	kill -TERM "$1" 2>/dev/null || return 0
	wait_for 15 process_gone "$1" || kill -KILL "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	return 0
}

process_gone()
{
	local state

	state=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) || return 0
	[ -z "$state" ] || [ "$state" = Z ]
}

seconds()
{
	echo "$((${EPOCHREALTIME/./} / 1000000)).$(((${EPOCHREALTIME/./} / 100000) % 10))"
}

# random_hex BYTES
random_hex()
{
	od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'
}
