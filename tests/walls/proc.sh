#!/bin/bash
# What the kernel says of the running server's processes, under /proc: users, groups,
# capabilities, filters, namespaces, root, limits, libraries and descriptors are what the
# roster promises; at the start, and after thousands of requests.
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

NONE=0000000000000000
SPACES="net mnt ipc uts cgroup pid"

# Which number has which role: privsep/roles.h, said again by hand.
uid_of()
{
	local n=0 role

	for role in sallyportd logger broker verifier dhcp-parser dhcp-sender tftp-parser \
		http-parser file-sender conf-check control link-parser tls keys; do
		[ "$role" != "$1" ] || echo $((UID_BASE + n))
		n=$((n + 1))
	done
}

# The descriptors below 128 that are not /dev/null, with what they are. One link, two
# workers. "channel" is one end of a pair whose other holder is the supervisor alone.
wanted_descriptors()
{
	local n

	echo "3 channel"
	case $1 in
	logger)
		echo "5 log"
		for n in 6 7 8 9 10 11 12 13 14 15 30 31 46 47; do echo "$n channel"; done
		return
		;;
	esac
	echo "4 channel"
	case $1 in
	broker)
		for n in 5 6 7 8; do echo "$n channel"; done
		echo "9 memory"
		echo "10 control"
		for n in 11 16 17 32 33 48 49; do echo "$n channel"; done
		echo "56 memory"
		;;
	verifier) printf '%s\n' "5 channel" "6 folder" "7 keyring" "8 floor" "9 event" ;;
	dhcp-parser) printf '%s\n' "5 channel" "32 udp:67" "48 udp:4011" ;;
	tftp-parser) printf '%s\n' "5 channel" "32 udp:69" ;;
	link-parser) printf '%s\n' "5 channel" "6 raw" "7 epoll" ;;
	dhcp-sender) printf '%s\n' "5 channel" "6 raw" "16 udp:67" "32 udp:4011" "48 packet" ;;
	http-parser) printf '%s\n' "5 channel" "6 channel" ;;
	file-sender)
		printf '%s\n' "5 channel" "6 channel" "7 epoll" "16 tcp:80" "48 channel" \
			"49 channel" "80 tcp:443"
		;;
	tls) printf '%s\n' "5 channel" "6 channel" "7 epoll" "16 channel" "17 channel" ;;
	keys) printf '%s\n' "11 event" "16 channel" "17 channel" ;;
	esac
}

# The kinds of all sockets in the server's namespace: "inode kind" a line.
socket_kinds()
{
	in_ns srv cat /proc/net/unix |
		awk '$5 == "0005" { print $7, (NF > 7 ? "control" : "channel") }'
	in_ns srv cat /proc/net/packet | awk '$4 == "0000" { print $9, "packet" }'
	in_ns srv cat /proc/net/udp | awk 'NR > 1 { split($2, a, ":"); print $10, "udp:" a[2] }'
	in_ns srv cat /proc/net/raw | awk 'NR > 1 { print $10, "raw" }'
	in_ns srv cat /proc/net/tcp | awk 'NR > 1 && $4 == "0A" { split($2, a, ":"); print $10, "tcp:" a[2] }'
}

# kind TARGET: one word for what /proc/PID/fd/N points to.
kind()
{
	local inode word

	case $1 in
	socket:*)
		inode=${1#socket:[}
		word=$(awk -v i="${inode%]}" '$1 == i { print $2 }' "$RUN/sockets")
		case $word in
		udp:* | tcp:*) echo "${word%:*}:$((16#${word#*:}))" ;;
		*) echo "${word:-socket-of-nobody}" ;;
		esac
		;;
	/) echo folder ;;
	"$S/keyring") echo keyring ;;
	"$S/state/verifier/floor") echo floor ;;
	/data.mdb) echo store ;; # by itself: its folder is a clone that leads nowhere
	"$SERVER_LOG") echo log ;;
	/memfd:*) echo memory ;;
	anon_inode:*eventfd*) echo event ;;
	anon_inode:*eventpoll*) echo epoll ;;
	*) echo "$1" ;;
	esac
}

