#!/usr/bin/env bats
# The study's makefiles at their smallest scale, on drawn photos: every table, figure and report; what is done again when something changes, and what isn't.

setup_file() {
    top=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
    export top
    export PATH="$top/bin:$PATH" O=$BATS_FILE_TMPDIR/o OMP_WAIT_POLICY=passive
    unset MAKEFLAGS MFLAGS MAKELEVEL
    export o=$O/smoke/drawn
    study all >"$BATS_FILE_TMPDIR/all.out" 2>&1 || { tail -n 20 "$BATS_FILE_TMPDIR/all.out" >&2; false; }
}

setup() {
    unset MAKEFLAGS MFLAGS MAKELEVEL
    cd "$BATS_TEST_TMPDIR" || exit
}

study() { make -C "$top/pipelines" -j2 SCALE=smoke OUT="$O" "$@"; }
# made ARGUMENTS...: the stages that make runs, without their folder
made() { study "$@" 2>&1 | sed -n 's/^  MAKE //p' | sed "s|$O/smoke/[^/]*/||g" | sort; }

@test "every row of tables 1 to 3 has a number, the study's beside it" {
    [ "$(cut -f1 "$o/table1.tsv" | xargs)" = "row insight inpainting text2img base base-ls base-ttur wgan wgan-ttur-a wgan-ttur-b insight-native inpainting-native text2img-native" ]
    [ "$(cut -f1,2 "$o/table2.tsv" | tail -n 2 | xargs)" = "insight-face 67.44 wgan-face 136.899" ]
    [ "$(cut -f4 "$o/table3.tsv" | xargs)" = "study_accuracy 0.99 0.59 0.86 0.77 0.67 0.60 - - -" ]
    # Average, floor and pooled distance are there in every row, and of draw's features, by name.
    for t in table1 table2; do awk -F'\t' 'NR > 1 && ($3 !~ /^[0-9]/ || $5 !~ /^[0-9]/ || $6 !~ /^[0-9]/ || $14 != "fd[draw]") {bad = 1} END {exit bad || NR < 3}' "$o/$t.tsv"; done
    # The confusion matrix adds up to n.
    awk -F'\t' 'NR > 1 && $3 != "-" {rows++; if ($16 + $17 + $18 + $19 != $3) bad = 1} END {exit bad || rows != 6}' "$o/table3.tsv"
    grep -q '	1 epochs, batch 16, rate 0.001, decay exp:.96,1000$' "$o/table3.tsv"
}

@test "the options are the study's" {
    grep -q -- '--smooth .9,0 ' "$o/base-ls.tns.cmd"
    grep -q -- '--lr-g 1e-4 --lr-d 3e-4 ' "$o/wgan-ttur-b.tns.cmd" && grep -q -- '--loss wgan-gp' "$o/wgan-ttur-b.tns.cmd"
    study -n table1 table3 SCALE=full DATA="$o/photos" >full
    grep -q -- 'tshuf --epochs 200 .*/base.state .*ganstep .* -b 128 ' full
    grep -q -- 'tsplit --counts 5000 ' full
    grep -q -- 'fidcalc .*--batches 100 --batch 128 ' full
    grep -q -- 'tshuf --epochs 15 .*/model5.state .*clsfit .* -b 128 ' full
    grep -q -- 'tshuf --epochs 10 .*/model1.state .*clsfit .* -b 64 ' full
    grep -q -- 'thead -n $((45000 / 3))' full && grep -q -- 'imgnorm .*--size 224 ' full && grep -q -- 'imgnorm .*--size 200 ' full
}

