#!/bin/bash
# HTTPS: curl, wget and openssl's s_client against the whole server, with an RSA and an ECDSA
# certificate at once; resumption, clients' certificates, a reload and killed processes
# while a transfer runs, and many connections that stay silent.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$ROOT/tests/lib/clients.sh"

BASE=https://$SERVER_IP/sample
SIZE=40000000

# authority NAME: a private CA in $RUN/NAME.{key,pem}.
authority()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj "/CN=$1" -keyout "$RUN/$1.key" -out "$RUN/$1.pem" 2>>"$RUN/openssl.log" ||
		die "authority $1: $(tail -n 1 "$RUN/openssl.log")"
}

# certificate NAME AUTHORITY ALGORITHM: for the server's address.
certificate()
{
	local how=(rsa:3072)

	[ "$3" = rsa ] || how=(ec -pkeyopt ec_paramgen_curve:P-256)
	{
		openssl req -new -newkey "${how[@]}" -nodes -subj "/CN=$1" \
			-keyout "$RUN/$1.key" -out "$RUN/$1.csr" &&
			openssl x509 -req -in "$RUN/$1.csr" -days 2 -CA "$RUN/$2.pem" \
				-CAkey "$RUN/$2.key" -CAcreateserial -out "$RUN/$1.pem" \
				-extfile <(echo "subjectAltName=IP:$SERVER_IP")
	} 2>>"$RUN/openssl.log" || die "certificate $1: $(tail -n 1 "$RUN/openssl.log")"
	chmod 600 "$RUN/$1.key"
}

# get ARGUMENTS...: curl; the body in $RUN/out, the status in CODE, what it said in SAID.
get()
{
	rm -f "$RUN/out"
	CODE=$(in_ns a curl -s -m 60 --cacert "$RUN/ca.pem" -o "$RUN/out" -w '%{http_code}' \
		"$@" 2>"$RUN/said")
}

# whole LABEL ARGUMENTS...: the large file arrives as it is.
whole()
{
	local label=$1

	shift
	get "$@" "$BASE/linux"
	same "$label" 200 "$CODE"
	check "$label: every byte" cmp "$RUN/out" "$S/stage/sample/linux"
}

# session ARGUMENTS...: what s_client says of a session.
session()
{
	in_ns a timeout 20 openssl s_client -connect "$SERVER_IP:443" -CAfile "$RUN/ca.pem" \
		"$@" </dev/null 2>&1
}

versions()
{
	local said

	whole "TLS 1.3" --tlsv1.3
	whole "TLS 1.2" --tls-max 1.2
	get --tls-max 1.1 --ciphers 'ALL:@SECLEVEL=0' "$BASE/sub/hello.txt"
	same "TLS 1.1 is refused" 000 "$CODE"
	whole "ECDSA" --tls-max 1.2 --ciphers ECDHE-ECDSA-AES128-GCM-SHA256
	whole "RSA" --tls-max 1.2 --ciphers ECDHE-RSA-AES256-GCM-SHA384
	whole "ChaCha20" --tls-max 1.2 --ciphers ECDHE-RSA-CHACHA20-POLY1305
	said=$(session -tls1_3 -sigalgs rsa_pss_rsae_sha256)
	matches "RSA by TLS 1.3" 'Peer signature type: RSA-PSS' "$said"
	said=$(session -tls1_3)
	matches "ECDSA is preferred" 'Peer signature type: ECDSA' "$said"
	# What OVMF as Debian builds it offers, in its order.
	said=$(session -tls1_2 -cipher DHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-SHA256:DHE-RSA-AES128-SHA256:DHE-RSA-AES256-SHA:DHE-RSA-AES128-SHA:AES256-GCM-SHA384:AES128-GCM-SHA256:AES256-SHA256:AES128-SHA256:AES256-SHA:AES128-SHA)
	matches "DHE for old firmware" 'Cipher is DHE-RSA-AES256-GCM-SHA384' "$said"
	matches "DHE: a group of 3072 bits" 'Server Temp Key: DH, 3072 bits' "$said"
	whole "DHE" --tls-max 1.2 --ciphers DHE-RSA-AES128-GCM-SHA256
	whole "DHE with CBC" --tls-max 1.2 --ciphers DHE-RSA-AES256-SHA256
	get --tls-max 1.2 --ciphers AES256-GCM-SHA384 "$BASE/sub/hello.txt"
	same "RSA key exchange is refused" 000 "$CODE"
	said=$(session -tls1_3 -servername "$SERVER_IP")
	matches "an address as server name" 'Verify return code: 0' "$said"
	said=$(session -tls1_3 -noservername)
	matches "no server name" 'Verify return code: 0' "$said"
	check "wget" in_ns a timeout 60 wget -q --ca-certificate="$RUN/ca.pem" \
		-O "$RUN/wget" "$BASE/linux"
	check "wget: every byte" cmp "$RUN/wget" "$S/stage/sample/linux"
	get --cacert "$RUN/other.pem" "$BASE/sub/hello.txt"
	same "another authority is not ours" 000 "$CODE"
}

