#!/usr/bin/env bash
# hours.sh RATES REALS TEST BATCH N_CRITIC SAMPLES: how long rows take on this machine. On standard input a row a line: NAME bce|wgan EPOCHS, or NAME MODEL EPOCHS FAKES; RATES is of rates.sh.
set -euo pipefail
[ $# = 6 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
echo 'hours a row on this machine (training, and the scores of what a GAN draws; photos are read once more):'
awk -v reals="$2" -v test="$3" -v batch="$4" -v critics="$5" -v samples="$6" '
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
{printf "  %-24s %-32s %8.2f\n", $1, what, h; sum += h}
END {printf "  %-24s %-32s %8.2f\n", "all", "", sum}' "$1" -
