# What the benchmarks share: what the machine does meanwhile, what a server used. Sourced;
# needs common.sh, net.sh and run_begin.

# shellcheck shell=bash disable=SC2034,SC2154

TICKS=$(getconf CLK_TCK)
RELAY=10.96.0.1
OUT=$ROOT/build/bench

part()
{
	[[ " $PARTS_RUN " == *" $1 "* ]]
}

stamp()
{
	echo "${EPOCHREALTIME/./}"
}

busy_ticks()
{
	awk '/^cpu / { print $2 + $3 + $4 + $7 + $8 }' /proc/stat
}

# bench_cable SERVER-NS DEVICE ADDRESS CLIENT-DEVICE CLIENT-ADDRESS: from a server's
# namespace to that of the clients, who live in 10.96.0.0/12 behind it.
bench_cable()
{
	net_add_ns "$1" &&
		ip -n "$NET-$1" link add "$2" type veth peer name "$4" netns "$NET-rly" &&
		in_ns "$1" ip addr add "$3/24" dev "$2" &&
		in_ns "$1" ip link set "$2" up && in_ns rly ip link set "$4" up &&
		in_ns rly ip addr add "$5/24" dev "$4" &&
		in_ns "$1" ip route add 10.96.0.0/12 via "$5"
}

# The clients' namespace: every address of theirs is local there.
bench_net()
{
	NET=sp$$-$(random_hex 2)
	at_end net_end
	{ net_add_ns rly && bench_cable srv lan0 "$SERVER_IP" up0 10.77.0.2 &&
		in_ns rly ip addr add $RELAY/32 dev up0 &&
		in_ns rly ip route add local 10.96.0.0/12 dev lo; } ||
		die "cannot make network namespaces"
}

# --------------------------------------------------- what a server and its children use

# group_path NAME: a control group of ours that counts processor time; empty when there
# is none to be had.
group_path()
{
	if [ -w /sys/fs/cgroup/cpuacct ]; then
		echo "/sys/fs/cgroup/cpuacct/$NET-$1"
	elif [ -w /sys/fs/cgroup/cgroup.procs ]; then
		echo "/sys/fs/cgroup/$NET-$1"
	fi
}

# group_add NAME
group_add()
{
	local path

	path=$(group_path "$1")
	[ -n "$path" ] && [ -d "$path" ] && return
	{ [ -n "$path" ] && mkdir "$path"; } || die "no control group for $1"
	at_end "rmdir $path 2>/dev/null || { sleep 0.5; rmdir $path; }"
}

# group_run NAME NAMESPACE COMMAND...: in the background, in that group. Its process is $!.
group_run()
{
	local path ns=$NET-$2

	path=$(group_path "$1")
	shift 2
	# shellcheck disable=SC2016
	sh -c 'echo $$ >"$0/cgroup.procs" && exec ip netns exec "$@"' "$path" "$ns" "$@" \
		</dev/null &
}

# group_us NAME: processor time so far, of those that are gone too.
group_us()
{
	local path

	path=$(group_path "$1")
	if [ -r "$path/cpuacct.usage" ]; then
		awk '{ printf "%d", $1 / 1000 }' "$path/cpuacct.usage"
	else
		awk '/^usage_usec/ { print $2 }' "$path/cpu.stat"
	fi
}

# Proportional set size of all its processes, in KiB: what they share counts once.
group_memory()
{
	local pid

	while read -r pid; do
		cat "/proc/$pid/smaps_rollup" 2>/dev/null
	done <"$(group_path "$1")/cgroup.procs" | awk '/^Pss:/ { s += $2 } END { print s + 0 }'
}

# group_cpus NAME LIST: where its processes may run.
group_cpus()
{
	local pid

	while read -r pid; do
		taskset -apc "$2" "$pid" >/dev/null 2>&1
	done <"$(group_path "$1")/cgroup.procs"
}

# sum_of FUNCTION GROUPS
sum_of()
{
	local group sum=0

	for group in $2; do
		sum=$((sum + $("$1" "$group")))
	done
	echo $sum
}

# measured HEAD GROUPS COMMAND...: runs a load in the clients' namespace; prints HEAD, what
# the load printed, and what the servers of these groups and the machine did meanwhile.
measured()
{
	local head=$1 groups=$2 before busy start load line

	shift 2
	before=$(sum_of group_us "$groups") busy=$(busy_ticks) start=$(stamp)
	load=$({ TIMEFORMAT='%3U %3S'; time in_ns rly "$@" \
		>"$RUN/load.out" 2>"$RUN/load.err"; } 2>&1)
	line=$(cat "$RUN/load.out")
	[ -n "$line" ] || line="done=0 error=$(tr ' \n' '__' <"$RUN/load.err")"
	awk -v line="$line" -v cpu=$(($(sum_of group_us "$groups") - before)) \
		-v busy=$(($(busy_ticks) - busy)) -v us=$(($(stamp) - start)) \
		-v load="$load" -v hz="$TICKS" -v head="$head" \
		-v memory="$(sum_of group_memory "$groups")" '
		function field(name) {
			if (!match(" " line " ", " " name "=[^ ]*")) return 0
			return substr(" " line, RSTART + length(name) + 2, \
				RLENGTH - length(name) - 2) + 0
		}
		BEGIN {
			split(load, l, " "); cpu /= 1e6; bytes = field("bytes"); n = field("done")
			other = busy / hz / (us / 1e6) - (cpu + l[1] + l[2]) / (us / 1e6)
			printf "%s %s cpu=%.2f cpu_gb=%.3f cpu_op=%.1f load_cpu=%.2f ", head,
				line, cpu, bytes ? cpu * 1e9 / bytes : 0, n ? cpu * 1e6 / n : 0,
				l[1] + l[2]
			printf "other=%.2f memory=%d\n", other < 0 ? 0 : other, memory
		}'
}
