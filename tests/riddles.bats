#!/usr/bin/env bats
# What the study's scripts say of figures that are given here: verdicts and their noise, hours of what is planned, deviations over seeds, plots.

setup() {
    p=$(cd "$BATS_TEST_DIRNAME/../pipelines" && pwd)
    cd "$BATS_TEST_TMPDIR" || exit
}

# score ROW AVERAGE [DEVIATION]
score() { printf '%s\n' $'metric\tvalue' "fid	$2" "fid_avg	$2" ${3:+"fid_avg_sd	$3"} >"$1.score.tsv"; }
ratio() { "$p/riddle.sh" ratio . table1 base base-ls one-sided=base-ls both=both | tee all | tail -n 1 | cut -f1; }

@test "a ratio's verdict: nearest, on which side of 1, or within noise" {
    score base 100 1
    score base-ls 128 1 # the study's ratio is 1.284
    score both 90 1
    [ "$(ratio)" = "verdict: one-sided is nearest, and on the study's side of 1" ]
    [ "$(sed -n 2p all)" = $'one-sided\t128\t100\t1.280\t0.013\tbatches\t1.284' ]
    score base-ls 95 1
    [ "$(ratio)" = "verdict: one-sided is nearest, but on the other side of 1: no reading gives the pattern" ]
    # Readings that chance parts, and one that can't be told from the base.
    score both 94 1
    [[ $(ratio) = "verdict: within noise: the readings are no further apart"* ]]
    score base-ls 101 1
    score both 80 1
    [ "$(ratio)" = "verdict: within noise: one-sided is nearest, but can't be told from base" ]
    # No deviation, no claim.
    score base-ls 128
    [[ $(ratio) = *"no deviation is known, so it may be within noise" ]]
    # Seeds know more than batches.
    score base-ls 128 1
    printf 'row\tmeasure\tseeds\tmean\tdeviation\nbase\tfid_avg\t3\t100\t30\n' >seeds.tsv
    [[ $(ratio) = "verdict: within noise"* ]]
    [ "$(cut -f6 all | sed -n 2p)" = seeds ]
}

@test "an order's verdict names all that a swap of two rows wouldn't part" {
    printf 'row\tstudy\ta\tb\tc\n1\t10\t1\t1\t4\n2\t20\t2\t2\t3\n3\t30\t3\t3\t2\n4\t40\t4\t4\t1\n5\t-\t9\t9\t9\n' >t.tsv
    [ "$("$p/riddle.sh" order t.tsv a b c | tail -n 1 | cut -f1)" = "verdict: within noise: a, b order the rows as nearly as each other" ]
    [ "$("$p/riddle.sh" order t.tsv a c | tail -n 1)" = $'verdict: a orders the rows most as the study does\t1.000\t-' ]
    [ "$("$p/riddle.sh" order t.tsv c | sed -n 2p)" = $'c\t-1.000\t4' ]
}

@test "a gap's verdict asks whether training is in the interval of the test" {
    printf 'split\taccuracy\ntrain\t.7\ntrain\t.74\nval\t.98\nval2\t.99\n' >a.log.tsv
    printf 'accuracy\taccuracy_low\taccuracy_high\n.99\t.97\t1\n' >a.score.tsv
    gap() { "$p/riddle.sh" gap . x=a | tail -n 1 | cut -f1; }
    [ "$(gap)" = "verdict: x gives a test far above training, as the study has it (.74, .99)" ]
    printf 'accuracy\taccuracy_low\taccuracy_high\n.99\t.6\t1\n' >a.score.tsv
    [[ $(gap) = *"within noise: training is in the interval of the test" ]]
    printf 'accuracy\taccuracy_low\taccuracy_high\n.75\t.74\t.76\n' >a.score.tsv
    [[ $(gap) = "verdict: none gives the study's gap"* ]]
}

@test "the positive class of table 3 is real, by its own figures" {
    "$p/riddle.sh" positive >t
    [ "$(cut -f1,10 t | xargs)" = "row fits model1 either model2 either model3 either model4 real model5 real model6 either verdict: positive is real: 2 rows fit real alone, 0 fake alone, 4 either, 0 neither -" ]
    run "$p/riddle.sh" other
    [ "$status" = 2 ]
}

@test "mean and deviation over seeds, of both kinds of score" {
    score a 10
    score b 14
    printf 'n\taccuracy\tauc\n5\t.5\tnan\n' >c.score.tsv
    "$p/seeds.sh" r=a.score.tsv r=b.score.tsv m=c.score.tsv >t
    [ "$(sed -n 2p t)" = $'r\tfid\t2\t12\t2.83' ]
    [ "$(tail -n 1 t)" = $'m\taccuracy\t1\t0.5\t-' ] && [ "$(wc -l <t)" = 4 ]
    [ "$(ls)" = "$(printf '%s\n' a.score.tsv b.score.tsv c.score.tsv t)" ]
}

@test "hours are of the rows that the plan trains" {
    printf 'bce\t10\nwgan\t50\nscore\t.1\nmodel3\t.2\n' >rates
    printf '%s\n' '  base.tns    new' '  wgan.score.tsv   new' '  sets/m.tns  new' '3 of 9 stages' >plan
    "$p/hours.sh" rates 100 20 8 5 36 'base bce 4' 'wgan wgan 4' 'model3 model3 2 30' <plan >out
    [ "$(head -n 4 out)" = "$(cat plan)" ] && [ "$(wc -l <out)" = 7 ]
    [ "$(sed -n 6p out | xargs)" = "base 40 steps of 10 s 0.11" ]
    [ "$(echo '0 of 9 stages' | "$p/hours.sh" rates 100 20 8 5 36 'base bce 4')" = '0 of 9 stages' ]
}

@test "plots: long logs with an average, short ones, whole ones, points" {
    { echo $'step\tloss\tother\tloss_sd\tsplit'; for i in {1..100}; do echo "$i	$((i % 7 + 1))	2	.5	s$((i % 2))"; done; } >l.tsv
    "$p/plot.sh" -l -o a.svg step loss one=l.tsv two=l.tsv:other
    "$p/plot.sh" -w -c ff0000 -y 'of it' -s 'set xrange [0:200]' -o b.svg step loss one=l.tsv
    "$p/plot.sh" -p -o c.svg step loss even=l.tsv:split=s0
    for f in a b c; do tail -n 1 $f.svg | grep -q '</svg>' && grep -q 'role="img"' $f.svg && grep -q currentColor $f.svg; done
    grep -q '>of it<' b.svg && grep -qi '255, *0, *0' b.svg && grep -q '>two<' a.svg
    run "$p/plot.sh" -o d.svg step none one=l.tsv
    [ "$status" != 0 ] && [[ $output = *"no column none"* ]] && [ ! -e d.svg ]
    run "$p/plot.sh" step loss one=l.tsv
    [ "$status" = 2 ]
}
