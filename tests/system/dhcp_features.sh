#!/bin/bash
# What an operator can say of addresses and options, as clients see it: options by name and
# by number, which level decides, classes, rules of pools, shared networks, reservations,
# short leases while a machine boots, and odd clients.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$ROOT/tests/lib/clients.sh"

# Option 224 tells which level decided, 225 to which class a machine belongs.
config()
{
	server_config <<-END
		server { log-level info; }
		dhcp { conflict-probe off; client-rate 0; }
		lease-time 2h;
		boot-lease-time 2m;
		always option 224 text "global";
		always option 225 text "none";
		class "phone" { match vendor-class "Phone"; always option 225 text "phone"; }
		class "lab" { match user-class "lab"; always option 225 text "lab"; }
		class "virtual" {
			match mac 02:11:22;
			always option 224 text "class";
			always option 225 text "virtual";
		}
		class "both" {
			match architecture x64;
			match mac 02:33;
			always option 225 text "both";
		}
		class "x64" { match architecture x64; always option 225 text "x64"; }
		class "second-lan" { match interface lan1; always option 225 text "lan1"; }
		subnet 10.77.0.0/24 {
			router $SERVER_IP;
			dns $SERVER_IP, 10.77.0.9;
			domain "lab.example";
			always option 224 text "subnet";
			option ntp-servers 10.77.0.5, 10.77.0.6;
			option domain-search a.example, b.a.example;
			option classless-static-route 192.0.2.0/24 10.77.0.7, 0.0.0.0/0 $SERVER_IP;
			option interface-mtu 1400;
			option v6-only-preferred 30m;
			option 230 bytes 01:02:ff;
			option 231 u16 513;
			pool 10.77.0.100 - 10.77.0.200 { deny class "phone"; allow unknown; }
			pool 10.77.0.210 - 10.77.0.211 {
				allow class "phone";
				always option 224 text "pool";
			}
			pool 10.77.0.230 - 10.77.0.239 { allow known; }
		}
		interface lan1 { address 10.66.0.1; }
		shared-network "far" {
			always option 224 text "shared";
			subnet 10.66.0.0/24 {
				router 10.66.0.1;
				pool 10.66.0.10 - 10.66.0.13;
				exclude 10.66.0.11;
			}
			subnet 10.67.0.0/24 {
				router 10.67.0.1;
				pool 10.67.0.10 - 10.67.0.11;
			}
		}
		interface lan2 { address 10.55.0.1; }
		subnet 10.55.0.0/22 { pool 10.55.0.254 - 10.55.1.1; router 10.55.0.1; }
		host "by-mac" { mac 52:54:00:77:21:50; address 10.77.0.50; always option 224 text "host"; }
		host "by-id" { client-id 00:62:79:2d:69:64; address 10.77.0.51; }
		host "by-uuid" { uuid "4c4c4544-0043-3510-8052-b4c04f4e4c32"; address 10.77.0.52; }
		host "in-pool" { mac 52:54:00:77:21:53; address 10.77.0.101; }
		host "known" { mac 52:54:00:77:21:54; }
		boot { default image "sample"; unknown allow; }
	END
	printf 'name,mac,uuid,client-id,address\ncsv1,52:54:00:77:21:61,,,10.77.0.61\n%s\n' \
		'csv2,,,00:63:73:76,10.77.0.62' >"$S/hosts.csv"
}

# another_link DEVICE BRIDGE ADDRESS/PREFIX
another_link()
{
	in_ns sw ip link add "$2" type bridge forward_delay 0 mcast_snooping 0
	in_ns sw ip link set "$2" up
	net_plug srv "$1" "$2" || die "cannot plug in $1"
	in_ns srv ip addr add "$3" dev "$1" || die "cannot make $1"
}

# hex TEXT
hex()
{
	printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'
}

