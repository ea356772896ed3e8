# The server in its namespace, with a configuration, a keyring and images of its own.
# Sourced; needs common.sh, net.sh, run_begin and net_begin.
#
#	server_prepare; server_image demo ...; server_config <<END ... END; server_start

# shellcheck shell=bash disable=SC2034,SC2153

IMAGE_TOOL=$BIN/sallyport-image
UID_BASE=${UID_BASE:-$((300000 + ($$ % 10000) * 16))}
SERVER_PID=
# What to start instead of sallyportd; it must become it.
SERVER_PROGRAM=

# Folders and keys. Everything lies under $RUN/server.
server_prepare()
{
	S=$RUN/server
	SERVER_LOG=$RUN/server.log
	mkdir -m 755 "$S" "$S/state" "$S/images" "$S/stage" || die "cannot make $S"
	"$IMAGE_TOOL" key generate -W -p "$S/test.pub" -s "$S/test.key" >"$RUN/image.log" 2>&1 ||
		die "key generate: $(tail -n 2 "$RUN/image.log")"
	echo "key $(tail -n 1 "$S/test.pub") *" >"$S/keyring"
}

# server_image NAME OPTIONS...: an image from the files in $S/stage/NAME, created, signed
# and installed.
server_image()
{
	local name=$1

	shift
	{
		"$IMAGE_TOOL" create --name "$name" "$@" "$S/stage/$name" &&
			"$IMAGE_TOOL" sign -s "$S/test.key" "$S/stage/$name" &&
			"$IMAGE_TOOL" install -i "$S/images" -k "$S/keyring" \
				"$S/stage/$name"
	} >>"$RUN/image.log" 2>&1 || die "image $name: $(tail -n 3 "$RUN/image.log")"
}

# The floor of versions and time must exist before anything is served.
server_trust()
{
	mkdir -m 700 "$S/state/verifier"
	"$IMAGE_TOOL" trust init --floor "$S/state/verifier/floor" >>"$RUN/image.log" 2>&1 ||
		die "trust init: $(tail -n 3 "$RUN/image.log")"
}

# The head that every test shares, then what comes on stdin. LINK_SETTINGS: more about the
# interface.
server_config()
{
	{
		cat <<-END
			state "$S/state";
			images "$S/images";
			keyring "$S/keyring";
			interface lan0 { address $SERVER_IP; ${LINK_SETTINGS:-} }
		END
		cat
	} >"$S/sallyport.conf"
}

# The usual one: unknown machines boot $1, iPXE loads by $2 (http or tftp).
server_config_usual()
{
	server_config <<-END
		server { log-level info; }
		subnet 10.77.0.0/24 {
			pool 10.77.0.100 - 10.77.0.200;
			router $SERVER_IP;
			dns $SERVER_IP;
			domain "lab.example";
			lease-time 1h;
		}
		subnet 10.88.0.0/24 {
			pool 10.88.0.100 - 10.88.0.200;
			router $RELAY_IP;
			dns $SERVER_IP;
			lease-time 1h;
		}
		boot {
			default image "$1";
			unknown allow;
			ipxe-transport ${2:-http};
		}
		tftp { ports 40000 - 40063; }
		http { port 80; }
	END
}

server_start()
{
	touch "$SERVER_LOG"
	ip netns exec "$NET-srv" "${SERVER_PROGRAM:-$BIN/sallyportd}" -f "$S/sallyport.conf" -L "$BIN" \
		--uid-base "$UID_BASE" >>"$SERVER_LOG" 2>&1 </dev/null &
	SERVER_PID=$!
	at_end "end_process $SERVER_PID"
	wait_for 60 server_is_up_or_gone
	server_is_up || die "the server does not start: $(tail -n 5 "$SERVER_LOG")"
}

server_is_up()
{
	! process_gone "$SERVER_PID" && grep -qa 'role=sallyportd .*event=up ' "$SERVER_LOG"
}

server_is_up_or_gone()
{
	process_gone "$SERVER_PID" || server_is_up
}

# In order, which on a busy machine takes a while.
server_stop()
{
	kill -TERM "$SERVER_PID" 2>/dev/null
	wait_for 30 process_gone "$SERVER_PID"
	end_process "$SERVER_PID"
}

# server_pid ROLE: of the running process, from the kernel, not from the log.
server_pid()
{
	pgrep -P "$SERVER_PID" -x "$1" | head -n 1
}

# server_kill ROLE: SIGKILL, as a crash would end it.
server_kill()
{
	local pid

	pid=$(server_pid "$1")
	[ -n "$pid" ] && kill -KILL "$pid"
}

# events NAME: the log lines of one event.
events()
{
	grep -a -e "event=$1 " -e "event=$1\$" "$SERVER_LOG"
}

# logged NAME EXTENDED_REGEX: the log has such a line, or has it soon: another process
# writes it.
logged()
{
	if wait_line 30 "$SERVER_LOG" "$2"; then
		ok "$1"
	else
		not_ok "$1" "nothing like '$2' in the log, which ends: $(tail -n 3 "$SERVER_LOG")"
	fi
}

# value KEY: of the first line on stdin that has it.
value()
{
	sed -n "s/^\(.* \)\{0,1\}$1=\([^ ]*\).*/\2/p" | head -n 1
}
