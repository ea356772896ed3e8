#!/bin/bash
# The private keys of HTTPS: after hundreds of handshakes, and after a reload with new keys,
# no process but keys has a trace of them in its memory. That of keys is locked, and it has
# nothing open to read or write. A reload with a wrong key changes nothing.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$ROOT/tests/lib/clients.sh"
# shellcheck source=../lib/walls.sh
. "$ROOT/tests/lib/walls.sh"

TOOL=$BIN/sallyport-image
TLS=

# handshakes N: of each kind; how many were good.
handshakes()
{
	in_ns a timeout 300 python3 - "$SERVER_IP" "$TLS/ca.pem" "$1" <<-'END'
		import socket, ssl, sys

		def context(version, ciphers):
		    c = ssl.create_default_context(cafile=sys.argv[2])
		    c.minimum_version = c.maximum_version = version
		    if ciphers:
		        c.set_ciphers(ciphers)
		    return c

		kinds = [context(ssl.TLSVersion.TLSv1_3, None)] + [
		    context(ssl.TLSVersion.TLSv1_2, c)
		    for c in ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256",
		              "DHE-RSA-AES256-GCM-SHA384", "AES256-GCM-SHA384")]
		good = 0
		for i in range(int(sys.argv[3])):
		    for kind in kinds:
		        try:
		            with socket.create_connection((sys.argv[1], 443), 20) as plain:
		                with kind.wrap_socket(plain, server_hostname=sys.argv[1]):
		                    good += 1
		        except OSError as e:
		            print(e, file=sys.stderr)
		print(good)
	END
}

# Every private number and line of the key files given, looked for in these processes:
# prints "PID COUNT" for each.
search()
{
	python3 - "$@" <<-'END'
		import re, subprocess, sys

		def needles(path):
		    found = set()
		    with open(path, "rb") as f:
		        lines = f.read().split()
		    found.update(l for l in lines if len(l) == 64)
		    text = subprocess.run(["openssl", "pkey", "-in", path, "-noout", "-text"],
		                          capture_output=True, text=True, check=True).stdout
		    secret = r"(?:priv|privateExponent|prime1|prime2|exponent1|exponent2|coefficient)"
		    for block in re.findall(secret + r":\n((?:    .*\n)+)", text):
		        number = bytes.fromhex(re.sub(r"[\s:]", "", block)).lstrip(b"\0")
		        middle = number[len(number) // 2 - 8:len(number) // 2 + 8]
		        # As it is written, and as OpenSSL has it in memory.
		        found.update((middle, number[:16], middle[::-1], number[::-1][:16]))
		    return found

		def count(pid, wanted):
		    hits = 0
		    with open(f"/proc/{pid}/maps") as maps, \
		            open(f"/proc/{pid}/mem", "rb", 0) as memory:
		        for line in maps:
		            first, last = (int(x, 16) for x in line.split()[0].split("-"))
		            if " r" not in line or "[v" in line:
		                continue
		            try:
		                memory.seek(first)
		                data = memory.read(last - first)
		            except OSError:
		                continue
		            hits += sum(data.count(n) for n in wanted)
		    return hits

		at = sys.argv.index("--")
		wanted = set().union(*map(needles, sys.argv[1:at]))
		assert len(wanted) > 20
		for pid in sys.argv[at + 1:]:
		    print(pid, count(pid, wanted))
	END
}

# no_trace LABEL KEYFILE...
no_trace()
{
	local label=$1 own pid n others=

	shift
	own=$(child_pid keys)
	while read -r pid n; do
		if [ "$pid" = "$own" ]; then
			check "$label: the search finds what there is ($n times in keys)" \
				test "$n" -gt 0
		elif [ "$n" != 0 ]; then
			others+="$(cat "/proc/$pid/comm"):$n "
		fi
	done < <(search "$@" -- "$SERVER_PID" $(pgrep -P "$SERVER_PID"))
	same "$label: no other process has any of it" "" "$others"
}

locked()
{
	local pid

	pid=$(child_pid keys)
	if grep -q event=keys-not-locked "$SERVER_LOG"; then
		skip "memory is locked" "not allowed here"
		return
	fi
	# But for what a library has written at its start and cannot any more.
	less "written memory that is not locked (KiB)" $(($(status_of "$pid" RssAnon |
			tr -dc 0-9) - $(status_of "$pid" VmLck | tr -dc 0-9))) 700
}

nothing_open()
{
	local pid fd target odd=

	pid=$(child_pid keys)
	for fd in /proc/"$pid"/fd/*; do
		target=$(readlink "$fd")
		case $target in
		socket:* | "anon_inode:[eventfd]" | */dev/null | /null) ;;
		*) odd+="${fd##*/}:$target " ;;
		esac
	done
	same "keys has no file open" "" "$odd"
}

serial()
{
	in_ns a timeout 20 openssl s_client -connect "$SERVER_IP:443" -tls1_3 </dev/null \
		2>/dev/null | openssl x509 -noout -serial 2>/dev/null
}

serves()
{
	[ "$(serial)" = "$(openssl x509 -in "$TLS/$1.pem" -noout -serial)" ]
}

reloads()
{
	local tls keys

	cp -a "$TLS" "$RUN/old"
	tls=$(pgrep -P "$SERVER_PID" -x tls | xargs)
	keys=$(child_pid keys)
	"$TOOL" tls renew -d "$TLS" --new-keys >/dev/null || die "renew"
	kill -HUP "$SERVER_PID"
	wait_for 30 serves ec
	check "after a reload: the new certificate" serves ec
	same "tls goes on" "$tls" "$(pgrep -P "$SERVER_PID" -x tls | xargs)"
	check "keys is another" is_replaced keys 0 "$keys"
	same "handshakes with new keys" 500 "$(handshakes 100)"
	no_trace "after a reload" "$TLS/rsa.key" "$TLS/ec.key" "$RUN/old/rsa.key" \
		"$RUN/old/ec.key"
}

# The key of another certificate.
wrong_reload()
{
	cp -a "$TLS" "$RUN/good"
	cp "$RUN/old/ec.key" "$TLS/ec.key"
	kill -HUP "$SERVER_PID"
	wait_line 30 "$SERVER_LOG" 'event=https-refused .*does not belong' ||
		not_ok "a wrong key is named" "$(tail -n 3 "$SERVER_LOG" | tr '\n' ' ')"
	wait_for 30 serves ec
	cp "$RUN/good/ec.key" "$TLS/ec.key"
	check "a wrong key at a reload: the old certificates go on" serves ec
	same "handshakes all the same" 25 "$(handshakes 5)"
}

need_root
run_begin secrets
TLS=$RUN/tls
net_begin
net_client a 52:54:00:77:01:01
server_prepare
sample_image 3000000
server_trust
"$TOOL" tls init -W -d "$TLS" "$SERVER_IP" >/dev/null || die "tls init"
server_config_usual sample
sed -i 's|^server { .*|server { workers 2; }|' "$S/sallyport.conf"
cat >>"$S/sallyport.conf" <<-END
	https {
		certificate "$TLS/rsa.pem" key "$TLS/rsa.key";
		certificate "$TLS/ec.pem" key "$TLS/ec.key";
		rsa-key-exchange yes;
	}
END
server_start
wait_line 60 "$SERVER_LOG" "event=image-active .*sample" || die "the image is not served"
pxe_session a -a 16
wait_for 30 serves ec
same "handshakes of five kinds" 500 "$(handshakes 100)"
no_trace "after handshakes" "$TLS/rsa.key" "$TLS/ec.key"
locked
nothing_open
reloads
locked
wrong_reload
exit "$FAILED"