options_udhcpc()
{
	local env=$RUN/a.udhcpc.env

	udhcpc_once a -O ntpsrv -O search -O staticroutes -O mtu -O 230 -O 231
	same "udhcpc: router" $SERVER_IP "$(got "$env" router)"
	same "udhcpc: name servers" "$SERVER_IP 10.77.0.9" "$(got "$env" dns)"
	same "udhcpc: time servers" "10.77.0.5 10.77.0.6" "$(got "$env" ntpsrv)"
	same "udhcpc: search list" "a.example b.a.example" "$(got "$env" search)"
	same "udhcpc: routes" "192.0.2.0/24 10.77.0.7 0.0.0.0/0 $SERVER_IP" \
		"$(got "$env" staticroutes)"
	same "udhcpc: MTU" 1400 "$(got "$env" mtu)"
	same "udhcpc: an option of bytes by number" 0102ff "$(got "$env" opt230)"
	same "udhcpc: an option of two bytes by number" 0201 "$(got "$env" opt231)"
	same "udhcpc: an option for all" "$(hex subnet)" "$(got "$env" opt224)"
	udhcpc_once a -o -O router
	same "udhcpc: what is not asked for is not sent" "" \
		"$(got "$env" ntpsrv)$(got "$env" mtu)$(got "$env" opt230)"
	same "udhcpc: what is for all is" "$(hex subnet)" "$(got "$env" opt224)"
}

options_dhclient()
{
	local env=$RUN/b.dhclient.env

	cat >"$RUN/dhclient.conf" <<-'END'
		option routes121 code 121 = array of unsigned integer 8;
		option own230 code 230 = string;
		request subnet-mask, routers, domain-name, domain-name-servers, ntp-servers,
			interface-mtu, domain-search, routes121, own230;
	END
	dhclient_run b -1
	same "dhclient: time servers" "10.77.0.5 10.77.0.6" "$(got "$env" new_ntp_servers)"
	same "dhclient: search list" "a.example. b.a.example." "$(got "$env" new_domain_search)"
	same "dhclient: routes" "24 192 0 2 10 77 0 7 0 10 77 0 1" "$(got "$env" new_routes121)"
	same "dhclient: MTU" 1400 "$(got "$env" new_interface_mtu)"
	same "dhclient: an option by number" "1:2:ff" "$(got "$env" new_own230)"
	same "dhclient: lease time" 7200 "$(got "$env" new_dhcp_lease_time)"
	end_process "$(cat "$RUN/b.dhclient.pid")"
}

options_dhcpcd()
{
	local env=$RUN/c.dhcpcd

	dhcpcd_run c -1 -B --noipv4ll --noarp -t 10 -o ntp_servers,domain_search,interface_mtu \
		-o classless_static_routes,domain_name_servers
	same "dhcpcd: time servers" "10.77.0.5 10.77.0.6" "$(got "$env" new_ntp_servers)"
	same "dhcpcd: search list" "a.example b.a.example" "$(got "$env" new_domain_search)"
	same "dhcpcd: routes" "192.0.2.0/24 10.77.0.7 0.0.0.0/0 10.77.0.1" \
		"$(got "$env" new_classless_static_routes)"
	matches "dhcpcd: the route is in the table" '^192\.0\.2\.0/24 via 10\.77\.0\.7 dev eth0' \
		"$(in_ns c ip route show)"
	matches "dhcpcd: so is the default" "^default via $SERVER_IP dev eth0" \
		"$(in_ns c ip route show)"
	same "dhcpcd: MTU" 1400 "$(got "$env" new_interface_mtu)"
}

v6_only()
{
	pxe d -m 52:54:00:77:22:01 boot
	same "IPv6 only: not without being asked for" "" "$(reply_value ACK opt108)"
	pxe d -m 52:54:00:77:22:01 -o 55:6c boot
	same "IPv6 only: when asked for" 00000708 "$(reply_value ACK opt108)"
}

# said LABEL 224 225: what the last ACK says of levels and classes.
said()
{
	same "$1: level" "$(hex "$2")" "$(reply_value ACK opt224)"
	same "$1: class" "$(hex "$3")" "$(reply_value ACK opt225)"
}

