#!/usr/bin/env bats
# What goes beyond the study's tables, at less than its smallest scale: every experiment, every riddle, more photos to learn from.

setup_file() {
    top=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
    export top
    export PATH="$top/bin:$PATH" O=$BATS_FILE_TMPDIR/o OMP_WAIT_POLICY=passive
    unset MAKEFLAGS MFLAGS MAKELEVEL
    export o=$O/smoke/drawn
    cd "$BATS_FILE_TMPDIR" || exit
    # Photos to add, of which some are in the test under other names.
    study "$o/sets/gan.test.tns" >out 2>&1
    mkdir celeba imdb
    drawface -n 10 --size 64 --seed 7 | tns2img -d celeba --format jpeg
    drawface -n 6 --size 64 --seed 8 | tns2img -d imdb --format jpeg
    n=0
    for key in $(tls "$o/sets/gan.test.tns" | cut -f2 | head -n 3); do
        cp "$o/photos/$key" "imdb/other-$n.jpg"
        n=$((n + 1))
    done
    cp "$o/photos/$(tls "$o/sets/gan.train.tns" | cut -f2 | head -n 1)" celeba/known.jpg
    study beyond riddles extensions CELEBA="$PWD/celeba" IMDB_WIKI="$PWD/imdb" >out 2>&1 || { tail -n 20 out >&2; false; }
}

setup() {
    unset MAKEFLAGS MFLAGS MAKELEVEL
    cd "$BATS_TEST_TMPDIR" || exit
}

study() { make -C "$top/pipelines" -j2 SCALE=smoke OUT="$O" DRAWN_SIZE=64 FACE_MIN=12 SIZE_F=32 GAN_EPOCHS=1 FACE_EPOCHS=1 SAMPLES=8 CI=10 "$@"; }
rows() { cut -f1 "$o/$1.tsv" | sed 1d | xargs; }

@test "each experiment has its rows, with a number in each" {
    [ "$(rows architectures)" = 'dcgan hybrid fcc-gan base' ]
    [ "$(rows ttur-faces)" = 'wgan-face wgan-face-ttur-a wgan-face-ttur-b' ]
    [ "$(rows norms)" = 'wgan wgan-layer wgan-batch' ]
    for t in architectures ttur-faces norms extensions; do awk -F'\t' 'NR > 1 && ($3 !~ /^[0-9]/ || $6 !~ /^[0-9]/) {bad = 1} END {exit bad}' "$o/$t.tsv"; done
    [ "$(rows cross | wc -w)" = 9 ] && [ "$(rows leak)" = 'split-leaky split-held-apart' ]
    [ "$(rows jpeg)" = 'model3 jpeg-90 jpeg-60 jpeg-30' ] && [ "$(rows resize)" = 'model3 scale-.5 scale-.25' ]
    for t in cross leak jpeg resize; do awk -F'\t' 'NR > 1 && ($3 < 4 || $5 !~ /^[0-9]/ || $16 + $17 + $18 + $19 != $3) {bad = 1} END {exit bad}' "$o/$t.tsv"; done
    # Sizes of samples go up, and reals against reals stand beside.
    awk -F'\t' 'NR > 1 && ($1 <= n || $2 !~ /^[0-9]/ || $4 !~ /^[0-9]/) {bad = 1} {n = $1 + 0} END {exit bad || NR < 3}' "$o/sample-size.tsv"
    # Two seeds of three rows, each measure with its deviation; a precision is none where nothing was called positive.
    [ "$(rows seeds | xargs -n1 | uniq | xargs)" = 'base wgan model3' ]
    awk -F'\t' 'NR > 1 && $2 != "precision" && ($3 != 2 || $5 !~ /^[0-9]/) {print; bad = 1} END {exit bad || NR < 20}' "$o/seeds.tsv"
}

@test "a split by photo leaks groups, a split by group doesn't; one generator's fakes are alone in its set" {
    # Both splits know who belongs together by what stands below the folder.
    apart() { tls "$1" | cut -f2 | cut -d/ -f2- | sort -u; }
    [ "$(comm -12 <(apart "$o/sets/leaky.train.tns") <(apart "$o/sets/leaky.test.tns") | wc -l)" -gt 0 ]
    [ "$(comm -12 <(apart "$o/sets/held-apart.train.tns") <(apart "$o/sets/held-apart.test.tns") | wc -l)" = 0 ]
    [ "$(tls "$o/sets/one-insight.train.tns" | cut -f2 | cut -d/ -f1 | sort -u | xargs)" = 'insight wiki' ]
}

@test "photos that were saved again or made small are the test set's, changed" {
    for f in jpeg-30 scale-.25; do
        [ "$(tls "$o/sets/$f.tns" | cut -f2)" = "$(tls "$o/sets/m2.test.tns" | cut -f2)" ]
        run cmp -s "$o/sets/$f.tns" "$o/sets/m2.test.tns"
        [ "$status" = 1 ]
    done
}

@test "each riddle has its readings and a verdict" {
    [ "$(rows riddle-model1 | cut -d: -f1)" = 'dropout no-dropout changed-in-training verdict' ]
    [ "$(rows riddle-smoothing | cut -d: -f1)" = 'one-sided both-labels verdict' ]
    [ "$(rows riddle-ttur | cut -d: -f1)" = 'G=1e-4-D=3e-4 G=3e-4-D=1e-4 verdict' ]
    [ "$(rows riddle-batches | cut -d: -f1)" = 'average pooled to_infinity kid verdict' ]
    [ "$(rows riddle-positive | cut -d: -f1)" = 'model1 model2 model3 model4 model5 model6 verdict' ]
    # Two epochs of eight images show nothing, and are said to.
    grep -q 'verdict: within noise' "$o/riddle-ttur.tsv"
    grep -q '<td class=verdict colspan=7>Within noise' "$o/riddle-ttur.html"
    # Once seeds are known, their spread is the noise.
    study riddle-smoothing >out 2>&1
    [ "$(cut -f6 "$o/riddle-smoothing.tsv" | sed -n 2p)" = seeds ]
}

@test "more photos to learn from: none that the test has, under whatever name" {
    cd "$BATS_FILE_TMPDIR" || exit
    [ "$(rows extensions)" = 'wgan wgan-with-celeba wgan-with-imdb' ]
    [ "$(tls "$o/sets/imdb.1.tns" | wc -l)" = 6 ] && [ "$(tls "$o/sets/imdb.1.tns" | grep -c other-)" = 0 ]
    # What is in the training already may be in it twice.
    [ "$(tls "$o/sets/celeba.1.tns" | wc -l)" = 11 ]
    [ "$(tls "$o/sets/with-imdb.train.tns" | wc -l)" = $(($(tls "$o/sets/gan.train.tns" | wc -l) + 6)) ]
    tgrep --same "$o/sets/gan.test.tns" "$o/sets/with-imdb.train.tns" | tls >same
    [ ! -s same ]
    # Without either, the table is of the study's row.
    study -n extensions >dry
    [ "$(grep -c celeba dry)" = 0 ]
}

@test "every page is whole" {
    for page in architectures ttur-faces norms sample-size cross leak jpeg resize seeds extensions riddle-model1 riddle-positive riddle-batches riddle-smoothing riddle-ttur; do
        f=$o/$page.html
        tail -n 1 "$f" | grep -q '</html>'
        for tag in table figure pre details dl h2 h3 svg ul; do
            [ "$(grep -oE "<${tag}[ >]" "$f" | wc -l)" = "$(grep -o "</$tag>" "$f" | wc -l)" ] || { echo "$page: $tag"; false; }
        done
    done
}
