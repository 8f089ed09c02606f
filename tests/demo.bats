#!/usr/bin/env bats
# The demo from photos to report, small; and what becomes of it when it is stopped, changed, or given other photos.

setup_file() {
    export top=$BATS_FILE_TMPDIR/top
    mkdir "$top"
    ln -s "$(cd "$BATS_TEST_DIRNAME/.." && pwd)"/{bin,pipelines} "$top"
    # Networks of a few filters, for images of 16x16.
    cat >"$top/gen.net" <<'END'
input 8
fc dense 128
relu
reshape 4x4x8
up1 convt 8 5 stride=2 crop=1,2
bn batchnorm eps=1e-3 momentum=.9
relu
up2 convt 3 5 stride=2 crop=1,2
tanh
END
    cat >"$top/critic.net" <<'END'
input 16x16x3
c1 conv 8 4 stride=2 pad=1
leaky .2
c2 conv 8 4 stride=2 pad=1
bn batchnorm eps=1e-3 momentum=.9
leaky .2
c3 conv 1 4
flatten
END
}

setup() {
    unset MAKEFLAGS MFLAGS MAKELEVEL
    cd "$top" || exit
    PATH="$top/bin:$PATH"
    d=build/demo/drawn
}

demo() { make -f pipelines/demo.mk -j2 PHOTOS=40 SIZE=16 BATCH=8 GEN=gen.net CRITIC=critic.net STEPS=30 CLASSIFIED=60 EPOCHS=2 "$@"; }

