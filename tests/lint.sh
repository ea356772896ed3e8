#!/bin/bash
# Everything that can be said of the text without running it. tests/lint.sh [fast]
# "fast" leaves out the three that take minutes (cppcheck, clang-tidy, gcc's analyzer).
# Functions are handed to lint(), which shellcheck does not see.
# shellcheck disable=SC2317
set -u
cd "$(dirname "$0")/.." || exit 1

BAD=0
LOG=$(mktemp -d)
trap 'rm -rf "$LOG"' EXIT
export LC_ALL=C
mapfile -t C < <(git ls-files '*.c')
mapfile -t H < <(git ls-files '*.h')
mapfile -t SH < <(git ls-files '*.sh' '.ci/run')
mapfile -t MAN < <(git ls-files 'docs/man/*.[1-8]')
mapfile -t CODE < <(git ls-files 'src/*.c' 'privsep/*.c' 'policy/*.c' ':!policy/cage')
mapfile -t SIZED < <(git ls-files {src,privsep,policy}/'*.[chly]' privsep/msgs.def)
FLAGS=$(make -s --no-print-directory print-CPPFLAGS)
export FLAGS LOG

lint()
{
	local name=$1 start=$SECONDS out

	shift
	if out=$("$@" 2>&1); then
		echo "ok lint $name ($((SECONDS - start)) s)"
		[ -z "$out" ] || echo "  ${out//$'\n'/$'\n'  }"
	else
		echo "not ok lint $name:"
		head -n 400 <<<"$out"
		BAD=1
	fi
}

format()
{
	clang-format --dry-run -Werror "${C[@]}" "${H[@]}"
}

shells()
{
	shellcheck -x "${SH[@]}"
}

# mandoc says everything on stdout, and its exit status is the worst of it.
manuals()
{
	[ ${#MAN[@]} -gt 0 ] || return 0
	mandoc -T lint -W warning "${MAN[@]}"
}

# Words that promise work instead of doing it.
words()
{
	! git grep -nIE '\b(TO''DO|FIX''ME|X''XX)\b|not imple''mented' -- ':!*.bin' ':!fuzz/corpus'
}

checker()
{
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability \
		--inline-suppr --suppress=missingIncludeSystem --suppress=unknownMacro \
		--max-configs=4 -j2 -I. -D_GNU_SOURCE src privsep policy fuzz
}

# each COMMAND: the command in a file of its own for every file of CODE, two at a time,
# what they said in the order of the files.
each()
{
	local status

	rm -f "$LOG"/*.said
	# The single quotes keep what the inner shell expands.
	# shellcheck disable=SC2016
	printf '%s\n' "${CODE[@]}" | xargs -P 2 -n 1 sh -c \
		'said=$LOG/$(echo "$0" | tr / _).said; { '"$1"'; } >"$said" 2>&1 ||
		{ echo "$0: ended with status $?" >>"$said"; exit 1; }'
	status=$?
	cat "$LOG"/*.said
	return "$status"
}

# One file a run: with several, clang-tidy 14 takes va_start for a function of ours.
tidy()
{
	# shellcheck disable=SC2016
	each 'clang-tidy --quiet "$0" -- -std=c17 $FLAGS' |
		grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -header'
	return "${PIPESTATUS[0]}"
}

# Leaks are left to clang-tidy and ASan: gcc 12 takes what is stored behind a pointer for
# lost.
analyzer()
{
	# shellcheck disable=SC2016
	each 'gcc -std=c17 $FLAGS -O1 -Werror -fanalyzer -Wno-analyzer-malloc-leak \
		-c -o /dev/null "$0"'
}

lint format format
lint shell shells
lint manuals manuals
lint words words
lint sizes tests/sizes.sh "${SIZED[@]}"
lint fuzz-targets tests/fuzz_list.sh
if [ "${1:-}" != fast ]; then
	lint cppcheck checker
	lint clang-tidy tidy
	lint gcc-analyzer analyzer
fi
exit $BAD
