#!/usr/bin/env bash
# seeds.sh NAME=SCORES...: mean and deviation (of samples, n - 1) of each measure of the files with the same NAME, of fidcalc or of tscore, as TSV.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
for pair; do
    awk -F'\t' -v OFS='\t' -v row="${pair%%=*}" '
    NR == 1 {tall = $1 == "metric"; for (i = 1; i <= NF; i++) name[i] = $i; next}
    tall && $2 ~ /^[-0-9.e+]+$/ && $2 != "-" {print row, $1, $2}
    !tall {for (i = 1; i <= NF; i++) if (name[i] ~ /^(accuracy|precision|recall|specificity|auc|bce)$/ && $i ~ /^[-0-9.e+]+$/) print row, name[i], $i}' "${pair#*=}"
done | awk -F'\t' -v OFS='\t' '
{k = $1 OFS $2; if (!(k in n)) order[++count] = k; n[k]++; s[k] += $3; q[k] = q[k] " " $3}
END {
    print "row", "measure", "seeds", "mean", "deviation"
    for (i = 1; i <= count; i++) {
        k = order[i]; mean = s[k] / n[k]; v = 0
        m = split(q[k], x, " ")
        for (j = 1; j <= m; j++) v += (x[j] - mean) ^ 2
        print k, n[k], sprintf("%.6g", mean), (n[k] > 1 ? sprintf("%.3g", sqrt(v / (n[k] - 1))) : "-")
    }
}'
