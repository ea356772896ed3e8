#!/bin/bash
# Boots one virtual machine with real firmware from the server, and believes only the
# machine's own serial console: the guest must print the number that this run put on its
# kernel command line.
#
#	tests/boot/run_case.sh CASE | list
set -u
HERE=$(dirname "$0")
# shellcheck source=../lib/common.sh
. "$HERE/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$HERE/../lib/net.sh"
# shellcheck source=../lib/server.sh
. "$HERE/../lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$HERE/../lib/clients.sh"
# shellcheck source=guest.sh
. "$HERE/guest.sh"
# shellcheck source=qemu.sh
. "$HERE/qemu.sh"

LIMIT=${LIMIT:-180}
MAC=52:54:00:77:00:01
CASE=${1:-list}

# name          firmware   iPXE by  bridge  what else
cases()
{
	cat <<-'END'
		bios-tftp       bios       tftp  br0  -
		bios-http       bios       http  br0  -
		uefi-pxe        uefi       http  br0  -
		uefi-pxe-tftp   uefi       tftp  br0  -
		uefi-http       uefi-http  http  br0  -
		bios-relay      bios       http  br1  relay
		uefi-relay      uefi       http  br1  relay
		bios-pxelinux   bios       tftp  br0  pxelinux
		uefi-grub       uefi       tftp  br0  grub
		uefi-secureboot uefi-secure tftp br0  grub
		uefi-secureboot-http uefi-http-secure http br0 grub-http
		uefi-uki        uefi       tftp  br0  uki
		uefi-http-uki   uefi-http  http  br0  uki
		bios-undionly   bios       http  br0  undionly
		arm64-uefi      uefi-arm64 tftp  br0  grub-arm64
		uefi-secureboot-refused uefi-secure tftp br0 unsigned
		uefi-https      uefi-https https br0  https
		uefi-https-ipxe uefi-https https br0  https-ipxe
		uefi-https-refused uefi-http https br0 https-unknown
		uefi-https-other uefi-https https br0 https-other
		proxy-bios      bios       http  br0  proxy
		proxy-uefi      uefi       tftp  br0  proxy
		proxy-uefi-http uefi-http  http  br0  proxy
		kill-after-ack  bios       http  br0  kill dhcp-ack
		kill-mid-tftp   bios       tftp  br0  kill mid-file
		kill-mid-http   bios       http  br0  kill mid-file
	END
}

# The loaders, the guest, and this run's number, in a signed image. $1 says which loaders:
# without an iPXE template, iPXE in the ROM loads what a plain PXE ROM would.
make_image()
{
	local stage=$S/stage/guest loaders release=

	mkdir -p "$stage/templates"
	cp "$GUEST/vmlinuz" "$GUEST/initrd.gz" "$stage/"
	case $1 in
	pxelinux)
		cp "$PARTS/pxelinux/usr/lib/PXELINUX/pxelinux.0" \
			"$PARTS/syslinux-common/usr/lib/syslinux/modules/bios/ldlinux.c32" "$stage/"
		pxelinux_template >"$stage/templates/boot.cfg"
		loaders="--loader bios=pxelinux.0 --no-templates
			--template pxelinux=templates/boot.cfg"
		;;
	grub | grub-http)
		[ "$1" = grub ] || release=@trixie
		cp "$PARTS/shim-signed$release/usr/lib/shim/shimx64.efi.signed" \
			"$stage/shimx64.efi"
		cp "$PARTS/grub-efi-amd64-signed$release/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed" \
			"$stage/grubx64.efi"
		loaders="--loader x64=shimx64.efi"
		;;
	grub-arm64)
		cp "$PARTS/grub-efi-arm64-signed@arm64/usr/lib/grub/arm64-efi-signed/grubnetaa64.efi.signed" \
			"$stage/grubaa64.efi"
		loaders="--loader arm64=grubaa64.efi"
		;;
	uki | https | https-unknown | https-other)
		make_uki >"$stage/uki.efi" || die "cannot make the unified kernel image"
		rm "$stage/vmlinuz" "$stage/initrd.gz"
		server_image guest --loader x64=uki.efi
		return
		;;
	undionly)
		cp "$PARTS/ipxe/usr/lib/ipxe/undionly.kpxe" "$stage/"
		undionly_template >"$stage/templates/boot.ipxe"
		loaders="--loader bios=undionly.kpxe --template ipxe=templates/boot.ipxe"
		;;
	*)
		cp "$PARTS/ipxe/usr/lib/ipxe/undionly.kpxe" \
			"$PARTS/ipxe/usr/lib/ipxe/snponly.efi" "$stage/"
		loaders="--loader bios=undionly.kpxe --loader x64=snponly.efi"
		;;
	esac
	# Words are wanted.
	# shellcheck disable=SC2086
	server_image guest $loaders --kernel vmlinuz --initrd initrd.gz \
		--cmdline "$GUEST_CMDLINE nonce=$NONCE"
}

