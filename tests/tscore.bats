#!/usr/bin/env bats
# tscore: what it reads, its columns, thresholds, curves and intervals. The formulas themselves: tests/c/test_metrics.c.

setup() {
    PATH="$BATS_TEST_DIRNAME/../bin:$PATH"
    stream=$BATS_TEST_DIRNAME/stream.py
    cd "$BATS_TEST_TMPDIR" || exit
}

# Lines "LABEL SCORE [FIELD...]" on standard input as a stream; the arguments are the header's fields.
scores() {
    awk '{printf "key=%d label=%s dtype=f32 fill=%s", NR, $1, $2; for (i = 3; i <= NF; i++) printf " %s", $i; print ""}' |
        python3 "$stream" make kind=scores "$@"
}

# column NAME ROW-NUMBER
column() {
    awk -F'\t' -v name="$1" -v row="${2-1}" 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == name) c = i} NR == row + 1 {print $c}' out
}

# 4 fakes and 5 reals; at .5: tp 3, fp 1, fn 1, tn 4
small() {
    scores "$@" <<'S'
fake .875
fake .75 source=a
real .625 source=b
fake .625 source=a
real .5 source=b
fake .25 source=b
real .25
real .125 source=b
real 0
S
}

@test "every metric of a small example, worked out by hand" {
    small positive=fake | tscore >out
    [ "$(head -n 1 out)" = "$(printf 'n\taccuracy\tprecision\trecall\tspecificity\tf1\tauc\tap\teer\tece\tbce\ttp\tfp\tfn\ttn\tthreshold\tpositive')" ]
    [ "$(column n) $(column tp) $(column fp) $(column fn) $(column tn)" = "9 3 1 1 4" ]
    [ "$(column accuracy)" = 0.777777778 ]
    [ "$(column precision) $(column recall) $(column specificity) $(column f1)" = "0.75 0.75 0.8 0.75" ]
    # pairs: .875 and .75 win 5 each, .625 wins 4 and ties 1, .25 wins 2 and ties 1
    [ "$(column auc)" = "0.85" ]
    # recall rises by 1/4 at precisions 1, 1, 3/4 and 4/7
    [ "$(column ap)" = "0.830357143" ]
    # from (1/5, 3/4) to (2/5, 3/4) the line fpr = 1 - tpr is crossed at 1/4
    [ "$(column eer)" = "0.25" ]
    python3 - "$(column bce)" "$(column ece)" <<'PY'
import sys, math
fake, real = [.875, .75, .625, .25], [.625, .5, .25, .125, 0]
clip = lambda p: min(max(p, 1e-7), 1 - 1e-7)
assert abs(float(sys.argv[1]) + (sum(math.log(clip(p)) for p in fake) + sum(math.log(1 - clip(p)) for p in real)) / 9) < 1e-8
bins = {}
for p, y in [(p, 1) for p in fake] + [(p, 0) for p in real]: bins.setdefault(int(p * 15), []).append(y - p)
assert abs(float(sys.argv[2]) - sum(abs(sum(b)) for b in bins.values()) / 9) < 1e-8
PY
    [ "$(column threshold) $(column positive)" = "0.5 fake" ]
}

@test "the positive class: what the stream says, what the user says, else fake" {
    small >plain.tns
    small positive=real >real.tns
    tscore plain.tns >out
    [ "$(column positive) $(column tp)" = "fake 3" ]
    tscore --positive real plain.tns >out
    [ "$(column positive) $(column tp) $(column tn)" = "real 1 1" ]
    tscore real.tns >out
    [ "$(column positive) $(column tp)" = "real 1" ]
    run tscore --positive fake real.tns
    [ "$status" = 3 ]
    [[ "$output" == *"real.tns: header: the scores are the probability of 'real', not of 'fake'"* ]]
    (small positive=fake; small positive=fake) | tscore >out
    [ "$(column n)" = 18 ]
    (small positive=fake; small positive=real) >mixed.tns
    run tscore mixed.tns
    [ "$status" = 3 ]
}

@test "thresholds: a number, where f1 is highest, and where it was on other scores" {
    small >a.tns
    tscore --threshold .6 a.tns >out
    [ "$(column tp) $(column fp) $(column threshold)" = "3 1 0.6" ]
    tscore --threshold .625 a.tns >out
    [ "$(column tp) $(column fp)" = "2 0" ]
    # from .625 down: 2*3/(4+4); with all above .25, 2*4/(4+7)
    tscore --threshold max-f1 a.tns >out
    [ "$(column threshold) $(column f1)" = "0.5625 0.75" ]
    printf 'fake .9\nfake .3\nreal .1\n' | scores >val.tns
    tscore --threshold val.tns a.tns >out
    awk -v t="$(column threshold)" 'BEGIN {exit !(t > .1999999 && t < .2000001)}'
    [ "$(column tp) $(column fp)" = "4 3" ]
    for t in 1.5 -1 -.1; do
        run tscore --threshold=$t a.tns
        [ "$status" = 2 ]
    done
    run tscore --threshold nothing.tns a.tns
    [ "$status" = 1 ]
    [[ "$output" == *"nothing.tns: No such file"* ]]
    echo 'real .5' | scores >none.tns
    run tscore --threshold none.tns a.tns
    [ "$status" = 1 ]
    [[ "$output" == *"none.tns: no record is labelled 'fake'"* ]]
}

