# The rows of table.sh; title is the first one. After medians.awk.

function stat(key, name,   c) {
	c = sort(key, name)
	if (c == 0) return "-"
	return c == 1 ? sorted[1] "" : sorted[int((c + 1) / 2)] " (" sorted[1] "-" sorted[c] ")"
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
}