@test "the report is whole: tables, figures, and how each number was made" {
    for page in table1 table2 table3 figures report; do
        f=$o/$page.html
        tail -n 1 "$f" | grep -q '</html>'
        run grep -nE '(src|href)="[^d#]|url\(' "$f"
        [ "$status" = 1 ]
        for tag in table figure pre details dl h2 h3 svg ul; do
            [ "$(grep -oE "<${tag}[ >]" "$f" | wc -l)" = "$(grep -o "</$tag>" "$f" | wc -l)" ] || { echo "$page: $tag"; false; }
        done
    done
    f=$o/report.html
    [ "$(grep -c '<svg' "$f")" = 11 ] && [ "$(grep -c '<img ' "$f")" = 4 ]
    for row in insight base wgan-face model1 model6; do grep -q "<h3 id=\"$row\">" "$f" && grep -q "href=\"#$row\"" "$f"; done
    grep -q 'fd\[draw\] and not FID' "$f" && grep -q 'photos are drawn' "$f" && grep -q 'GROUPS=TABLE closes that leak' "$f"
    grep -qF "sha256 $(sha256sum <"$o/model1.scores.tns" | cut -d' ' -f1)" "$f"
    grep -q 'ganstep 0' "$f"
    # A page tells of nothing that it doesn't follow from: the figures of no scores, which may not be there yet.
    grep -q 'model3.tns<dd>sha256' "$o/figures.html" && grep -q 'score' "$o/table3.html"
    if grep -qE 'score(s.tns|.tsv)' "$o/figures.html"; then false; fi
}

@test "nobody stands on two sides of a split" {
    for s in m1 m2 face2 m6; do tcheck --disjoint group "$o/sets/$s.train.tns" "$o/sets/$s.val.tns" "$o/sets/$s.test.tns"; done
    tcheck --disjoint key "$o/sets/gan.train.tns" "$o/sets/gan.test.tns"
    # Copies that balance the classes are in no other part, and there are as many of each label.
    [ "$(tls "$o/sets/m1.train.tns" | grep -c label=real)" = "$(tls "$o/sets/m1.train.tns" | grep -c label=fake)" ]
    tls "$o/sets/m1.train.tns" | grep -q copy=1
}

# again STREAM [MODEL]: the script that STREAM holds, run from photos and models, writes the same bytes. MODEL: what was trained last.
again() {
    local program option name model
    tls --script "$o/$1" >script
    # A script names models by checksum. Which file that is follows from the program that ran it; a trainer's networks stand in its stage.
    while read -r program option name; do
        case $program.$option in
        faceyolo.model) model=models/face.tns ;;
        fidcalc.model) model=models/draw.tns ;;
        netrun.model) if grep -q "netrun .*--layer=pool.*$name" script; then model=$o/resnet50.tns; else model=$o/$2; fi ;;
        *) model=$(grep -oE -- "--$option [^ ]*" "$o/${2:-$1}.cmd" | cut -d' ' -f2) ;;
        esac
        export "$name=$model"
    done < <(grep -oE '^ *[a-z0-9]+ |--(model|gen|critic|net)="\$MODEL_[0-9a-f]+' script | awk '!/--/ {p = $1; next} {split($0, a, /="\$/); print p, substr(a[1], 3), a[2]}')
    rm -f state*
    (cd "$top/pipelines" && IN1=$o/photos/wiki IN2=$o/photos/insight IN3=$o/photos/inpainting IN4=$o/photos/text2img STATE1=$BATS_TEST_TMPDIR/state bash -euo pipefail) <script | cat >got
    cmp got "$o/$1" || { echo "$1"; cat script; return 1; }
}

@test "tls --script makes a stream of every kind again, byte for byte, from photos and models" {
    # Each script goes back to photos, so it makes the sets that its stream comes from too. Features of both sizes, a GAN; faces, and a GAN with a critic.
    again real.features.tns
    again native.features.tns
    again base.tns base.tns
    again wgan-face.tns wgan-face.tns
    # Reals and three generators' fakes, merged, parted, balanced; classifiers, on images and on what a network sees of them, and what they say.
    again sets/m1.train.tns
    again model3.tns model3.tns
    again model4.scores.tns model4.tns
    again model6.tns model6.tns
    again figure2.tns
}

@test "a second run makes nothing" {
    [ -z "$(made all)" ]
    study plan OF=report.html >plan
    grep -q '^0 of ' plan
}

