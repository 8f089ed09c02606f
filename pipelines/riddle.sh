#!/usr/bin/env bash
# riddle.sh KIND ARGUMENTS: the readings of what the study leaves open, as TSV, and which of them gives the study's pattern:
#     positive                        the positive class's share of the test set, from each row of table 3
#     gap DIR READING=ROW...          accuracy in training and in the test
#     ratio DIR TABLE BASE ROW READING=ROW...   how far off, over the same of BASE, beside the study's own ratio of ROW to BASE. Its noise: of the batches' average, or where DIR/seeds.tsv
#                                     has BASE, of a run with another seed, as a part of it; two deviations are needed to tell
#     order TABLE.tsv COLUMN...       the rank correlation of each column with the study's
# A verdict is a line of its own, the last. What lies within noise is said to.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,$s/^# //p' "$0" | sed '/^set/,$d' >&2; exit 2; }
kind=$1
shift
study="$(dirname "$0")/study.tsv"
# The average over batches, as the study has it, and the deviation between them.
average() { awk -F'\t' '$1 ~ /_avg$/ {a = $2} $1 ~ /_avg_sd$/ {d = $2} END {print a "\t" (d == "" ? "-" : d)}' "$1"; }

case $kind in
positive)
    # TP = R p, FP = TP (1 - P) / P, accuracy = TP + 1 - p - FP: so p = (1 - accuracy) / (1 - R + R (1 - P) / P).
    awk -F'\t' -v OFS='\t' '
    $1 == "table3" {v[$2, $3] = $4; if (!($2 in seen)) {seen[$2] = 1; row[++n] = $2}}
    function share(a, p, r) {return (1 - a) / (1 - r + r * (1 - p) / p)}
    END {
        print "row", "accuracy", "precision", "recall", "share_of_positive", "from", "to", "real_share", "fake_share", "fits"
        for (i = 1; i <= n; i++) {
            m = row[i]; a = v[m, "accuracy"]; p = v[m, "precision"]; r = v[m, "recall"]
            # The study prints two digits: the share lies between these.
            low = 2; high = -1
            for (x = -1; x <= 1; x++) for (y = -1; y <= 1; y++) for (z = -1; z <= 1; z++) {
                s = share(a + x * .005, p + y * .005, r + z * .005)
                if (s < low) low = s
                if (s > high) high = s
            }
            if (low < 0) low = 0
            if (high > 1) high = 1
            # 24,200 real and 20,000 fake faces for models 4 and 5, halves for the others.
            real = m == "model4" || m == "model5" ? 24200 / 44200 : .5
            real_fits = real >= low && real <= high; fake_fits = 1 - real >= low && 1 - real <= high
            fits = real_fits ? (fake_fits ? "either" : "real") : (fake_fits ? "fake" : "neither")
            count[fits]++
            printf "%s\t%s\t%s\t%s\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%s\n", m, a, p, r, share(a, p, r), low, high, real, 1 - real, fits
        }
        printf "verdict: positive is %s: %d rows fit real alone, %d fake alone, %d either, %d neither", (count["real"] > count["fake"] ? "real" : (count["fake"] > count["real"] ? "fake" : "open")), \
            count["real"], count["fake"], count["either"], count["neither"]
        print "", "-", "-", "-", "-", "-", "-", "-", "-", "-"
    }' "$study"
    ;;
gap)
    dir=$1
    shift
    printf 'reading\ttraining_first\ttraining_last\ttraining_in_inference\tvalidation\ttest\ttest_from\ttest_to\ttest_over_training\n'
    for pair; do
        awk -F'\t' -v OFS='\t' -v name="${pair%%=*}" '
        FNR == 1 {for (i = 1; i <= NF; i++) at[$i] = i; file++; next}
        file == 1 && $at["split"] == "train" {if (first == "") first = $at["accuracy"]; last = $at["accuracy"]}
        file == 1 && $at["split"] == "val" {val = $at["accuracy"]}
        file == 1 && $at["split"] == "val2" {again = $at["accuracy"]}
        file == 2 {test = $at["accuracy"]; low = $at["accuracy_low"]; high = $at["accuracy_high"]}
        END {printf "%s\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\n", name, first, last, again, val, test, low, high, test - last}' "$dir/${pair#*=}.log.tsv" "$dir/${pair#*=}.score.tsv"
    done | awk -F'\t' -v OFS='\t' '
    {print; if (NR == 1 || $9 > most) {most = $9; best = $1; test = $6; clear = $7 > $3}}
    END {
        if (most < .1) v = "none gives the study'"'"'s gap of .25; the largest is of " best
        else if (!clear) v = best " gives the largest gap, within noise: training is in the interval of the test"
        else v = best " gives a test far above training, as the study has it (.74, .99)"
        print "verdict: " v, "-", "-", "-", "-", test, "-", "-", most
    }'
    ;;
