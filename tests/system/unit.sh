#!/bin/bash
# The systemd unit, as far as it can be tried without systemd as pid 1: its text is valid,
# and its system-call filter holds every call that the whole server makes from its start,
# through work, to its end.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$ROOT/tests/lib/clients.sh"

UNIT=$ROOT/packaging/sallyport.service

# The calls that a list of names and @groups means.
# shellcheck disable=SC2046
expand()
{
	local name

	for name in "$@"; do
		case $name in
		@*) expand $(systemd-analyze syscall-filter "$name" 2>/dev/null </dev/null |
			sed -n 's/^ \{4\}\([@a-z0-9_-]*\)$/\1/p') ;;
		*) echo "$name" ;;
		esac
	done
}

allowed()
{
	sed -n 's/^SystemCallFilter=\([^~]\)/\1/p' "$UNIT" >"$RUN/plus"
	sed -n 's/^SystemCallFilter=~//p' "$UNIT" >"$RUN/minus"
	# shellcheck disable=SC2046
	comm -23 <(expand @default $(cat "$RUN/plus") | sort -u) \
		<(expand $(cat "$RUN/minus") | sort -u)
}

# The server under strace, at work. The names of all its calls are in $RUN/used.
trace()
{
	printf '#!/bin/sh\nexec strace -D -f -qq -o "%s" "%s" "$@"\n' "$RUN/strace" \
		"$BIN/sallyportd" >"$RUN/traced"
	chmod 755 "$RUN/traced"
	SERVER_PROGRAM=$RUN/traced
	server_start
	wait_line 60 "$SERVER_LOG" "event=image-active .*sample" || die "no image"
	pxe_session a -a 16
	check "works under strace" in_ns a curl -s -m 60 -f -o /dev/null \
		"http://$SERVER_IP/sample/linux"
	in_ns a timeout 60 tftp -m binary $SERVER_IP -c get sample/loader.bin "$RUN/out"
	server_kill broker
	wait_line 30 "$SERVER_LOG" 'event=ready of=broker .*start=2'
	kill -HUP "$SERVER_PID"
	check "reloads under strace" wait_line 60 "$SERVER_LOG" 'event=reloaded '
	server_stop
	sed -n 's/^[0-9]* *\([a-z0-9_]*\)(.*/\1/p' "$RUN/strace" | sort -u >"$RUN/used"
	same "the trace holds all of it" "clone3 mount_setattr recvmmsg seccomp sendfile" \
		"$(grep -xE 'clone3|mount_setattr|recvmmsg|seccomp|sendfile' "$RUN/used" |
			tr '\n' ' ' | sed 's/ $//')"
}

filled()
{
	sed -e 's|@SBINDIR@/sallyportd|/bin/true|; s|@[A-Z]*@|/usr|g' "$UNIT" >"$RUN/sallyport.service"
}

need_root
if ! command -v systemd-analyze >/dev/null; then
	skip unit "systemd-analyze is not installed"
	exit 0
fi
run_begin unit
filled
same "the unit is valid" "" "$(SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no \
	"$RUN/sallyport.service" 2>&1)"
net_begin
net_client a 52:54:00:77:01:01
server_prepare
sample_image 3000000
server_trust
server_config_usual sample
trace
same "calls that the unit's filter lacks" "" \
	"$(comm -23 "$RUN/used" <(allowed) | tr '\n' ' ')"
