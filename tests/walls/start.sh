#!/bin/bash
# No wall is optional: what cannot be put up stops the start, with status 78 and its name.
# A wrong configuration is refused with its place; the end is in order; and when the
# supervisor is killed, nothing of the server is left.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$ROOT/tests/lib/clients.sh"
# shellcheck source=../lib/walls.sh
. "$ROOT/tests/lib/walls.sh"

LIBEXEC=$BIN
DAEMON=$BIN/sallyportd

# start_alone COMMAND...: the supervisor to its end, run by COMMAND; its words in SAID, its
# status in STATUS. 124: it had to be stopped.
start_alone()
{
	SAID=$(in_ns srv "$@" timeout 20 "$DAEMON" -f "$S/sallyport.conf" -L "$LIBEXEC" \
		--uid-base "$UID_BASE" 2>&1 </dev/null)
	STATUS=$?
}

# refused LABEL REGEX COMMAND...: with status 78, saying that, and leaving nothing.
refused()
{
	local label=$1 said=$2

	shift 2
	start_alone "$@"
	same "$label: status" 78 "$STATUS"
	matches "$label: named" "$said" "$SAID"
	# The children's death by the supervisor's takes a moment.
	wait_for 10 nothing_left
	same "$label: nothing is left" "" "$(left)"
}

left()
{
	alive "$(pgrep -u "$(uids)")"
}

nothing_left()
{
	[ -z "$(left)" ]
}

uids()
{
	seq -s, $((UID_BASE + 1)) $((UID_BASE + 11))
}

# with_line SED: the usual configuration, changed.
with_line()
{
	server_config_usual sample
	sed -i "$1" "$S/sallyport.conf"
}

walls()
{
	with_line 's/^server { /server { landlock 32; /'
	refused "landlock 32" 'landlock.*below the configured minimum' env
	server_config_usual sample
	refused "no CAP_SYS_ADMIN" "no CAP_SYS_ADMIN" setpriv --bounding-set -sys_admin
	refused "no CAP_SETUID" "user: uid" setpriv --bounding-set -setuid
	refused "no CAP_SETGID" "user: group" setpriv --bounding-set -setgid
	refused "no CAP_SETPCAP" "capabilities: " setpriv --bounding-set -setpcap
	refused "no CAP_KILL" "capabilities: " setpriv --bounding-set -kill
	refused "no CAP_NET_RAW" 'packet ring' setpriv --bounding-set -net_raw
	refused "no CAP_NET_BIND_SERVICE" 'UDP port 67' setpriv --bounding-set -net_bind_service
	# A clone may lie where other users cannot reach it.
	cp "$BIN/sallyportd" "$RUN/"
	DAEMON=$RUN/sallyportd
	refused "another user" 'root' setpriv --reuid 12345 --regid 12345 --clear-groups
	DAEMON=$BIN/sallyportd
	refused "few descriptors" 'limit of descriptors' \
		setpriv --bounding-set -sys_resource prlimit --nofile=100:100
}

# Each wall in turn cannot be put up, for its system call fails. Numbers: prctl's first
# argument, the flags of mount, the resource of prlimit64.
no_such_wall()
{
	local call name error

	server_config_usual sample
	while read -r call error name; do
		refused "$name" "$name" "$ROOT/build/release/testbin/deny" "$call" "$error"
	done <<-'END'
		unshare 1 namespaces: unshare
		mount:3=0x44000 1 namespaces: private mounts
		prctl:0=24 1 capabilities: bounding set
		prctl:0=47 1 capabilities: ambient set
		prctl:0=28 1 capabilities: securebits
		setgroups 1 user: groups
		setresgid 1 user: group
		setresuid 1 user: uid
		capset 1 capabilities: capset
		mount:3=14 1 root: tmpfs
		chdir 1 root: chdir
		pivot_root 1 root: pivot_root
		umount2 1 root: umount
		mount:3=4143 1 root: read-only
		prctl:0=1 1 process: death signal
		prctl:0=38 1 process: no_new_privs
		prctl:0=4 1 process: dumpable
		prctl:0=65 1 process: memory-deny-write-execute
		fchdir 1 own folder: fchdir
		landlock_create_ruleset 38 landlock: not in this kernel
		landlock_create_ruleset:2=0 1 landlock: ruleset
		landlock_add_rule 1 landlock: the image store
		landlock_restrict_self 1 landlock: restrict
		prlimit64:1=4 1 limits: core
		prlimit64:1=6 1 limits: processes
		prlimit64:1=1 1 limits: file size
		prlimit64:1=9 1 limits: address space
		prlimit64:1=8 1 limits: locked memory
		prlimit64:1=12 1 limits: message queues
		prlimit64:1=11 1 limits: signals
		seccomp 1 seccomp: filter
		open_tree 38 server/images
		socketpair 24 cannot
	END
}