@test "a row a value, and one for all" {
    small | tscore --by source >out
    [ "$(cut -f1 out | paste -sd' ')" = 'source * - a b' ]
    [ "$(cut -f2 out | paste -sd' ')" = 'n 9 3 2 4' ]
    [ "$(column recall 3) $(column specificity 3) $(column auc 3)" = "1 nan nan" ]
    [ "$(column tp 4) $(column fp 4) $(column fn 4) $(column tn 4)" = "0 1 1 2" ]
    printf 'fake .5 %s\n' 'source=a%09b"\' | scores >odd.tns
    tscore --by source odd.tns | tail -1 | grep -q '^a%09b"\\	1	'
    tscore --by source --json odd.tns | python3 -c 'import sys, json; rows = [json.loads(s) for s in sys.stdin]; assert [r["source"] for r in rows] == ["*", "a%09b\"\\"], rows'
}

@test "--json: the same figures, null where there is none" {
    small | tscore --by source >out
    small | tscore --by source --json >json
    python3 - <<'PY'
import json
rows = [json.loads(s) for s in open('json')]
lines = [s.rstrip('\n').split('\t') for s in open('out')]
for row, line in zip(rows, lines[1:], strict=True):
    assert list(row) == lines[0]
    for name, text in zip(lines[0], line):
        assert (row[name] is None and text == 'nan') or (row[name] == text) or row[name] == float(text), (name, text)
PY
}

@test "the curve: every distinct score, from nothing called positive to all" {
    small | tscore --curve curve.tsv >out
    [ "$(head -n 1 curve.tsv)" = "$(printf 'threshold\tfpr\ttpr\tprecision\ttp\tfp')" ]
    [ "$(cut -f1 curve.tsv | paste -sd' ')" = "threshold inf 0.875 0.75 0.625 0.5 0.25 0.125 0" ]
    [ "$(sed -n 2p curve.tsv | cut -f2-)" = "$(printf '0\t0\tnan\t0\t0')" ]
    [ "$(sed -n 5p curve.tsv | cut -f2-)" = "$(printf '0.2\t0.75\t0.75\t3\t1')" ]
    [ "$(tail -n 1 curve.tsv | cut -f2-)" = "$(printf '1\t1\t0.444444444\t4\t5')" ]
    # the trapezoids under it are the auc
    awk -F'\t' -v auc="$(column auc)" 'NR > 2 {a += ($2 - x) * ($3 + y) / 2} {x = $2; y = $3} END {d = a - auc; exit !(d < 1e-8 && d > -1e-8)}' curve.tsv
    small | tscore --by source --curve curve.tsv >out
    [ "$(tail -n +2 curve.tsv | cut -f1 | uniq -c | awk '{print $1 $2}' | paste -sd' ')" = "8* 4- 3a 5b" ]
    run tscore --curve no/such/dir/curve.tsv plain.tns
    [ "$status" = 1 ]
}

@test "intervals: seeded, the same for any -j, and by group" {
    awk 'BEGIN {srand(1); for (i = 0; i < 300; i++) {f = rand() < .5; printf "%s %.3f group=g%d\n", f ? "fake" : "real", (1.5 * rand() + f) / 2.5, i / 30}}' >lines
    scores <lines >grouped.tns
    sed 's/ group.*//' lines | scores >single.tns
    tscore --ci 200 -j1 single.tns >out
    [ "$(head -n 1 out | tr '\t' '\n' | grep -c '_low$\|_high$')" = 20 ]
    tscore --ci 200 -j3 single.tns | cmp - out
    awk -v l="$(column accuracy_low)" -v a="$(column accuracy)" -v h="$(column accuracy_high)" 'BEGIN {exit !(l < a && a < h && h - l < .15)}'
    tscore --ci 200 --seed 1 single.tns >other
    if cmp -s other out; then false; fi
    tscore --ci 200 grouped.tns >other
    [ "$(cut -f1-17 other)" = "$(cut -f1-17 out)" ]
    if cmp -s other out; then false; fi
}

@test "what isn't a score: the record and its key" {
    for bad in 1.5 -.1 nan; do
        echo "fake $bad" | scores >bad.tns
        run tscore bad.tns
        [ "$status" = 3 ]
        [[ "$output" == *"bad.tns: record 0 (key 1): "*"is no probability"* ]]
    done
    printf 'key=x label=fake dtype=f32 shape=2 fill=0\n' | python3 "$stream" make >bad.tns
    run tscore bad.tns
    [ "$status" = 3 ]
    [[ "$output" == *"record 0 (key x): is 2 of f32; a score is one number"* ]]
    printf 'key=x dtype=f32 fill=0\n' | python3 "$stream" make >bad.tns
    run tscore bad.tns
    [ "$status" = 3 ]
    [[ "$output" == *"has no label="* ]]
    scores </dev/null >bad.tns
    run tscore bad.tns
    [ "$status" = 1 ]
    [[ "$output" == *"no records"* ]]
    small | head -c 1000 >cut.tns
    run tscore cut.tns
    [ "$status" = 3 ]
    [ "$(small | tscore -o table && wc -l <table)" = 2 ]
}
