#!/bin/bash
# make install: which files with which modes, twice over without losing a configuration;
# then the installed server, with named users and without options, serves a machine. All
# of it happens in an overlay over the host's root, so the host keeps its files and users.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$ROOT/tests/lib/clients.sh"

# What make install leaves in DESTDIR, with the default PREFIX.
golden()
{
	cat <<-'END'
		755 /etc
		755 /etc/sallyport
		644 /etc/sallyport/keyring
		644 /etc/sallyport/sallyport.conf
		755 /usr
		755 /usr/local
		755 /usr/local/bin
		755 /usr/local/bin/sallyport
		755 /usr/local/bin/sallyport-image
		755 /usr/local/lib
		755 /usr/local/lib/systemd
		755 /usr/local/lib/systemd/system
		644 /usr/local/lib/systemd/system/sallyport.service
		755 /usr/local/lib/sysusers.d
		644 /usr/local/lib/sysusers.d/sallyport.conf
		755 /usr/local/libexec
		755 /usr/local/libexec/sallyport
		755 /usr/local/libexec/sallyport/broker
		755 /usr/local/libexec/sallyport/conf-check
		755 /usr/local/libexec/sallyport/dhcp-parser
		755 /usr/local/libexec/sallyport/dhcp-sender
		755 /usr/local/libexec/sallyport/file-sender
		755 /usr/local/libexec/sallyport/http-parser
		755 /usr/local/libexec/sallyport/keys
		755 /usr/local/libexec/sallyport/link-parser
		755 /usr/local/libexec/sallyport/logger
		755 /usr/local/libexec/sallyport/tftp-parser
		755 /usr/local/libexec/sallyport/tls
		755 /usr/local/libexec/sallyport/verifier
		755 /usr/local/sbin
		755 /usr/local/sbin/sallyportd
		755 /usr/local/share
		755 /usr/local/share/doc
		755 /usr/local/share/doc/sallyport
		644 /usr/local/share/doc/sallyport/full.conf
		644 /usr/local/share/doc/sallyport/https.conf
		644 /usr/local/share/doc/sallyport/keyring
		644 /usr/local/share/doc/sallyport/minimal.conf
		755 /usr/local/share/man
		755 /usr/local/share/man/man1
		644 /usr/local/share/man/man1/sallyport-image.1
		755 /usr/local/share/man/man5
		644 /usr/local/share/man/man5/sallyport-manifest.5
		644 /usr/local/share/man/man5/sallyport.conf.5
		755 /usr/local/share/man/man8
		644 /usr/local/share/man/man8/sallyport.8
		644 /usr/local/share/man/man8/sallyportd.8
		755 /var
		755 /var/lib
		755 /var/lib/sallyport
		755 /var/lib/sallyport/images
		700 /var/lib/sallyport/verifier
	END
}

installed()
{
	(cd "$1" && find . -mindepth 1 -printf '%#m /%P\n' | LC_ALL=C sort -k 2) |
		sed 's/^0//'
}

# The root directory of this test: the host's, with all changes in memory. Its own umount
# comes before its folder is removed; what a command needs besides is mounted for that
# command only.
make_root()
{
	TOP=$RUN/top
	NEWROOT=$RUN/root
	mkdir "$TOP" "$NEWROOT"
	mount -t tmpfs -o mode=755 tmpfs "$TOP" || return 1
	at_end "umount '$TOP'"
	mkdir "$TOP/upper" "$TOP/work"
	chmod 755 "$TOP/upper"
	mount -t overlay -o "lowerdir=/,upperdir=$TOP/upper,workdir=$TOP/work" overlay \
		"$NEWROOT" 2>/dev/null || return 1
	at_end "umount '$NEWROOT'"
}

