# Builds the guest of the boot tests: Debian's cloud kernel and a busybox initramfs whose
# init says on the console who booted it, and powers off. Sourced; needs common.sh.

# shellcheck shell=bash disable=SC2034

# Of the architecture that guest_build was asked for.
GUEST=
GUEST_CMDLINE=
GUEST_MODULES="virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci
	failover net_failover virtio_net"

guest_init()
{
	cat <<'INIT'
#!/bin/busybox sh
PATH=/bin
/bin/busybox mkdir -p /proc /sys /dev /etc
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null
exec >/dev/console 2>&1
firmware=bios
[ -d /sys/firmware/efi ] && firmware=uefi
nonce=none
for word in $(cat /proc/cmdline); do
	case $word in
	nonce=*) nonce=${word#nonce=} ;;
	esac
done
echo
echo "SALLYPORT-GUEST nonce=$nonce firmware=$firmware"
for module in $(cat /modules/order); do
	insmod "/modules/$module.ko" || echo "SALLYPORT-GUEST module=$module failed"
done
if [ $firmware = uefi ]; then
	insmod /modules/efivarfs.ko
	mount -t efivarfs efivarfs /sys/firmware/efi/efivars
	variable=/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
	echo "SALLYPORT-GUEST secureboot=$(tail -c 1 $variable | od -An -t u1 | tr -d ' ')"
fi
i=0
while [ ! -e /sys/class/net/eth0 ] && [ $i -lt 50 ]; do
	usleep 100000
	i=$((i + 1))
done
ip link set eth0 up
if udhcpc -f -n -q -i eth0 -t 8 -T 2 -s /udhcpc.script >/dev/null 2>&1; then
	read -r address router </run.lease
	echo "SALLYPORT-GUEST lease=$address router=$router"
else
	echo "SALLYPORT-GUEST lease=none"
fi
echo "SALLYPORT-GUEST end"
poweroff -f
INIT
}

guest_udhcpc_script()
{
	cat <<'SCRIPT'
#!/bin/busybox sh
[ "$1" = bound ] && echo "$ip $router" >/run.lease
exit 0
SCRIPT
}

# guest_initramfs FOLDER ASIDE: from the parts of an architecture.
guest_initramfs()
{
	local dir=$1 modules module file

	mkdir -p "$dir/bin" "$dir/modules"
	cp "$PARTS/busybox-static$2/bin/busybox" "$dir/bin/busybox"
	guest_init >"$dir/init"
	guest_udhcpc_script >"$dir/udhcpc.script"
	chmod 755 "$dir/init" "$dir/udhcpc.script"
	modules=$(echo "$PARTS/kernel$2"/lib/modules/*/kernel)
	for module in $GUEST_MODULES; do
		file=$(find "$modules" -name "$module.ko" | head -n 1)
		[ -n "$file" ] || return 1
		cp "$file" "$dir/modules/"
		echo "$module"
	done >"$dir/modules/order"
	cp "$modules/fs/efivarfs/efivarfs.ko" "$dir/modules/"
	(cd "$dir" && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet | gzip -9n)
}

# guest_build [arm64]: $GUEST/vmlinuz and $GUEST/initrd.gz, once.
guest_build()
{
	local work aside=${1:+@$1}

	GUEST=$ROOT/build/guest${1:+-$1}
	# On a busy machine an emulated timer may miss the kernel's check of it.
	GUEST_CMDLINE="console=ttyS0 no_timer_check"
	[ -z "$aside" ] || GUEST_CMDLINE=console=ttyAMA0
	"$ROOT/tests/packages.sh" fetch "busybox-static$aside" "kernel$aside" || return 1
	mkdir -p "$GUEST"
	exec 8>"$GUEST/.lock"
	flock 8
	if [ "$ROOT/tests/boot/guest.sh" -nt "$GUEST/.complete" ] ||
		[ "$PARTS/kernel$aside/.complete" -nt "$GUEST/.complete" ]; then
		rm -rf "$GUEST/work"
		work=$GUEST/work
		guest_initramfs "$work" "$aside" >"$GUEST/initrd.gz" || return 1
		cp "$PARTS/kernel$aside"/boot/vmlinuz-* "$GUEST/vmlinuz"
		rm -rf "$work"
		touch "$GUEST/.complete"
	fi
	exec 8>&-
}
