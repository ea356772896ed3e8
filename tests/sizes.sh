#!/bin/bash
# How long functions and files are: tests/sizes.sh FILE... prints the ten longest of each
# and fails above the limits. A function of 61 to 80 lines needs a comment above it that
# says "More than 60 lines: " and why; nothing excuses more than 80. A grammar cannot be cut
# in two, and may be longer than other files.
#
# clang-format's layout makes a function what stands between "{" and "}" in the first
# column; it is counted from the line of its name.
set -eu

FILE_MOST=600 GRAMMAR_MOST=800 HEADER_MOST=150 LINES_FREE=60 LINES_MOST=80 DEPTH_MOST=3

awk -v file_most=$FILE_MOST -v grammar_most=$GRAMMAR_MOST -v header_most=$HEADER_MOST \
	-v free=$LINES_FREE -v most=$LINES_MOST -v depth=$DEPTH_MOST '
function said(what) { print "too much: " what; bad = 1 }
function end_file() {
	if (name == "")
		return
	print "file", lines, name
	most_lines = name ~ /\.h$/ ? header_most : name ~ /\.y$/ ? grammar_most : file_most
	if (lines > most_lines)
		said(name ": " lines " lines")
}
function end_function(n) {
	print "function", n, name ":" start, called
	if (n > most || (n > free && !reason))
		said(name ":" start ": " called " has " n " lines")
	open = start = reason = 0
}
FNR == 1 { end_file(); name = FILENAME; open = start = reason = 0 }
{ lines = FNR }
!open && /More than 60 lines: / { reason = 1 }
!open && /^$/ { start = reason = 0 }
!open && /^[a-z_][a-zA-Z0-9_]*\(/ { start = FNR; called = $0; sub(/\(.*/, "", called) }
/^\{/ && start { open = 1 }
/^\}/ && open { end_function(FNR - start + 1) }
# The first tab is the function; a case label stands where its switch does.
open && /^\t+(if|for|while|switch|do)[ (]/ {
	match($0, /^\t+/)
	if (RLENGTH > depth + 1)
		said(name ":" FNR ": nested deeper than " depth)
}
END { end_file(); exit bad }' "$@" >"${TMPDIR:-/tmp}/sizes.$$" || status=$?
trap 'rm -f "${TMPDIR:-/tmp}/sizes.$$"' EXIT
for kind in function file; do
	echo "The ten longest of $(grep -c "^$kind " "${TMPDIR:-/tmp}/sizes.$$") ${kind}s:"
	grep "^$kind " "${TMPDIR:-/tmp}/sizes.$$" | sort -k2,2nr -k3 | head -n 10 |
		sed "s/^$kind /  /"
done
grep '^too much' "${TMPDIR:-/tmp}/sizes.$$" || true
exit "${status:-0}"
