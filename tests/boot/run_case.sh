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
		kill-after-ack  bios       http  br0  kill dhcp-ack
		kill-mid-tftp   bios       tftp  br0  kill mid-file
		kill-mid-http   bios       http  br0  kill mid-file
	END
}

# The loaders, the guest, and this run's number, in a signed image.
make_image()
{
	local stage=$S/stage/guest

	mkdir -p "$stage"
	cp "$PARTS/ipxe/usr/lib/ipxe/undionly.kpxe" "$PARTS/ipxe/usr/lib/ipxe/snponly.efi" \
		"$GUEST/vmlinuz" "$GUEST/initrd.gz" "$stage/"
	server_image guest --loader bios=undionly.kpxe --loader x64=snponly.efi \
		--kernel vmlinuz --initrd initrd.gz --cmdline "console=ttyS0 nonce=$NONCE"
}

# Kills the broker when the machine is at `when`: after its first ACK, or in the middle
# of its kernel (more than three megabytes have left the server; loaders are smaller, the
# kernel is not). $LEASE is what the machine had been promised by then.
kill_broker()
{
	case $1 in
	dhcp-ack) wait_line 90 "$SERVER_LOG" 'event=dhcp-ack ' ;;
	mid-file) wait_for 90 sent_bytes 3000000 ;;
	esac || {
		not_ok "$CASE broker killed" "the boot does not get as far as $1"
		return
	}
	LEASE=$(events dhcp-ack | value ip)
	check "$CASE broker killed" server_kill broker
}

sent_bytes()
{
	[ "$(in_ns srv cat /sys/class/net/lan0/statistics/tx_bytes)" -gt "$1" ]
}

boot_case()
{
	local firmware=$1 transport=$2 bridge=$3 what=$4 when=${5:-} start up

	guest_build || die "cannot build the guest"
	"$ROOT/tests/packages.sh" fetch ipxe ipxe-qemu ovmf isc-dhcp-relay ||
		die "firmware packages are missing"
	qemu_probe_kvm "$GUEST/vmlinuz"
	run_begin "boot-$CASE"
	NONCE=$(random_hex 8)
	net_begin
	[ "$what" != relay ] || net_relay
	server_prepare
	make_image
	server_trust
	server_config_usual guest "$transport"
	server_start
	start=$(seconds)
	qemu_start vm "$firmware" $MAC "$bridge"
	[ "$what" != kill ] || kill_broker "$when"
	if wait_line "$LIMIT" "$RUN/vm.serial" "SALLYPORT-GUEST nonce=$NONCE firmware="; then
		up=$(seconds)
		ok "$CASE guest up after $(awk "BEGIN { print $up - $start }") s ($ACCEL)"
	else
		not_ok "$CASE" "no guest within $LIMIT s"
		show_why
		return
	fi
	verify_guest "${firmware%%-*}" "$bridge"
	[ "$what" != kill ] || verify_leases
	verify_log
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
	case $2 in
	br0) matches "$CASE own lease" 'lease=10\.77\.0\.1[0-9][0-9] router=10\.77\.0\.1$' "$said" ;;
	br1) matches "$CASE own lease" 'lease=10\.88\.0\.1[0-9][0-9] router=10\.88\.0\.1$' "$said" ;;
	esac
}

# A machine in the middle of its boot kept what it had been given, through the kill.
verify_leases()
{
	local now

	now=$(events dhcp-ack | tail -n 1 | value ip)
	same "$CASE lease kept" "$LEASE" "$now"
	same "$CASE one power-on" 1 "$(grep -ac 'iPXE initialising devices' "$RUN/vm.serial")"
}

verify_log()
{
	local line

	for line in 'event=dhcp-discover ' 'event=dhcp-offer ' 'event=dhcp-ack .*ip='; do
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
