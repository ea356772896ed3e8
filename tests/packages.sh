#!/bin/bash
# What the build, the tests and the demo need from Debian.
#
#   tests/packages.sh build|check|lint|demo|bench   install what is missing (as root)
#   tests/packages.sh fetch NAME...           unpack packages under build/parts/NAME
#   tests/packages.sh plan build|check|demo   only say what that would download
#
# Installed are tools and libraries, nothing else. Whatever starts a server, touches a
# boot loader or brings a kernel is never installed: it is downloaded and unpacked under
# build/parts, so that the host boots and runs as before.
set -eu

cd "$(dirname "$0")/.."
PARTS=$PWD/build/parts
CACHE=$PWD/build/cache/debs

build="gcc make libc6-dev libsodium-dev libssl-dev libseccomp-dev liblmdb-dev
	libevent-dev flex bison"
boot="qemu-system-x86 iproute2 cpio gzip procps"
check="$build $boot clang libclang-rt-14-dev llvm libcmocka-dev minisign afl++ binutils
	udhcpc isc-dhcp-client tftp-hpa atftp netbase curl tcpdump strace openssl"
lint="clang-format clang-tidy cppcheck shellcheck mandoc lcov"

# Names that fetch knows, and what the package is really called today: kernels carry
# their version in their name.
boot_parts="busybox-static kernel ipxe ipxe-qemu ovmf"
check_parts="$boot_parts isc-dhcp-relay dhcpcd-base"
# The peers that benchmarks compare with, and the libraries they load.
bench="$build iproute2 procps libboost-system1.74.0 liblog4cplus-2.0.5 libmariadb3 libpq5
	libnetfilter-conntrack3 libnftables1 libidn2-0 liblua5.3-0"
bench_parts="kea-common kea-dhcp4-server kea-admin isc-dhcp-server dnsmasq-base
	tftpd-hpa atftpd libwrap0 nginx"
demo_parts="ipxe ipxe-qemu ovmf debian-installer-12-netboot-amd64"

die()
{
	echo "packages.sh: $*" >&2
	exit 1
}

# Tells apart "no list of packages at all" and "package not there".
refresh_lists()
{
	if [ -z "$(apt-cache madison "$1" 2>/dev/null)" ] || [ "${2:-}" = again ]; then
		echo "packages.sh: reading the package lists (apt-get update)"
		apt-get update -qq || die "apt-get update failed"
	fi
}

real_name()
{
	if [ "$1" = kernel ]; then
		refresh_lists linux-image-cloud-amd64 >&2
		apt-cache depends --no-recommends --no-suggests linux-image-cloud-amd64 |
			sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1
	else
		echo "$1"
	fi
}

missing()
{
	for p in "$@"; do
		dpkg-query -W -f '${Status}\n' "$p" 2>/dev/null |
			grep -q '^install ok installed$' || echo "$p"
	done
}

# Reads lines of --print-uris, prints "COUNT packages, SIZE MB".
add_up()
{
	awk -v q="'" 'substr($1, 1, 1) == q { n++; s += $3 }
		END { printf "%d package%s, %.1f MB", n, n == 1 ? "" : "s", s / 1e6 }'
}

plan_install()
{
	apt-get install -qq --no-install-recommends --print-uris "$@" 2>/dev/null
}