# Those of a process from 3 to 127 which are not /dev/null.
kinds_below_free()
{
	local fd target

	descriptors "$1" | while read -r fd target; do
		[ "$fd" -gt 2 ] && [ "$fd" -lt 128 ] && [ "$target" != /dev/null ] &&
			echo "$fd $(kind "$target")"
	done
}

# Those from 128 on, without numbers.
kinds_above()
{
	local fd target

	descriptors "$1" | while read -r fd target; do
		[ "$fd" -lt 128 ] || kind "$target"
	done | sort | uniq -c | awk '{ print $2 "*" $1 }'
}

user()
{
	local who=$1 pid=$2 uid

	uid=$(uid_of "${who%:*}")
	same "$who uid" "$uid $uid $uid $uid" "$(status_of "$pid" Uid | tr '\t' ' ')"
	same "$who gid" "$uid $uid $uid $uid" "$(status_of "$pid" Gid | tr '\t' ' ')"
	same "$who groups" "" "$(status_of "$pid" Groups | tr -d ' ')"
	echo "$uid" >>"$RUN/uids.${who%:*}"
}

# In each thread: a filter and no_new_privs are a thread's own.
threads()
{
	local who=$1 pid=$2 task set bad=

	for task in /proc/"$pid"/task/*; do
		for set in CapInh CapPrm CapEff CapBnd CapAmb; do
			grep -q "^$set:	$NONE\$" "$task/status" || bad="$bad $set"
		done
		grep -q '^NoNewPrivs:	1$' "$task/status" || bad="$bad NoNewPrivs"
		grep -q '^Seccomp:	2$' "$task/status" || bad="$bad Seccomp"
	done
	same "$who every thread: no capability, no_new_privs, filter" "" "$bad"
}

namespaces()
{
	local who=$1 pid=$2 space bad=

	for space in $SPACES; do
		[ "$(readlink "/proc/$pid/ns/$space")" != "$(readlink "/proc/$SERVER_PID/ns/$space")" ] ||
			bad="$bad $space"
		readlink "/proc/$pid/ns/$space" >>"$RUN/spaces"
	done
	same "$who namespaces are not the supervisor's" "" "$bad"
	same "$who interfaces" "lo" "$(sed -n 's/^ *\([^:]*\):.*/\1/p' "/proc/$pid/net/dev")"
	matches "$who the interface is down" 'state DOWN' \
		"$(nsenter -t "$pid" -n ip -o link show lo)"
}

root()
{
	local who=$1 pid=$2 mounts

	same "$who root is empty" "" "$(ls -A "/proc/$pid/root/")"
	mounts=$(cat "/proc/$pid/mountinfo")
	same "$who one mount" 1 "$(wc -l <<<"$mounts")"
	matches "$who read-only, empty file system" ' / / ro,nosuid,nodev,noexec.* - tmpfs ' "$mounts"
	if touch "/proc/$pid/root/new" 2>/dev/null; then
		not_ok "$who root cannot be written to" "a file could be made"
	else
		ok "$who root cannot be written to"
	fi
}

limit_of()
{
	sed -n "s/^$2  *\([^ ]*\) *\([^ ]*\).*/\1 \2/p" "/proc/$1/limits"
}

# name_of_limit -> wanted, soft and hard; the sizes are those of policy/cage/ROLE.c.
limits()
{
	local who=$1 pid=$2 name bad="" sizes most

	for name in "Max core file size" "Max processes" "Max locked memory" \
		"Max msgqueue size" "Max pending signals"; do
		[ "$(limit_of "$pid" "$name")" = "0 0" ] || bad="$bad, $name"
	done
	same "$who limits that are 0" "" "$bad"
	sizes=$(sed -n 's/^\t{\([0-9]*\)ull, \([0-9]*\)ull, \([0-9]*\)ull},$/\1 \2 \3/p' \
		"$ROOT/build/$KIND/gen/cage/${who%:*}.c" | sed "s/18446744073709551615/unlimited/g")
	# shellcheck disable=SC2086
	set -- $sizes
	# A host may allow fewer.
	most=$(ulimit -Hn)
	[ "$most" != unlimited ] && [ "$most" -lt "$1" ] || most=$1
	same "$who limit of descriptors" "$most $most" "$(limit_of "$pid" 'Max open files')"
	same "$who limit of address space" "$2 $2" "$(limit_of "$pid" 'Max address space')"
	same "$who limit of file size" "$3 $3" "$(limit_of "$pid" 'Max file size')"
}

