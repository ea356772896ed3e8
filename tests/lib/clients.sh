# Real clients in their namespaces, and what they were told. Sourced; needs common.sh,
# net.sh, server.sh. No client touches the host: their scripts only write what they got.

# shellcheck shell=bash disable=SC2034

PXE=$TESTBIN/pxeclient

# pxe NAME ARGUMENTS...: pxeclient on NAME's eth0; its lines are in REPLY, its status in
# STATUS (0 answered, 3 silence, 4 NAK).
pxe()
{
	local ns=$1

	shift
	REPLY=$(in_ns "$ns" "$PXE" -i eth0 "$@" 2>&1)
	STATUS=$?
}

# reply_value TYPE KEY: of the last such reply.
reply_value()
{
	grep "^reply=$1 " <<<"$REPLY" | tail -n 1 | value "$2"
}

# pxe_session NAME ARCH...: boots like firmware, and takes the address that it got.
pxe_session()
{
	local ns=$1

	shift
	pxe "$ns" "$@" boot
	[ "$STATUS" = 0 ] || die "no lease for $ns: $REPLY"
	ADDRESS=$(reply_value ACK yiaddr)
	BOOTFILE=$(reply_value ACK bootfile)
	BOOTFILE=${BOOTFILE%\\x00}
	in_ns "$ns" ip addr flush dev eth0
	in_ns "$ns" ip addr add "$ADDRESS/24" dev eth0
}

# Writes "key=value" lines of what udhcpc was given to $RUN/NAME.udhcpc.
udhcpc_script()
{
	cat >"$RUN/udhcpc.script" <<-'END'
		#!/bin/sh
		[ "$1" = bound ] || [ "$1" = renew ] || exit 0
		{
			echo "reason=$1"
			echo "ip=$ip"
			echo "mask=$mask"
			echo "router=$router"
			echo "dns=$dns"
			echo "domain=$domain"
			echo "lease=$lease"
			echo "server=$serverid"
		} >"$UDHCPC_OUT"
		env >"$UDHCPC_OUT.env"
		ip addr flush dev "$interface"
		ip addr add "$ip/$mask" dev "$interface"
	END
	chmod 755 "$RUN/udhcpc.script"
}

# udhcpc_once NAME [OPTIONS...]: asks once, ends with the lease or without.
udhcpc_once()
{
	local ns=$1

	shift
	rm -f "$RUN/$ns.udhcpc"
	UDHCPC_OUT=$RUN/$ns.udhcpc in_ns "$ns" udhcpc -f -n -q -i eth0 -t 5 -T 2 \
		-s "$RUN/udhcpc.script" "$@" >"$RUN/$ns.udhcpc.log" 2>&1
}

dhclient_script()
{
	cat >"$RUN/dhclient.script" <<-'END'
		#!/bin/sh
		case $reason in
		BOUND | RENEW | REBIND | REBOOT)
			{
				echo "reason=$reason"
				echo "ip=$new_ip_address"
				echo "mask=$new_subnet_mask"
				echo "router=$new_routers"
				echo "dns=$new_domain_name_servers"
				echo "domain=$new_domain_name"
				echo "lease=$new_dhcp_lease_time"
				echo "server=$new_dhcp_server_identifier"
			} >"$DHCLIENT_OUT"
			env >"$DHCLIENT_OUT.env"
			ip addr flush dev "$interface"
			ip addr add "$new_ip_address/$new_subnet_mask" dev "$interface"
			;;
		PREINIT) ip link set "$interface" up ;;
		esac
		exit 0
	END
	chmod 755 "$RUN/dhclient.script"
	: >"$RUN/dhclient.conf"
}

# dhclient_run NAME OPTIONS...: with a lease file of its own, which survives runs.
dhclient_run()
{
	local ns=$1

	shift
	rm -f "$RUN/$ns.dhclient"
	in_ns "$ns" dhclient -4 "$@" -e "DHCLIENT_OUT=$RUN/$ns.dhclient" \
		-cf "$RUN/dhclient.conf" -sf "$RUN/dhclient.script" \
		-lf "$RUN/$ns.leases" -pf "$RUN/$ns.dhclient.pid" eth0 \
		>"$RUN/$ns.dhclient.log" 2>&1
}

# dhcpcd_run NAME OPTIONS...: it sets up the interface itself; its own files are in a folder
# of this run, over the host's. What its script was told is in $RUN/NAME.dhcpcd.
dhcpcd_run()
{
	local ns=$1 tree=$RUN/$1.dhcpcd.d

	shift
	mkdir -p "$tree/run" "$tree/lib/dhcpcd"
	cat >"$tree/script" <<-END
		#!/bin/sh
		echo "# \$reason" >>"$tree.reasons"
		[ "\$reason" = PREINIT ] || [ "\$reason" = CARRIER ] || env >"$RUN/$ns.dhcpcd"
	END
	chmod 755 "$tree/script"
	# shellcheck disable=SC2016
	in_ns "$ns" sh -c 'mount --bind "$0/run" /run && mount --bind "$0/lib" /var/lib &&
		exec "$@"' "$tree" "$PARTS/dhcpcd-base/usr/sbin/dhcpcd" -4 -f /dev/null \
		-c "$tree/script" "$@" eth0 >>"$RUN/$ns.dhcpcd.log" 2>&1
}

# got FILE KEY
got()
{
	sed -n "s/^$2=//p" "$1" 2>/dev/null
}

# dhcp_complete LABEL FILE: everything that the configuration says arrived.
dhcp_complete()
{
	matches "$1 address from the pool" '^10\.77\.0\.1[0-9][0-9]$' "$(got "$2" ip)"
	same "$1 router" "$SERVER_IP" "$(got "$2" router)"
	same "$1 name server" "$SERVER_IP" "$(got "$2" dns)"
	same "$1 domain" lab.example "$(got "$2" domain)"
	same "$1 lease time" 3600 "$(got "$2" lease)"
	same "$1 server" "$SERVER_IP" "$(got "$2" server)"
}

# sample_image SIZE [OPTIONS...]: of small files and a kernel of SIZE bytes, for clients
# that only fetch.
sample_image()
{
	local stage=$S/stage/sample size=$1

	shift
	mkdir -p "$stage/sub"
	head -c 70001 /dev/urandom >"$stage/loader.bin"
	head -c 2048 /dev/urandom >"$stage/exact.bin"
	head -c "$size" /dev/urandom >"$stage/linux"
	head -c 12345 /dev/urandom >"$stage/initrd.gz"
	: >"$stage/empty"
	echo hello >"$stage/sub/hello.txt"
	cp "$stage/loader.bin" "$stage/loader.efi"
	server_image sample --loader bios=loader.bin --loader x64=loader.efi --kernel linux \
		--initrd initrd.gz --cmdline "console=ttyS0" "$@"
}
