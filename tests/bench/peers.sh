# The servers that bench-dhcp compares, each started with the same pool. Sourced.
#
#	peer_start sallyport|kea|kea-mt|isc|dnsmasq 1k|65k|1M; peer_stop
#
# PEER_PID is the first process. State lies under $OUT/state, on the disk of the work tree,
# so that a durable write is one.

# shellcheck shell=bash disable=SC2034,SC2154

PEER_PID=
PEER_UP=

pool_last()
{
	case $1 in
	1k) echo 10.96.4.10 ;;
	65k) echo 10.97.2.10 ;;
	1M) echo 10.111.254.250 ;;
	esac
}

peer_stop()
{
	[ -n "$PEER_PID" ] && end_process "$PEER_PID"
	PEER_PID=
}

peer_run()
{
	ip netns exec "$NET-srv" env LD_LIBRARY_PATH="$KEA_LIB" KEA_PIDFILE_DIR="$STATE" \
		KEA_LOCKFILE_DIR="$STATE" KEA_LOGGER_DESTINATION=stdout \
		KEA_LFC_EXECUTABLE="$ROOT/build/parts/kea-common/usr/sbin/kea-lfc" \
		"$@" >"$RUN/peer.log" 2>&1 </dev/null &
	PEER_PID=$!
}

# One exchange tells that it is up, and who failed to start.
peer_answers()
{
	in_ns rly "$LOAD" -s "$SERVER_IP" -g "$RELAY" -w 1 -n 1 -o 900000000 2>/dev/null |
		grep -q 'done=1 '
}

peer_wait()
{
	local i

	for ((i = 0; i < 60; i++)); do
		process_gone "$PEER_PID" && return 1
		peer_answers && return 0
		sleep 0.2
	done
	return 1
}

kea_config()
{
	cat <<-END
		{ "Dhcp4": {
		"interfaces-config": { "interfaces": ["lan0"] },
		"multi-threading": { "enable-multi-threading": $2, "thread-pool-size": 2 },
		"lease-database": { "type": "memfile", "persist": true,
			"name": "$STATE/kea-leases4.csv" },
		"valid-lifetime": 3600,
		"option-data": [
			{ "name": "routers", "data": "$RELAY" },
			{ "name": "domain-name-servers", "data": "$SERVER_IP" },
			{ "name": "tftp-server-name", "data": "$SERVER_IP" },
			{ "name": "boot-file-name", "data": "demo/boot.efi" } ],
		"next-server": "$SERVER_IP",
		"boot-file-name": "demo/boot.efi",
		"subnet4": [ { "id": 1, "subnet": "10.96.0.0/12",
			"pools": [ { "pool": "10.96.0.10 - $(pool_last "$1")" } ] } ],
		"loggers": [ { "name": "kea-dhcp4", "severity": "WARN",
			"output_options": [ { "output": "stdout" } ] } ] } }
	END
}

isc_config()
{
	cat <<-END
		authoritative;
		default-lease-time 3600;
		max-lease-time 3600;
		ping-check false;
		subnet 10.77.0.0 netmask 255.255.255.0 { }
		subnet 10.96.0.0 netmask 255.240.0.0 {
			range 10.96.0.10 $(pool_last "$1");
			option routers $RELAY;
			option domain-name-servers $SERVER_IP;
			next-server $SERVER_IP;
			filename "demo/boot.efi";
		}
	END
}

dnsmasq_options()
{
	DNSMASQ=(--keep-in-foreground --conf-file=/dev/null --port=0 --user=root --no-ping
		"--dhcp-leasefile=$STATE/dnsmasq.leases" --interface=lan0 --quiet-dhcp
		--dhcp-authoritative --dhcp-lease-max=1100000 --pid-file=
		"--dhcp-range=10.96.0.10,$(pool_last "$1"),255.240.0.0,1h"
		"--dhcp-option=3,$RELAY" "--dhcp-option=6,$SERVER_IP"
		"--dhcp-boot=demo/boot.efi,,$SERVER_IP")
}

sallyport_files()
{
	S=$STATE
	mkdir "$S/state" "$S/images" "$S/stage" "$S/stage/demo" || return
	chmod 755 "$S" "$S/state" "$S/images" "$S/stage"
	"$IMAGE_TOOL" key generate -W -p "$S/test.pub" -s "$S/test.key" >"$RUN/image.log" 2>&1
	echo "key $(tail -n 1 "$S/test.pub") *" >"$S/keyring"
	head -c 100000 /dev/urandom >"$S/stage/demo/boot.efi"
	server_image demo --arch x64 --loader x64=boot.efi --no-templates
	server_trust
}

sallyport_config()
{
	server_config <<-END
		server { log-level ${LOG_LEVEL:-info}; }
		dhcp { conflict-probe off; client-rate 0; }
		subnet 10.77.0.0/24 { }
		subnet 10.96.0.0/12 {
			pool 10.96.0.10 - $(pool_last "$1");
			router $RELAY;
			dns $SERVER_IP;
			lease-time 1h;
		}
		boot { default image "demo"; unknown allow; }
	END
}

peer_start()
{
	local parts=$ROOT/build/parts

	STATE=$OUT/state
	KEA_LIB=$parts/kea-common/usr/lib/x86_64-linux-gnu
	rm -rf "$STATE"
	mkdir -p "$STATE" || return
	chmod 755 "$OUT" "$STATE"
	case $1 in
	kea | kea-mt)
		kea_config "$2" "$([ "$1" = kea-mt ] && echo true || echo false)" \
			>"$STATE/kea.json"
		peer_run "$parts/kea-dhcp4-server/usr/sbin/kea-dhcp4" -c "$STATE/kea.json"
		;;
	isc)
		isc_config "$2" >"$STATE/dhcpd.conf"
		: >"$STATE/dhcpd.leases"
		peer_run "$parts/isc-dhcp-server/usr/sbin/dhcpd" -4 -f -q -cf "$STATE/dhcpd.conf" \
			-lf "$STATE/dhcpd.leases" --no-pid lan0
		;;
	dnsmasq)
		dnsmasq_options "$2"
		peer_run "$parts/dnsmasq-base/usr/sbin/dnsmasq" "${DNSMASQ[@]}"
		;;
	sallyport)
		sallyport_files || return
		sallyport_config "$2"
		peer_run "$BIN/sallyportd" -f "$S/sallyport.conf" -L "$BIN" \
			--uid-base "$UID_BASE"
		;;
	*) die "no server named $1" ;;
	esac
	peer_wait
}

# peer_perfdhcp RATE: percent of exchanges lost.
peer_perfdhcp()
{
	in_ns rly env LD_LIBRARY_PATH="$KEA_LIB" \
		"$ROOT/build/parts/kea-admin/usr/sbin/perfdhcp" -4 -r "$1" -p 4 -R 60000 -l "$RELAY" \
		-L 67 "$SERVER_IP" 2>/dev/null >"$RUN/perfdhcp.out"
	awk '/drops ratio/ { if ($3 + 0 > worst) worst = $3 + 0; seen = 1 }
		END { if (seen) print worst + 0 }' "$RUN/perfdhcp.out"
}
