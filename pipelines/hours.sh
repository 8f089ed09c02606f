#!/usr/bin/env bash
# hours.sh RATES REALS TEST BATCH N_CRITIC SAMPLES ROW...: passes a plan (plan.sh) on, and then says how long the rows take on this machine that it trains. A ROW is one argument: NAME bce|wgan EPOCHS,
# or NAME MODEL EPOCHS FAKES; RATES is of rates.sh.
set -euo pipefail
[ $# -ge 6 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
rates=$1 reals=$2 test=$3 batch=$4 critics=$5 samples=$6
shift 6
plan=$(cat)
printf '%s\n' "$plan"
# A row is trained when its model, NAME.tns, would be made.
planned=$(awk '/^  / && $1 ~ /\.tns$/ {sub(/\.tns$/, "", $1); print $1}' <<<"$plan")
printf '%s\n' "$@" | awk -v planned="$planned" 'BEGIN {n = split(planned, p); for (i = 1; i <= n; i++) on[p[i]]} $1 in on' |
    awk -v reals="$reals" -v test="$test" -v batch="$batch" -v critics="$critics" -v samples="$samples" '
NR == FNR {rate[$1] = $2; next}
$2 == "bce" || $2 == "wgan" {
    steps = $3 * int((reals - test) / batch)
    if ($2 == "wgan") steps = int(steps / critics)
    h = (steps * rate[$2] + samples * rate["score"]) / 3600
    what = steps " steps of " sprintf("%.3g", rate[$2]) " s"
}
NF == 4 {
    fakes = $4 > 3 * reals ? 3 * reals : $4
    n = $2 == "resnet" ? reals + fakes : int($3 * fakes * 1.4)
    h = n * rate[$2] / 3600
    what = n " images of " sprintf("%.3g", 1000 * rate[$2]) " ms"
}
!rows++ {print "hours a row on this machine (training, and the scores of what a GAN draws; photos are read once more):"}
{printf "  %-24s %-32s %8.2f\n", $1, what, h; sum += h}
END {if (rows) printf "  %-24s %-32s %8.2f\n", "all", "", sum}' "$rates" -