# Several requests on one connection; HEAD; small and empty files.
requests()
{
	local count

	count=$(in_ns a curl -s -m 60 --cacert "$RUN/ca.pem" -o /dev/null -o /dev/null \
		-o /dev/null -w '%{num_connects}\n' "$BASE/loader.bin" "$BASE/exact.bin" \
		"$BASE/linux" | awk '{ n += $1 } END { print n }')
	same "three requests, one connection" 1 "$count"
	get -I "$BASE/linux"
	same "HEAD" 200 "$CODE"
	get "$BASE/empty"
	same "an empty file" "200 0" "$CODE $(stat -c %s "$RUN/out")"
	get "$BASE/nothing"
	same "a missing file" 404 "$CODE"
	get -H 'Connection: close' "$BASE/linux"
	check "closed after the answer: every byte" cmp "$RUN/out" "$S/stage/sample/linux"
	get -H 'Range: bytes=1000000-1999999' "$BASE/linux"
	same "a range" "206 1000000" "$CODE $(stat -c %s "$RUN/out")"
	get --limit-rate 16M "$BASE/linux"
	check "a slow reader gets every byte" cmp "$RUN/out" "$S/stage/sample/linux"
}

# resumed VERSION: 1 when a second connection goes on where the first has begun.
resumed()
{
	in_ns a timeout 20 bash -c "{ sleep 3; } | openssl s_client -connect $SERVER_IP:443 $1 \
		-sess_out $RUN/session >/dev/null 2>&1"
	in_ns a timeout 20 bash -c "{ sleep 3; } | openssl s_client -connect $SERVER_IP:443 $1 \
		-sess_in $RUN/session 2>/dev/null" | grep -c '^Reused'
}

# All that there are of a role.
kill_all()
{
	local pid

	for pid in $(pgrep -P "$SERVER_PID" -x "$1"); do
		kill -KILL "$pid"
	done
}

resumption()
{
	same "a session is resumed with TLS 1.3" 1 "$(resumed -tls1_3)"
	same "a session is resumed with TLS 1.2" 1 "$(resumed -tls1_2)"
	kill_all tls
	wait_for 30 tls_answers
	same "keys of tickets live in one process: not after its end" 0 "$(
		in_ns a timeout 20 bash -c "{ sleep 3; } | openssl s_client \
			-connect $SERVER_IP:443 -tls1_2 -sess_in $RUN/session 2>/dev/null" |
			grep -c '^Reused'
	)"
}

tls_answers()
{
	get "$BASE/sub/hello.txt"
	[ "$CODE" = 200 ]
}

# slow NAME: a transfer of some seconds in the background; its process is SLOW.
slow()
{
	rm -f "$RUN/$1.out" "$RUN/$1.code"
	in_ns a curl -s -m 60 --cacert "$RUN/ca.pem" --limit-rate 8M -o "$RUN/$1.out" \
		-w '%{http_code}' "$BASE/linux" >"$RUN/$1.code" &
	SLOW=$!
	wait_for 20 has_some "$RUN/$1.out"
}

has_some()
{
	[ "$(stat -c %s "$1" 2>/dev/null || echo 0)" -gt 0 ]
}

