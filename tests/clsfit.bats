#!/usr/bin/env bats
# clsfit: training on images and on features, its files, going on after being killed, and what it refuses.

bats_require_minimum_version 1.5.0

setup() {
    PATH="$BATS_TEST_DIRNAME/../bin:$PATH"
    stream=$BATS_TEST_DIRNAME/stream.py
    cd "$BATS_TEST_TMPDIR" || exit
    cat >small.net <<'NET'
# open: takes the size of the first record
input
c1    conv 6 3 stride=2
      relu
bn1   batchnorm momentum=.9
      maxpool 2
      dropout .25
      flatten
d1    dense 8
      relu
d2    dense 1
      sigmoid
NET
    printf 'input\nd dense 4\nleaky .1\ne dense 1\nsigmoid\n' >vector.net
}

# Plain images of two brightnesses, which any network can tell apart: images N [SEED]
images() {
    awk -v n="$1" -v s="${2-1}" 'BEGIN {srand(s); for (i = 0; i < n; i++) {fake = rand() < .5
        printf "key=%d.%d label=%s shape=12x12x3 fill=%d\n", s, i, fake ? "fake" : "real", (fake ? 130 : 60) + 60 * rand()}}' | python3 "$stream" make
}

# The same as vectors of two numbers.
vectors() {
    awk -v n="$1" -v s="${2-1}" 'BEGIN {srand(s); for (i = 0; i < n; i++) {fake = rand() < .3
        printf "key=%d.%d label=%s dtype=f32 shape=2 fill=%g\n", s, i, fake ? "fake" : "real", fake + rand() * 1.8}}' |
        python3 "$stream" make kind=features
}

# train STATE-PREFIX [OPTION...]: the whole pipeline, as a user would start it and start it again
train() {
    local p=$1
    shift
    tshuf --epochs "${epochs-3}" --from "$p.state" train.tns |
        clsfit --net "${net-small.net}" --state "$p.state" -b 8 --log "$p.tsv" --save "$p.tns" --save-every 5 -j 1 "$@"
}

# A log without its last column, the seconds.
timeless() { cut -f1-9 "$1"; }

# cell FILE SPLIT COLUMN: of the last epoch
cell() {
    awk -F'\t' -v row="$2" -v name="$3" 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == name) c = i} $3 == row {v = $c} END {print v}' "$1"
}

# The label and the number of each record of one number.
scored() {
    python3 -c 'import sys, struct; sys.path.insert(0, sys.argv[1]); import tns
for f in tns.read(open(sys.argv[2], "rb")):
    if f[0] == "R": print(dict(f[3])["label"], *struct.unpack("<f", f[4]))' "$BATS_TEST_DIRNAME/../formats" "$1"
}

@test "it learns: a log of every split and epoch, a state, and a model that netrun runs" {
    images 90 >train.tns
    images 40 2 >val.tns
    train a --val val.tns --val train.tns --lr .01 -v
    tcheck a.state a.tns
    [ "$(head -n 1 a.tsv)" = "$(printf 'epoch\tstep\tsplit\tloss\tpenalty\taccuracy\tprecision\trecall\tauc\tseconds')" ]
    [ "$(tail -n +2 a.tsv | cut -f1-3)" = "$(for e in 0 1 2; do for s in train val val2; do printf '%d\t%d\t%s\n' $e $((12 * e + 12)) $s; done; done)" ]
    [ "$(cell a.tsv val accuracy)" = 1 ]
    [ "$(cell a.tsv val auc)" = 1 ]
    tls --head a.state | grep -qx cursor=2:90
    tls --head a.tns | grep -qx positive=fake
    tls --head a.tns | grep -q '^net=.*input 12x12x3%0A.*sigmoid'
    netrun -m a.tns val.tns -o scores.tns
    tls --head scores.tns | grep -qx kind=scores
    tls --head scores.tns | grep -qx positive=fake
    [ "$(scored scores.tns | wc -l)" = 40 ]
    scored scores.tns | awk '{if (($1 == "fake") != ($2 > .5)) exit 1}'
    netrun -m a.state val.tns | tns2npy | cmp - <(tns2npy scores.tns)
    [ "$(netrun -m a.tns --layer d1 val.tns | tls | head -1 | cut -f3)" = 8 ]
}

