#!/bin/bash
# The control socket and `sallyport`: what a running server says of itself, who may ask
# what, and that nobody who asks delays who boots.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$ROOT/tests/lib/clients.sh"

config()
{
	server_config_usual sample
	cat >>"$S/sallyport.conf" <<-'END'
		host "fixed" { mac 52:54:00:77:01:50; address 10.77.0.50; }
	END
}

sallyport()
{
	"$BIN/sallyport" --socket "$S/state/control" "$@"
}

status()
{
	local out

	out=$(sallyport status)
	matches "status says the version" '^sallyport [0-9.]+, up [0-9]+ s; .*start 1' "$out"
	matches "status says the link" 'lan0 +10\.77\.0\.1/24 .*full' "$out"
	matches "status says the image" '^ *sample +20[0-9]+ ' "$out"
	check "status is JSON" json_holds "$(sallyport status --json)" version links images
}

# json_holds TEXT KEY...: it is one JSON object with these keys.
json_holds()
{
	python3 -c 'import json, sys
o = json.loads(sys.argv[1])
sys.exit(any(k not in o for k in sys.argv[2:]))' "$@"
}

leases()
{
	local out

	udhcpc_once a
	FIRST=$(got "$RUN/a.udhcpc" ip)
	differs "a client has an address" "" "$FIRST"
	out=$(sallyport lease list)
	matches "list shows the lease" "^$FIRST +bound .*52:54:00:77:01:01" "$out"
	same "one lease" 2 "$(wc -l <<<"$out")"
	out=$(sallyport lease show "$FIRST")
	matches "show shows it" "^state +bound" "$out"
	matches "show of a free address" '^state +free' "$(sallyport lease show 10.77.0.199)"
	matches "show of one that is not configured" 'no such address' \
		"$(sallyport lease show 192.0.2.1 2>&1)"
}

need_root
run_begin control
net_begin
server_prepare
sample_image 300000
server_trust
config
net_client a 52:54:00:77:01:01
udhcpc_script
server_start
wait_line 10 "$SERVER_LOG" "event=image-active .*sample" || die "the image is not served"
status
leases
server_stop
same "the socket is gone with the server" no "$([ -e "$S/state/control" ] && echo yes || echo no)"
exit "$FAILED"
