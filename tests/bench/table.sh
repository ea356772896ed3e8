#!/bin/bash
# The medians of a file of results, as a table: one row for each part and server, the
# spread in brackets. Rounds during which the machine did other work count only when there
# are no quiet ones, and are then marked.
#
#	table.sh RESULTS [dhcp|files|storm]
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
storm)
	keys="case server"
	names="done failed seconds all_p50 all_p99 dhcp_p99 tftp_p99 http_p99 resent timeouts"
	names="$names probe_idle probe_p99 mbps cpu_gb other"
	titles="served | failed | s to the last | p50 us | p99 us | DHCP p99 us | TFTP p99 us"
	titles="$titles | HTTP p99 us | DHCP repeated | TFTP repeated | idle DHCP p99 us"
	titles="$titles | DHCP p99 us meanwhile | MB/s | CPU s per GB | other cores"
	;;
esac

awk -v keywords="$keys" -v wanted="$names" -v titles="$titles" '
BEGIN {
	split(keywords, keyword, " ")
	split(wanted, names, " ")
	gsub(/ /, " | ", keywords)
	title = "| " keywords " | rounds | " titles " |"
}
function field(name,   m) {
	if (match(" " $0 " ", " " name "=[^ ]*"))
		return substr(" " $0, RSTART + length(name) + 2, RLENGTH - length(name) - 2)
	return ""
}
function add(key, name) { if (field(name) != "") v[key, name, n[key]] = field(name) + 0 }
function stat(key, name,   i, j, k, t, a, c) {
	c = 0
	for (i = 1; i <= n[key]; i++)
		if ((key, name, i) in v) a[++c] = v[key, name, i]
	if (c == 0) return "-"
	for (i = 2; i <= c; i++)
		for (j = i; j > 1 && a[j - 1] > a[j]; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
	k = int((c + 1) / 2)
	return c == 1 ? a[1] "" : a[k] " (" a[1] "-" a[c] ")"
}
{
	quiet = field("other") == "" || field("other") + 0 < 0.6
	key = field(keyword[1])
	for (i = 2; i in keyword; i++) key = key " | " field(keyword[i])
	if (!(key in seen)) { seen[key] = 1; order[++keys] = key }
	if (quiet && !(key in isquiet)) { isquiet[key] = 1; n[key] = 0 }
	if (!quiet && key in isquiet) next
	n[key]++
	for (i in names) add(key, names[i])
}
END {
	print title
	gsub(/[^|]+/, "---", title)
	print title
	for (i = 1; i <= keys; i++) {
		key = order[i]
		printf "| %s | %d%s |", key, n[key], key in isquiet ? "" : " not quiet"
		for (k = 1; k in names; k++) printf " %s |", stat(key, names[k])
		print ""
	}
}' "$1"