executables()
{
	local role

	mkdir "$RUN/bin"
	server_config_usual sample
	for role in $ROLES conf-check; do
		ln -sf "$BIN"/* "$RUN/bin/"
		rm "$RUN/bin/$role"
		LIBEXEC=$RUN/bin
		refused "no executable $role" "$role|cannot check" env
		LIBEXEC=$BIN
	done
	ln -sf "$BIN"/* "$RUN/bin/"
	ln -sf /bin/true "$RUN/bin/tftp-parser"
	LIBEXEC=$RUN/bin
	refused "an executable that is not ours" 'tftp-parser: exit 0' env
	LIBEXEC=$BIN
}

things()
{
	mkdir -p "$S/state/broker"
	chown 12345 "$S/state/broker"
	refused "the broker's folder is another's" 'state/broker.*wrong owner' env
	rm -r "$S/state/broker"
	install -d -m 755 -o $((UID_BASE + 2)) -g $((UID_BASE + 2)) "$S/state/broker"
	refused "the broker's folder is open to others" 'state/broker.*wrong owner or mode' env
	rm -r "$S/state/broker"
	ln -s /etc "$S/state/broker"
	refused "the broker's folder is a link" 'state/broker.*not a directory' env
	rm "$S/state/broker"
	chmod 777 "$S/state"
	refused "a state folder that all may write" 'server/state.*wrong owner or mode' env
	chmod 755 "$S/state"
	chown 12345 "$S/state"
	refused "a state folder of another" 'server/state.*wrong owner or mode' env
	chown 0 "$S/state"
	chmod 770 "$S/state/verifier"
	refused "a floor that others may replace" 'state/verifier.*wrong owner or mode' env
	chmod 700 "$S/state/verifier"
	chmod 666 "$S/keyring"
	refused "a keyring that all may write" 'server/keyring.*wrong owner or mode' env
	chmod 644 "$S/keyring"
	mkfifo "$S/keyring.fifo"
	with_line 's|/server/keyring"|/server/keyring.fifo"|'
	refused "a keyring that is a FIFO" 'keyring.fifo.*not a regular file' env
	with_line 's|/server/keyring"|/server/none"|'
	refused "no keyring" 'server/none' env
	with_line 's/^interface lan0 /interface lan9 /'
	refused "no such interface" 'lan9' env
	with_line "s/address $SERVER_IP;/address 10.77.0.9;/"
	refused "an address that the interface has not" 'lan0' env
	echo "broken" >"$S/keyring.broken"
	with_line 's|/server/keyring"|/server/keyring.broken"|'
	refused "a broken keyring" 'verifier|keyring' env
}

# A checker that answers nothing is process 1 of its namespace, and hard to end.
stuck_checker()
{
	mkdir "$RUN/stuck"
	printf '#!/bin/sh\nexec sleep 600\n' >"$RUN/stuck/conf-check"
	chmod 755 "$RUN/stuck" "$RUN/stuck/conf-check"
	server_config_usual sample
	SAID=$(timeout 40 "$BIN/sallyportd" -n -f "$S/sallyport.conf" -L "$RUN/stuck" \
		--uid-base "$UID_BASE" 2>&1 </dev/null)
	STATUS=$?
	same "a checker that answers nothing: status" 78 "$STATUS"
	matches "a checker that answers nothing: named" 'cannot check.*timed out' "$SAID"
}

# Ports are ours alone, before the start and after.
ports()
{
	local pid

	server_config_usual sample
	# It binds like one that wants to share the port.
	ip netns exec "$NET-srv" "$PXE" -i lan0 -r "$SERVER_IP" -s 10.77.0.250 -t 60 proxy \
		>/dev/null 2>&1 &
	pid=$!
	at_end "end_process $pid"
	wait_for 20 port_taken udp 4011
	refused "port 4011 is in use" 'UDP port 4011' env
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null
	server_start
	in_ns srv timeout 5 "$PXE" -i lan0 -r "$SERVER_IP" -s 10.77.0.250 -t 1 proxy >"$RUN/join" 2>&1
	matches "no other socket can join our ports" 'bind: Address already in use' \
		"$(cat "$RUN/join")"
	server_stop
}

port_taken()
{
	in_ns srv cat "/proc/net/$1" | awk -v p=":$(printf '%04X' "$2")" '
		index($2, p) { found = 1 } END { exit !found }'
}

users()
{
	server_config_usual sample
	SAID=$(in_ns srv timeout 20 "$BIN/sallyportd" -f "$S/sallyport.conf" -L "$BIN" \
		--uid-base $(($(id -u nobody) - 4)) 2>&1 </dev/null)
	STATUS=$?
	same "uids that are not free: status" 78 "$STATUS"
	matches "uids that are not free: named" 'not free.*nobody' "$SAID"
	SAID=$(in_ns srv "$BIN/sallyportd" -f "$S/sallyport.conf" -L "$BIN" 2>&1 </dev/null)
	STATUS=$?
	if getent passwd sallyport-logger >/dev/null; then
		skip "an unknown user" "this host has sallyport's users"
		return
	fi
	same "an unknown user: status" 78 "$STATUS"
	matches "an unknown user: named" 'no such user.*sallyport-' "$SAID"
}

# check_only LABEL STATUS REGEX TEXT
check_only()
{
	echo "$4" >"$S/try.conf"
	SAID=$("$BIN/sallyportd" -n -f "$S/try.conf" -L "$BIN" --uid-base "$UID_BASE" 2>&1)
	STATUS=$?
	same "$1: status" "$2" "$STATUS"
	matches "$1: said" "$3" "$SAID"
}

configuration()
{
	server_config_usual sample
	check_only "-n, good" 0 'good' "$(cat "$S/sallyport.conf")"
	same "-n starts nothing" "" "$(alive "$(pgrep -u "$(uids)")")"
	check_only "-n, empty" 1 'try\.conf:[0-9]+:[0-9]+: ' ''
	check_only "-n, an unknown word" 1 'try\.conf:2:1: ' 'interface lan0;
nonsense 12;'
	check_only "-n, bytes" 1 'try\.conf:1:1: ' "$(printf '\001\033[31m')"
	same "-n, bytes: nothing but text comes out" "" "$(LC_ALL=C grep -P '[^\x20-\x7e]' <<<"$SAID")"
	check_only "-n, a value in the middle of a line" 1 'try\.conf:1:27: ' \
		'interface lan0 { address  10.77.0.300; }'
	with_line 's/^subnet 10.77.0.0/subnet 10.77.0.1/'
	start_alone env
	same "wrong configuration: status" 1 "$STATUS"
	matches "wrong configuration: place" 'sallyport\.conf:[0-9]+:[0-9]+: ' "$SAID"
	rm -f "$S/sallyport.conf"
	start_alone env
	same "no configuration: status" 1 "$STATUS"
	matches "no configuration: named" 'sallyport\.conf' "$SAID"
	mkfifo "$S/sallyport.conf"
	start_alone env
	same "the configuration is a FIFO" 1 "$STATUS"
	rm -f "$S/sallyport.conf"
}

# The whole server, ended in order by SIGTERM while it works.
in_order()
{
	local children order

	server_config_usual sample
	: >"$SERVER_LOG"
	server_start
	children=$(pgrep -P "$SERVER_PID")
	pxe_session a -a 16
	in_ns a curl -s --limit-rate 200k -m 20 -o /dev/null "http://$SERVER_IP/sample/linux" &
	sleep 1
	kill -TERM "$SERVER_PID"
	if ended_with "$SERVER_PID" 30; then
		same "SIGTERM: status" 0 "$STATUS"
	else
		not_ok "SIGTERM: status" "it does not end"
	fi
	wait $!
	same "SIGTERM: nothing is left" "" "$(alive "$children")"
	order=$(events ended | value_each of | uniq | paste -sd' ')
	same "SIGTERM: ears first, the logger last" \
		"dhcp-parser link-parser tftp-parser http-parser broker dhcp-sender file-sender verifier" "$order"
	same "SIGTERM: all by themselves" "" "$(events ended | grep -v 'why="exit 0"')"
}

value_each()
{
	sed -n "s/^\(.* \)\{0,1\}$1=\([^ ]*\).*/\2/p"
}

