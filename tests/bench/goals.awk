# The rows of goals.sh, after medians.awk.

function value(part, name, server, figure) {
	return median(part " | " name " | " server, figure)
}
function say(what, ours, theirs, sense, limit,   ratio, met) {
	if (ours == 0 || theirs == 0) return
	ratio = ours / theirs
	met = sense == "at least" ? ratio >= limit : ratio <= limit
	if (!head++) {
		print "| what | ours | best peer | ratio | wanted | reached |"
		print "|---|---|---|---|---|---|"
	}
	printf "| %s | %.4g | %.4g | %.2f | %s %s | %s |\n", what, ours, theirs, ratio, sense,
		limit, met ? "yes" : "no"
}
# The peer's row with the highest figure, among the cases that match.
function best(part, pattern, figure,   i, k, most) {
	best_key = ""
	most = 0
	for (i = 1; i <= keys; i++) {
		split(order[i], k, " [|] ")
		if (k[1] == part && k[2] ~ pattern && k[3] != "sallyport" && k[3] != "nginx-cache" &&
			median(order[i], figure) > most) {
			most = median(order[i], figure)
			best_key = order[i]
		}
	}
	return most
}
function tftp_window(name,   theirs) {
	theirs = best("tftp", "^c(16|128)-w", "mbps")
	say("TFTP " name ", MB/s, against any window", value("tftp", name, "sallyport", "mbps"),
		theirs, "at least", 4)
	say("TFTP " name ", CPU a byte, against the same",
		value("tftp", name, "sallyport", "cpu_gb"), median(best_key, "cpu_gb"), "at most", 0.25)
}
function beside(part, figure, sense, limit,   i, k) {
	for (i = 1; i <= keys; i++) {
		split(order[i], k, " [|] ")
		if (k[1] == part && k[3] == "sallyport")
			say(part " " k[2] ", " unit[figure], value(part, k[2], "sallyport", figure),
				value(part, k[2], "nginx", figure), sense, limit)
	}
}
END {
	unit["mbps"] = "MB/s"; unit["cpu_gb"] = "CPU a byte"; unit["done_s"] = "a second"
	tftp_window("c16-w16-b1468")
	tftp_window("c128-w16-b1468")
	name = "c128-w1-b1468"
	say("TFTP " name ", MB/s, against dnsmasq", value("tftp", name, "sallyport", "mbps"),
		value("tftp", name, "dnsmasq", "mbps"), "at least", 1)
	say("TFTP " name ", CPU a byte, against dnsmasq",
		value("tftp", name, "sallyport", "cpu_gb"), value("tftp", name, "dnsmasq", "cpu_gb"),
		"at most", 0.8)
	for (w = 1; w <= 64; w *= 4) {
		name = "c1-w" w "-b1468"
		say("TFTP " name ", MB/s", value("tftp", name, "sallyport", "mbps"),
			best("tftp", "^" name "$", "mbps"), "at least", 1)
	}
	say("http-small 1K-c64, a second", value("http-small", "1K-c64", "sallyport", "done_s"),
		value("http-small", "1K-c64", "nginx", "done_s"), "at least", 0.9)
	beside("http-large", "mbps", "at least", 1)
	beside("http-large", "cpu_gb", "at most", 1)
	beside("https-large", "mbps", "at least", 0.9)
	beside("handshakes", "done_s", "at least", 0.7)
	for (i = 1; i <= keys; i++) {
		split(order[i], k, " [|] ")
		if (k[1] == "verify" && k[3] == "openssl")
			say("verify " k[2] ", MB/s, against openssl dgst -sha256",
				value("verify", k[2], "sallyport", "mbps"), median(order[i], "mbps"),
				"at least", 0.77)
	}
}