# What ends and what does not when a process ends.
kills()
{
	local i plain

	slow keys
	server_kill keys
	wait "$SLOW"
	check "keys ends: a running transfer does not" cmp "$RUN/keys.out" \
		"$S/stage/sample/linux"
	wait_for 30 tls_answers
	same "keys ends: new handshakes work again" 200 "$CODE"
	slow tls
	in_ns a curl -s -m 60 --limit-rate 8M -o "$RUN/plain.out" \
		"http://$SERVER_IP/sample/linux" &
	plain=$!
	wait_for 20 has_some "$RUN/plain.out"
	kill_all tls
	wait "$SLOW"
	less "tls ends: its transfers do" "$(stat -c %s "$RUN/tls.out")" "$SIZE"
	wait "$plain"
	check "tls ends: plain ones do not" cmp "$RUN/plain.out" "$S/stage/sample/linux"
	wait_for 30 tls_answers
	same "tls ends: its successor answers" 200 "$CODE"
	# Handshakes all the time, and keys ends in between: none waits for long.
	(
		for ((i = 0; i < 40; i++)); do
			in_ns a curl -s -m 20 --cacert "$RUN/ca.pem" -o /dev/null \
				-w '%{http_code} %{time_total}\n' "$BASE/sub/hello.txt"
		done
	) >"$RUN/load" &
	SLOW=$!
	for i in 1 2 3; do
		wait_for 20 has_lines "$RUN/load" $((i * 5))
		server_kill keys
	done
	wait "$SLOW"
	less "keys ends under load: nobody waits for more than 5 s" \
		"$(awk '{ t = $2 * 10; if (t > most) most = t } END { print int(most) }' "$RUN/load")" 50
	less "keys ends under load: most are served" "$(grep -vc '^200' "$RUN/load")" 20
}

has_lines()
{
	[ "$(wc -l <"$1")" -ge "$2" ]
}

issuer()
{
	session -tls1_3 | grep -m 1 -c "issuer=CN = $1"
}

issued_by_other()
{
	[ "$(issuer other)" = 1 ]
}

# What machines are told, and what a script that came by HTTPS says.
urls()
{
	pxe_session a -a 16
	same "firmware is told https" "https://$SERVER_IP/sample/loader.efi" "$BOOTFILE"
	get "$BASE/boot.ipxe"
	same "a script by HTTPS" 200 "$CODE"
	check "goes on by HTTPS" grep -q "https://$SERVER_IP/sample/" "$RUN/out"
	get "http://$SERVER_IP/sample/boot.ipxe"
	check "one by HTTP by HTTP" grep -q "http://$SERVER_IP/sample/" "$RUN/out"
}

# as_c ARGUMENTS...: like get, as the machine that must show a certificate.
as_c()
{
	CODE=$(in_ns c curl -s -m 60 --cacert "$RUN/ca.pem" -o "$RUN/out" -w '%{http_code}' \
		"$@" 2>"$RUN/said")
}

machine_certificates()
{
	local version

	pxe_session c -a 16
	as_c "http://$SERVER_IP/sample/sub/hello.txt"
	same "no file by HTTP" 404 "$CODE"
	in_ns c timeout 60 curl -s -m 20 -o "$RUN/out" "tftp://$SERVER_IP/sample/sub/hello.txt"
	differs "no file by TFTP" 0 $?
	as_c "$BASE/sub/hello.txt"
	same "no file without a certificate" 404 "$CODE"
	as_c --cert "$RUN/wrong.pem" --key "$RUN/wrong.key" "$BASE/sub/hello.txt"
	same "no file with another's" 404 "$CODE"
	as_c --cert "$RUN/forged.pem" --key "$RUN/forged.key" "$BASE/sub/hello.txt"
	same "no connection with one of another authority" 000 "$CODE"
	for version in --tlsv1.3 "--tls-max 1.2"; do
		# shellcheck disable=SC2086
		as_c $version --cert "$RUN/machine.pem" --key "$RUN/machine.key" \
			"$BASE/sub/hello.txt"
		same "its files with its own ($version)" 200 "$CODE"
	done
	as_c --cert "$RUN/machine.pem" --key "$RUN/machine.key" "$BASE/boot.ipxe"
	same "its script with its own" 200 "$CODE"
	get --cert "$RUN/machine.pem" --key "$RUN/machine.key" "$BASE/sub/hello.txt"
	same "who need not show one may" 200 "$CODE"
	same "a session that is resumed is still its" 2 "$(
		for i in 1 2; do
			in_ns c timeout 20 bash -c "{ printf 'GET /sample/sub/hello.txt HTTP/1.1\r\nHost: x\r\n\r\n'; sleep 2; } |
				openssl s_client -connect $SERVER_IP:443 -tls1_3 -ign_eof \
				-sess_$([ $i = 1 ] && echo out || echo in) $RUN/session.c \
				$([ $i = 1 ] && echo "-cert $RUN/machine.pem -key $RUN/machine.key") 2>/dev/null" |
				grep -a '^HTTP/1.1 200'
		done | wc -l
	)"
	server_kill broker
	wait_for 30 broker_answers
	as_c --cert "$RUN/machine.pem" --key "$RUN/machine.key" "$BASE/sub/hello.txt"
	same "also from a new broker" 200 "$CODE"
}

broker_answers()
{
	as_c --cert "$RUN/machine.pem" --key "$RUN/machine.key" "$BASE/sub/hello.txt"
	[ "$CODE" = 200 ]
}

