#!/bin/bash
# Boots a virtual machine with real firmware into the real Debian installer, from a
# signed image, through the whole server. Everything happens in network namespaces that
# this makes and removes; the host's interfaces are not touched.
#
#	sudo make demo [FIRMWARE=bios|uefi|uefi-http]
set -u
ROOT=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=../tests/lib/common.sh
. "$ROOT/tests/lib/common.sh"
# shellcheck source=../tests/lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../tests/lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../tests/boot/qemu.sh
. "$ROOT/tests/boot/qemu.sh"

FIRMWARE=${1:-bios}
LIMIT=${LIMIT:-600}
MAC=52:54:00:de:b1:a0
END="Starting system log daemon"
PACKAGE=debian-installer-12-netboot-amd64
INSTALLER=$PARTS/$PACKAGE/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64
cd "$ROOT" || exit 1

say()
{
	printf '\n== %s\n' "$*"
}

stop()
{
	echo "demo: $*" >&2
	exit 1
}

first_things()
{
	case $FIRMWARE in
	bios | uefi | uefi-http) ;;
	*) stop "FIRMWARE is bios, uefi or uefi-http, not '$FIRMWARE'" ;;
	esac
	[ "$(id -u)" = 0 ] || stop "needs root, for network namespaces and for the server's" \
		"own walls. Please run: sudo make demo FIRMWARE=$FIRMWARE"
}

packages()
{
	say "What this needs from Debian"
	tests/packages.sh plan demo || stop "cannot work out the packages"
	tests/packages.sh demo || stop "cannot get the packages"
}

build()
{
	say "Build"
	make -s -j2 all || stop "the build failed"
	(cd "$BIN" && echo "   " ./*) | tr -d './'
}

# The image: Debian's own kernel and initrd, iPXE as the loader of each firmware. A busy
# machine's emulated timer may miss the kernel's check of it, hence no_timer_check.
image()
{
	local stage=$S/stage/debian

	say "A signing key, and a signed image"
	mkdir -p "$stage"
	cp "$PARTS/ipxe/usr/lib/ipxe/undionly.kpxe" "$PARTS/ipxe/usr/lib/ipxe/snponly.efi" \
		"$INSTALLER/linux" "$INSTALLER/initrd.gz" "$stage/" || stop "no installer"
	server_image debian --loader bios=undionly.kpxe --loader x64=snponly.efi \
		--kernel linux --initrd initrd.gz --cmdline "console=ttyS0 no_timer_check"
	server_trust
	grep -v '^#' "$S/stage/debian/manifest" | cut -c1-100 | sed 's/^/   /'
	echo "   signed with $(tail -n 1 "$S/test.pub")"
}

network_and_server()
{
	say "The server, in a network of its own"
	net_begin
	server_config_usual debian http
	server_start
	wait_line 30 "$SERVER_LOG" 'event=image-active .*image=debian' ||
		stop "the image is not served: $(tail -n 5 "$SERVER_LOG")"
	ip netns pids "$NET-srv" | xargs ps -o pid,user,args -p | cut -c1-70 | sed 's/^/   /'
	ps -o pid,user,comm --ppid "$SERVER_PID" --no-headers | sed 's/^/   /'
}

# clock TEXT...: a line of the timeline, with the seconds since power-on.
clock()
{
	local t=$((${EPOCHREALTIME/./} - POWER_ON))

	printf '  %3d.%d s  %s\n' $((t / 1000000)) $((t / 100000 % 10)) "$*"
}

# rate BYTES MS
rate()
{
	awk -v b="$1" -v ms="$2" 'BEGIN {
		if (b >= 1e6) size = sprintf("%.1f MB", b / 1e6)
		else if (b >= 1e3) size = sprintf("%.1f kB", b / 1e3)
		else size = b " bytes"
		if (ms < 1) ms = 1
		printf "%9s in %5.1f s, %6.2f MB/s", size, ms / 1e3, b / ms / 1e3 }'
}

# What a line of the server's log means to the person who watches.
timeline_line()
{
	local line=$1 event mac ip file name

	event=$(value event <<<"$line")
	mac=$(value mac <<<"$line")
	ip=$(value ip <<<"$line")
	case $event in
	dhcp-discover)
		clock "DISCOVER  $mac  $(value arch <<<"$line")$(
			[ "$(value ipxe <<<"$line")" = 1 ] && echo ', iPXE')"
		;;
	dhcp-offer) clock "OFFER     $ip" ;;
	dhcp-ack)
		file=$(value bootfile <<<"$line")
		clock "ACK       $ip  ${file/#-/no boot file}"
		;;
	tftp-sent | http-sent)
		name=$(value name <<<"$line")
		clock "$(tr "[:lower:]" "[:upper:]" <<<"${event%-sent}")      $(printf '%-28s' "$name")" \
			"$(rate "$(value bytes <<<"$line")" "$(value ms <<<"$line")")"
		;;
	*-refused | no-session | died | fault) clock "          $line" ;;
	esac
}

timeline()
{
	local line

	tail -n 0 -F --pid=$$ "$SERVER_LOG" 2>/dev/null | while read -r line; do
		timeline_line "$line"
	done
}

boot()
{
	qemu_probe_kvm "$INSTALLER/linux"
	say "Power on: $FIRMWARE firmware, $ACCEL$(
		[ "$ACCEL" = kvm ] || echo ' (KVM is absent or failed its probe: this takes a minute or two)')"
	POWER_ON=${EPOCHREALTIME/./}
	timeline &
	at_end "kill $! 2>/dev/null"
	qemu_start machine "$FIRMWARE" $MAC
	if ! wait_line "$LIMIT" "$RUN/machine.serial" "$END"; then
		tail -c 2000 "$RUN/machine.serial" | tr -d '\r' | tail -n 20
		FAILED=1
		stop "the machine did not come up within $LIMIT s"
	fi
	sleep 0.3
	clock "up        the machine's own console says: \"$(
		grep -aom 1 "$END" "$RUN/machine.serial")\""
	UP=yes
}

last_words()
{
	[ -n "${UP:-}" ] || return 0
	say "Done; everything that was started is ended and removed"
	cat <<-'END'
		To boot real machines into the same installer, serve a real interface (one with
		an address, on a network without another DHCP server):

		   sudo make serve INTERFACE=eth1

	END
}

first_things
packages
build
run_begin demo
at_end last_words
server_prepare
image
network_and_server
boot
