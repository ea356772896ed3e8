#!/bin/bash
# Memory for less than what the images hold, with the whole server: trees of 10,000 files;
# two images that have room only in turns, both served, over TFTP and over HTTP, to many
# who ask at once; a file that was changed while it had no memory.
set -u
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/net.sh
. "$ROOT/tests/lib/net.sh"
# shellcheck source=../lib/server.sh
. "$ROOT/tests/lib/server.sh"
# shellcheck source=../lib/clients.sh
. "$ROOT/tests/lib/clients.sh"

FILES=10000

# 10,000 files in folders, of 1 to 4000 bytes.
make_tree()
{
	mkdir -p "$S/stage/tree"
	python3 - "$S/stage/tree" "$FILES" <<-'END'
		import os, sys
		root, n = sys.argv[1], int(sys.argv[2])
		for i in range(n):
		    folder = "%s/d%02d/e%d" % (root, i % 40, i % 7)
		    if i < 280:
		        os.makedirs(folder, exist_ok=True)
		    with open("%s/f%05d" % (folder, i), "w") as f:
		        f.write(("file %d " % i) * (1 + i * 7919 % 300))
	END
}

# big_image NAME: one file of 16 MB, a loader
big_image()
{
	mkdir -p "$S/stage/$1"
	head -c 16000000 /dev/urandom >"$S/stage/$1/kernel"
	echo "loader of $1" >"$S/stage/$1/loader.efi"
	server_image "$1" --version 1 --arch x64 --loader x64=loader.efi --kernel kernel
}

prepare()
{
	server_prepare
	make_tree
	server_image tree --version 1 --arch x64 --kernel d00/e0/f00000 --no-templates
	big_image one
	big_image two
	server_trust
	server_config <<-END
		server { log-level debug; memory 24M; }
		subnet 10.77.0.0/24 { pool 10.77.0.100 - 10.77.0.200; lease-time 1h; }
		boot {
			unknown allow;
			default image "tree";
		}
		open image "tree" to 10.77.0.0/24;
		open image "one" to 10.77.0.0/24;
		open image "two" to 10.77.0.0/24;
		tftp { ports 40000 - 40063; }
		http { port 80; connections-per-address 200; }
	END
	server_start
}

# status_of COUNTER
status_of()
{
	"$BIN/sallyport" --socket "$S/state/control" status |
		sed -n "s/^ *$1  *\([0-9]*\) *\$/\1/p"
}

# reaches COUNTER N
reaches()
{
	[ "$(status_of "$1")" -ge "$2" ]
}

logged()
{
	grep -Eaq "$1" "$SERVER_LOG"
}

active()
{
	local image

	for image in tree one two; do
		wait_for 60 logged "event=image-active image=$image " ||
			die "$image is not active: $(tail -n 5 "$SERVER_LOG")"
	done
	ok "all three are active, though there is memory for less"
	logged "event=image-active image=tree version=1 files=$FILES" &&
		ok "the tree with all its files"
}

# All files of the tree over one connection after the other.
whole_tree()
{
	(cd "$S/stage/tree" && find . -type f -name 'f*' | sed 's/^\.\///') >"$RUN/names"
	same "files of the tree" "$FILES" "$(wc -l <"$RUN/names")"
	sed "s|.*|url = \"http://$SERVER_IP/tree/&\"\noutput = \"$RUN/got/&\"|" \
		"$RUN/names" >"$RUN/curl.config"
	in_ns a curl -s -f --create-dirs -K "$RUN/curl.config"
	same "curl" 0 $?
	(cd "$S/stage/tree" && xargs md5sum <"$RUN/names") >"$RUN/sums"
	check "every file of the tree" in_got md5sum --quiet -c "$RUN/sums"
}

in_got()
{
	(cd "$RUN/got" && "$@")
}

# get IMAGE: over HTTP
get()
{
	rm -f "$RUN/out"
	in_ns a curl -s -m 60 -o "$RUN/out" "http://$SERVER_IP/$1/kernel"
	check "$1 over HTTP" cmp "$RUN/out" "$S/stage/$1/kernel"
}

# tget IMAGE: over TFTP, as often as the client wants to ask
tget()
{
	rm -f "$RUN/out"
	in_ns a timeout 120 atftp --get -r "$1/kernel" -l "$RUN/out" --option 'blksize 1428' \
		"$SERVER_IP" >/dev/null 2>&1
	check "$1 over TFTP" cmp "$RUN/out" "$S/stage/$1/kernel"
}

in_turns()
{
	get one
	get two
	tget one
	tget two
	get one
	check "one left for the other" wait_for 20 reaches memory-evictions 2
	check "and was loaded again" reaches memory-fetches 2
	same "none failed" 0 "$(status_of memory-fetches-failed)"
	same "the budget" 25165824 "$(status_of memory-budget)"
}

# Many ask for what is not there: it is loaded once, and all of them get it.
many_at_once()
{
	local i before pids=()

	get one
	sleep 2.5 # the verifier says it so often
	before=$(status_of memory-fetches)
	for i in $(seq 40); do
		in_ns a curl -s -m 100 -o "$RUN/many.$i" "http://$SERVER_IP/two/kernel" &
		pids+=($!)
	done
	wait "${pids[@]}"
	for i in $(seq 40); do
		cmp -s "$RUN/many.$i" "$S/stage/two/kernel" || not_ok "client $i of many"
	done
	ok "40 at once"
	sleep 2.5
	same "loaded once" $((before + 1)) "$(status_of memory-fetches)"
	rm -f "$RUN"/many.*
}

# It was right when its image became active. Now it is in no memory, and another on disk.
changed()
{
	get two
	printf X | dd of="$S/images/one/1/kernel" bs=1 seek=7000000 conv=notrunc status=none
	same "changed while it had no memory: nothing of it is sent" 404 \
		"$(in_ns a curl -s -m 60 -o "$RUN/out" -w '%{http_code}' \
			"http://$SERVER_IP/one/kernel")"
	check "an alarm" logged 'level=error .*event=image-taken-out image=one .*file=kernel'
	same "nor of what was right" 404 "$(in_ns a curl -s -m 60 -o "$RUN/out" \
		-w '%{http_code}' "http://$SERVER_IP/one/loader.efi")"
	get two
}

need_root
run_begin cold_files
net_begin
net_client a 52:54:00:77:01:01
in_ns a ip addr add 10.77.0.60/24 dev eth0
prepare
active
whole_tree
in_turns
many_at_once
changed
server_stop