levels()
{
	pxe d -m 52:54:00:77:23:01 boot
	said "nothing but a subnet" subnet none
	pxe d -m 52:54:00:77:23:02 -c PhoneMaker boot
	said "vendor class, pool before subnet" pool phone
	matches "pool of a class" '^10\.77\.0\.21[01]$' "$(reply_value ACK yiaddr)"
	pxe d -m 02:11:22:77:23:03 -c PhoneMaker boot
	said "class before pool, the first class of two" class phone
	matches "pool of a class, again" '^10\.77\.0\.21[01]$' "$(reply_value ACK yiaddr)"
	pxe d -m 52:54:00:77:23:04 -c PhoneMaker -t 2 discover
	same "pool of a class: full, and no other for it" 3 "$STATUS"
	pxe d -m 02:11:22:77:23:05 boot
	said "MAC prefix" class virtual
	pxe d -m 52:54:00:77:23:06 -o "77:03$(hex lab)" boot
	said "user class" subnet lab
	pxe d -m 52:54:00:77:23:07 -o "77:05$(hex other)03$(hex lab)" boot
	said "user class, the second of two" subnet lab
	pxe d -m 52:54:00:77:23:08 -a 7 boot
	said "architecture" subnet x64
	pxe d -m 02:33:00:77:23:09 -a 7 boot
	said "architecture and MAC prefix" subnet both
	pxe d -m 02:33:00:77:23:0a -a 0 boot
	said "one of them is not enough" subnet none
	pxe d -m 52:54:00:77:21:50 boot
	said "host before all" host none
	pxe e -m 52:54:00:77:24:01 boot
	said "shared network, interface" shared lan1
	pxe f -m 52:54:00:77:25:01 boot
	said "outside of all blocks" global none
}

pools()
{
	pxe d -m 52:54:00:77:21:54 boot
	matches "known machines have a pool of their own" '^10\.77\.0\.23[0-9]$' \
		"$(reply_value ACK yiaddr)"
	pxe f -m 52:54:00:77:25:02 boot
	same ".255 and .0 are passed over" "10.55.0.254 10.55.1.1" "$(
		for mac in 52:54:00:77:25:01 52:54:00:77:25:02; do
			pxe f -m $mac discover
			reply_value OFFER yiaddr
		done | tr '\n' ' ' | sed 's/ $//'
	)"
	pxe f -m 52:54:00:77:25:03 -t 2 discover
	same "nor given when the rest is gone" 3 "$STATUS"
	logged "an empty pool is said" 'event=pool-empty'
}

# One lease of the first subnet is had by the machine of levels().
overflow()
{
	local n all=

	for n in 2 3 4 5; do
		pxe e -m 52:54:00:77:24:0$n boot
		all="$all $(reply_value ACK yiaddr)/$(reply_value ACK router)"
	done
	same "the excluded one is left out, then the next subnet with its router" \
		" 10.66.0.12/10.66.0.1 10.66.0.13/10.66.0.1 10.67.0.10/10.67.0.1 10.67.0.11/10.67.0.1" \
		"$all"
	pxe e -m 52:54:00:77:24:06 -t 2 discover
	same "then it is full" 3 "$STATUS"
	pxe e -m 52:54:00:77:24:04 -r 10.67.0.10 request
	same "INIT-REBOOT in the second subnet" 10.67.0.10 "$(reply_value ACK yiaddr)"
}

# reserved LABEL ADDRESS PXE-OPTIONS...
reserved()
{
	local label=$1 address=$2

	shift 2
	pxe d "$@" boot
	same "reserved by $label" "$address" "$(reply_value ACK yiaddr)"
}