@test "the split that is the training set, scored as netrun does" {
    images 50 >train.tns
    train a --val train.tns
    netrun -m a.tns train.tns -o scores.tns
    # cross-entropy and accuracy by hand
    scored scores.tns |
        awk -v loss="$(cell a.tsv val loss)" -v accuracy="$(cell a.tsv val accuracy)" '
            {fake = $1 == "fake"; sum -= log(fake ? $2 : 1 - $2); right += fake == ($2 > .5)}
            END {d = sum / NR - loss; exit !(NR == 50 && d < 1e-5 && d > -1e-5 && right / NR - accuracy < 1e-6)}'
}

@test "feature vectors, another positive class, a class that is rare" {
    vectors 200 >train.tns
    net=vector.net epochs=20 train a --val train.tns --lr .03
    awk -v a="$(cell a.tsv val auc)" 'BEGIN {exit !(a > .9)}'
    net=vector.net epochs=20 train b --val train.tns --lr .03 --positive real
    # the other way round: its negative class is recalled as the first one's positive
    awk -v a="$(cell b.tsv val recall)" 'BEGIN {exit !(a > .9)}'
    tls --head b.tns | grep -qx positive=real
    net=vector.net epochs=4 train c --val train.tns --lr .01
    net=vector.net epochs=4 train d --val train.tns --lr .01 --class-weight auto
    awk -v c="$(cell c.tsv val recall)" -v d="$(cell d.tsv val recall)" 'BEGIN {exit !(d > c)}'
}

@test "the same seed gives the same bytes, another seed others" {
    images 40 >train.tns
    train a
    train b
    train c --seed 1
    cmp a.tns b.tns
    cmp a.state b.state
    diff <(timeless a.tsv) <(timeless b.tsv)
    if cmp -s <(tail -c 3000 a.tns) <(tail -c 3000 c.tns); then false; fi
}

@test "--bf16: close to the training in float, and refused where the processor can't" {
    images 40 >train.tns
    train f
    run -1 env FACADE_KERNELS=generic clsfit --net small.net --state g.state --bf16 train.tns
    [[ $output == *"--bf16 needs a processor"*"leave it out"* ]]
    run train a --bf16
    if [ "$status" = 1 ] && [[ $output == *"--bf16 needs a processor"* ]]; then skip "no AMX here"; fi
    [ "$status" = 0 ]
    if cmp -s a.tns f.tns; then false; fi
    awk -v a="$(cell a.tsv train loss)" -v f="$(cell f.tsv train loss)" 'BEGIN {d = a - f; exit !(d < .05 && d > -.05)}'
}

@test "killed at any moment and started again: the same bytes" {
    images 60 >train.tns
    images 20 2 >val.tns
    export epochs=12
    options=(--val val.tns --class-weight auto --lr-decay 'plateau:.5,2' --early-stop 11)
    train whole "${options[@]}"
    for delay in .02 .05 .08 .1 .12 .15 .2; do
        setsid bash -c "$(declare -f train); train cut ${options[*]}" &
        pid=$!
        sleep $delay
        kill -KILL -- -$pid 2>/dev/null || true
        wait $pid || true
    done
    train cut "${options[@]}"
    cmp whole.state cut.state
    cmp whole.tns cut.tns
    diff <(timeless whole.tsv) <(timeless cut.tsv)
    [ "$(tail -n +2 cut.tsv | wc -l)" = 24 ]
}

@test "more epochs go on where fewer ended; one that is over does nothing" {
    images 40 >train.tns
    train cut
    before=$(cksum <cut.state; timeless cut.tsv)
    train cut
    [ "$before" = "$(cksum <cut.state; timeless cut.tsv)" ]
    train a
    cmp a.tns cut.tns
    # the header says another --epochs: another data set
    epochs=5 run train cut
    [ "$status" = 1 ]
    [[ "$output" == *"other data"* ]]
    clsfit --net small.net --state c --log c.tsv -b 8 -j 1 train.tns
    clsfit --net small.net --state c --log c.tsv -b 8 -j 1 train.tns
    [ "$(tail -n +2 c.tsv | wc -l)" = 1 ]
}

@test "every option changes the training" {
    images 40 >train.tns
    images 20 2 >val.tns
    for options in '' '--optimizer sgd' '--optimizer sgd --momentum .9' '--lr 1e-4' '--lr-decay exp:.9,2' '--lr-decay cosine:10' '--l2 .01' '-b 16' '--class-weight auto' '--seed 4'; do
        # shellcheck disable=SC2086
        train x --val val.tns $options
        tail -n +2 x.tsv | cut -f1-9 | md5sum >>all
        rm x.*
    done
    [ "$(sort -u all | wc -l)" = 10 ]
}