# A kernel, its initrd and its command line in one EFI program, on stdout. The stub finds
# them by the names of their sections; where these lie it does not care, but they may not
# overlap.
make_uki()
{
	local stub=$PARTS/systemd-boot-efi/usr/lib/systemd/boot/efi/linuxx64.efi.stub

	echo "$GUEST_CMDLINE nonce=$NONCE" >"$RUN/cmdline"
	objcopy --add-section ".cmdline=$RUN/cmdline" --change-section-vma .cmdline=0x30000 \
		--add-section ".linux=$GUEST/vmlinuz" --change-section-vma .linux=0x2000000 \
		--add-section ".initrd=$GUEST/initrd.gz" --change-section-vma .initrd=0x4000000 \
		"$stub" "$RUN/uki.efi" && cat "$RUN/uki.efi"
}

# The ROM's iPXE, which knows the card, loads undionly.kpxe, which knows only the ROM.
undionly_template()
{
	cat <<-'END'
		#!ipxe
		iseq ${netX/chip} undionly || chain @{base}/undionly.kpxe
		echo loaded by undionly
		kernel @{base}/@{kernel} @{cmdline}
		@{initrds}
		boot
	END
}

# One of our own, not the tool's.
pxelinux_template()
{
	cat <<-'END'
		DEFAULT guest
		PROMPT 0
		SAY booting @{image} on @{mac}
		LABEL guest
		KERNEL @{base}/@{kernel}
		@{initrds}
		APPEND @{cmdline}
	END
}

# What a case unpacks besides the guest.
parts_of()
{
	case $1 in
	relay) echo isc-dhcp-relay ;;
	pxelinux) echo pxelinux syslinux-common ;;
	grub) echo shim-signed grub-efi-amd64-signed ;;
	grub-http) echo shim-signed@trixie grub-efi-amd64-signed@trixie ;;
	grub-arm64)
		echo qemu-system-arm qemu-efi-aarch64 grub-efi-arm64-signed@arm64
		echo busybox-static@arm64 kernel@arm64
		;;
	uki | https | https-unknown | https-other) echo systemd-boot-efi ;;
	esac
}

# Other machines that have leases when the broker dies.
NEIGHBOURS="52:54:00:77:02:01 52:54:00:77:02:02 52:54:00:77:02:03 52:54:00:77:02:04"

neighbours_boot()
{
	local mac

	net_client n 52:54:00:77:02:00
	for mac in $NEIGHBOURS; do
		pxe n -m "$mac" -a 0 boot
		echo "$mac $(reply_value ACK yiaddr)"
	done >"$RUN/neighbours"
}

# Each still has the lease that it was promised.
neighbours_ask()
{
	local mac address bad=

	while read -r mac address; do
		pxe n -m "$mac" -r "$address" request </dev/null
		[ "$(reply_value ACK yiaddr)" = "$address" ] || bad+=" $mac"
	done <"$RUN/neighbours"
	same "$CASE leases of the neighbours" "" "$bad"
}

# Kills the broker when the machine is at `when`: after its first ACK, or in the middle
# of its kernel (more than three megabytes have left the server; loaders are smaller, the
# kernel is not, and the cable is slow). $LEASE is what the machine was promised by then.
kill_broker()
{
	case $1 in
	dhcp-ack) wait_line 90 "$SERVER_LOG" "event=dhcp-ack .*mac=$MAC " ;;
	mid-file) wait_for 90 sent_bytes 3000000 ;;
	esac || {
		not_ok "$CASE broker killed" "the boot does not get as far as $1"
		return
	}
	LEASE=$(events dhcp-ack | grep "mac=$MAC " | value ip)
	check "$CASE broker killed" server_kill broker
}

sent_bytes()
{
	[ "$(in_ns srv cat /sys/class/net/lan0/statistics/tx_bytes)" -gt "$1" ]
}

# make_authority FOLDER: a private one, and certificates for the server's address.
make_authority()
{
	"$IMAGE_TOOL" tls init -W -d "$1" $SERVER_IP >>"$RUN/image.log" 2>&1 ||
		die "tls init: $(tail -n 3 "$RUN/image.log")"
}