ratio)
    dir=$1 table=$2 base=$3 row=$4
    shift 4
    want=$(awk -F'\t' -v t="$table" -v b="$base" -v r="$row" '$1 == t && $3 == "fid" && $2 == b {x = $4} $1 == t && $3 == "fid" && $2 == r {y = $4} END {print y / x}' "$study")
    # What another seed does to a run, as a part of its figure.
    seeds=
    [ ! -s "$dir/seeds.tsv" ] || seeds=$(awk -F'\t' -v b="$base" '$1 == b && $2 ~ /_avg$/ && $5 != "-" {print $5 / $4}' "$dir/seeds.tsv")
    IFS=$'\t' read -r of of_sd < <(average "$dir/$base.score.tsv")
    for pair; do printf '%s\t%s\n' "${pair%=*}" "$(average "$dir/${pair##*=}.score.tsv")"; done |
        awk -F'\t' -v OFS='\t' -v want="$want" -v of="$of" -v of_sd="$of_sd" -v seeds="$seeds" -v base="$base" '
    function size(x) {return x < 0 ? -x : x}
    BEGIN {print "reading", "average", "average_of_" base, "ratio", "noise", "noise_from", "study_ratio"}
    {
        name[NR] = $1; r[NR] = $2 / of
        # Of the ratio, as a part of it: both runs have some.
        if (seeds != "") {sd[NR] = seeds * sqrt(2); from = "seeds"}
        else if ($3 != "-" && of_sd != "-") {sd[NR] = sqrt(($3 / $2) ^ 2 + (of_sd / of) ^ 2); from = "batches"}
        else {sd[NR] = -1; from = "-"}
        print $1, $2, of, sprintf("%.3f", r[NR]), (sd[NR] < 0 ? "-" : sprintf("%.3f", sd[NR])), from, sprintf("%.3f", want)
        d[NR] = size(log(r[NR] / want))
        if (NR == 1 || d[NR] < d[best]) {second = best; best = NR} else if (!second || d[NR] < d[second]) second = NR
    }
    END {
        b = best
        apart = second ? size(log(r[b] / r[second])) : 0
        if (sd[b] < 0) v = name[b] " is nearest; no deviation is known, so it may be within noise"
        else if (second && apart < 2 * (sd[b] > sd[second] ? sd[b] : sd[second])) v = "within noise: the readings are no further apart than chance would have them"
        else if (size(log(r[b])) < 2 * sd[b]) v = "within noise: " name[b] " is nearest, but can'"'"'t be told from " base
        else v = name[b] (((r[b] > 1) == (want > 1)) ? " is nearest, and on the study'"'"'s side of 1" : " is nearest, but on the other side of 1: no reading gives the pattern")
        print "verdict: " v, "-", "-", sprintf("%.3f", r[b]), "-", "-", sprintf("%.3f", want)
    }'
    ;;
order)
    tsv=$1
    shift
    echo $'reading\trank_correlation\trows'
    for column; do
        awk -F'\t' -v c="$column" 'NR == 1 {for (i = 1; i <= NF; i++) at[$i] = i; next} $at["study"] != "-" && $at[c] != "-" {print $at["study"] "\t" $at[c]}' "$tsv" | awk -F'\t' -v OFS='\t' -v c="$column" '
        function rank(v, i, j, r) {r = .5; for (j = 1; j <= NR; j++) r += (v[j] < v[i]) + (v[j] == v[i]) / 2; return r}
        {a[NR] = $1 + 0; b[NR] = $2 + 0}
        END {
            for (i = 1; i <= NR; i++) {x = rank(a, i) - (NR + 1) / 2; y = rank(b, i) - (NR + 1) / 2; xx += x * x; yy += y * y; xy += x * y}
            print c, (xx && yy ? sprintf("%.3f", xy / sqrt(xx * yy)) : "-"), NR
        }'
    done | awk -F'\t' -v OFS='\t' '
    {print; name[NR] = $1; r[NR] = $2; if ($2 != "-" && (best == "" || $2 > r[best])) best = NR; n = $3}
    END {
        if (best == "") {print "verdict: no reading has an order", "-", "-"; exit}
        # Two rows that change places move the correlation by so much: less is noise.
        swap = n > 1 ? 12 / (n * (n * n - 1)) : 2
        for (i = 1; i <= NR; i++) if (r[i] != "-" && r[best] - r[i] < swap + .001) {near = near (near == "" ? "" : ", ") name[i]; count++}
        print "verdict: " (count > 1 ? "within noise: " near " order the rows as nearly as each other" : name[best] " orders the rows most as the study does"), r[best], "-"
    }'
    ;;
*) echo "riddle.sh: $kind: positive, gap, ratio or order" >&2; exit 2 ;;
esac
