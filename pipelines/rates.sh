#!/usr/bin/env bash
# rates.sh GEN BATCH N_CRITIC MODEL:SIZE:BATCH...: what this machine takes, measured with drawn images: TSV of a name and seconds: bce, wgan (a generator step with its critic's), each MODEL
# (training, an image), score and resnet (an image). A minute or two at full size.
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
gen=$1 batch=$2 critics=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

drawface -n "$batch" -o "$work/faces.tns"
# gan NAME STEPS EPOCHS OPTION...: the fastest step but the first, which also prepares
gan() {
    tshuf --epochs "$3" "$work/faces.tns" | ganstep --gen "$gen" --state "$work/$1" -b "$batch" --steps "$2" --log "$work/$1.tsv" --sample-every 1000 --sample-count 1 "${@:4}" >/dev/null
    awk -F'\t' -v name="$1" 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == "seconds") c = i} NR > 2 && (!m || $c < m) {m = $c} END {print name "\t" m}' "$work/$1.tsv"
}
gan bce 4 4 --critic nets/critic.net
gan wgan 2 $((2 * critics)) --critic nets/critic-none.net --loss wgan-gp --n-critic "$critics"
for m; do
    IFS=: read -r name size b <<<"$m"
    { drawface -n "$b" --size "$size"; drawface -n "$b" --size "$size" --style fake; } | tcat | tshuf --epochs 2 - |
        clsfit --net "nets/$name.net" --state "$work/$name" -b "$b" --log "$work/$name.tsv"
    awk -F'\t' -v name="$name" -v n=$((2 * b)) 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == "seconds") c = i} NR > 1 {s = $c} END {print name "\t" s / n}' "$work/$name.tsv"
done
start=$EPOCHREALTIME
ganstep --state "$work/bce" --sample 256 | fidcalc -m models/draw.tns --features-out /dev/null -
awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN {print "score\t" (b - a) / 256}'
wgt2tns --net nets/resnet50.net --random 0 -o "$work/resnet.tns"
start=$EPOCHREALTIME
drawface -n 16 --size 224 | netrun -m "$work/resnet.tns" --layer pool >/dev/null
awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN {print "resnet\t" (b - a) / 16}'