@test "penalties: --l2 for all, l2= a layer, and they are logged apart" {
    vectors 40 >train.tns
    printf 'input\nd dense 4 l2=.5\nleaky .1\ne dense 1 l2=0\nsigmoid\n' >a.net
    net=a.net epochs=1 train a --l2 3
    net=vector.net epochs=1 train b
    net=vector.net epochs=1 train c --l2 .5
    [ "$(cell b.tsv train penalty)" = 0 ]
    penalty() { python3 -c 'import sys, struct; sys.path.insert(0, sys.argv[1]); import tns
print(sum(.5 * x * x for f in tns.read(open(sys.argv[2], "rb")) if dict(f[3]).get("key", "") in sys.argv[3:] for x in struct.unpack("<%df" % (len(f[4]) // 4), f[4])))' \
        "$BATS_TEST_DIRNAME/../formats" "$@"; }
    python3 -c 'import sys; a, b, c, d = map(float, sys.argv[1:]); assert abs(a - b) < 1e-6 * a and abs(c - d) < 1e-6 * c and c > a' \
        "$(cell a.tsv train penalty)" "$(penalty a.tns d.weight)" "$(cell c.tsv train penalty)" "$(penalty c.tns d.weight e.weight)"
}

@test "early stopping ends the pipeline, and keeps the best epoch" {
    images 30 >train.tns
    # what is learnt is wrong there, so the first epochs are the best
    awk 'BEGIN {for (i = 0; i < 20; i++) printf "key=v%d label=%s shape=12x12x3 fill=%d\n", i, i % 2 ? "real" : "fake", i % 2 ? 180 : 70}' |
        python3 "$stream" make >val.tns
    epochs=200 train a --val val.tns --early-stop 3 --lr .01
    rows=$(grep -c val a.tsv)
    [ "$rows" -lt 60 ]
    best=$(grep val a.tsv | sort -t"$(printf '\t')" -gk4,4 | head -1 | cut -f1)
    [ "$rows" = $((best + 4)) ]
    # the saved model is the best epoch's
    netrun -m a.tns val.tns -o scores.tns
    scored scores.tns | awk -v loss="$(grep val a.tsv | cut -f4 | sort -g | head -1)" '
        {sum -= log($1 == "fake" ? $2 : 1 - $2)} END {d = sum / NR / loss - 1; exit !(NR == 20 && d < 1e-4 && d > -1e-4)}'
    before=$(cksum <a.state)
    epochs=200 train a --val val.tns --early-stop 3 --lr .01
    [ "$before" = "$(cksum <a.state)" ]
    run clsfit --net small.net --state s --early-stop 3 train.tns
    [ "$status" = 2 ]
}

@test "a state of another training is refused, and left alone" {
    images 20 >train.tns
    train a
    before=$(cksum <a.state)
    for options in '--lr 2e-3' '--seed 3' '-b 4' '--positive real'; do
        # shellcheck disable=SC2086
        run train a $options
        [ "$status" = 1 ]
        [[ "$output" == *"a.state: was trained with other options"* ]]
    done
    sed -i 's/dropout .25/dropout .3/' small.net
    run train a
    [ "$status" = 1 ]
    [[ "$output" == *"another network"* ]]
    [ "$before" = "$(cksum <a.state)" ]
    printf 'X' | dd of=a.state bs=1 seek=3000 conv=notrunc status=none
    run train a
    [ "$status" = 3 ]
    run clsfit --net small.net --state train.tns train.tns
    [ "$status" = 1 ]
}

@test "data that don't fit: the record, its key and what to do" {
    images 20 >train.tns
    (images 9 && printf 'key=x label=real shape=10x12x3\n' | python3 "$stream" make) | tcat >mixed.tns
    run clsfit --net small.net --state s mixed.tns
    [ "$status" = 3 ]
    [[ "$output" == *"mixed.tns: record 9 (key x): is 10x12x3 of u8; the network wants 12x12x3"*"imgnorm --size"* ]]
    printf 'key=x shape=12x12x3\n' | python3 "$stream" make >bare.tns
    run clsfit --net small.net --state s bare.tns
    [ "$status" = 3 ]
    [[ "$output" == *"record 0 (key x): has no label="* ]]
    run clsfit --net small.net --state s --positive cat train.tns
    [ "$status" = 1 ]
    [[ "$output" == *"labelled otherwise than 'cat'"*"--positive"* ]]
    printf '' | python3 "$stream" make >empty.tns
    run clsfit --net small.net --state s empty.tns
    [ "$status" = 1 ]
    [[ "$output" == *"no records"* ]]
    run clsfit --net small.net --state s --val empty.tns train.tns
    [ "$status" = 3 ]
    [[ "$output" == *"empty.tns: no records"* ]]
    run clsfit --net small.net --state s2 --val bare.tns train.tns
    [ "$status" = 3 ]
    [[ "$output" == *"bare.tns: record 0 (key x): has no label="* ]]
    head -c 6000 train.tns >cut.tns
    run clsfit --net small.net --state s3 --save final cut.tns
    [ "$status" = 3 ]
    [ ! -e final ]
}

@test "networks that are no classifiers are named" {
    images 20 >train.tns
    sed '$d' small.net >a.net
    run clsfit --net a.net --state s train.tns
    [ "$status" = 2 ]
    [[ "$output" == *"a.net:11: a classifier's last line is \`sigmoid\`"* ]]
    sed 's/dense 1$/dense 2/' small.net >a.net
    run clsfit --net a.net --state s train.tns
    [ "$status" = 2 ]
    [[ "$output" == *"a.net:12: a classifier gives one number a sample, this gives 1x1x2"* ]]
    sed 's/relu/gelu/' small.net >a.net
    run clsfit --net a.net --state s train.tns
    [ "$status" = 2 ]
    [[ "$output" == *"a.net:4: "*"inference only"* ]]
    for options in '--lr-decay exp:2,3' '--lr-decay exp:.5' '--lr-decay cosine:0' '--lr-decay fall' '--lr-decay plateau:.1,x'; do
        # shellcheck disable=SC2086
        run clsfit --net small.net --state s $options train.tns
        [ "$status" = 2 ]
    done
    run clsfit --net small.net train.tns
    [ "$status" = 2 ]
}

@test "a loss that isn't finite ends the training, and the last good state stays" {
    for i in $(seq 24); do echo "key=$i dtype=f32 label=$([ $((i % 2)) = 0 ] && echo real || echo fake) shape=2 fill=$([ "$i" -le 16 ] && echo ".$i" || echo nan)"; done |
        python3 "$stream" make kind=features >bad.tns
    run clsfit --net vector.net --state s -b 8 --save-every 1 --save final -j 1 bad.tns
    [ "$status" = 1 ]
    [[ "$output" == *"clsfit: step 3: "*"isn't finite"* ]]
    tls --head s | grep -qx step=2:0
    [ ! -e final ]
}

@test "state and model can be made again from the history they carry" {
    images 20 >train.tns
    train a
    for f in a.state a.tns; do
        tls --script $f >script
        model=$(grep -o 'MODEL_[0-9a-f]*' script | head -1)
        rm -f again.state*
        # train.tns has no history: the input is the file itself
        env "$model=small.net" STATE1=again.state IN1=train.tns bash script >again.tns
        cmp again.tns $f
    done
}

# Images of noise whose files' facts are: facts N REAL-FACT FAKE-FACT
facts() {
    awk -v n="$1" -v real="$2" -v fake="$3" 'BEGIN {srand(1); for (i = 0; i < n; i++) {is = rand() < .5
        printf "key=%d label=%s shape=6x6x3 fill=%d %s\n", i, is ? "fake" : "real", 100 * rand(), is ? fake : real}}' | python3 "$stream" make
}

@test "file facts that give the classes away are warned of, once; the same in both aren't" {
    printf 'input\nflatten\nd dense 1\nsigmoid\n' >linear.net
    fit() { rm -f s; clsfit --net linear.net --state s "$@" 2>err; }
    facts 80 'src_size=64x64 jpeg=aa' 'src_size=80x64 jpeg=aa' | tshuf --epochs 3 | fit
    [ "$(wc -l <err)" = 1 ]
    grep -q "clsfit: the classes differ in src_size: '.*' is .*% of fake and .*% of the others. That alone tells 100%.*clsfit --facts" err
    facts 80 'src_format=png jpeg=aa' 'src_format=jpeg jpeg=bb' | fit
    [ "$(grep -c 'differ in src_format\|differ in jpeg' err)" = 2 ]
    # no two of the fakes are of one size, but all are larger
    facts 80 'src_size=64x64' 'src_size=64x64' | python3 "$stream" list key label |
        awk '{printf "key=%s label=%s shape=2x2x3 fill=%d src_size=%dx%d\n", $1, $2, NR, ($2 == "fake" ? 400 : 60) + NR % 40, ($2 == "fake" ? 400 : 60) + int(NR / 3)}' |
        python3 "$stream" make | fit
    grep -q "differ in src_size: '.* pixels, 1.0:1'" err
    facts 80 'src_size=64x64 jpeg=aa' 'src_size=64x64 jpeg=aa' | fit
    [ ! -s err ]
    facts 80 jpeg=aa jpeg=bb | fit -q
    [ ! -s err ]
}

@test "a first look at the facts comes after 1,000 records" {
    facts 1100 jpeg=aa jpeg=bb >train.tns
    printf 'input\nflatten\nd dense 1\nsigmoid\n' >linear.net
    for records in 900 1050; do
        head -c $((records * $(wc -c <train.tns) / 1100)) train.tns >cut.tns
        run clsfit --net linear.net --state s cut.tns
        [ "$status" = 3 ]
        [[ "$output" == *"differ in jpeg: "* ]] && echo $records >>warned
        rm -f s
    done
    [ "$(cat warned)" = 1050 ]
}

@test "--facts: the floor, of file facts and of mean colour" {
    facts 200 jpeg=aa jpeg=bb >train.tns
    clsfit --facts --val train.tns train.tns >out
    [ "$(head -n 1 out)" = "$(printf 'epoch\tstep\tsplit\tloss\tpenalty\taccuracy\tprecision\trecall\tauc\tseconds')" ]
    [ "$(cell out train accuracy)" = 1 ]
    [ "$(cut -f4-9 out | sed -n 2p)" = "$(cut -f4-9 out | sed -n 3p)" ]
    # nothing to go by
    facts 200 jpeg=aa jpeg=aa >train.tns
    clsfit --facts --log log.tsv train.tns >out
    [ ! -s out ]
    awk -v a="$(cell log.tsv train auc)" 'BEGIN {exit !(a < .65)}'
    # brightness alone
    images 200 >train.tns
    tshuf --epochs 2 train.tns | clsfit --facts --positive real -o out
    awk -v a="$(cell out train accuracy)" 'BEGIN {exit !(a > .95)}'
    run clsfit --facts --positive cat train.tns
    [ "$status" = 1 ]
    [[ "$output" == *"there must be two classes"* ]]
    run clsfit --facts --net small.net train.tns
    [ "$status" = 2 ]
    # vectors have no colour
    vectors 50 >train.tns
    clsfit --facts train.tns >out
    [ "$(cell out train auc)" = 0.5 ]
}

@test "--set: numbers of the network's text, for sweeps; they are another training" {
    images 20 >train.tns
    sed 's/dense 8/dense $width/; s/dropout .25/dropout $drop%/; 1a set width=8 drop=25' small.net >set.net
    train a
    net=set.net train b
    cmp <(tail -c 3000 a.tns) <(tail -c 3000 b.tns)
    net=set.net train c --set width=5
    [ "$(tls c.tns | grep d1.weight | cut -f3)" = 5x24 ]
    net=set.net run train b --set drop=30
    [ "$status" = 1 ]
    [[ "$output" == *"another network"* ]]
    net=set.net run train d --set nothing=3
    [ "$status" = 2 ]
    [[ "$output" == *"there is: width drop"* ]]
}

@test "the study's networks train" {
    nets=$BATS_TEST_DIRNAME/../pipelines/nets
    images 12 | python3 "$stream" list key label |
        awk '{printf "key=%s label=%s shape=46x46x3 fill=%d\n", $1, $2, NR}' | python3 "$stream" make >train.tns
    for m in 1 2 3 4 5; do
        clsfit --net "$nets/model$m.net" --state $m.state --set width=2 --set dense=4 -b 4 --log $m.tsv train.tns
        [ "$(tail -n +2 $m.tsv | wc -l)" = 1 ]
    done
    [ "$(cell 4.tsv train penalty)" = 0 ]
    awk -v p="$(cell 5.tsv train penalty)" 'BEGIN {exit !(p > 0)}'
    # model 5 is model 4 with --l2 .01
    clsfit --net "$nets/model4.net" --state 45.state --set width=2 --set dense=4 -b 4 --log 45.tsv --l2 .01 train.tns
    diff <(timeless 5.tsv) <(timeless 45.tsv)
    # depth: four convolutions, or two
    clsfit --net "$nets/model3.net" --state deep --set width=2 --set fourth=1 --set second=0 train.tns
    tls deep | grep -q net/c4.weight
    if tls deep | grep -q fc2; then false; fi
    clsfit --net "$nets/model3.net" --state shallow --set width=2 --set third=0 train.tns
    if tls shallow | grep -q c3; then false; fi
    vectors 12 >features.tns
    clsfit --net "$nets/model6.net" --state 6.state features.tns
    tls 6.state | grep -q "net/fc1.weight.256x2"
}
