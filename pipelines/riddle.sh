#!/usr/bin/env bash
# riddle.sh KIND ARGUMENTS: the readings of what the study leaves open, as TSV, and which of them gives the study's pattern:
#     positive                        the positive class's share of the test set, from each row of table 3
#     gap DIR READING=ROW...          accuracy in training and in the test
#     ratio DIR TABLE BASE ROW READING=ROW...   how far off, over the same of BASE, beside the study's own ratio of ROW to BASE
#     order TABLE.tsv COLUMN...       the rank correlation of each column with the study's
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,$s/^# //p' "$0" | sed '/^set/,$d' >&2; exit 2; }
kind=$1
shift
study="$(dirname "$0")/study.tsv"
# The average over batches, as the study has it.
average() { awk -F'\t' '$1 ~ /_avg$/ {print $2}' "$1"; }

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
            # 24,200 real and 20,000 fake faces for models 4 and 5, halves for the others.
            real = m == "model4" || m == "model5" ? 24200 / 44200 : .5
            real_fits = real >= low && real <= high; fake_fits = 1 - real >= low && 1 - real <= high
            fits = real_fits ? (fake_fits ? "either" : "real") : (fake_fits ? "fake" : "neither")
            count[fits]++
            printf "%s\t%s\t%s\t%s\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%s\n", m, a, p, r, share(a, p, r), low, high, real, 1 - real, fits
        }
        print "verdict: positive is", (count["real"] > count["fake"] ? "real" : (count["fake"] > count["real"] ? "fake" : "open")), count["real"] + 0 " rows fit real alone", count["fake"] + 0 " fake alone", \
            count["either"] + 0 " either", count["neither"] + 0 " neither", "-", "-", "-", "-"
    }' "$study"
    ;;
gap)
    dir=$1
    shift
    printf 'reading\ttraining_first\ttraining_last\ttraining_in_inference\tvalidation\ttest\ttest_over_training\n'
    for pair; do
        awk -F'\t' -v OFS='\t' -v name="${pair%%=*}" '
        FNR == 1 {for (i = 1; i <= NF; i++) at[$i] = i; file++; next}
        file == 1 && $at["split"] == "train" {if (first == "") first = $at["accuracy"]; last = $at["accuracy"]}
        file == 1 && $at["split"] == "val" {val = $at["accuracy"]}
        file == 1 && $at["split"] == "val2" {again = $at["accuracy"]}
        file == 2 {test = $at["accuracy"]}
        END {print name, first, last, again, val, test, test - last}' "$dir/${pair#*=}.log.tsv" "$dir/${pair#*=}.score.tsv"
    done | awk -F'\t' -v OFS='\t' '
    {print; if ($7 > most || NR == 1) {most = $7; best = $1; in_inference = $4; test = $6}}
    END {
        print (most >= .1 ? "verdict: " best " gives a test far above training, as the study has it (.74, .99)" : "verdict: none gives the study'"'"'s gap of .25; the largest is of " best), "-", "-", in_inference, "-", test, most
    }'
    ;;
ratio)
    dir=$1 table=$2 base=$3 row=$4
    shift 4
    want=$(awk -F'\t' -v t="$table" -v b="$base" -v r="$row" '$1 == t && $3 == "fid" && $2 == b {x = $4} $1 == t && $3 == "fid" && $2 == r {y = $4} END {print y / x}' "$study")
    of=$(average "$dir/$base.score.tsv")
    for pair; do printf '%s\t%s\n' "${pair%=*}" "$(average "$dir/${pair##*=}.score.tsv")"; done | awk -F'\t' -v OFS='\t' -v want="$want" -v of="$of" -v base="$base" '
    BEGIN {print "reading", "average", "average_of_" base, "ratio", "study_ratio"}
    {r = $2 / of; print $1, $2, of, sprintf("%.3f", r), sprintf("%.3f", want); d = log(r / want); d = d < 0 ? -d : d; if (NR == 1 || d < least) {least = d; best = $1; ratio = r}}
    END {print "verdict: " best (((ratio > 1) == (want > 1)) ? " is nearest, and on the study'"'"'s side of 1" : " is nearest, but on the other side of 1: no reading gives the pattern"), "-", "-", sprintf("%.3f", ratio), sprintf("%.3f", want)}'
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
    done | awk -F'\t' -v OFS='\t' '{print; if ($2 != "-" && (best == "" || $2 > most)) {most = $2; best = $1}} END {print "verdict: " best " orders the rows most as the study does", most, "-"}'
    ;;
*) echo "riddle.sh: $kind: positive, gap, ratio or order" >&2; exit 2 ;;
esac