# New certificates at the same names, SIGHUP, while a transfer runs.
reload()
{
	same "before: the first authority" 1 "$(issuer ca)"
	slow reload
	cp "$RUN/rsa2.pem" "$RUN/rsa.pem"
	cp "$RUN/rsa2.key" "$RUN/rsa.key"
	cp "$RUN/ec2.pem" "$RUN/ec.pem"
	cp "$RUN/ec2.key" "$RUN/ec.key"
	sed -i 's|^[[:space:]]*client-ca .*|&\nrsa-key-exchange yes;|' "$S/sallyport.conf"
	kill -HUP "$SERVER_PID"
	wait_for 30 issued_by_other
	same "after a reload: the other authority" 1 "$(issuer other)"
	wait "$SLOW"
	check "and the running transfer went on" cmp "$RUN/reload.out" "$S/stage/sample/linux"
	same "with its own answer" 200 "$(cat "$RUN/reload.code")"
	cp "$RUN/other.pem" "$RUN/ca.pem"
	whole "RSA key exchange when configured" --tls-max 1.2 --ciphers AES256-GCM-SHA384
}

# silent COUNT: connections that send a ClientHello's first half, and nothing more.
silent()
{
	in_ns "$1" timeout 60 python3 - "$SERVER_IP" "$2" <<-'END'
		import socket, sys, time
		hello = bytes.fromhex("160301020001000" "1fc0303") + bytes(120)
		held = []
		for i in range(int(sys.argv[2])):
		    s = socket.socket()
		    s.settimeout(5)
		    try:
		        s.connect((sys.argv[1], 443))
		        s.sendall(hello)
		    except OSError:
		        continue
		    held.append(s)
		print("held", len(held), flush=True)
		left = 0
		for s in held:
		    s.settimeout(30)
		    try:
		        while s.recv(4096):
		            pass
		    except socket.timeout:
		        left += 1
		    except OSError:
		        pass
		print("left", left, flush=True)
	END
}

# Of all tls processes, KiB.
memory()
{
	local pid

	for pid in $(pgrep -P "$SERVER_PID" -x tls); do
		cat "/proc/$pid/status"
	done | awk '/^VmRSS/ { n += $2 } END { print n }'
}

silence()
{
	local before after

	before=$(memory)
	silent b 1500 >"$RUN/silent" &
	SLOW=$!
	wait_for 60 grep -q held "$RUN/silent"
	get "$BASE/sub/hello.txt"
	same "an honest client beside 1500 silent ones" 200 "$CODE"
	after=$(memory)
	less "memory for each silent one (KiB)" $(((after - before) / 1500)) 40
	wait "$SLOW"
	same "all were accepted" "held 1500" "$(head -n 1 "$RUN/silent")"
	same "the deadline of the handshake ends them all" "left 0" "$(tail -n 1 "$RUN/silent")"
}

need_root
run_begin https
net_begin
net_client a 52:54:00:77:01:01
net_client b 52:54:00:77:01:02
net_client c 52:54:00:77:01:03
server_prepare
sample_image "$SIZE"
server_trust
authority ca
authority other
certificate rsa ca rsa
certificate ec ca ec
certificate rsa2 other rsa
certificate ec2 other ec
authority people
certificate machine people ec
certificate wrong people ec
certificate forged other ec
server_config_usual sample https
sed -i "s|^\([[:space:]]*\)ipxe-transport .*|&\n\1http-boot https;|; s|^server { .*|server { workers 2; log-level debug; }|; s|^http { .*|http { port 80; head-timeout 6s; connections-per-address 4000; }|" \
	"$S/sallyport.conf"
cat >>"$S/sallyport.conf" <<-END
	https {
		port 443;
		certificate "$RUN/ec.pem" key "$RUN/ec.key";
		certificate "$RUN/rsa.pem" key "$RUN/rsa.key";
		client-ca "$RUN/people.pem";
	}
	host "c" {
		mac 52:54:00:77:01:03;
		client-certificate $(openssl x509 -noout -fingerprint -sha256 -in "$RUN/machine.pem" | cut -d= -f2);
	}
END
server_start
wait_line 60 "$SERVER_LOG" "event=image-active .*sample" || die "the image is not served"
pxe_session a -a 16
in_ns b ip addr add 10.77.0.60/24 dev eth0
wait_for 30 tls_answers
versions
requests
urls
machine_certificates
resumption
kills
silence
reload
logged "log of an answer" "event=http-sent .*bytes=$SIZE"
exit "$FAILED"
