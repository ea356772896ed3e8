# Reads a file of results, one line of name=value words a run. keywords: the words that say
# what was measured; wanted: those that are figures. Rounds in which the machine did other
# work count only where there are no quiet ones. For table.sh and goals.sh, which add
# what is printed at the end.

BEGIN {
	split(keywords, keyword, " ")
	split(wanted, names, " ")
}
function field(name) {
	if (match(" " $0 " ", " " name "=[^ ]*"))
		return substr(" " $0, RSTART + length(name) + 2, RLENGTH - length(name) - 2)
	return ""
}
function add(key, name) { if (field(name) != "") v[key, name, n[key]] = field(name) + 0 }
# Sorts the figures of one kind into `sorted`, and returns how many there are.
function sort(key, name,   i, j, t, c) {
	c = 0
	for (i = 1; i <= n[key]; i++)
		if ((key, name, i) in v) sorted[++c] = v[key, name, i]
	for (i = 2; i <= c; i++)
		for (j = i; j > 1 && sorted[j - 1] > sorted[j]; j--) {
			t = sorted[j]; sorted[j] = sorted[j - 1]; sorted[j - 1] = t
		}
	return c
}
function median(key, name,   c) {
	c = sort(key, name)
	return c == 0 ? 0 : sorted[int((c + 1) / 2)]
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