@test "plan says what would run, and why; and nothing runs" {
    study plan OF=table1.html SEED=3 >plan
    grep -qE '^  wgan-face +[0-9]+ steps of [0-9.e-]+ s +[0-9.]+$' plan && grep -qE '^  model3 +[0-9]+ images of [0-9.e-]+ ms +[0-9.]+$' plan
    grep -qE '^  base.tns +sets/gan.train.tns will be new|^  base.tns +gan.train.tns will be new' plan
    grep -qE '^  table1.tsv +insight.score.tsv will be new' plan
    study plan OF=table1.html FID_BATCHES=3 >plan
    [ "$(grep -c 'its command has changed' plan)" = 12 ] && [ "$(grep -c '^  base.tns' plan)" = 0 ]
    # Of photos that nothing was made of yet; what this machine takes is known.
    mkdir "$O/smoke/photos"
    for f in rates.tsv.cmd rates.tsv; do sed "s|$o|$O/smoke/photos|g" "$o/$f" >"$O/smoke/photos/$f"; done
    study plan DATA="$o/photos" >plan
    grep -qE "^  base.tns +it isn't there" plan
    [ ! -e "$O/smoke/photos/base.tns" ]
    [ -z "$(made all)" ]
}

@test "an option runs its stage and what follows" {
    [ "$(made table3 DECAY=none | xargs -n1 | grep -v '^facts' | xargs)" = \
        "model3.score.tsv model3.scores.tns model3.tns model4.score.tsv model4.scores.tns model4.tns model5.score.tsv model5.scores.tns model5.tns model6.score.tsv model6.scores.tns model6.tns table3.html table3.tsv" ]
    made table3 >/dev/null
    [ -z "$(made table3)" ]
}

@test "sweeps: one variable's values beside each other, each with its own option" {
    study sweep-dropout DROPOUTS="0 90" sweep-depth DEPTHS=2 sweep-size SIZES=24 >/dev/null 2>&1
    cut -f1 "$o/sweep-dropout.tsv" | paste -sd ' ' | grep -qx 'row dropout-0 dropout-90'
    grep -q -e '--set drop=90' "$o/dropout-90.tns.cmd"
    grep -q -e '--set third=0' "$o/depth-2.tns.cmd"
    tls "$o/sets/at-24.test.tns" | cut -f3 | sort -u | grep -qx 24x24x3
    if study sweep-depth DEPTHS=7 2>/dev/null; then false; fi
}

@test "a stage is swapped by one variable: another program, one in another language" {
    study plan OF=table2.html CROP="python3 $top/examples/centre.py .5" >plan
    grep -q '^  sets/wiki.face.1.tns ' plan && grep -q '^  table2.html ' plan && [ "$(grep -c 'wiki.64' plan)" = 0 ]
    # Model 6's frozen network: as many features as it has, and no word of a random ResNet50 in the report.
    printf 'input 224x224x3 range=0:1\nc conv 4 8 stride=8\nrelu\ngap\n' >other.net
    wgt2tns --net other.net --random 1 -o other.tns
    swapped() { study table2 table3 OUT="$BATS_TEST_TMPDIR/b" CROP="python3 $top/examples/centre.py .5" BACKBONE="netrun -m $BATS_TEST_TMPDIR/other.tns" 2>&1; }
    swapped >out
    [ "$(swapped | grep -c '^  MAKE')" = 0 ]
    tls --script b/smoke/drawn/sets/wiki.face.1.tns | grep -q 'centre.py 0.5'
    tls b/smoke/drawn/sets/m6.train.tns | cut -f3 | sort -u | grep -qx 4
    if grep -q 'random weights' b/smoke/drawn/table3.html; then false; fi
    grep -q 'random weights' "$o/table3.html"
}