# Certificates of both kinds. What firmware is to believe is in $SIGNATURES.
configure_https()
{
	make_authority "$S/tls"
	SIGNATURES=$S/tls/ca.esl
	if [ "$1" = https-other ]; then
		make_authority "$S/other"
		SIGNATURES=$S/other/ca.esl
	fi
	server_config_usual guest "$2"
	sed -i 's/^boot {/&\nhttp-boot https;/; s/log-level info/log-level debug/' \
		"$S/sallyport.conf"
	cat >>"$S/sallyport.conf" <<-END
		https {
			certificate "$S/tls/rsa.pem" key "$S/tls/rsa.key";
			certificate "$S/tls/ec.pem" key "$S/tls/ec.key";
		}
	END
}

# Beside another DHCP server nothing is needed but the images.
configure()
{
	if [ "$1" = proxy ]; then
		net_other_dhcp
		LINK_SETTINGS="mode proxy;" server_config <<-END
			server { log-level info; }
			boot { default image "guest"; unknown allow; ipxe-transport $2; }
		END
	elif [ "${1%%-*}" = https ]; then
		configure_https "$1" "$2"
	else
		server_config_usual guest "$2"
	fi
}

# An archive need not have other architectures, nor other releases.
fetch_parts()
{
	local part here=() aside=()

	for part in $(parts_of "$1"); do
		case $part in
		*@*) aside+=("$part") ;;
		*) here+=("$part") ;;
		esac
	done
	"$ROOT/tests/packages.sh" fetch ipxe ipxe-qemu ovmf "${here[@]}" ||
		die "firmware packages are missing"
	if [ ${#aside[@]} != 0 ] && ! "$ROOT/tests/packages.sh" fetch "${aside[@]}"; then
		skip "$CASE" "cannot be had here: ${aside[*]}"
		exit 0
	fi
}

boot_case()
{
	local firmware=$1 transport=$2 bridge=$3 what=$4 when=${5:-} start up arch=

	fetch_parts "$what"
	[ "$what" != grub-arm64 ] || arch=arm64
	guest_build $arch || die "cannot build the guest"
	qemu_probe_kvm "$GUEST/vmlinuz"
	run_begin "boot-$CASE"
	NONCE=$(random_hex 8)
	net_begin
	[ "$what" != relay ] || net_relay
	server_prepare
	make_image "$what"
	server_trust
	configure "$what" "$transport"
	server_start
	[ "$what" != kill ] || neighbours_boot
	[ "$when" != mid-file ] || in_ns srv tc qdisc add dev lan0 root tbf rate 60mbit \
		burst 64kb latency 200ms || die "cannot slow the cable down"
	start=$(seconds)
	qemu_start vm "$firmware" $MAC "$bridge"
	[ "$what" != kill ] || kill_broker "$when"
	if [ -n "$(refusal_of "$what")" ]; then
		verify_refusal "$what"
		return
	fi
	wait_for "$LIMIT" decided
	if guest_is_up; then
		up=$(seconds)
		ok "$CASE guest up after $(awk "BEGIN { print $up - $start }") s ($ACCEL)"
	else
		not_ok "$CASE" "no guest after $(awk "BEGIN { print $(seconds) - $start }") s"
		show_why
		return
	fi
	verify_guest "${firmware%%-*}" "$bridge"
	[ "$what" != kill ] || verify_kill "$when"
	[ "${what%%-*}" != https ] || verify_https "$what"
	verify_log
}

# Firmware loads by HTTPS alone; a Debian iPXE, which cannot, is told http.
verify_https()
{
	local https='\.efi .*via=https$'

	logged "$CASE TLS as the firmware can" 'event=tls-open .*version=TLSv1.2 cipher=DHE-RSA-'
	logged "$CASE HTTPS" "event=file .*name=guest/[a-z]*$https"
	case $1 in
	https) same "$CASE nothing by HTTP" "" "$(events file | grep 'via=http$')" ;;
	https-ipxe)
		same "$CASE iPXE has the rest by HTTP" "$(printf '%s\n' initrd.gz vmlinuz)" \
			"$(events file | sed -n 's,.*name=guest/\([a-z.]*\) .*via=http$,\1,p' |
				sort -u | grep -v ipxe)"
		skip "$CASE iPXE by HTTPS" "Debian's iPXE cannot be told of an authority"
		;;
	esac
}

# What firmware says when it does not boot what it is offered.
refusal_of()
{
	case $1 in
	unsigned) echo 'Access Denied' ;;
	https-unknown | https-other) echo 'Could not retrieve NBP file size from HTTP server' ;;
	esac
}

refused()
{
	grep -qa "$(refusal_of "$1")" "$RUN/vm.serial"
}

