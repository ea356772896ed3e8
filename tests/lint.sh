#!/bin/bash
# Everything that can be said of the text without running it. tests/lint.sh [fast]
# "fast" leaves out the two that take minutes (cppcheck, clang-tidy).
# Functions are handed to lint(), which shellcheck does not see.
# shellcheck disable=SC2317
set -u
cd "$(dirname "$0")/.." || exit 1

BAD=0
mapfile -t C < <(git ls-files '*.c')
mapfile -t H < <(git ls-files '*.h')
mapfile -t SH < <(git ls-files '*.sh' '.ci/run')
mapfile -t MAN < <(git ls-files 'docs/man/*.[1-8]')
FLAGS=$(make -s --no-print-directory print-CPPFLAGS)

lint()
{
	local name=$1 out

	shift
	if out=$("$@" 2>&1); then
		echo "ok lint $name"
	else
		echo "not ok lint $name:"
		head -n 80 <<<"$out"
		BAD=1
	fi
}

format()
{
	clang-format --dry-run -Werror "${C[@]}" "${H[@]}"
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

# The layout of .clang-format makes a function what lies between "{" and "}" in the first
# column, and its start the line after the last empty or closing one.
sizes()
{
	awk '
	function said(what) { print what; bad = 1 }
	function file_end() {
		if (file == "")
			return
		most = file ~ /\.h$/ ? 150 : 600
		if (lines > most && file !~ /_golden\.h$/ && !excused)
			said(file ": " lines " lines, more than " most)
	}
	FNR == 1 { file_end(); file = FILENAME; excused = 0; start = 0 }
	{ lines = FNR }
	/longer than .* lines because/ { excused = 1; reason = FNR }
	/^$/ { start = 0 }
	/^[a-z].*[^;]$/ && !start { start = FNR }
	/^\{/ { if (!start) start = FNR; open = 1 }
	/^\}/ && open {
		n = FNR - start + 1
		most = reason && start - reason < 6 ? 80 : 60
		if (n > most && file !~ /^tests/)
			said(file ":" start ": a function of " n " lines, more than " most)
		open = 0; start = 0
	}
	/^\t\t\t\t\t\t*(if|for|while|switch|do)\>/ { said(file ":" FNR ": nested too deep") }
	END { file_end(); exit bad }' "${C[@]}" "${H[@]}"
}

shells()
{
	shellcheck -x "${SH[@]}"
}

checker()
{
	# shellcheck disable=SC2086
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability \
		--inline-suppr --suppress=missingIncludeSystem --suppress=unknownMacro \
		--suppress='*:tests/*' --max-configs=4 -j2 -I. -D_GNU_SOURCE src privsep policy
}

# The same flags as the build's; two at a time.
tidy()
{
	# shellcheck disable=SC2086
	# shellcheck disable=SC2016
	printf '%s\n' "${C[@]}" | grep -E '^(src|privsep|policy)/' |
		grep -v '^policy/cage/' | xargs -P 2 -n 4 sh -c \
		'clang-tidy --quiet "$@" -- -std=c17 $0' "$FLAGS" 2>/dev/null
}

lint format format
lint shell shells
lint manuals manuals
lint words words
lint sizes sizes
if [ "${1:-}" != fast ]; then
	lint cppcheck checker
	lint clang-tidy tidy
fi
exit $BAD