# What is mapped: the executable alone in those that need no library, and nothing that is
# writable and executable.
maps()
{
	local who=$1 pid=$2 files

	# Objects are mapped where they are sent from, for reading.
	files=$(awk -v mouth="${who%:*}" '
		$6 ~ /^\// && !(mouth == "file-sender" && $6 ~ /^\/memfd:/ && $2 == "r--p") {
			print $6
		}' "/proc/$pid/maps" | as_seen_here | sort -u)
	case $who in
	broker:* | verifier:* | tls:* | keys:*)
		matches "$who libraries" '/libc\.so' "$files"
		;;
	*)
		same "$who maps its executable alone" "$BIN/${who%:*}" "$files"
		matches "$who is position-independent" 'Type: *DYN' \
			"$(readelf -hW "$BIN/${who%:*}")"
		same "$who needs no loader" "" "$(readelf -lW "$BIN/${who%:*}" | grep INTERP)"
		;;
	esac
	same "$who has no libseccomp" "" "$(grep seccomp <<<"$files")"
	same "$who writable and executable memory" "" "$(grep ' .wx' "/proc/$pid/maps")"
}

inventory()
{
	local who=$1 pid=$2

	same "$who descriptors below 128" "$(wanted_descriptors "${who%:*}")" \
		"$(kinds_below_free "$pid")"
	same "$who numbers below 128 are all taken" 128 \
		"$(descriptors "$pid" | awk '$1 < 128' | wc -l)"
	same "$who 0 to 2" "/dev/null /dev/null /dev/null" \
		"$(descriptors "$pid" | awk '$1 < 3 { print $2 }' | paste -sd' ')"
	case $who in
	file-sender:*)
		same "$who pool of transfer sockets" 32 \
			"$(kinds_above "$pid" | grep -c '^udp:40...\*1$')"
		same "$who nothing else above" "" \
			"$(kinds_above "$pid" | grep -v '^udp:40\|^memory')"
		;;
	broker:*)
		same "$who nothing else above" "" \
			"$(kinds_above "$pid" | grep -Ev '^(store\*2|event\*1|memory\*[0-9]+)$')"
		;;
	verifier:*)
		same "$who nothing else above" "" "$(kinds_above "$pid" | grep -v '^memory')"
		;;
	*) same "$who nothing above" "" "$(kinds_above "$pid")" ;;
	esac
}

# A channel's end is in one process, and in the supervisor, and nowhere else.
channels()
{
	local child pid fd target

	for child in $CHILDREN; do
		pid=$(child_pid "${child%:*}" "${child#*:}")
		descriptors "$pid" | while read -r fd target; do
			case $target in
			socket:*) [ "$(kind "$target")" != channel ] || echo "$target $child" ;;
			esac
		done
	done >"$RUN/ends"
	same "no channel end is in two processes" "" "$(awk '{ print $1 }' "$RUN/ends" | sort | uniq -d)"
	same "channel ends" 79 "$(wc -l <"$RUN/ends")"
}

supervisor()
{
	local set want

	# KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, NET_ADMIN, NET_RAW, SYS_ADMIN
	want=$(printf '%016x' $((1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 12 |
		1 << 13 | 1 << 21)))
	for set in CapPrm CapEff CapBnd; do
		same "supervisor $set" "$want" "$(status_of "$SERVER_PID" "$set")"
	done
	for set in CapInh CapAmb; do
		same "supervisor $set" $NONE "$(status_of "$SERVER_PID" "$set")"
	done
	same "supervisor no_new_privs" 1 "$(status_of "$SERVER_PID" NoNewPrivs)"
	same "supervisor has as many children as the roster" "$(wc -w <<<"$CHILDREN")" \
		"$(pgrep -c -P "$SERVER_PID")"
	same "supervisor is dumpable by nobody" root \
		"$(stat -c %U "/proc/$SERVER_PID/environ")"
}

