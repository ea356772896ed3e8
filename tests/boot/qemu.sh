# Virtual machines with real firmware, in the switch's namespace on a tap of their own.
# Sourced; needs common.sh, net.sh, guest.sh.

# shellcheck shell=bash disable=SC2034

QEMU="qemu-system-x86_64"
QEMU_ARM64=$PARTS/qemu-system-arm/usr/bin/qemu-system-aarch64
ACCEL=

# KVM may be there and not work (nested, or refused): it is used only after it has booted
# a kernel within five seconds as far as a kernel comes without an initrd. The answer
# holds until the next start of the host. $1: a kernel
qemu_probe_kvm()
{
	local answer

	answer=$ROOT/build/kvm-$(cat /proc/sys/kernel/random/boot_id)
	if [ ! -s "$answer" ]; then
		echo tcg >"$answer.$$"
		if [ -w /dev/kvm ] && qemu_boots_kernel kvm 5 "$1"; then
			echo kvm >"$answer.$$"
		fi
		mv "$answer.$$" "$answer"
	fi
	ACCEL=$(cat "$answer")
}

# qemu_boots_kernel ACCEL SECONDS KERNEL
qemu_boots_kernel()
{
	timeout -k 1 "$2" $QEMU -machine pc -accel "$1" -cpu max -m 512 -display none \
		-monitor none -no-reboot -nic none -kernel "$3" \
		-append "console=ttyS0 panic=-1" -serial stdio </dev/null 2>/dev/null |
		grep -aq 'Unable to mount root fs'
}

# What every machine has. $1 name, $2 MAC, $3 tap
qemu_common()
{
	QEMU_ARGS=(-name "$1" -display none -monitor none
		-no-reboot -uuid "$(qemu_uuid "$2")" -serial "file:$RUN/$1.serial"
		-netdev "tap,id=n0,ifname=$3,script=no,downscript=no")
}

# A machine's UUID from its MAC, so that a client keeps its identity between runs.
qemu_uuid()
{
	echo "44454c4c-4200-1035-8051-${1//:/}"
}

# SeaBIOS and iPXE as the network card's ROM. With graphics off, both speak on the
# serial port. The ROM knows only the modern PCI id of virtio.
qemu_bios()
{
	QEMU_ARGS+=(-accel "$ACCEL" -cpu max -machine "pc,graphics=off" -m 768
		-device "virtio-net-pci,disable-legacy=on,netdev=n0,mac=$1,bootindex=0,romfile=$2")
}

# OVMF with its own drivers and stack. $1 MAC, $2 name, $3 y: PXE, n: HTTP Boot, $4 ".ms":
# Secure Boot with the usual keys
qemu_uefi()
{
	local ovmf=$PARTS/ovmf/usr/share/OVMF

	cp "$ovmf/OVMF_VARS_4M${4:-}.fd" "$RUN/$2.vars.fd"
	if [ -n "${4:-}" ]; then
		QEMU_ARGS+=(-machine "q35,smm=on" -global ICH9-LPC.disable_s3=1
			-global "driver=cfi.pflash01,property=secure,value=on")
	else
		QEMU_ARGS+=(-machine q35)
	fi
	QEMU_ARGS+=(-accel "$ACCEL" -cpu max -m 1024
		-drive "if=pflash,unit=0,format=raw,readonly=on,file=$ovmf/OVMF_CODE_4M${4:-}.fd"
		-drive "if=pflash,unit=1,format=raw,file=$RUN/$2.vars.fd"
		-device virtio-rng-pci
		-device "virtio-net-pci,netdev=n0,mac=$1,bootindex=0,romfile="
		-fw_cfg "name=opt/org.tianocore/IPv4PXESupport,string=$3"
		-fw_cfg "name=opt/org.tianocore/IPv6PXESupport,string=n")
}

# The same firmware for arm64, always emulated. $1 MAC, $2 name
qemu_arm64()
{
	local aavmf=$PARTS/qemu-efi-aarch64/usr/share/AAVMF

	cp "$aavmf/AAVMF_VARS.fd" "$RUN/$2.vars.fd"
	QEMU_ARGS+=(-accel tcg -cpu cortex-a57 -machine virt -m 1024
		-drive "if=pflash,unit=0,format=raw,readonly=on,file=$aavmf/AAVMF_CODE.fd"
		-drive "if=pflash,unit=1,format=raw,file=$RUN/$2.vars.fd"
		-device virtio-rng-pci
		-device "virtio-net-pci,netdev=n0,mac=$1,bootindex=0,romfile=")
}

# HTTPS Boot. OVMF believes the authorities of the EFI signature list that it is handed by
# this name, and no others. It has TLS 1.2 alone, with DHE or RSA for the exchange of keys
# and no ECDHE, so that the server needs an RSA certificate; the address that stands in the
# URL must be in its subjectAltName. HEAD and GET come over one connection.
# $1 MAC, $2 name, $3 signature list
qemu_https()
{
	qemu_uefi "$1" "$2" n
	QEMU_ARGS+=(-fw_cfg "name=etc/edk2/https/cacerts,file=$3")
}

# qemu_start NAME FIRMWARE MAC [BRIDGE]: FIRMWARE is bios, uefi, uefi-http, uefi-https,
# uefi-secure, uefi-http-secure or uefi-arm64. The machine runs in the background: QEMU_PID, console in $RUN/NAME.serial.
qemu_start()
{
	local qemu=$QEMU

	net_tap "${4:-br0}"
	: >"$RUN/$1.serial"
	qemu_common "$1" "$3" "$TAP"
	case $2 in
	bios) qemu_bios "$3" "$PARTS/ipxe-qemu/usr/lib/ipxe/qemu/pxe-virtio.rom" ;;
	uefi) qemu_uefi "$3" "$1" y ;;
	uefi-http) qemu_uefi "$3" "$1" n ;;
	uefi-https) qemu_https "$3" "$1" "$SIGNATURES" ;;
	uefi-secure) qemu_uefi "$3" "$1" y .ms ;;
	uefi-http-secure) qemu_uefi "$3" "$1" n .ms ;;
	uefi-arm64)
		qemu=$QEMU_ARM64
		qemu_arm64 "$3" "$1"
		;;
	*) die "no such firmware: $2" ;;
	esac
	ip netns exec "$NET-sw" "$qemu" "${QEMU_ARGS[@]}" >"$RUN/$1.qemu" 2>&1 &
	QEMU_PID=$!
	at_end "end_process $QEMU_PID"
}
