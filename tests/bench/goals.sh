#!/bin/bash
# What was to be reached, and whether it was: ratios of medians of one file of results of
# files.sh or verify.sh, ours to the best peer's. A ratio of processor time is per byte.
#
#	goals.sh RESULTS
set -eu

awk -v keywords="part case server" -v wanted="mbps done_s cpu_gb" \
	-f "$(dirname "$0")/medians.awk" -f "$(dirname "$0")/goals.awk" "$1"