# The guest must not come up, and for the right reason.
verify_refusal()
{
	wait_for "$LIMIT" refused_or_up "$1"
	if guest_is_up; then
		not_ok "$CASE" "the guest is up"
	elif refused "$1"; then
		ok "$CASE firmware says: $(refusal_of "$1")"
	else
		not_ok "$CASE" "firmware says nothing of a refusal"
		show_why
		return
	fi
	case $1 in
	unsigned) logged "$CASE it had the loader" 'event=tftp-sent .*name=guest/snponly.efi' ;;
	https-*)
		logged "$CASE it was told HTTPS" "event=dhcp-ack .*mac=$MAC .*bootfile=https://"
		# Without any authority it does not even begin.
		[ "$1" = https-unknown ] || logged "$CASE it did not believe the server" \
			'event=tls-ended .*reason='
		same "$CASE it asked for no file" "" "$(events file)"
		;;
	esac
}

refused_or_up()
{
	decided || refused "$1"
}

guest_is_up()
{
	grep -qa "SALLYPORT-GUEST nonce=$NONCE firmware=" "$RUN/vm.serial"
}

# Up, or never to come up.
decided()
{
	guest_is_up || process_gone "$QEMU_PID" || grep -qa 'Kernel panic' "$RUN/vm.serial"
}

show_why()
{
	echo "--- serial console"
	tail -c 1500 "$RUN/vm.serial" | tr -d '\r' | tail -n 15
	echo "--- server"
	tail -n 40 "$SERVER_LOG"
}

# What the guest itself says about how it was started and what it got.
verify_guest()
{
	local said

	wait_line 30 "$RUN/vm.serial" "SALLYPORT-GUEST end"
	said=$(grep -a SALLYPORT-GUEST "$RUN/vm.serial" | tr -d '\r')
	matches "$CASE firmware" "nonce=$NONCE firmware=$1\$" "$said"
	case $CASE in
	uefi-secureboot*) matches "$CASE kernel saw Secure Boot" 'secureboot=1' "$said" ;;
	bios-undionly) matches "$CASE second iPXE" 'loaded by undionly' "$(cat "$RUN/vm.serial")" ;;
	esac
	case $2 in
	br0) matches "$CASE own lease" 'lease=10\.77\.0\.1[0-9][0-9] router=10\.77\.0\.1$' "$said" ;;
	br1) matches "$CASE own lease" 'lease=10\.88\.0\.1[0-9][0-9] router=10\.88\.0\.1$' "$said" ;;
	esac
}

# A machine in the middle of its boot kept what it had been given, through the kill; and
# the kill came when it should.
verify_kill()
{
	local now

	now=$(events dhcp-ack | grep "mac=$MAC " | tail -n 1 | value ip)
	same "$CASE lease kept" "$LEASE" "$now"
	neighbours_ask
	matches "$CASE broker's death is explained" 'of=broker .*why="signal 9' "$(events died)"
	case $1 in
	dhcp-ack) in_order "$CASE in the middle" 'event=dhcp-ack .*mac='$MAC 'of=broker' \
		'name=guest/boot.ipxe' ;;
	mid-file) in_order "$CASE in the middle" 'name=guest/boot.ipxe' 'of=broker' \
		'name=guest/vmlinuz' ;;
	esac
	same "$CASE one power-on" 1 "$(grep -ac 'iPXE initialising devices' "$RUN/vm.serial")"
}

# in_order NAME REGEX...: the log has such lines, each after the one before.
in_order()
{
	local name=$1 line=0 next regex

	shift
	for regex in "$@"; do
		next=$(grep -an -e "$regex" "$SERVER_LOG" | cut -d : -f 1 |
			awk -v l="$line" '$1 > l { print; exit }')
		[ -n "$next" ] || {
			not_ok "$name" "no '$regex' after line $line of the log"
			return
		}
		line=$next
	done
	ok "$name"
}

verify_log()
{
	local line lines=('event=dhcp-discover ' 'event=dhcp-offer ' 'event=dhcp-ack .*ip=')

	# Beside another server only UEFI asks us again, on port 4011.
	case $CASE in
	proxy-bios | proxy-uefi-http) unset 'lines[2]' ;;
	esac
	for line in "${lines[@]}"; do
		matches "$CASE log ${line%% *}" "$line" "$(cat "$SERVER_LOG")"
	done
	events tftp-sent | sed 's/^/# /'
	events http-sent | sed 's/^/# /'
}

if [ "$CASE" = list ]; then
	cases | awk '!/ kill / { print $1 }'
	exit 0
fi
read -r _ firmware transport bridge what when < <(cases | grep "^$CASE ")
[ -n "${firmware:-}" ] || {
	echo "not ok $CASE: there is no such case"
	exit 1
}
need_root
boot_case "$firmware" "$transport" "$bridge" "$what" "$when"
exit "$FAILED"
