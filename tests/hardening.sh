#!/bin/bash
# The compiler's and linker's protections, looked for in every executable itself.
set -u
cd "$(dirname "$0")/.." || exit 1
B=${1:-build/release/bin}
BAD=0

# Flags that gcc records in each unit of its debug information.
FLAGS="-fstack-protector-strong -fstack-clash-protection -fcf-protection=full -fPIE
	-fno-strict-overflow -fno-strict-aliasing -fno-delete-null-pointer-checks
	-ftrivial-auto-var-init=zero -fzero-call-used-regs=used-gpr"

fault()
{
	echo "not ok hardening $1: $2"
	BAD=1
	GOOD=
}

headers()
{
	local h d l

	h=$(readelf -hW "$1")
	d=$(readelf -dW "$1")
	l=$(readelf -lW "$1")
	grep -q 'Type: *DYN' <<<"$h" || fault "$2" "not position independent"
	grep -qE 'FLAGS_1.*NOW' <<<"$d" || fault "$2" "not bound at start (-z now)"
	grep -qE 'FLAGS_1.*PIE' <<<"$d" || fault "$2" "not marked PIE"
	grep -q GNU_RELRO <<<"$l" || fault "$2" "no RELRO"
	grep -qE 'GNU_STACK.* RW ' <<<"$l" || fault "$2" "stack may be executable"
	! grep -qE ' RWE ' <<<"$l" || fault "$2" "a segment is writable and executable"
	! grep -qE 'TEXTREL|RPATH|RUNPATH' <<<"$d" || fault "$2" "text relocations or a run path"
}

# The canary and the checked functions must really be in use.
functions()
{
	local names

	names=$(nm "$1" 2>/dev/null)
	grep -q '__stack_chk_fail' <<<"$names" || fault "$2" "no stack protector"
	grep -qE '__[a-z]+_chk' <<<"$names" || fault "$2" "no fortified function"
}

# Every unit that was compiled here, not those of the C library.
units()
{
	local producers flag odd

	producers=$(readelf --debug-dump=info --dwarf-depth=1 -W "$1" 2>/dev/null |
		grep DW_AT_producer | grep -v 'GNU AS' | sort -u)
	[ -n "$producers" ] || fault "$2" "no debug information to look at"
	for flag in $FLAGS; do
		odd=$(grep -cv -e "$flag" <<<"$producers")
		[ "$odd" = 0 ] || fault "$2" "$odd kinds of units without $flag"
	done
}

for binary in "$B"/*; do
	[ -x "$binary" ] || continue
	name=$(basename "$binary")
	GOOD=yes
	headers "$binary" "$name"
	functions "$binary" "$name"
	units "$binary" "$name"
	[ -n "$GOOD" ] && echo "ok hardening $name"
done
exit $BAD