@test "one photo touched, of two shards: its shard and what follows" {
    cp -R "$o/photos" photos
    small() { study "$1" DATA="$BATS_TEST_TMPDIR/photos" SHARDS=2 2>&1 | sed -n 's/^  MAKE //p' | sed "s|$O/smoke/photos/||g" | sort; }
    target=$O/smoke/photos/base.score.tsv
    small "$target" >first
    grep -qx sets/wiki.64.1.tns first && grep -qx sets/wiki.64.2.tns first
    [ -z "$(small "$target")" ]
    # The same pixels, keys and order as from one process.
    tcat "$O"/smoke/photos/sets/wiki.64.[12].tns | cmp - <(tcat "$o/sets/wiki.64.1.tns")
    photo=$(find photos/wiki -name '*.jpg' | sort | tail -n 1)
    touch "$photo"
    [ "$(small "$target" | xargs)" = "base.score.tsv base.tns real.features.tns sets/gan.train.tns $O/smoke/photos/sets/gan.test.tns sets/wiki.64.2.tns" ] ||
        [ "$(small "$target" | wc -l)" = 0 ]
}

# interrupted SIGNAL FILE TARGET...: make, in a group of its own that gets SIGNAL as soon as FILE is there; what then stands under a final name is whole
interrupted() {
    local signal=$1 marker=$2 f
    rm -f out # of the last one: this make has begun when it is there
    setsid env --default-signal=INT make -C "$top/pipelines" -j2 SCALE=smoke OUT="$K" "${@:3}" >out 2>&1 3>&- & pid=$!
    until [ -e "$k/$marker" ] && grep -q '^  MAKE' out; do
        kill -0 $pid 2>/dev/null || { echo "make ended before $marker was there"; return 1; }
        sleep .02
    done
    kill "-$signal" -- -$pid
    wait $pid || true
    for _ in {1..600}; do
        kill -0 -- -$pid 2>/dev/null || break
        sleep .1
    done
    find "$k" -name '*.tns' -size +0 -print0 | xargs -0 tcheck
    for f in "$k"/*.svg "$k"/*.html; do [ ! -e "$f" ] || tail -n 2 "$f" | grep -qE '</(svg|html)>' || { echo "$f: half-written"; return 1; }; done
    for f in "$k"/*.png; do [ ! -e "$f" ] || [ "$(tail -c 8 "$f" | head -c 4)" = IEND ] || { echo "$f: half-written"; return 1; }; done
}

@test "killed in the middle, make leaves nothing half-written and goes on: GANs and their scores" {
    K=$BATS_TEST_TMPDIR/k k=$BATS_TEST_TMPDIR/k/smoke/drawn
    interrupted KILL base.state "$k/base.score.tsv" "$k/wgan.score.tsv"
    make -C "$top/pipelines" -j2 SCALE=smoke OUT="$K" "$k/base.score.tsv" "$k/wgan.score.tsv" >again 2>&1
    for f in {base,wgan}.{tns,score.tsv}; do cmp "$k/$f" "$o/$f"; done
}

@test "killed and interrupted at several moments: table 3 and the figures" {
    K=$O k=$o
    mkdir want
    (cd "$o" && cp -- sets/*.m1.*.tns sets/m[12].* model?.tns model?.scores.tns model?.score.tsv table3.tsv table3.html figure[0-9]* figures.html "$BATS_TEST_TMPDIR/want")
    # All that table 3 and the figures need is there, but for these.
    rm "$o"/sets/*.m1.*.tns "$o"/sets/m[12].* "$o"/model?.* "$o"/table3.* "$o"/figure[0-9]* "$o"/figures.html
    interrupted INT sets/insight.m1.1.tns table3
    interrupted KILL sets/m1.train.tns table3
    interrupted INT model1.state table3
    interrupted KILL model3.state table3
    interrupted INT model4.scores.tns table3 figures
    interrupted KILL figure1.png figures
    interrupted INT figure7-accuracy.svg figures
    study table3 figures >out 2>&1
    for f in want/*; do
        name=${f#want/}
        case $name in
        *.txt | *.cmd) continue ;;
        sets* | m[12].* | *.m1.*) cmp "$f" "$o/sets/$name" ;;
        *.html) diff "$f" "$o/$name" >differs || { head -n 20 differs | cut -c1-300; false; } ;;
        *) cmp "$f" "$o/$name" ;;
        esac
    done
    [ -z "$(made table3 figures)" ]
}

@test "faces are cut out of scenes by our own detector" {
    for kind in wiki:real:1 insight:fake:2 inpainting:fake:3 text2img:fake:4; do
        IFS=: read -r folder style seed <<<"$kind"
        drawface --scene -n 32 --size 320x240 --style "$style" --seed "$seed" | tns2img -d new --format jpeg
        mkdir -p "scenes/$folder/00"
        find new -name '*.jpg' -exec mv -t "scenes/$folder/00" {} +
    done
    s=$O/smoke/scenes
    study DATA="$PWD/scenes" FACE_EPOCHS=4 table2 "$s/model4.score.tsv" >out 2>&1
    # Crops of one size, each from a box in its scene that is large enough, with its photo's group; at most the surest of a scene.
    tls "$s/sets/wiki.face.1.tns" >crops
    [ "$(wc -l <crops)" -ge 24 ] && [ "$(wc -l <crops)" -le 32 ]
    [ "$(cut -f2 crops | sort -u | wc -l)" = "$(wc -l <crops)" ]
    grep -oE 'box=[^	]*' crops | tr '=,' '  ' | awk '{w = $4 - $2; h = $5 - $3; if (w < 23 || h < 23 || $2 < 0 || $3 < 0 || $4 > 320 || $5 > 240) bad = 1} END {exit bad || NR < 24}'
    [ "$(grep -c 'group=00/' crops)" = "$(wc -l <crops)" ]
    [ "$(cut -f3 crops | sort -u)" = 48x48x3 ]
    tcheck --disjoint group "$s"/sets/face2.{train,val,test}.tns
    awk -F'\t' 'NR > 1 && ($3 !~ /^[0-9]/ || $7 < 4) {bad = 1} END {exit bad || NR != 3}' "$s/table2.tsv"
    grep -q 'found by our own detector' "$s/table2.html"
}

@test "groups from a table; a folder that isn't there, a SCALE that is none" {
    cp -R "$o/photos" pairs
    (cd pairs && find wiki insight inpainting text2img -type f | awk -F/ -v OFS='\t' '{n = substr($3, 1, 6) + 0; print $0, "pair" int(n / 4)}') >groups.tsv
    study "$O/smoke/pairs/sets/m1.plain.train.tns" DATA="$BATS_TEST_TMPDIR/pairs" GROUPS="$BATS_TEST_TMPDIR/groups.tsv" >out 2>&1
    tls "$O/smoke/pairs/sets/m1.plain.train.tns" | grep -q 'group=pair'
    [ "$(tls --head "$O/smoke/pairs/sets/m1.plain.train.tns" | grep -c '^pg=.* imgnorm ')" = 4 ] # a history a folder
    [ "$(grep -c 'NOTE groups' out)" = 0 ]
    rm -r pairs/insight
    run study table1 DATA="$BATS_TEST_TMPDIR/pairs"
    [ "$status" != 0 ] && [[ $output = *"no folder "*insight* ]]
    run study table1 SCALE=medium
    [ "$status" != 0 ] && [[ $output = *"smoke, quick or full"* ]]
}

@test "in a tree without programs they are built first" {
    mkdir fresh
    cp -r "$top/pipelines" fresh/
    printf 'all:\n\tcp -r %s/bin bin\n' "$top" >fresh/Makefile
    make -C fresh/pipelines help >/dev/null
    [ ! -e fresh/bin ]
    make -C fresh/pipelines SCALE=smoke OUT="$PWD/o" "$PWD/o/smoke/drawn/photos.drawn" >/dev/null
    [ -x fresh/bin/imgnorm ]
    [ -e o/smoke/drawn/photos.drawn ]
}
