#!/bin/bash
# What sallyportd says of a configuration without starting: good, wrong and where, or all
# of it as it takes effect; and hosts.csv beside it, with as many machines as there may be.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"

HOSTS=100000

# look OPTION [FILE]: what it says in SAID and $RUN/said, its status in STATUS.
look()
{
	timeout 60 "$BIN/sallyportd" "$1" -f "${2:-$S/sallyport.conf}" -L "$BIN" \
		--uid-base "$UID_BASE" >"$RUN/said" 2>&1 </dev/null
	STATUS=$?
	SAID=$(head -c 4000 "$RUN/said")
}

good_and_wrong()
{
	look -n
	same "a good one: status" 0 "$STATUS"
	same "a good one: words" "sallyportd: $S/sallyport.conf: good" "$SAID"
	sed -i 's/lease-time 1h/lease-tim 1h/' "$S/sallyport.conf"
	look -n
	same "a wrong one: status" 1 "$STATUS"
	matches "a wrong one: file, line, column, what was expected" \
		"^sallyportd: $S/sallyport.conf:[0-9]+:[0-9]+: found 'lease-tim', expected " "$SAID"
	look -T
	same "a wrong one is not printed: status" 1 "$STATUS"
	matches "a wrong one is not printed" "^sallyportd: $S/sallyport.conf:" "$SAID"
	server_config_usual sample
	look -n "$S/absent.conf"
	same "no file: status" 1 "$STATUS"
	same "no file: words" "sallyportd: $S/absent.conf: No such file or directory" "$SAID"
}

# The programs are not where they are looked for.
not_installed()
{
	SAID=$("$BIN/sallyportd" -n -f "$S/sallyport.conf" -L "$RUN/nowhere" 2>&1 </dev/null)
	same "no programs: status" 78 $?
	matches "no programs: which" \
		"by $RUN/nowhere/conf-check: No such file or directory\$" "$SAID"
}

# What it prints is a configuration, and the same one.
printed()
{
	look -T
	same "printed: status" 0 "$STATUS"
	matches "printed: what was said" 'pool 10\.77\.0\.100 - 10\.77\.0\.200' "$SAID"
	matches "printed: what was not said" 'session-time ' "$SAID"
	mkdir "$RUN/again"
	cp "$RUN/said" "$RUN/again/sallyport.conf"
	look -T "$RUN/again/sallyport.conf"
	same "printed: it is a configuration" 0 "$STATUS"
	check "printed: and the same" cmp "$RUN/said" "$RUN/again/sallyport.conf"
	look -T "$ROOT/examples/full.conf"
	same "printed: the full example" 0 "$STATUS"
	look -n "$ROOT/examples/https.conf"
	same "the example of HTTPS" 0 "$STATUS"
	look -T "$ROOT/examples/full.conf"
	cp "$RUN/said" "$RUN/again/sallyport.conf"
	look -T "$RUN/again/sallyport.conf"
	check "printed: the full example again" cmp "$RUN/said" "$RUN/again/sallyport.conf"
}

hosts_beside()
{
	printf 'name,mac,address\nrack1,52:54:00:00:00:01,10.77.0.50\n' >"$S/hosts.csv"
	look -T
	same "hosts.csv: status" 0 "$STATUS"
	matches "hosts.csv: its machine" 'host "rack1"' "$(cat "$RUN/said")"
	printf 'rack2,52:54:00:00:00:0g,\n' >>"$S/hosts.csv"
	look -n
	same "a wrong hosts.csv: status" 1 "$STATUS"
	matches "a wrong hosts.csv: that file, line, column" \
		"^sallyportd: $S/hosts.csv:3:7: found '52:54:00:00:00:0g', expected " "$SAID"
	printf 'name,mac,address\nrack1,52:54:00:00:00:01,10.77.0.1000\n' >"$S/hosts.csv"
	look -n
	matches "a wrong address in it" "^sallyportd: $S/hosts.csv:2:25: " "$SAID"
	rm "$S/hosts.csv"
	mkdir "$S/hosts.csv"
	look -n
	same "a folder of that name" \
		"sallyportd: $S/hosts.csv: not a regular file of at most 16 MiB" "$SAID"
	rmdir "$S/hosts.csv"
	truncate -s 17M "$S/hosts.csv"
	look -n
	same "a hosts.csv beyond the limit" \
		"sallyportd: $S/hosts.csv: not a regular file of at most 16 MiB" "$SAID"
	rm "$S/hosts.csv"
}

many_hosts()
{
	local start took

	awk -v n=$HOSTS 'BEGIN { print "name,mac,address"
		for (i = 0; i < n; i++)
			printf "m%d,52:54:01:%02x:%02x:%02x,10.%d.%d.%d\n", i, i / 65536,
			    i / 256 % 256, i % 256, 96 + i / 64516, i / 254 % 254, i % 254 + 1
		}' >"$S/hosts.csv"
	server_config <<-END
		subnet 10.64.0.0/10 { router $SERVER_IP; }
	END
	start=${EPOCHREALTIME/./}
	look -n
	took=$(((${EPOCHREALTIME/./} - start) / 1000))
	same "$HOSTS machines in hosts.csv" "sallyportd: $S/sallyport.conf: good" "$SAID"
	less "milliseconds to check them" "$took" 2000
}

need_root
run_begin configuration
server_prepare
server_config_usual sample
good_and_wrong
not_installed
printed
hosts_beside
many_hosts
exit "$FAILED"