# alive PIDS: those that run.
alive()
{
	local pid

	for pid in $1; do
		process_gone "$pid" || echo "$pid"
	done
}

killed()
{
	local children start

	: >"$SERVER_LOG"
	server_start
	children=$(pgrep -P "$SERVER_PID")
	same "all children run" 11 "$(alive "$children" | wc -l)"
	start=${EPOCHREALTIME/./}
	kill -KILL "$SERVER_PID"
	while [ -n "$(alive "$children")" ] && [ $((${EPOCHREALTIME/./} - start)) -lt 5000000 ]; do
		sleep 0.02
	done
	less "supervisor killed: all children gone, in ms" \
		$(((${EPOCHREALTIME/./} - start) / 1000)) 3000
	wait "$SERVER_PID" 2>/dev/null
	: >"$SERVER_LOG"
	server_start
	pxe a -a 16 boot
	same "and it starts again on the same state" 0 "$STATUS"
	same "with the same lease" "$ADDRESS" "$(reply_value ACK yiaddr)"
	server_stop
}

need_root
run_begin start
net_begin
net_client a 52:54:00:77:03:01
server_prepare
sample_image 3000000
server_trust
walls
no_such_wall
executables
things
ports
stuck_checker
users
configuration
in_order
killed
exit "$FAILED"