# ENTER ROOT COMMAND...: execs the command with that root.
# shellcheck disable=SC2016
ENTER=(unshare -m sh -c 'root=$1
	shift
	for dir in proc sys dev; do mount --rbind "/$dir" "$root/$dir" || exit; done
	PATH=/usr/local/sbin:/usr/local/bin:$PATH exec chroot "$root" "$@"' sh)

# inside COMMAND...: with the new root, in the tree of this repository.
inside()
{
	# shellcheck disable=SC2016
	"${ENTER[@]}" "$NEWROOT" sh -c 'cd "$0" && exec "$@"' "$ROOT" "$@"
}

install_to()
{
	# shellcheck disable=SC2016
	inside sh -c 'umask "$0" && make -s install DESTDIR="$1"' "$1" "$2"
}

table()
{
	local mask

	for mask in 000 022 777; do
		mkdir "$NEWROOT/dest"
		check "install, umask $mask" install_to $mask /dest
		[ $FAILED = 0 ] || exit 1
		same "files and modes, umask $mask" "" \
			"$(diff <(golden) <(installed "$NEWROOT/dest"))"
		same "owners, umask $mask" "" "$(find "$NEWROOT/dest" ! -user root -o ! -group root)"
		[ $mask = 777 ] || rm -r "$NEWROOT/dest"
	done
}

again()
{
	local before

	echo "# mine" >>"$NEWROOT/dest/etc/sallyport/sallyport.conf"
	echo "# mine too" >>"$NEWROOT/dest/etc/sallyport/keyring"
	before=$(installed "$NEWROOT/dest")
	check "install again" install_to 022 /dest
	same "again: the same files" "$before" "$(installed "$NEWROOT/dest")"
	same "again: configuration kept" "# mine" \
		"$(tail -n 1 "$NEWROOT/dest/etc/sallyport/sallyport.conf")"
	same "again: keyring kept" "# mine too" \
		"$(tail -n 1 "$NEWROOT/dest/etc/sallyport/keyring")"
	check "uninstall" inside make -s uninstall DESTDIR=/dest
	same "uninstall: what stays" "/etc/sallyport/keyring /etc/sallyport/sallyport.conf" \
		"$(cd "$NEWROOT/dest" && find . -type f | sed 's/^\.//' | LC_ALL=C sort | paste -sd' ')"
}

unit()
{
	local file=/usr/local/lib/systemd/system/sallyport.service level

	same "unit: every path is filled in" "" "$(grep -n '@' "$NEWROOT$file" | grep -v '=~\{0,1\}@\| @')"
	same "unit: nothing takes clone3, openat2 or /dev/kmsg away" "" \
		"$(grep -E '^(RestrictNamespaces|RestrictSUIDSGID|ProtectKernelLogs)=' "$NEWROOT$file")"
	if ! command -v systemd-analyze >/dev/null; then
		skip "systemd-analyze on the unit" "there is no systemd-analyze here"
		return
	fi
	check "unit: systemd-analyze verify" inside systemd-analyze verify --man=no "$file"
	level=$(inside systemd-analyze security --offline=yes --threshold=46 "$file" 2>&1)
	same "unit: systemd-analyze security, at most 4.6" 0 $?
	echo "# ${level##*→ }"
}

# image TOOL SYSCONFDIR: as the README has it.
image()
{
	# shellcheck disable=SC2016
	inside sh -c 'set -e
		rm -rf /stage && mkdir /stage && cd /stage
		mkdir demo && head -c 300000 /dev/urandom >demo/linux
		echo loader >demo/snponly.efi && echo initrd >demo/initrd.gz
		"$0" key generate -W --secret release.key --public release.pub
		echo "key $(tail -n 1 release.pub) *" >>"$1/sallyport/keyring"
		"$0" create --name debian --loader x64=snponly.efi --kernel linux \
			--initrd initrd.gz demo
		"$0" sign --secret release.key demo
		"$0" install demo
		"$0" trust init' "$@"
}

start_installed()
{
	SERVER_LOG=$RUN/$1.log
	touch "$SERVER_LOG"
	ip netns exec "$NET-srv" "${ENTER[@]}" "$NEWROOT" "$2" >"$SERVER_LOG" 2>&1 </dev/null &
	SERVER_PID=$!
	at_end "end_process $SERVER_PID"
	wait_line 60 "$SERVER_LOG" 'event=image-active .*image=debian' ||
		die "$1: the server does not serve: $(tail -n 5 "$SERVER_LOG")"
	ok "$1: the server serves"
}

# Each process runs as the user of its name.
users()
{
	local role uid wrong=

	for role in logger broker verifier dhcp-parser dhcp-sender link-parser tftp-parser http-parser \
		file-sender; do
		uid=$(sed -n "s/^sallyport-$role:[^:]*:\([0-9]*\):.*/\1/p" "$NEWROOT/etc/passwd")
		[ -n "$uid" ] && [ "$(stat -c %u "/proc/$(server_pid $role)")" = "$uid" ] ||
			wrong+=" $role"
	done
	same "$1: named users" "" "$wrong"
	same "$1: the host has got none of them" "" "$2"
}

# serves LABEL PREFIX SYSCONFDIR STATEDIR: the installed server, which finds its configuration, its
# executables and its state by itself.
serves()
{
	local label=$1 before

	before=$(grep -c sallyport- /etc/passwd)
	check "$label: make install" inside make -s install PREFIX="$2" SYSCONFDIR="$3" \
		STATEDIR="$4"
	sed -i 's/^interface eth0/interface lan0/; s/192\.168\.50\./10.77.0./g' \
		"$NEWROOT$3/sallyport/sallyport.conf"
	check "$label: image" image "$2/bin/sallyport-image" "$3"
	check "$label: sallyportd -n" inside "$2/sbin/sallyportd" -n
	start_installed "$label" "$2/sbin/sallyportd"
	users "$label" "$(grep sallyport- /etc/passwd | tail -n "+$((before + 1))")"
	pxe_session client -a 7
	matches "$label: a loader" 'snponly\.efi' "$BOOTFILE"
	same "$label: the file" "$(sha256sum <"$NEWROOT/stage/demo/linux")" \
		"$(in_ns client curl -sS -m 10 "http://$SERVER_IP/debian/linux" | sha256sum)"
	server_stop
	matches "$label: the end is in order" 'event=ending ' \
		"$(cat "$SERVER_LOG")"
}

need_root
run_begin install
if ! make_root; then
	skip "make install" "this kernel mounts no overlay here"
	exit 0
fi
table
again
net_begin
net_client client 52:54:00:77:05:01
serves default /usr/local /etc /var/lib/sallyport
unit
serves elsewhere /opt/sp /opt/sp/etc /opt/sp/state
exit "$FAILED"
