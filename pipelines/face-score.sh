#!/usr/bin/env bash
# face-score.sh [-i IOU] [-c CONF] [-s SIDE] TRUTH FOUND: how many faces a detector found, a line of TSV:
#     images faces found true_positives false_positives recall precision
# TRUTH and FOUND are streams with face= lines (drawface --scene, faceyolo --boxes), or tables (.tsv) whose header names file and x1 y1 x2 y2 [conf] or x y w h. Records are
# matched by the last part of their key. Going through what was found from the surest on, each takes the face of its image that it overlaps most, if nobody has taken it and the
# overlap (intersection over union) is at least IOU (.5). CONF (.25): leave out what is less sure. SIDE (0): faces with a shorter side don't count, missed or found.
set -euo pipefail
iou=.5 conf=.25 side=0
while getopts i:c:s: option; do
    case $option in
    i) iou=$OPTARG ;;
    c) conf=$OPTARG ;;
    s) side=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# = 2 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }

# image x1 y1 x2 y2 conf, tab-separated; an image without faces has a line of its name alone
boxes() {
    case $1 in
    *.tsv) awk -F'\t' -v OFS='\t' 'NR == 1 {for (i = 1; i <= NF; i++) at[$i] = i; next}
        "x1" in at {print $at["file"], $at["x1"], $at["y1"], $at["x2"], $at["y2"], "conf" in at ? $at["conf"] : 1; next}
        {print $at["file"], $at["x"], $at["y"], $at["x"] + $at["w"], $at["y"] + $at["h"], 1}' "$1" ;;
    *) tls "$1" | awk -F'\t' -v OFS='\t' '{sub(/.*\//, "", $2); print $2
        for (i = 5; i <= NF; i++) if (sub(/^face=/, "", $i)) {split($i, b, ","); print $2, b[1], b[2], b[3], b[4], b[5] == "" ? 1 : b[5]}}' ;;
    esac
}

{ boxes "$1" | sed 's/^/T\t/'; boxes "$2" | sort -t $'\t' -k6,6gr -s | sed 's/^/F\t/'; } | awk -F'\t' -v OFS='\t' -v iou="$iou" -v conf="$conf" -v side="$side" '
function least(a, b) {return a < b ? a : b}
function most(a, b) {return a > b ? a : b}
function area(x1, y1, x2, y2) {return most(0, x2 - x1) * most(0, y2 - y1)}
function overlap(i, both) {
    both = area(most(x1[i], $3), most(y1[i], $4), least(x2[i], $5), least(y2[i], $6))
    return both ? both / (area(x1[i], y1[i], x2[i], y2[i]) + area($3, $4, $5, $6) - both) : 0
}
$1 == "T" && NF == 2 || $1 == "T" && !($2 in seen) {if (!($2 in seen)) images++; seen[$2] = 1}
$1 == "T" && NF > 2 {
    list[$2] = list[$2] " " ++n
    x1[n] = $3; y1[n] = $4; x2[n] = $5; y2[n] = $6
    small[n] = least($5 - $3, $6 - $4) < side
    faces += !small[n]
}
$1 == "F" && NF > 2 && $7 > conf {
    best = 0; o = iou
    count = split(list[$2], of, " ")
    for (k = 1; k <= count; k++) if (!taken[of[k]] && overlap(of[k]) >= o) {best = of[k]; o = overlap(best)}
    taken[best] = best
    if (best ? small[best] : least($5 - $3, $6 - $4) < side) next
    found++
    right += best > 0
}
END {
    print "images", "faces", "found", "true_positives", "false_positives", "recall", "precision"
    print images + 0, faces + 0, found + 0, right + 0, found - right, faces ? right / faces : "-", found ? right / found : "-"
}'