all_children()
{
	local child pid

	socket_kinds >"$RUN/sockets"
	for child in $CHILDREN; do
		pid=$(child_pid "${child%:*}" "${child#*:}") || {
			not_ok "$child runs" "no such process"
			continue
		}
		user "$child" "$pid"
		threads "$child" "$pid"
		namespaces "$child" "$pid"
		root "$child" "$pid"
		limits "$child" "$pid"
		maps "$child" "$pid"
		inventory "$child" "$pid"
	done
	same "no namespace is shared" "" "$(sort "$RUN/spaces" | uniq -d)"
	same "no two roles share a user" "" "$(cat "$RUN"/uids.* | sort | uniq -c | awk '$1 > 2')"
	same "as many users as roles" 11 "$(cat "$RUN"/uids.* | sort -u | wc -l)"
	channels
}

# What each process has open, by kind: comparable over time.
whole_inventory()
{
	local child pid

	socket_kinds >"$RUN/sockets"
	for child in $CHILDREN; do
		pid=$(child_pid "${child%:*}" "${child#*:}")
		echo "$child $pid: $(kinds_below_free "$pid" | paste -sd' ') $(kinds_above "$pid" |
			paste -sd' ')"
	done
}

# 2,100 requests: 1,000 files by HTTP on ten connections, 700 by HTTP one by one, 200 that
# are refused, 100 by TFTP, 100 by HTTPS.
requests()
{
	local i urls=() bad=0

	for i in $(seq 100); do urls+=("http://$SERVER_IP/sample/sub/hello.txt"); done
	for i in $(seq 10); do
		in_ns a curl -s -m 60 "${urls[@]}" >"$RUN/many.$i" || bad=$((bad + 1))
	done
	same "1000 requests" "0 1000" "$bad $(cat "$RUN"/many.* | grep -c '^hello$')"
	in_ns a sh -c "for i in \$(seq 700); do
		curl -s -m 10 http://$SERVER_IP/sample/exact.bin | wc -c; done" >"$RUN/single"
	same "700 connections" "700 2048" "$(uniq -c "$RUN/single" | awk '{ print $1, $2 }')"
	in_ns a sh -c "for i in \$(seq 200); do
		curl -s -m 10 -o /dev/null -w '%{http_code}\n' http://$SERVER_IP/none; done" >"$RUN/none"
	same "200 that are refused" "200 404" "$(uniq -c "$RUN/none" | awk '{ print $1, $2 }')"
	for i in $(seq 100); do
		in_ns a timeout 20 tftp -m binary $SERVER_IP -c get sample/exact.bin "$RUN/exact"
		cmp -s "$RUN/exact" "$S/stage/sample/exact.bin" || bad=$((bad + 1))
		rm -f "$RUN/exact"
	done
	same "100 transfers" 0 "$bad"
	in_ns a sh -c "for i in \$(seq 100); do curl -s -m 10 --cacert $S/tls/ca.pem \
		https://$SERVER_IP/sample/exact.bin | wc -c; done" >"$RUN/tls"
	same "100 connections of HTTPS" "100 2048" "$(uniq -c "$RUN/tls" | awk '{ print $1, $2 }')"
}

# A connection is closed a moment after its client.
unchanged()
{
	[ "$(whole_inventory)" = "$before" ]
}

need_root
run_begin proc
net_begin
net_client a 52:54:00:77:02:01
WITH_HTTPS=yes walls_server 3000000
pxe_session a -a 16
# Everything that is opened at the first need is open before it is counted.
for n in 1 2 3 4; do
	in_ns a curl -s -m 10 -o /dev/null "http://$SERVER_IP/sample/linux" \
		-o /dev/null "http://$SERVER_IP/sample/exact.bin"
	in_ns a curl -s -m 10 --cacert "$S/tls/ca.pem" -o /dev/null "https://$SERVER_IP/sample/linux"
	in_ns a timeout 20 tftp -m binary $SERVER_IP -c get sample/exact.bin "$RUN/exact"
done
all_children
supervisor
sleep 1
before=$(whole_inventory)
requests
wait_for 40 unchanged
after=$(whole_inventory)
same "after 2,100 requests the same descriptors" "" "$(diff <(echo "$before") <(echo "$after"))"
exit "$FAILED"
