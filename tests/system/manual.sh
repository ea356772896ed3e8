#!/bin/bash
# The manual pages are well formed, and complete where a list can be compared: every event
# that the code logs, every word of the configuration, every command and option.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
cd "$ROOT" || exit 1

# Names of events: the first text of a call of log_event or log_limited, and the four
# that dhcp-sender chooses from.
events()
{
	cat src/*/*.c privsep/*.c | tr '\n' ' ' |
		grep -oE 'log_(event|limited|at_most)\([^;]*;' |
		grep -oE 'LOG_[A-Z]+, ([a-z>-]+ \? )?"[a-z-]+"( : "[a-z-]+")?' |
		grep -oE '"[a-z-]+"' | tr -d '"'
	grep -hoE '"dhcp-(offer|ack|nak|bootp)"' src/dhcp-sender/*.c | tr -d '"'
	echo log-flood
}

# missing PAGE WORD...: those that the page does not have.
missing()
{
	local page=$1 word

	shift
	for word in "$@"; do
		grep -qE "(^|[^a-z-])$word([^a-z-]|\$)" "$page" || echo "$word"
	done | paste -sd' '
}

words()
{
	LC_ALL=C sort -u | paste -sd' '
}

if command -v mandoc >/dev/null; then
	same "mandoc has nothing to say" "" "$(mandoc -T lint -W warning docs/man/*.[1-8])"
else
	skip "mandoc" "it is not installed (tests/packages.sh lint)"
fi
found=$(events | words)
differs "events are found in the code" 0 "$(wc -w <<<"$found")"
# shellcheck disable=SC2086
same "events in sallyportd(8)" "" "$(missing docs/man/sallyportd.8 $found)"
# shellcheck disable=SC2046
same "keywords in sallyport.conf(5)" "" "$(missing docs/man/sallyport.conf.5 \
	$(sed -n "s/^%token K_.*\"'\(.*\)'\"\$/\1/p" policy/conf.y))"
# shellcheck disable=SC2046
same "options in sallyport-image(1)" "" "$(missing docs/man/sallyport-image.1 \
	$(sed -n 's/^ *{"\([a-z-]*\)", [a-z]*_argument.*/Fl -\1/p' src/tools/*.c | sort -u | tr ' ' '.'))"
# shellcheck disable=SC2046
same "options in sallyport(8)" "" "$(missing docs/man/sallyport.8 \
	$(grep -ohE '\{"[a-z-]+", [a-z]+_argument' src/sallyport/*.c | sed 's/{"\(.*\)",.*/Fl.-\1/' |
		sort -u))"
# shellcheck disable=SC2046
same "options in sallyportd(8)" "" "$(missing docs/man/sallyportd.8 \
	$(grep -oE '\{"[a-z-]+", [a-z]+_argument' src/sallyportd/*.c | sed 's/{"\(.*\)",.*/Fl.-\1/'))"
exit "$FAILED"
