#!/usr/bin/env bash
# sample-size.sh REAL FAKE: the mean distance of batches of 2, 4, 8... each, fakes against reals and reals against other reals (the floor: what N samples alone make of no difference), as TSV.
set -euo pipefail
[ $# = 2 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
most=$(($(tls "$1" | wc -l) / 2)) other=$(tls "$2" | wc -l)
((other > most)) || most=$other
echo $'n\tdistance\tdistance_sd\tfloor\tfloor_sd'
for ((n = 2; n <= most; n *= 2)); do
    fidcalc --batches 10 --batch "$n" "$1" "$2" | awk -F'\t' -v OFS='\t' -v n="$n" '
        $1 ~ /_avg$/ {d = $2} $1 ~ /_avg_sd$/ {sd = $2} $1 ~ /_avg_floor$/ {f = $2} END {print n, d, sd, f, "-"}'
done
