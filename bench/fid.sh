#!/usr/bin/env bash
# fidcalc, in sets of features as wide as FID's, of random numbers: seconds of its parts.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/bin:$PATH
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python=python3
python3 -c 'import numpy' 2>/dev/null || python=/usr/bin/python3
vectors() { # N SEED
    "$python" -c 'import sys, numpy as n; n.save(sys.stdout.buffer, n.random.default_rng(int(sys.argv[2])).normal(size=(int(sys.argv[1]), 2048)).astype("f4") ** 2)' "$1" "$2" |
        npy2tns -o "$dir/$1.$2.tns"
}
# timed WHAT COMMAND...: seconds
timed() {
    local start=$EPOCHREALTIME
    "${@:2}" >"$dir/out"
    local end=$EPOCHREALTIME
    printf '  %-60s %6.2f s\n' "$1" "$(awk -v us=$((${end/./} - ${start/./})) 'BEGIN {print us / 1e6}')"
}
for n in 1000 5000 20000; do vectors $n 1 && vectors $n 2; done
echo "fidcalc, vectors of 2048, $(nproc) threads"
timed 'FID of 1,000 and 1,000, by vectors' fidcalc "$dir/1000.1.tns" "$dir/1000.2.tns"
timed 'FID of 5,000 and 5,000, by covariances' fidcalc "$dir/5000.1.tns" "$dir/5000.2.tns"
timed 'FID of 20,000 and 20,000' fidcalc "$dir/20000.1.tns" "$dir/20000.2.tns"
timed 'the first again, and 100 batches of 128 with their floor' fidcalc --batches 100 "$dir/1000.1.tns" "$dir/1000.2.tns"
timed 'the second again, and 100 batches of 128 with their floor' fidcalc --batches 100 "$dir/5000.1.tns" "$dir/5000.2.tns"
timed 'the second again, and KID' fidcalc --kid "$dir/5000.1.tns" "$dir/5000.2.tns"
timed 'the second again, precision and recall' fidcalc --pr "$dir/5000.1.tns" "$dir/5000.2.tns"
