#!/bin/bash
# Proves the link map: which process may contain what. Three proofs for each program,
# from the build itself: the headers that its objects included (the compiler's own
# dependency files), the functions and objects in the executable (nm), the libraries that
# it asks for (readelf).
set -u
cd "$(dirname "$0")/.." || exit 1
B=build/release
PROGRAMS=$(make -s --no-print-directory print-PROGRAMS)
BAD=0

not_ok()
{
	echo "not ok layers $1: $2"
	BAD=1
}

objects()
{
	make -s --no-print-directory "print-OBJ_$1"
}

# The headers and sources that a program was compiled from, but for the system's.
sources()
{
	local object

	for object in $(objects "$1"); do
		sed 's/^[^:]*://; s/\\$//' "$B/obj/$object.d" 2>/dev/null
	done | tr ' ' '\n' | sed "s|^\./||" | grep -E '^(src|privsep|policy|build)/' | sort -u
}

# Every global name that the objects under a folder define.
defined_under()
{
	find "$B/obj/$1" -name '*.o' -exec nm -g --defined-only {} + 2>/dev/null |
		awk 'NF == 3 { print $3 }' | sort -u
}

names_in()
{
	nm --defined-only "$B/bin/$1" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u
}

# forbid PROGRAM WHAT REGEX NAMES_FILE: neither a source that matches, nor a name.
forbid()
{
	local found

	found=$(sources "$1" | grep -E "$3" | tr '\n' ' ')
	[ -z "$found" ] || {
		not_ok "$1" "contains $2: $found"
		return
	}
	found=$(names_in "$1" | comm -12 - "$4" | head -n 5 | tr '\n' ' ')
	[ -z "$found" ] || {
		not_ok "$1" "its executable defines $found of $2"
		return
	}
	echo "ok layers $1 without $2"
}

# Exactly its own filter, and a filter at all.
own_cage()
{
	local cages

	cages=$(objects "$1" | tr ' ' '\n' | sed -n 's|^gen/cage/||p' | tr '\n' ' ')
	if [ "$cages" = "$1 " ]; then
		echo "ok layers $1 has its own cage only"
	else
		not_ok "$1" "its cages: '$cages'"
	fi
}

# A folder of a process is that process's alone; the image tool, which no network reaches,
# writes what the verifier reads and shares its code for that, and the control tool shows
# what ear and mouth would make of packets and replies.
own_folder()
{
	local other also=

	[ "$1" != sallyport-image ] || also="|tools|verifier"
	[ "$1" != sallyport ] || also="|dhcp-parser|dhcp-sender"
	other=$(sources "$1" | sed -n 's|^src/\([^/]*\)/.*|\1|p' | sort -u |
		grep -vxE "base|wire|$1$also" | tr '\n' ' ')
	if [ -z "$other" ]; then
		echo "ok layers $1 holds no other process's code"
	else
		not_ok "$1" "holds code of: $other"
	fi
}

libraries()
{
	local wanted=$2 got

	got=$(readelf -dW "$B/bin/$1" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' |
		grep -vE '^(libc\.so\.6|ld-linux.*)$' | sort | tr '\n' ' ')
	if [ "${got% }" = "$wanted" ]; then
		echo "ok layers $1 libraries: ${wanted:-none}"
	else
		not_ok "$1" "asks for '${got% }', wanted '$wanted'"
	fi
}

# includes FOLDER ALLOWED_REGEX: no file there includes another of ours.
includes()
{
	local found

	found=$(find "$1" -name '*.[chly]' -exec grep -HE '^#include "' {} + |
		grep -vE "#include \"($2)" | head -n 3 | tr '\n' ' ')
	if [ -z "$found" ]; then
		echo "ok layers includes of $1"
	else
		not_ok "$1" "includes what it must not: $found"
	fi
}

# Codecs are pure: from the C library they call what moves and compares bytes, and nothing
# that allocates, reads a clock, or speaks to the system.
pure()
{
	local found

	found=$(find "$B/obj/$1" -name '*.o' -exec nm -u {} + | awk '$1 == "U" { print $2 }' |
		sort -u | comm -23 - "$2" |
		grep -vxE '(mem|str)[a-z]+|__(mem|str)[a-z]+_chk|__v?snprintf_chk|__stack_chk_fail|bug_at' |
		tr '\n' ' ')
	if [ -z "$found" ]; then
		echo "ok layers $1 is pure"
	else
		not_ok "$1" "calls $found"
	fi
}

for program in $PROGRAMS; do
	[ -x "$B/bin/$program" ] || {
		not_ok "$program" "is not built"
		exit 1
	}
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
defined_under policy >"$work/policy"
defined_under src/wire >"$work/wire"

for program in dhcp-parser link-parser tftp-parser http-parser dhcp-sender file-sender logger; do
	forbid $program policy '^policy/' "$work/policy"
done
for program in broker sallyportd verifier conf-check logger; do
	forbid $program wire '^src/wire/' "$work/wire"
done
forbid sallyportd policy '^policy/' "$work/policy"
for program in $PROGRAMS; do
	own_folder "$program"
	case $program in
	sallyportd | sallyport-image | sallyport) ;;
	*) own_cage "$program" ;;
	esac
done

libraries sallyportd "libseccomp.so.2"
libraries logger ""
libraries dhcp-parser ""
libraries link-parser ""
libraries dhcp-sender ""
libraries tftp-parser ""
libraries http-parser ""
libraries conf-check ""
libraries file-sender ""
libraries broker "liblmdb.so.0"
libraries verifier "libcrypto.so.3 libsodium.so.23"
libraries tls "libcrypto.so.3 libssl.so.3"
libraries keys "libcrypto.so.3"
libraries sallyport-image "libcrypto.so.3 libsodium.so.23"
libraries sallyport ""

# What purity may lean on: itself, the cursor, addresses, bug() for our own mistakes.
find "$B/obj/src/wire" "$B"/obj/src/base/{buf,ident,err}.o -name '*.o' \
	-exec nm -g --defined-only {} + | awk 'NF == 3 { print $3 }' | sort -u >"$work/leaves"
pure src/wire "$work/leaves"

includes src/base 'src/base/'
includes src/wire 'src/(base|wire)/'
includes policy 'src/base/|policy/|privsep/(roles|cage_rules)\.h'
includes privsep 'src/base/|privsep/'
exit $BAD