reservations()
{
	reserved MAC 10.77.0.50 -m 52:54:00:77:21:50
	reserved "client id" 10.77.0.51 -m 52:54:00:77:26:01 -C 0062792d6964
	reserved UUID 10.77.0.52 -m 52:54:00:77:26:02 \
		-o 97:0044454c4c430010358052b4c04f4e4c32
	reserved "MAC in hosts.csv" 10.77.0.61 -m 52:54:00:77:21:61
	reserved "client id in hosts.csv" 10.77.0.62 -m 52:54:00:77:26:03 -C 00637376
	pxe d -m 52:54:00:77:26:04 -r 10.77.0.101 request
	differs "a reserved address of a pool is no one else's" 0 "$STATUS"
	same "nor was anybody given it" 0 "$(events lease | grep -c 'ip=10.77.0.101 ')"
	reserved "MAC inside of a pool" 10.77.0.101 -m 52:54:00:77:21:53
}

# The ROM, iPXE and the system of one machine say different things of themselves.
one_machine()
{
	local first

	pxe d -m 52:54:00:77:27:01 -a 0 boot
	first=$(reply_value ACK yiaddr)
	same "the ROM has a short lease" 120 "$(reply_value ACK lease)"
	pxe d -m 52:54:00:77:27:01 -a 0 -x -C 01525400772701 boot
	same "iPXE: a short lease" 120 "$(reply_value ACK lease)"
	same "iPXE: the same address" "$first" "$(reply_value ACK yiaddr)"
	in_ns g ip link set eth0 down
	in_ns g ip link set eth0 address 52:54:00:77:27:01
	in_ns g ip link set eth0 up
	udhcpc_once g
	same "the system: the same address" "$first" "$(got "$RUN/g.udhcpc" ip)"
	same "the system: a long lease" 7200 "$(got "$RUN/g.udhcpc" lease)"
	pxe d -m 52:54:00:77:27:01 -C ff0077270100010001aabbccdd525400772701 boot
	same "a system with a DUID: the same address" "$first" "$(reply_value ACK yiaddr)"
	same "one lease in all" 1 "$("$BIN/sallyport" --socket "$S/state/control" lease list |
		grep -c 52:54:00:77:27:01)"
}

odd_clients()
{
	pxe d -m b8:27:eb:77:28:01 -a 0 -c PXEClient:Arch:00000:UNDI:002001 discover
	matches "Raspberry Pi: its words are in option 43" "$(hex 'Raspberry Pi Boot')" \
		"$(reply_value OFFER opt43)"
	same "Raspberry Pi: the server's address has no NUL" $SERVER_IP "$(reply_value OFFER tftp)"
	pxe d -m 52:54:00:77:28:02 -a 0 discover
	same "others do not see these words" 0 "$(grep -c "$(hex Raspberry)" <<<"$REPLY")"
	in_ns h ip addr add 10.77.0.78/24 dev eth0
	pxe h -r 10.77.0.78 -s $SERVER_IP -c PXEClient inform
	same "an INFORM is answered" 0 "$STATUS"
	pxe h -r 10.77.0.78 -s $SERVER_IP -c AAPLBSDPC/i386/iMac4,1 -t 2 inform
	same "Apple's BSDP is not" 3 "$STATUS"
	pxe d -m 52:54:00:77:28:03 -b discover
	same "broadcast flag: OFFER to all" "255.255.255.255 ff:ff:ff:ff:ff:ff" \
		"$(reply_value OFFER dst) $(reply_value OFFER dstmac)"
	pxe d -m 52:54:00:77:28:03 discover
	same "without it: OFFER to the machine alone" 52:54:00:77:28:03 \
		"$(reply_value OFFER dstmac)"
}

need_root
run_begin features
net_begin
another_link lan1 br2 10.66.0.1/24
another_link lan2 br3 10.55.0.1/22
for n in a b c d g h; do
	net_client $n 52:54:00:77:20:"$(printf '%02x' "'$n")"
done
net_client e 52:54:00:77:20:65 br2
net_client f 52:54:00:77:20:66 br3
udhcpc_script
dhclient_script
server_prepare
sample_image 100000 --loader arm64=loader.efi
server_trust
config
server_start
wait_line 60 "$SERVER_LOG" 'event=image-active .*sample' || die "the image is not served"
options_udhcpc
options_dhclient
options_dhcpcd
v6_only
levels
pools
overflow
reservations
one_machine
odd_clients
exit "$FAILED"