@test "photos are drawn, standardised, learnt from and reported on" {
    demo >out
    [ "$(tail -n 1 out)" = "  DONE build/demo/report.html" ]
    [ "$(find $d/photos -name '*.jpg' -o -name '*.jpeg' | wc -l)" = 40 ]
    faces=$(tls $d/images.tns | wc -l)
    [ "$faces" -ge 50 ]
    [ "$(tls $d/images.tns | grep -c 'box=.*conf=.*landmarks=')" = "$faces" ]
    grep -qE '^photos/draw/.*\.jpg	small$' $d/drops.tsv
    [ "$(wc -l <$d/log.tsv)" = 31 ]
    tcheck $d/model.tns $d/samples.tns
    r=build/demo/report.html
    [ "$(grep -c '<img alt=.* src="data:image/png;base64,' $r)" = 5 ]
    [ "$(grep -c '<svg' $r)" = 7 ] && [ "$(grep -c '</svg>' $r)" = 7 ]
    # A score at each of ten steps and the first, and of the final model; called what it is.
    [ "$(cut -f2 $d/scores.tsv | sort | uniq -c | awk '{print $1 $2}' | xargs)" = '11fd[draw] 1metric' ]
    grep -qF '<td>fd[draw]_avg_floor<br>' $r && grep -q "isn't FID" $r
    grep -q '<th>steps</th><td>30 of 30</td>' $r
    grep -q '<th>photos</th><td>40</td>' $r && grep -q "<th>faces cut out of them</th><td>$faces</td>" $r
    grep -q 'faceyolo .* --size 16 --drops build/demo/drawn/drops.tsv' $r
    # The classifier: its confusion matrix is of all that it was tested on, and the floor stands beside it.
    c=build/demo/classifier
    tested=$(tls $c/test.tns | wc -l)
    [ "$tested" -ge 5 ]
    [ "$(grep -o "<th>is [a-z]*</th><td>[0-9]*</td><td>[0-9]*" $r | grep -o "[0-9]*" | awk "{n += \$1} END {print n}")" = "$tested" ]
    grep -q 'The shortcut floor' $r
    [ "$(grep -c '^<span>\|<span>30</span>' $r)" -ge 10 ]
    # Self-contained, finished, and every page-wide element closed.
    run grep -E 'http-equiv="refresh"|(src|href)="[^d#]' $r
    [ "$status" = 1 ]
    for tag in figure table div pre p h2 svg; do
        [ "$(grep -oE "<${tag}[ >]" $r | wc -l)" = "$(grep -o "</$tag>" $r | wc -l)" ] || { echo "$tag"; false; }
    done
}

@test "a second run does nothing; a changed option redoes what depends on it" {
    demo >out
    demo >out
    [ "$(cat out)" = "  DONE build/demo/report.html" ]
    demo LR_D=1e-3 >out
    [ "$(grep -c MAKE out)" = 5 ]
    grep -q "MAKE $d/scores.tsv" out && grep -q "MAKE $d/score.tsv" out && grep -q "MAKE $d/model.tns" out && grep -q "MAKE $d/final.png" out && grep -q "MAKE $d/report.html" out
    grep -q 'discriminator 1e-3' build/demo/report.html
}

@test "killed while training, it goes on from its checkpoint to the same model" {
    demo SEED=7 STEPS=400 >out
    mv $d/model.tns whole.tns
    rm $d/state.tns $d/log.tsv $d/samples.tns
    # Killed as one process group, after the first checkpoint.
    setsid bash -c "$(declare -f demo); demo SEED=7 STEPS=400" &
    pid=$!
    until [ -e $d/state.tns ]; do kill -0 $pid; sleep .02; done
    kill -KILL -- -$pid
    wait $pid || true
    [ ! -e $d/model.tns ]
    mkdir saw && cp $d/log.tsv saw
    demo SEED=7 STEPS=400 >out
    [ "$(grep -c MAKE out)" = 5 ]
    cmp $d/model.tns whole.tns
    # The first rows are those of the killed run: it went on, and didn't begin anew.
    head -n 26 saw/log.tsv | cmp - <(head -n 26 $d/log.tsv)
    [ "$(wc -l <$d/log.tsv)" = 401 ]
}

@test "DATA=DIR: one's own photos, whatever their names, in a directory of their own" {
    photos="o'photos \$x"
    mkdir "$photos"
    drawface -n 20 --size 24 --seed 3 | tns2img -d "$photos" --format jpeg
    first=$(find "$photos" -name '*.jp*g' | sort | head -n 1)
    mv "$first" "$photos/one & <b> it's"$'\n'"one.jpg"
    echo 'no photo' >"$photos/broken.jpg"
    demo DATA="${photos//\$/\$\$}/" >out
    n='demo/o_photos__x'
    [ "$(readlink build/demo/report.html)" = 'o_photos__x/report.html' ]
    [ "$(tls build/$n/images.tns | wc -l)" = 20 ]
    [ ! -e build/$n/found.png ]
    grep -q '<th>photos</th><td>21, 1 of them dropped (not readable)</td>' build/demo/report.html
    demo DATA="${photos//\$/\$\$}/" >out
    [ "$(cat out)" = "  DONE build/demo/report.html" ]
    demo >out
    [ "$(readlink build/demo/report.html)" = 'drawn/report.html' ]
}

@test "a page that is still filling says so, renews itself, and is whole" {
    demo >out
    rm $d/final.png $d/model.tns
    head -n 12 $d/log.tsv >cut.tmp && printf '12\t0\t.5' >>cut.tmp && mv cut.tmp $d/log.tsv
    # A stream caught while it grows.
    head -c 20000 $d/samples.tns >cut.tmp && mv cut.tmp $d/samples.tns
    pipelines/report.sh --live $d & pid=$!
    # As long as it takes: the machine may have other work.
    for _ in {1..600}; do
        ! grep -q 'http-equiv="refresh"' $d/report.html || break
        sleep .1
    done
    kill $pid
    wait $pid || true
    grep -q 'http-equiv="refresh"' $d/report.html
    grep -q 'step 11 of 30' $d/report.html
    tail -n 1 $d/report.html | grep -q '</html>'
    [ "$(find $d -name '*.new' | wc -l)" = 0 ]
}

@test "wrong usage of report.sh, and a report of nothing, fail" {
    run pipelines/report.sh
    [ "$status" = 2 ]
    run pipelines/report.sh nowhere
    [ "$status" = 2 ]
    mkdir empty
    run pipelines/report.sh empty
    [ "$status" != 0 ] && [ ! -e empty/report.html ]
}
