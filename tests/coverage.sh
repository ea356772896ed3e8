#!/bin/bash
# What the unit tests and the seeds of the fuzz targets reach: builds with gcc's counters,
# runs both, prints the share of lines for each folder, and writes build/coverage. The
# tests with whole servers are not in it (a caged process cannot write its counters), nor
# are files that no unit test and no fuzz target links.
set -u
cd "$(dirname "$0")/.." || exit 1

B=build/cov
OUT=build/coverage

list()
{
	make -s --no-print-directory KIND=cov "print-$1"
}

make -s -j2 KIND=cov unit-tests fuzz-targets || exit 1
find $B -name '*.gcda' -delete
mkdir -p $OUT
for name in $(list UNIT); do
	timeout 300 "$B/test/test_$name" >"$OUT/unit-$name.log" 2>&1 ||
		echo "unit test $name failed: $OUT/unit-$name.log"
done
for name in $(list FUZZ); do
	timeout 300 "$B/fuzz/$name" "fuzz/corpus/$name" >"$OUT/fuzz-$name.log" 2>&1 ||
		echo "seeds of $name failed: $OUT/fuzz-$name.log"
done
lcov -q -c -d $B/obj -b . --no-external -o $OUT/all.info 2>"$OUT/lcov.log" || {
	tail -n 20 "$OUT/lcov.log"
	exit 1
}
lcov -q -r $OUT/all.info '*/build/*' '*/tests/*' '*/fuzz/*' '*.[ly]' -o $OUT/ours.info || exit 1
genhtml -q -o $OUT $OUT/ours.info >"$OUT/genhtml.log" 2>&1 || exit 1
awk -F: -v root="$PWD/" '
/^SF:/ { folder = substr($2, length(root) + 1); sub(/\/[^\/]*$/, "", folder) }
/^LF:/ { lines[folder] += $2; all += $2 }
/^LH:/ { hit[folder] += $2; reached += $2 }
END {
	for (f in lines)
		printf "%5.1f %%  %5d of %5d lines  %s\n", 100 * hit[f] / lines[f], hit[f], lines[f], f
	printf "%5.1f %%  %5d of %5d lines  all\n", 100 * reached / all, reached, all
}' $OUT/ours.info | sort -k6
