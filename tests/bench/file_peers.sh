# The servers that bench-files and bench-storm compare, all running at once and idle but for
# the one that is asked: Sallyport in namespace srv, the others in namespace oth, each with an address
# of its own. Sourced; needs lib.sh and server.sh.
#
#	peers_net; peers_files; peer_start NAME...; address_of NAME
#
# All give the same files: $S/stage/bench, as bench/NAME. Every process of a server is in
# its control group.

# shellcheck shell=bash disable=SC2034,SC2154

CLIENTS=$RUN/clients
WORKERS=${WORKERS:-$(nproc)}

declare -A PIDS=()
declare -A ADDRESSES=([sallyport]=$SERVER_IP [hpa]=10.79.0.11 [atftpd]=10.79.0.12
	[dnsmasq]=10.79.0.13 [dnsmasq-boot]=10.79.0.13 [nginx]=10.79.0.14
	[nginx-cache]=10.79.0.15)

address_of()
{
	echo "${ADDRESSES[$1]}"
}

peers_net()
{
	local a

	bench_net
	bench_cable oth lan1 10.79.0.1 up1 10.79.0.2 || die "cannot connect the peers"
	for a in 11 12 13 14 15; do
		in_ns oth ip addr add 10.79.0.$a/24 dev lan1
	done
}

# made_file NAME BYTES
made_file()
{
	[ "$(stat -c %s "$S/stage/bench/$1" 2>/dev/null)" = "$2" ] ||
		openssl enc -aes-128-ctr -nosalt -K "$(printf '%032d' 7)" -iv "$(printf '%032d' "$2")" \
			-in /dev/zero 2>/dev/null | head -c "$2" >"$S/stage/bench/$1"
}

