#!/bin/bash
# Serves the Debian installer to the machines on a real interface, until Ctrl-C:
#
#	sudo make serve INTERFACE=eth1 [POOL="192.168.50.100 - 192.168.50.199"]
#
# A first try on a network of one's own. It refuses to start where another DHCP server
# answers. Everything that it keeps (keys, image, leases) lies in /var/lib/sallyport-try;
# for a server that stays, see "make install" and the README.
set -u
ROOT=$(cd "$(dirname "$0")/.." && pwd)
cd "$ROOT" || exit 1
INTERFACE=${1:-}
HOME_DIR=${TRY_DIR:-/var/lib/sallyport-try}
BIN=$ROOT/build/release/bin
PARTS=$ROOT/build/parts
INSTALLER=$PARTS/debian-installer-12-netboot-amd64/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64
PATH=$PATH:/usr/sbin:/sbin

stop()
{
	echo "serve: $*" >&2
	exit 1
}

# ADDRESS and PREFIX of the interface.
look_at_interface()
{
	local cidr

	[ -n "$INTERFACE" ] || stop "which one? sudo make serve INTERFACE=eth1"
	[ "$(id -u)" = 0 ] || stop "needs root. Please run: sudo make serve INTERFACE=$INTERFACE"
	ip link show dev "$INTERFACE" >/dev/null 2>&1 || stop "there is no interface $INTERFACE"
	cidr=$(ip -4 -o addr show dev "$INTERFACE" scope global | awk '{ print $4; exit }')
	[ -n "$cidr" ] || stop "$INTERFACE has no IPv4 address; give it one:" \
		"ip addr add 192.168.50.1/24 dev $INTERFACE"
	ADDRESS=${cidr%/*}
	PREFIX=${cidr#*/}
	[ "$PREFIX" -le 28 ] || stop "a subnet of /$PREFIX is too small for a pool"
}

number()
{
	local a b c d

	IFS=. read -r a b c d <<<"$1"
	echo $(((a << 24) + (b << 16) + (c << 8) + d))
}

dotted()
{
	echo "$(($1 >> 24 & 255)).$(($1 >> 16 & 255)).$(($1 >> 8 & 255)).$(($1 & 255))"
}

# The upper quarter of the subnet (at most 200 addresses), unless it holds our own.
choose_pool()
{
	local size=$((1 << (32 - PREFIX))) own first last network

	own=$(number "$ADDRESS")
	network=$((own & ~(size - 1)))
	NETWORK=$(dotted $network)/$PREFIX
	[ -z "${POOL:-}" ] || return 0
	first=$((network + size - size / 4))
	last=$((network + size - 2))
	if [ "$own" -ge "$first" ]; then
		first=$((network + size / 2))
		last=$((network + size - size / 4 - 1))
	fi
	[ $((last - first)) -lt 200 ] || last=$((first + 199))
	POOL="$(dotted $first) - $(dotted $last)"
}

# Two servers on one network give the same address to two machines.
nobody_else_serves()
{
	local other

	echo "Listening for another DHCP server on $INTERFACE ..."
	other=$("$ROOT/build/release/testbin/pxeclient" -i "$INTERFACE" -b -t 3 \
		-m "02:$(od -An -N 5 -tx1 /dev/urandom | tr -d '\n' | sed 's/^ //; s/ /:/g')" \
		discover | sed -n 's/.* server=\([0-9.]*\).*/\1/p' | head -n 1)
	[ -z "$other" ] || stop "$other answers DHCP on $INTERFACE; not starting a second server"
}

make_image()
{
	local stage=$HOME_DIR/stage image=$BIN/sallyport-image

	umask 022
	mkdir -p "$HOME_DIR/images" "$HOME_DIR/state/verifier" || exit 1
	chmod 700 "$HOME_DIR/state/verifier"
	[ -e "$HOME_DIR/try.key" ] ||
		"$image" key generate -W -p "$HOME_DIR/try.pub" -s "$HOME_DIR/try.key" || exit 1
	echo "key $(tail -n 1 "$HOME_DIR/try.pub") *" >"$HOME_DIR/keyring"
	[ -e "$HOME_DIR/state/verifier/floor" ] ||
		"$image" trust init --floor "$HOME_DIR/state/verifier/floor" || exit 1
	[ ! -d "$HOME_DIR/images/debian" ] || return 0
	rm -rf "$stage"
	mkdir -p "$stage"
	cp "$PARTS/ipxe/usr/lib/ipxe/undionly.kpxe" "$PARTS/ipxe/usr/lib/ipxe/snponly.efi" \
		"$INSTALLER/linux" "$INSTALLER/initrd.gz" "$stage/" &&
		"$image" create --name debian --loader bios=undionly.kpxe \
			--loader x64=snponly.efi --kernel linux --initrd initrd.gz "$stage" &&
		"$image" sign -s "$HOME_DIR/try.key" "$stage" &&
		"$image" install -i "$HOME_DIR/images" -k "$HOME_DIR/keyring" "$stage" || exit 1
	rm -rf "$stage"
}

# A router and name servers are only named when this machine knows any.
configuration()
{
	local router dns

	router=$(ip -4 route show default dev "$INTERFACE" | awk '{ print $3; exit }')
	dns=$(awk '$1 == "nameserver" && $2 ~ /^[0-9.]+$/ && $2 !~ /^127\./ { print $2; exit }' \
		/etc/resolv.conf)
	cat <<-END
		state "$HOME_DIR/state";
		images "$HOME_DIR/images";
		keyring "$HOME_DIR/keyring";
		interface "$INTERFACE" { address $ADDRESS; }
		subnet $NETWORK {
			pool $POOL;
			${router:+router $router;}
			${dns:+dns $dns;}
			lease-time 1h;
		}
		boot {
			default image "debian";
			unknown allow;
		}
	END
}

look_at_interface
choose_pool
tests/packages.sh plan demo
tests/packages.sh demo && make -s -j2 all helpers || exit 1
nobody_else_serves
make_image
configuration | sed -e '/^$/d' -e 's/^\(pool\|router\|dns\|lease-time\|default\|unknown\) /    &/' >"$HOME_DIR/sallyport.conf"
echo "The configuration ($HOME_DIR/sallyport.conf):"
sed 's/^/   /' "$HOME_DIR/sallyport.conf"
echo "A firewall must let in UDP 67, 69, 4011 and 40000-40063, and TCP 80. Ctrl-C ends."
exec "$BIN/sallyportd" -f "$HOME_DIR/sallyport.conf" -L "$BIN" --uid-base 300000