install_missing()
{
	local need

	# Words are wanted: one package each.
	# shellcheck disable=SC2046
	set -- $(missing "$@")
	[ $# -gt 0 ] || return 0
	[ "$(id -u)" = 0 ] || die "not root, and these are missing: $*"
	refresh_lists "$1"
	need=$(plan_install "$@" | add_up)
	echo "packages.sh: installing $* ($need to download)"
	export DEBIAN_FRONTEND=noninteractive
	apt-get install -qq -y --no-install-recommends "$@" >build/apt.log 2>&1 || {
		refresh_lists "$1" again
		apt-get install -qq -y --no-install-recommends "$@" >build/apt.log 2>&1 || {
			tail -n 20 build/apt.log >&2
			die "apt-get install failed"
		}
	}
}

parts_missing()
{
	for p in "$@"; do
		[ -e "$PARTS/$p/.complete" ] || echo "$p"
	done
}

# apt-get download drops its privileges when it can and then cannot write to a folder of
# root's; as root in a folder of our own it is told to stay what it is.
download()
{
	(cd "$CACHE" && apt-get download -qq -o APT::Sandbox::User=root "$1")
}

fetch_one()
{
	local part=$1 name deb

	name=$(real_name "$part")
	[ -n "$name" ] || die "no package found for $part"
	refresh_lists "$name"
	mkdir -p "$CACHE" "$PARTS"
	deb=$(find "$CACHE" -name "${name}_*.deb" | head -n 1)
	if [ -z "$deb" ]; then
		echo "packages.sh: downloading $name" \
			"($(apt-get download --print-uris -qq "$name" 2>/dev/null | add_up))"
		download "$name" || {
			refresh_lists "$name" again
			download "$name" || die "cannot download $name"
		}
		deb=$(find "$CACHE" -name "${name}_*.deb" | head -n 1)
	fi
	rm -rf "$PARTS/$part.new" "${PARTS:?}/$part"
	mkdir "$PARTS/$part.new"
	dpkg-deb -x "$deb" "$PARTS/$part.new" || {
		rm -f "$deb"
		die "$deb is damaged; removed, please try again"
	}
	touch "$PARTS/$part.new/.complete"
	mv "$PARTS/$part.new" "$PARTS/$part"
	rm -f "$deb"
}

fetch()
{
	local part

	mkdir -p "$PARTS" "$CACHE"
	# Two runs in one tree (two boot cases, say) must not unpack over each other.
	exec 9>"$PARTS/.lock"
	flock 9
	for part in $(parts_missing "$@"); do
		fetch_one "$part"
	done
	exec 9>&-
}

plan()
{
	local install=$1 parts=$2 name uris=

	# shellcheck disable=SC2086,SC2046
	set -- $(missing $install)
	if [ $# -gt 0 ]; then
		refresh_lists "$1"
		uris=$(plan_install "$@")
		echo "  to install:  $(echo "$uris" | add_up) to download"
		echo "$*" | fold -s -w 64 | sed 's/^/               /'
	else
		echo "  to install:  nothing"
	fi
	# shellcheck disable=SC2086,SC2046
	set -- $(parts_missing $parts)
	if [ $# -eq 0 ]; then
		echo "  to unpack:   nothing"
		return
	fi
	refresh_lists "$(real_name "$1")"
	uris=$(for name in "$@"; do
		apt-get download --print-uris -qq "$(real_name "$name")" 2>/dev/null
	done)
	echo "  to unpack under build/ (not installed): $(echo "$uris" | add_up) to download"
	echo "$*" | fold -s -w 64 | sed 's/^/               /'
}

mkdir -p build
case ${1:-} in
build)
	# shellcheck disable=SC2086
	install_missing $build
	;;
check)
	# shellcheck disable=SC2086
	install_missing $check
	# shellcheck disable=SC2086
	fetch $check_parts
	;;
lint)
	# shellcheck disable=SC2086
	install_missing $build clang libcmocka-dev $lint
	;;
bench)
	# shellcheck disable=SC2086
	install_missing $bench
	# shellcheck disable=SC2086
	fetch $bench_parts
	;;
demo)
	# shellcheck disable=SC2086
	install_missing $build $boot
	# shellcheck disable=SC2086
	fetch $demo_parts
	;;
fetch)
	shift
	fetch "$@"
	;;
plan)
	case ${2:-} in
	build) plan "$build" "" ;;
	check) plan "$check" "$check_parts" ;;
	demo) plan "$build $boot" "$demo_parts" ;;
	*) die "plan of what?" ;;
	esac
	;;
*)
	die "usage: packages.sh build|check|lint|demo|bench | fetch NAME... | plan build|check|demo"
	;;
esac