# NAME=BYTES ...: the files, and our image of them.
peers_files()
{
	local file

	server_prepare
	mkdir -m 755 "$S/stage/bench"
	made_file boot.efi "${LOADER:-1000000}"
	for file in "$@"; do
		made_file "${file%%=*}" "${file#*=}"
	done
	chmod 644 "$S"/stage/bench/*
	server_image bench --arch x64 --loader x64=boot.efi --no-templates
	server_trust
}

certificate()
{
	local name=$1

	shift
	openssl req -x509 -nodes -days 30 -subj /CN=bench "$@" -keyout "$RUN/$name.key" \
		-out "$RUN/$name.crt" -addext "subjectAltName=IP:$SERVER_IP" 2>"$RUN/$name.log" ||
		die "certificate: $(tail -n 2 "$RUN/$name.log")"
}

has_tls()
{
	in_ns rly timeout 5 "$TESTBIN/httpload" -s "$(address_of "$1")" -a "$CLIENTS" -c 1 -S \
		-p 443 -f "$S/stage/bench/small" /bench/small 2>/dev/null | grep -q 'done=1 '
}

# One with RSA, 3072 bits, one with P-256; who has TLS gets both.
peers_certificates()
{
	certificate rsa -newkey rsa:3072
	certificate ec -newkey ec -pkeyopt ec_paramgen_curve:P-256
	[ -x "$BIN/tls" ] || return 0
	SERVER_SETTINGS="https { port 443; certificate \"$RUN/rsa.crt\" key \"$RUN/rsa.key\";
		certificate \"$RUN/ec.crt\" key \"$RUN/ec.key\"; }"
}

peer_run()
{
	local name=$1

	shift
	group_add "$name"
	group_run "$name" oth "$@" >"$RUN/$name.log" 2>&1
	PIDS[$name]=$!
	at_end "end_process $!"
}

# peer_stop NAME: it forgets its leases.
peer_stop()
{
	[ -n "${PIDS[$1]:-}" ] || return 0
	end_process "${PIDS[$1]}"
	unset "PIDS[$1]"
	rm -rf "$RUN/dnsmasq.leases" "$S/state/broker"
	[ ! -e "$SERVER_LOG" ] || mv "$SERVER_LOG" "$SERVER_LOG.before"
}

# Nothing of the cost of the first exchange is in what is measured.
sallyport_start()
{
	server_config <<-END
		server { log-level ${LOG_LEVEL:-info}; workers $WORKERS; }
		dhcp { conflict-probe off; client-rate 0; }
		subnet 10.77.0.0/24 { }
		subnet 10.96.0.0/12 {
			pool 10.96.0.10 - 10.97.2.10;
			router $RELAY;
			lease-time 1h;
		}
		boot { default image "bench"; unknown allow; sessions 50000; }
		${SERVER_SETTINGS:-}
	END
	group_add sallyport
	touch "$SERVER_LOG"
	group_run sallyport srv "$BIN/sallyportd" -f "$S/sallyport.conf" -L "$BIN" \
		--uid-base "$UID_BASE" >>"$SERVER_LOG" 2>&1
	SERVER_PID=$!
	PIDS[sallyport]=$!
	at_end "end_process $SERVER_PID"
	wait_for 20 server_is_up_or_gone
	server_is_up && wait_line 60 "$SERVER_LOG" 'event=image-active .*bench'
}

# sessions COUNT: so many machines ask for leases as firmware does, for only they are
# served. The addresses are in $CLIENTS, for the peers' clients too.
sessions()
{
	in_ns rly "$TESTBIN/dhcpload" -s "$SERVER_IP" -g "$RELAY" -p -w 32 -n "$1" -a "$CLIENTS" \
		>/dev/null
	[ "$(wc -l <"$CLIENTS")" = "$1" ] || die "not every client has a lease"
}

nginx_config()
{
	local temporary

	cat <<-END
		daemon off;
		user root;
		worker_processes $WORKERS;
		worker_rlimit_nofile 65536;
		pid $RUN/$1.pid;
		error_log stderr;
		events { worker_connections 16384; }
		http {
			access_log off;
			sendfile on;
			tcp_nopush on;
			keepalive_requests 100000000;
			root $S/stage;
			$([ "$1" = nginx ] || echo "open_file_cache max=1000 inactive=1h;
				open_file_cache_valid 1h;")
	END
	for temporary in client_body proxy fastcgi uwsgi scgi; do
		echo "${temporary}_temp_path $RUN/$1.temporary;"
	done
	echo "server { listen $(address_of "$1"):80;"
	if [ -e "$RUN/rsa.crt" ]; then
		cat <<-END
			listen $(address_of "$1"):443 ssl;
			ssl_protocols TLSv1.2 TLSv1.3;
			ssl_certificate $RUN/rsa.crt;
			ssl_certificate_key $RUN/rsa.key;
			ssl_certificate $RUN/ec.crt;
			ssl_certificate_key $RUN/ec.key;
		END
	fi
	echo "} }"
}

# One file by TFTP or HTTP tells that it is up.
peer_gives()
{
	case $1 in
	nginx*) in_ns rly "$TESTBIN/httpload" -s "$(address_of "$1")" -A 10.97.3.1 -c 1 \
		-f "$S/stage/bench/boot.efi" /bench/boot.efi | grep -q 'done=1 ' ;;
	*) in_ns rly "$TESTBIN/tftpload" -s "$(address_of "$1")" -A 10.97.3.1 -c 1 \
		-f "$S/stage/bench/boot.efi" bench/boot.efi | grep -q 'done=1 ' ;;
	esac
}

# Options as fast as each can be: no limits that bite, no log of transfers.
peer_start()
{
	local parts=$ROOT/build/parts ip
	local wrap=$parts/libwrap0/usr/lib/x86_64-linux-gnu

	ip=$(address_of "$1")
	ulimit -n 65536 2>/dev/null
	case $1 in
	sallyport)
		sallyport_start || die "sallyport: $(tail -n 3 "$SERVER_LOG")"
		return
		;;
	hpa)
		peer_run hpa env LD_LIBRARY_PATH="$wrap" "$parts/tftpd-hpa/usr/sbin/in.tftpd" \
			-L -u root -a "$ip:69" -s "$S/stage"
		;;
	atftpd)
		peer_run atftpd env LD_LIBRARY_PATH="$wrap" "$parts/atftpd/usr/sbin/atftpd" \
			--daemon --no-fork --user root --group root --bind-address "$ip" \
			--port 69 --maxthread 20000 --verbose=0 --logfile /dev/null \
			"$S/stage"
		;;
	dnsmasq)
		peer_run dnsmasq "$parts/dnsmasq-base/usr/sbin/dnsmasq" --keep-in-foreground \
			--conf-file=/dev/null --port=0 --user=root --pid-file= \
			--listen-address="$ip" --bind-interfaces --enable-tftp \
			--tftp-root="$S/stage" --tftp-max=20000 --quiet-tftp
		;;
	dnsmasq-boot)
		peer_run dnsmasq-boot "$parts/dnsmasq-base/usr/sbin/dnsmasq" \
			--keep-in-foreground --conf-file=/dev/null --port=0 --user=root \
			--pid-file= --listen-address="$ip" --bind-interfaces --enable-tftp \
			--tftp-root="$S/stage" --tftp-max=20000 --quiet-tftp --quiet-dhcp \
			--no-ping --dhcp-authoritative --dhcp-lease-max=1100000 \
			--dhcp-leasefile="$RUN/dnsmasq.leases" \
			--dhcp-range=10.96.0.10,10.97.2.10,255.240.0.0,1h \
			--dhcp-option=3,"$RELAY" --dhcp-boot="bench/boot.efi,,$ip"
		;;
	nginx | nginx-cache)
		nginx_config "$1" >"$RUN/$1.conf"
		peer_run "$1" "$parts/nginx/usr/sbin/nginx" -p "$RUN" -c "$RUN/$1.conf"
		;;
	*) die "no server named $1" ;;
	esac
	wait_for 10 peer_gives "$1" || die "$1 does not start: $(tail -n 3 "$RUN/$1.log")"
}
