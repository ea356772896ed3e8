#!/bin/bash
# The medians of a file of results, as a table: one row for each part and server, the
# spread in brackets. Rounds during which the machine did other work count only when there
# are no quiet ones, and are then marked.
#
#	table.sh RESULTS [dhcp|files|storm|verify]
set -eu

case ${2:-dhcp} in
dhcp)
	keys="part server"
	names="rate lost offer_p50 offer_p99 dora_p50 dora_p99 per10k memory other"
	titles="exchanges/s | lost | OFFER p50 us | OFFER p99 us | whole p50 us | whole p99 us"
	titles="$titles | CPU s per 10 k | memory KiB | other cores"
	;;
files)
	keys="part case server"
	names="mbps done_s p50 p99 cpu_gb cpu_op failed wrong timeouts memory other"
	titles="MB/s | a second | p50 us | p99 us | CPU s per GB | CPU us each | failed | wrong"
	titles="$titles | repeated | memory KiB | other cores"
	;;
verify)
	keys="part case server"
	names="mbps seconds busy"
	titles="MB/s | seconds | cores busy"
	;;
storm)
	keys="case server"
	names="done failed seconds all_p50 all_p99 dhcp_p99 tftp_p99 http_p99 resent timeouts"
	names="$names probe_idle probe_p99 mbps cpu_gb other"
	titles="served | failed | s to the last | p50 us | p99 us | DHCP p99 us | TFTP p99 us"
	titles="$titles | HTTP p99 us | DHCP repeated | TFTP repeated | idle DHCP p99 us"
	titles="$titles | DHCP p99 us meanwhile | MB/s | CPU s per GB | other cores"
	;;
esac

title="| ${keys// / | } | rounds | $titles |"
awk -v keywords="$keys" -v wanted="$names" -v title="$title" \
	-f "$(dirname "$0")/medians.awk" -f "$(dirname "$0")/table.awk" "$1"
