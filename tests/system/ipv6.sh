#!/bin/bash
# Files over IPv6, by HTTP, HTTPS and TFTP, to whom an image is open: addresses are not given
# over it, so there are no sessions. Served are the configured addresses of the interfaces and
# no others.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$ROOT/tests/lib/clients.sh"

SERVER6=2001:db8:77::1

# with_ipv6 NAME DEVICE ADDRESS...: 64 bits of prefix each, at once.
with_ipv6()
{
	local ns=$1 dev=$2

	shift 2
	in_ns "$ns" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
	for a in "$@"; do
		in_ns "$ns" ip -6 addr add "$a/64" dev "$dev" nodad || die "no IPv6 here"
	done
}

# by_http NAME URL: the status in CODE, the body in $RUN/out.
by_http()
{
	rm -f "$RUN/out"
	CODE=$(in_ns "$1" curl -g -s -m 30 -o "$RUN/out" -w '%{http_code}' "$2")
}

# by_tftp NAME ADDRESS REMOTE OPTIONS...: into $RUN/out, what the client says in SAID.
by_tftp()
{
	local ns=$1 to=$2 remote=$3

	shift 3
	rm -f "$RUN/out"
	SAID=$(in_ns "$ns" timeout 30 atftp --get -r "$remote" -l "$RUN/out" "$@" "$to" 2>&1)
}

http()
{
	by_http a "http://[$SERVER6]/sample/linux"
	same "HTTP: a file" 200 "$CODE"
	check "HTTP: every byte" cmp "$RUN/out" "$S/stage/sample/linux"
	by_http a "http://[$SERVER6]/sample/boot.ipxe"
	same "HTTP: no text of a template" 404 "$CODE"
	by_http b "http://[$SERVER6]/sample/linux"
	same "HTTP: not to another network" 404 "$CODE"
	check "and the log says so" grep -Eqa 'event=no-session peer=2001:db8:78::b ' "$SERVER_LOG"
	by_http a "http://[2001:db8:77::2]/sample/linux"
	same "HTTP: not on another address of the interface" 000 "$CODE"
	by_http a "http://$SERVER_IP/sample/linux"
	same "HTTP: over IPv4 nothing has changed" 404 "$CODE"
}

# Its own authority.
certificate()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj /CN=six -addext "subjectAltName=IP:$SERVER6" \
		-keyout "$RUN/tls.key" -out "$RUN/tls.pem" 2>"$RUN/openssl.log" ||
		die "certificate: $(tail -n 1 "$RUN/openssl.log")"
	chmod 600 "$RUN/tls.key"
}

https()
{
	rm -f "$RUN/out"
	CODE=$(in_ns a curl -g -s -m 30 --cacert "$RUN/tls.pem" -o "$RUN/out" -w '%{http_code}' \
		"https://[$SERVER6]/sample/linux")
	same "HTTPS: a file" 200 "$CODE"
	check "HTTPS: every byte" cmp "$RUN/out" "$S/stage/sample/linux"
}

tftp()
{
	by_tftp a $SERVER6 sample/loader.bin
	check "TFTP: a file" cmp "$RUN/out" "$S/stage/sample/loader.bin"
	by_tftp a $SERVER6 sample/loader.bin --option "blksize 65464" --option "windowsize 16" \
		--trace --verbose
	check "TFTP: with options" cmp "$RUN/out" "$S/stage/sample/loader.bin"
	matches "TFTP: a block fits into a packet" 'blksize: 1448' "$SAID"
	by_tftp a $SERVER6 sample/linux --option "blksize 1428" --option "windowsize 16"
	check "TFTP: a larger file" cmp "$RUN/out" "$S/stage/sample/linux"
	by_tftp a $SERVER6 'SAMPLE\Sub\Hello.txt'
	check "TFTP: in whatever case, with backslashes" cmp "$RUN/out" \
		"$S/stage/sample/sub/hello.txt"
	by_tftp a $SERVER6 sample/nothing
	check "TFTP: a file that is not there" test ! -s "$RUN/out"
	rm -f "$RUN/out"
	in_ns a curl -g -s -m 30 -o "$RUN/out" "tftp://[$SERVER6]/sample/sub/hello.txt"
	check "TFTP: curl" cmp "$RUN/out" "$S/stage/sample/sub/hello.txt"
	in_ns b timeout 3 atftp --get -r sample/loader.bin -l "$RUN/out.b" $SERVER6 >/dev/null 2>&1
	check "TFTP: not to another network" test ! -s "$RUN/out.b"
}

# An interface whose address is not named, and one that comes with a reload.
reload()
{
	in_ns srv ip -6 addr del 2001:db8:77::2/64 dev lan0
	in_ns srv ip -6 addr del 2001:db8:78::1/64 dev lan0
	sed -i "s/address6 [^;]*;/address6 auto;/" "$S/sallyport.conf"
	kill -HUP "$SERVER_PID"
	wait_line 20 "$SERVER_LOG" 'event=reloaded ' || not_ok "reload" "no word of it"
	by_http a "http://[$SERVER6]/sample/sub/hello.txt"
	same "an address that the server finds" 200 "$CODE"
	sed -i "s/address6 auto;//" "$S/sallyport.conf"
	kill -HUP "$SERVER_PID"
	wait_for 20 gone_from 77::1 || not_ok "reload without" "it still listens"
	by_http a "http://[$SERVER6]/sample/sub/hello.txt"
	same "without the setting nothing is served over IPv6" 000 "$CODE"
}

gone_from()
{
	! in_ns srv ss -6 -l -n -t -u | grep -q "$1\|:69 "
}

need_root
run_begin ipv6
net_begin
net_client a 52:54:00:77:01:01
net_client b 52:54:00:77:01:02
with_ipv6 srv lan0 $SERVER6 2001:db8:77::2 2001:db8:78::1
with_ipv6 a eth0 2001:db8:77::a
with_ipv6 b eth0 2001:db8:78::b
in_ns a ip addr add 10.77.0.60/24 dev eth0
in_ns b ip -6 route add 2001:db8:77::/64 dev eth0
server_prepare
sample_image 3000000
server_trust
certificate
LINK_SETTINGS="mode off; address6 $SERVER6;" server_config <<-END
	open image "sample" to 2001:db8:77::/64;
	tftp { case-insensitive yes; }
	https { certificate "$RUN/tls.pem" key "$RUN/tls.key"; }
END
server_start
wait_line 10 "$SERVER_LOG" "event=image-active .*sample" || die "the image is not served"
http
https
tftp
reload
