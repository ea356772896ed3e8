# The running server seen from outside, for the tests of its walls. Sourced; needs
# common.sh, net.sh, server.sh, clients.sh.

# shellcheck shell=bash disable=SC2034,SC2153

# What the roster has, in the order of its start; with two workers.
ROLES="logger verifier broker dhcp-sender link-parser dhcp-parser tftp-parser file-sender http-parser"
EARS="dhcp-parser tftp-parser http-parser link-parser"
CHILDREN="logger:0 verifier:0 broker:0 dhcp-sender:0 link-parser:0 dhcp-parser:0 tftp-parser:0
	file-sender:0 http-parser:0 file-sender:1 http-parser:1"

# child_pid ROLE [INDEX]: from the kernel: a child of the supervisor with that name and
# that number among its arguments.
child_pid()
{
	local pid

	for pid in $(pgrep -P "$SERVER_PID" -x "$1"); do
		if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null |
			grep -q " index=${2:-0} "; then
			echo "$pid"
			return 0
		fi
	done
	return 1
}

# is_replaced ROLE INDEX OLDPID: another process has that place, and is in its cage.
is_replaced()
{
	local pid

	pid=$(child_pid "$1" "$2") && [ "$pid" != "$3" ] &&
		grep -q '^Seccomp:	2' "/proc/$pid/status"
}

status_of()
{
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

# For one who is in a chroot, /proc shows the files of processes with other mounts by
# their place outside of it: what then stands in front.
abroad()
{
	unshare -m sleep 60 >/dev/null 2>&1 &
	wait_for 30 has_own_mounts $!
	readlink "/proc/$!/exe" | sed 's|\(/usr\)\{0,1\}/bin/[a-z-]*$||'
	kill $!
}

has_own_mounts()
{
	[ "$(readlink "/proc/$1/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ]
}

ABROAD=$(abroad)

# as_seen_here: file names on stdin, without that.
as_seen_here()
{
	sed "s,\(^\| \)$ABROAD/,\1/,"
}

# Descriptors of a process, "number target" a line.
descriptors()
{
	local fd

	for fd in /proc/"$1"/fd/*; do
		echo "${fd##*/} $(readlink "$fd")"
	done | as_seen_here | sort -n
}

# ended_with PID SECONDS: its exit status in STATUS; false when it does not end.
ended_with()
{
	wait_for "$2" process_gone "$1" || return 1
	wait "$1"
	STATUS=$?
}

# walls_server: the sample image, the usual configuration with two workers, running.
# HTTPS as well, by two processes; their keys are made on the spot.
walls_https()
{
	"$IMAGE_TOOL" tls init -W -d "$S/tls" "$SERVER_IP" >>"$RUN/image.log" 2>&1 ||
		die "tls init: $(tail -n 2 "$RUN/image.log")"
	cat >>"$S/sallyport.conf" <<-END
		https {
			certificate "$S/tls/rsa.pem" key "$S/tls/rsa.key";
			certificate "$S/tls/ec.pem" key "$S/tls/ec.key";
		}
	END
	CHILDREN="$CHILDREN keys:0 tls:0 tls:1"
}

walls_server()
{
	server_prepare
	sample_image "${1:-3000000}"
	server_trust
	server_config_usual sample
	sed -i 's/^server { /server { workers 2; /' "$S/sallyport.conf"
	[ -z "${WITH_HTTPS:-}" ] || walls_https
	server_start
	wait_line 60 "$SERVER_LOG" 'event=image-active .*sample' ||
		die "the image is not served"
	wait_line 10 "$SERVER_LOG" 'event=up ' || die "the server is not up"
}
