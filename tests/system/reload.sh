#!/bin/bash
# SIGHUP: a right configuration takes effect without a lease, a held address or a transfer
# being lost; a wrong one changes nothing; links come and go; and nothing is left behind.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$ROOT/tests/lib/clients.sh"

DIED=0 # processes of which that was to be expected

# config SED...: the usual configuration, changed.
config()
{
	server_config_usual sample
	sed -i 's/^server { /server { workers 2; /' "$S/sallyport.conf"
	[ $# = 0 ] || sed -i "$@" "$S/sallyport.conf"
}

count_events()
{
	events "$1" | wc -l
}

# reload EVENT: sends SIGHUP and waits for one line more of that event, which is in SAID.
reload()
{
	local before

	before=$(count_events "$1")
	kill -HUP "$SERVER_PID"
	wait_for 15 one_more "$1" "$before" || true
	SAID=$(events "$1" | tail -n +"$((before + 1))" | tail -n 1)
}

one_more()
{
	[ "$(count_events "$1")" -gt "$2" ]
}

pids()
{
	pgrep -P "$SERVER_PID" -x "$1" | sort | tr '\n' ' '
}

descriptors_open()
{
	find "/proc/$SERVER_PID/fd" -type l | wc -l
}

memory_kb()
{
	sed -n 's/^RssAnon:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$SERVER_PID/status"
}

# Two transfers that take a while, begun before the reload.
transfers_start()
{
	in_ns a curl -s -m 60 --limit-rate 2M -o "$RUN/by.http" \
		"http://$SERVER_IP/sample/linux" &
	HTTP=$!
	in_ns b atftp --get -r sample/linux --option "blksize 1432" -l "$RUN/by.tftp" \
		"$SERVER_IP" >/dev/null 2>&1 &
	TFTP=$!
	wait_for 20 test -s "$RUN/by.http"
}

transfers_judge()
{
	wait "$HTTP" "$TFTP"
	check "$1: an HTTP transfer goes on" cmp "$RUN/by.http" "$S/stage/sample/linux"
	check "$1: a TFTP transfer goes on" cmp "$RUN/by.tftp" "$S/stage/sample/linux"
	rm -f "$RUN/by.http" "$RUN/by.tftp"
}

# The address of a machine that has a lease, and that of one that has an offer only.
keeps_leases()
{
	local senders broker held

	pxe c -m 52:54:00:77:06:01 -a 0 boot
	LEASED=$(reply_value ACK yiaddr)
	pxe c -m 52:54:00:77:06:02 -a 0 discover
	held=$(reply_value OFFER yiaddr)
	transfers_start
	senders=$(pids file-sender)
	broker=$(pids broker)
	config 's/lab\.example/new.example/'
	reload reloaded
	matches "a right configuration is taken" 'event=reloaded links=1 renewed=1 ' "$SAID"
	differs "the broker is another" "$broker" "$(pids broker)"
	same "file-senders are the same" "$senders" "$(pids file-sender)"
	same "nobody died" "$DIED" "$(count_events died)"
	pxe c -m 52:54:00:77:06:01 -a 0 -r "$LEASED" request
	same "a lease is kept" "$LEASED" "$(reply_value ACK yiaddr)"
	pxe c -m 52:54:00:77:06:03 -a 0 discover
	differs "an offer made before is given to no other" "$held" "$(reply_value OFFER yiaddr)"
	udhcpc_once a
	same "what is new takes effect" new.example "$(got "$RUN/a.udhcpc" domain)"
	transfers_judge "reload"
}

# A client that asks at the moment of the reload has its lease after its own retries.
asking_meanwhile()
{
	local n good=0

	for n in 1 2 3 4 5; do
		in_ns c "$PXE" -i eth0 -m "52:54:00:77:07:0$n" -a 0 -t 15 boot >"$RUN/meanwhile" 2>&1 &
		reload reloaded
		wait $! && good=$((good + 1))
	done
	same "clients that ask during a reload are served" 5 $good
}

# refused_file LABEL WHAT-THE-LOG-SAYS: what stands in the configuration is refused.
refused_file()
{
	local broker

	broker=$(pids broker)
	reload reload-refused
	matches "$1: the log says what" "$2" "$SAID"
	same "$1: the broker stays" "$broker" "$(pids broker)"
	pxe c -m 52:54:00:77:06:01 -a 0 -r "$LEASED" request
	same "$1: the old one serves" "$LEASED" "$(reply_value ACK yiaddr)"
}

# take_port PORT: somebody else listens there.
take_port()
{
	# The variables are perl's.
	# shellcheck disable=SC2016
	ip netns exec "$NET-srv" perl -MIO::Socket::INET -e '
		$s = IO::Socket::INET->new(LocalAddr => $ARGV[0], LocalPort => $ARGV[1],
			Listen => 1) or die; print "taken\n"; $| = 1; sleep 60' \
		"$SERVER_IP" "$1" >"$RUN/taken" 2>&1 &
	TAKER=$!
	at_end "end_process $TAKER"
	sleep 0.5
}

keeps_the_old_one()
{
	local files

	files=$(descriptors_open)
	config 's/lease-time 1h/lease-tim 1h/'
	refused_file "a wrong word" \
		"reason=\"[^ ]*/sallyport.conf:[0-9]+:[0-9]+: .*lease-tim.*expected"
	config 's/interface lan0/interface absent0/'
	refused_file "no such interface" 'what="absent0" reason="no such interface"'
	config 's/port 80/port 81/'
	take_port 81
	refused_file "a port that is taken" \
		'what="TCP port for HTTP" reason="Address already in use"'
	kill "$TAKER"
	rm "$S/sallyport.conf"
	refused_file "no file" 'sallyport.conf" reason="No such file or directory"'
	config
	printf 'name,mac,address\nx,52:54:00:77:06:05,10.77.0.150,y\n' >"$S/hosts.csv"
	refused_file "a wrong hosts.csv" 'reason="[^ ]*/hosts.csv:2:[0-9]+: found'
	rm "$S/hosts.csv"
	same "refusals leave no descriptor" "$files" "$(descriptors_open)"
}

hosts_beside()
{
	printf 'name,mac,address\nx,52:54:00:77:06:05,10.77.0.150\n' >"$S/hosts.csv"
	reload reloaded
	pxe c -m 52:54:00:77:06:05 boot
	same "a line of hosts.csv takes effect" 10.77.0.150 "$(reply_value ACK yiaddr)"
	sed -i s/150/151/ "$S/hosts.csv"
	reload reloaded
	pxe c -m 52:54:00:77:06:05 boot
	same "a changed one too" 10.77.0.151 "$(reply_value ACK yiaddr)"
	rm "$S/hosts.csv"
	reload reloaded
	matches "and that the file is gone" 'event=reloaded' "$SAID"
}

# More addresses than a table can have is found when the broker starts with them.
comes_back()
{
	config 's,10.88.0.0/24,10.128.0.0/9,; s/router 10.88.0.1;//; s/10.88.0.100 - 10.88.0.200/10.128.0.10 - 10.255.0.0/'
	reload reload-refused
	same "what the broker cannot start with: refused" broker "$(value what <<<"$SAID")"
	DIED=$((DIED + 1))
	same "what the broker cannot start with: it was tried" "$DIED" "$(count_events died)"
	pxe c -m 52:54:00:77:06:01 -a 0 -r "$LEASED" -t 15 request
	same "what the broker cannot start with: the old one is back" "$LEASED" \
		"$(reply_value ACK yiaddr)"
	config
	reload reloaded
}

fixed_settings()
{
	config 's/workers 2/workers 3/; s/lease-time 1h/lease-time 2h/'
	sed -i "s,^images.*,images \"$RUN\";," "$S/sallyport.conf"
	reload reloaded
	matches "settings that cannot change are named" \
		'settings=images,workers ' "$(events reload-kept | tail -n 1)"
	udhcpc_once a
	same "the rest takes effect" 7200 "$(got "$RUN/a.udhcpc" lease)"
	config
	reload reloaded
}

# A second LAN comes, is served, and goes.
links_come_and_go()
{
	local files

	files=$(descriptors_open)
	in_ns sw ip link add br2 type bridge forward_delay 0 mcast_snooping 0
	in_ns sw ip link set br2 up
	net_plug srv lan1 br2 || die "cannot make the second link"
	in_ns srv ip addr add 10.66.0.1/24 dev lan1
	net_client d 52:54:00:77:08:01 br2
	pxe d -t 2 discover
	same "a link that is not configured is not served" 3 "$STATUS"
	config
	cat >>"$S/sallyport.conf" <<-END
		interface lan1 { address 10.66.0.1; }
		subnet 10.66.0.0/24 { pool 10.66.0.10 - 10.66.0.90; router 10.66.0.1; lease-time 1h; }
	END
	reload reloaded
	matches "a link is added" 'event=reloaded links=2 ' "$SAID"
	pxe_session d -a 0
	matches "the new link is served: DHCP" '^10\.66\.0\.' "$ADDRESS"
	check "the new link is served: HTTP" in_ns d curl -s -f -m 10 -o "$RUN/d.http" \
		"http://10.66.0.1/sample/exact.bin"
	check "the new link is served: TFTP" in_ns d atftp --get -r sample/exact.bin \
		-l "$RUN/d.tftp" 10.66.0.1
	check "and what came is right" cmp "$RUN/d.tftp" "$S/stage/sample/exact.bin"
	pxe c -m 52:54:00:77:06:01 -a 0 -r "$LEASED" request
	same "the old link is served" "$LEASED" "$(reply_value ACK yiaddr)"
	config
	reload reloaded
	matches "a link is removed" 'event=reloaded links=1 ' "$SAID"
	pxe d -m 52:54:00:77:08:02 -t 2 discover
	same "the removed link is not served" 3 "$STATUS"
	check "the old link is served by HTTP" in_ns a curl -s -f -m 10 -o "$RUN/a.http" \
		"http://$SERVER_IP/sample/exact.bin"
	same "a link leaves no descriptor behind" "$files" "$(descriptors_open)"
}

other_ports()
{
	config 's/port 80/port 8080/; s/40000 - 40063/40032 - 40100/'
	reload reloaded
	same "other ports: broker and file-senders are renewed" 3 "$(value renewed <<<"$SAID")"
	check "HTTP on another port" in_ns a curl -s -f -m 10 -o "$RUN/a.http" \
		"http://$SERVER_IP:8080/sample/exact.bin"
	check "TFTP from other ports" in_ns b atftp --get -r sample/exact.bin -l "$RUN/b.tftp" \
		"$SERVER_IP"
	config
	reload reloaded
	check "HTTP on the old port again" in_ns a curl -s -f -m 10 -o "$RUN/a.http" \
		"http://$SERVER_IP/sample/exact.bin"
}

# Twenty in a row, then ten at once.
many()
{
	local n files memory grown

	reload reloaded
	files=$(descriptors_open)
	memory=$(memory_kb)
	for n in $(seq 20); do
		reload reloaded
		[ -n "$SAID" ] || break
	done
	same "reloads in a row" 20 "$n"
	same "they leave no descriptor behind" "$files" "$(descriptors_open)"
	grown=$(($(memory_kb) - memory))
	less "kilobytes that the supervisor has grown by" "$grown" 200
	for n in $(seq 10); do
		kill -HUP "$SERVER_PID"
		sleep 0.03
	done
	wait_for 15 quiet || true
	pxe c -m 52:54:00:77:06:01 -a 0 -r "$LEASED" request
	same "after ten at once: a lease is kept" "$LEASED" "$(reply_value ACK yiaddr)"
	same "no descriptor" "$files" "$(descriptors_open)"
	same "nobody else died of all this" "$DIED" "$(count_events died)"
}

# A checker that never answers is given up; until then everything goes on.
stuck_checker()
{
	local files

	files=$(descriptors_open)
	cp "$BIN/conf-check" "$RUN/conf-check"
	printf '#!/bin/sh\nexec sleep 600\n' >"$RUN/stuck"
	chmod 755 "$RUN/stuck"
	mv "$RUN/stuck" "$BIN/conf-check"
	kill -HUP "$SERVER_PID"
	sleep 0.5
	server_kill broker
	DIED=$((DIED + 1))
	pxe c -m 52:54:00:77:06:01 -a 0 -r "$LEASED" -t 10 request
	same "a stuck checker: the server goes on" "$LEASED" "$(reply_value ACK yiaddr)"
	mv "$RUN/conf-check" "$BIN/conf-check"
	wait_line 30 "$SERVER_LOG" 'event=reload-refused what="conf-check"'
	matches "a stuck checker is given up" 'what="conf-check" reason="Connection timed out"' \
		"$(events reload-refused | tail -n 1)"
	reload reloaded
	matches "and the next one is heard" 'event=reloaded' "$SAID"
	same "a stuck checker: no descriptor" "$files" "$(descriptors_open)"
}

# As many have ended as were begun.
quiet()
{
	[ "$(count_events reload)" = "$(($(count_events reloaded) + $(events reload-refused |
		grep -vc 'No such file')))" ]
}

need_root
run_begin reload
net_begin
net_client a 52:54:00:77:05:01
net_client b 52:54:00:77:05:02
net_client c 52:54:00:77:05:03
udhcpc_script
server_prepare
sample_image 9000000
server_trust
config
# One that can be replaced.
cp -r "$BIN" "$RUN/bin"
BIN=$RUN/bin
server_start
wait_line 60 "$SERVER_LOG" 'event=image-active .*sample' || die "the image is not served"
pxe_session a -a 0
pxe_session b -a 0
keeps_leases
asking_meanwhile
keeps_the_old_one
hosts_beside
comes_back
fixed_settings
links_come_and_go
other_ports
stuck_checker
many
exit "$FAILED"
