#!/usr/bin/env bash
# table.sh fid|class TABLE DIR ROW...: a table as TSV from DIR/ROW.score.tsv, the study's figures (study.tsv) beside ours; "-" where there is none.
set -euo pipefail
[ $# -ge 4 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
kind=$1 table=$2 dir=$3
shift 3
study="$(dirname "$0")/study.tsv"

# study ROW MEASURE
study() { awk -F'\t' -v t="$table" -v r="$1" -v m="$2" '$1 == t && $2 == r && $3 == m {print $4; found = 1} END {if (!found) print "-"}' "$study"; }

fid() {
    printf '%s\t' row study average deviation floor pooled n_real n_fake to_infinity kid kid_deviation precision recall | sed 's/\t$/\tmetric\n/'
    for row; do
        awk -F'\t' -v OFS='\t' -v row="$row" -v study="$(study "$row" fid)" '
        function of(name) {return name in v && v[name] != "" && v[name] != "-" ? sprintf("%.6g", v[name]) : "-"}
        NR == 2 {metric = $1; n = $5; m = $6}
        NR > 1 {name = $1; sub(/\[[^]]*\]/, "", name); sub(/^f[i]?d/, "d", name); sub(/^k[i]?d/, "k", name); v[name] = $2}
        END {print row, study, of("d_avg"), of("d_avg_sd"), of("d_avg_floor"), of("d"), n, m, of("d_inf"), of("k"), of("k_sd"), of("precision"), of("recall"), metric}' "$dir/$row.score.tsv"
    done
}

# What the study leaves open, as this row had it.
settings() {
    case $1 in facts-*) echo 'logistic regression on file facts and mean colour'; return ;; esac
    [ -e "$dir/$1.tns" ] || { sed 's/^netrun -m \([^ ]*\).* \([^ ]*\)$/\1 on \2/; s|[^ ]*/||g' "$dir/$1.scores.tns.cmd"; return; }
    thead -n 0 "$dir/$1.tns" | tls --head | sed -n 's/^pg=.* tshuf .*--epochs=\([0-9]*\).*/\1 epochs/p
        s/^pg=.* clsfit .*--batch=\([0-9]*\).*--lr=\([^ ]*\) --lr-decay=\([^ ]*\).*/batch \1, rate \2, decay \3/p' | tail -n 2 | paste -sd, | sed 's/,/, /'
}

# Scores of tscore, or the log of clsfit --facts, whose last row is the test set's.
class() {
    printf '%s\t' row positive n study_accuracy accuracy interval study_loss loss study_precision precision study_recall recall recall_negative auc eer tp fp fn tn | sed 's/\t$/\tsettings\n/'
    for row; do
        awk -F'\t' -v OFS='\t' -v row="$row" -v sa="$(study "$row" accuracy)" -v sl="$(study "$row" loss)" -v sp="$(study "$row" precision)" -v sr="$(study "$row" recall)" \
            -v settings="$(settings "$row")" '
        function of(name, form) {return name in at && $at[name] != "" && $at[name] != "nan" ? sprintf(form ? form : "%.3f", $at[name]) : "-"}
        NR == 1 {for (i = 1; i <= NF; i++) at[$i] = i}
        {line = $0}
        END {
            $0 = line
            loss = "bce" in at ? "bce" : "loss"
            print row, "positive" in at ? $at["positive"] : "fake", of("n", "%d"), sa, of("accuracy"), "accuracy_low" in at ? of("accuracy_low") " to " of("accuracy_high") : "-", \
                sl, of(loss), sp, of("precision"), sr, of("recall"), of("specificity"), of("auc"), of("eer"), of("tp", "%d"), of("fp", "%d"), of("fn", "%d"), of("tn", "%d"), settings
        }' "$dir/$row.score.tsv"
    done
}

case $kind in
fid | class) "$kind" "$@" ;;
*) echo "table.sh: $kind: fid or class" >&2; exit 2 ;;
esac
