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
#
# A part may be NAME@arm64, for that architecture, or NAME@trixie, of that release. The
# host's apt knows neither; it gets lists of its own for them, under build/cache/apt.
set -eu

cd "$(dirname "$0")/.."
PARTS=$PWD/build/parts
CACHE=$PWD/build/cache/debs
APT=$PWD/build/cache/apt

build="gcc make libc6-dev libsodium-dev libssl-dev libseccomp-dev liblmdb-dev
	libevent-dev flex bison"
boot="qemu-system-x86 iproute2 cpio gzip procps"
check="$build $boot clang libclang-rt-14-dev llvm libcmocka-dev minisign afl++ binutils
	udhcpc isc-dhcp-client tftp-hpa atftp libnftables1 libedit2 netbase curl wget tcpdump strace openssl"
lint="clang-format clang-tidy cppcheck shellcheck mandoc lcov"

# Names that fetch knows, and what the package is really called today: kernels carry
# their version in their name.
boot_parts="busybox-static kernel ipxe ipxe-qemu ovmf"
check_parts="$boot_parts isc-dhcp-relay dhcpcd-base nftables"
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

# apt TOOL ASIDE...: apt-get or apt-cache; ASIDE is empty for the host's own lists, else
# arm64 or a release.
apt()
{
	local tool=$1 aside=$2

	shift 2
	[ -n "$aside" ] || {
		"$tool" "$@"
		return
	}
	"$tool" -o "Dir::State=$APT/$aside" -o "Dir::Cache=$APT/$aside" \
		-o Dir::State::status=/var/lib/dpkg/status -o Dir::Etc::sourceparts=- \
		-o "Dir::Etc::sourcelist=$APT/$aside/sources.list" \
		-o "APT::Architectures::=$(dpkg --print-architecture)" \
		-o APT::Architectures::=arm64 "$@"
}

# The same archive as the host's, without its updates: "deb [arch=A] URI RELEASE main".
aside_source()
{
	local aside=$1 arch uri release

	# The names are apt's.
	# shellcheck disable=SC2016
	read -r uri release < <(apt-get indextargets \
		--format '$(COMPONENT) $(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
		awk '$1 == "main" && $3 !~ /-/ { print $2, $3; exit }')
	[ -n "${release:-}" ] || die "apt has no archive for $aside"
	arch=$(dpkg --print-architecture)
	if [ "$aside" = arm64 ]; then
		arch=arm64
	else
		release=$aside
	fi
	mkdir -p "$APT/$aside/lists/partial" "$APT/$aside/archives/partial"
	echo "deb [arch=$arch] $uri $release main" >"$APT/$aside/sources.list"
}

# refresh_lists NAME [ASIDE [again]]: tells apart "no list of packages at all" and "package
# not there".
refresh_lists()
{
	local aside=${2:-}

	[ -z "$aside" ] || [ -e "$APT/$aside/sources.list" ] || aside_source "$aside"
	if [ -z "$(apt apt-cache "$aside" madison "$1" 2>/dev/null)" ] ||
		[ "${3:-}" = again ]; then
		echo "packages.sh: reading the package lists${aside:+ of $aside} (apt-get update)"
		apt apt-get "$aside" update -qq || die "apt-get update failed"
	fi
}

# real_name NAME [ASIDE]: what the package is called today.
real_name()
{
	local aside=${2:-} kernel=linux-image-cloud-amd64 arch=

	[ "$aside" != arm64 ] || {
		kernel=linux-image-cloud-arm64:arm64
		arch=:arm64
	}
	if [ "$1" = kernel ]; then
		refresh_lists $kernel "$aside" >&2
		apt apt-cache "$aside" depends --no-recommends --no-suggests $kernel |
			sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1
	else
		echo "$1$arch"
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
		refresh_lists "$1" "" again
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
	(cd "$CACHE" && apt apt-get "$2" download -qq -o APT::Sandbox::User=root "$1")
}

# fetched NAME: its file in the cache.
fetched()
{
	find "$CACHE" -name "${1%:*}_*.deb" | head -n 1
}

fetch_one()
{
	local part=$1 name deb aside=

	[ "${part#*@}" = "$part" ] || aside=${part#*@}
	name=$(real_name "${part%@*}" "$aside")
	[ -n "$name" ] || die "no package found for $part"
	refresh_lists "$name" "$aside"
	mkdir -p "$CACHE" "$PARTS"
	deb=$(fetched "$name")
	if [ -z "$deb" ]; then
		echo "packages.sh: downloading $part" \
			"($(apt apt-get "$aside" download --print-uris -qq "$name" 2>/dev/null | add_up))"
		download "$name" "$aside" || {
			refresh_lists "$name" "$aside" again
			download "$name" "$aside" || die "cannot download $name"
		}
		deb=$(fetched "$name")
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
