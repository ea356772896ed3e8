#!/bin/bash
# Images that are open to a network, on a server that gives no addresses: whoever is in the
# network gets their files without a session, by TFTP and HTTP, and nobody else does.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$ROOT/tests/lib/clients.sh"

INSIDE=10.77.0.70
OUTSIDE=10.77.0.60

# by_tftp NAME REMOTE: into $RUN/out.
by_tftp()
{
	rm -f "$RUN/out"
	in_ns "$1" timeout 60 atftp --get -r "$2" -l "$RUN/out" "$SERVER_IP" >/dev/null 2>&1
}

# by_http NAME PATH: the status in CODE.
by_http()
{
	rm -f "$RUN/out"
	CODE=$(in_ns "$1" curl -s -m 30 -o "$RUN/out" -w '%{http_code}' "http://$SERVER_IP$2")
}

inside()
{
	by_tftp a sample/loader.bin
	check "TFTP: a file" cmp "$RUN/out" "$S/stage/sample/loader.bin"
	by_http a /sample/linux
	same "HTTP: a file" 200 "$CODE"
	check "HTTP: every byte" cmp "$RUN/out" "$S/stage/sample/linux"
	by_http a /sample/sub/hello.txt
	same "HTTP: a file in a folder" 200 "$CODE"
	by_http a /sample/boot.ipxe
	same "HTTP: no text of a template" 404 "$CODE"
	by_http a /linux
	same "HTTP: not without the image's name" 404 "$CODE"
	by_http a /closed/secret
	same "HTTP: no other image" 404 "$CODE"
	by_tftp a closed/secret
	check "TFTP: no other image" test ! -s "$RUN/out"
	logged "files without a session are logged as such" \
		"event=tftp-sent session=00000000 peer=$INSIDE "
}

outside()
{
	by_http b /sample/linux
	same "HTTP: not to another network" 404 "$CODE"
	logged "and the log says so" "event=no-session peer=$OUTSIDE "
	in_ns b timeout 3 atftp --get -r sample/loader.bin -l "$RUN/out" "$SERVER_IP" \
		>/dev/null 2>&1
	check "TFTP: not to another network" test ! -s "$RUN/out"
}

need_root
run_begin open
net_begin
net_client a 52:54:00:77:01:01
net_client b 52:54:00:77:01:02
in_ns a ip addr add $INSIDE/24 dev eth0
in_ns b ip addr add $OUTSIDE/24 dev eth0
server_prepare
sample_image 3000000
mkdir "$S/stage/closed"
echo secret >"$S/stage/closed/secret"
server_image closed
server_trust
LINK_SETTINGS="mode off;" server_config <<-END
	open image "sample" to 10.77.0.64/26;
END
server_start
wait_line 10 "$SERVER_LOG" "event=image-active .*sample" || die "the image is not served"
wait_line 10 "$SERVER_LOG" "event=image-active .*closed" || die "the image is not served"
inside
outside
