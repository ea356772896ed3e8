#!/bin/bash
# The medians of a file of results, as a table: one row for each part and server, the
# spread in brackets. Rounds during which the machine did other work count only when there
# are no quiet ones, and are then marked.
set -eu

awk '
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
	key = field("part") " | " field("server")
	if (!(key in seen)) { seen[key] = 1; order[++keys] = key }
	if (quiet && !(key in isquiet)) { isquiet[key] = 1; n[key] = 0 }
	if (!quiet && key in isquiet) next
	n[key]++
	split("rate lost offer_p50 offer_p99 dora_p50 dora_p99 per10k memory other", names, " ")
	for (i in names) add(key, names[i])
}
END {
	print "| part | server | rounds | exchanges/s | lost | OFFER p50 us | OFFER p99 us | whole p50 us | whole p99 us | CPU s per 10 k | memory KiB | other cores |"
	print "|---|---|---|---|---|---|---|---|---|---|---|---|"
	for (i = 1; i <= keys; i++) {
		key = order[i]
		printf "| %s | %d%s |", key, n[key], key in isquiet ? "" : " not quiet"
		split("rate lost offer_p50 offer_p99 dora_p50 dora_p99 per10k memory other", names, " ")
		for (k = 1; k <= 9; k++) printf " %s |", stat(key, names[k])
		print ""
	}
}' "$1"
