#!/usr/bin/env bats
# ganstep: training, its files, going on after being killed, and drawing.

bats_require_minimum_version 1.5.0

setup() {
    PATH="$BATS_TEST_DIRNAME/../bin:$PATH"
    cd "$BATS_TEST_TMPDIR" || exit
    cat >gen.net <<'NET'
input 8
fc    dense 128 bias=no
bn0   batchnorm
      relu
      reshape 4x4x8
up1   convt 8 5 stride=2 crop=1,2 bias=no
bn1   batchnorm
      relu
up2   convt 3 5 stride=2 crop=1,2
      tanh
NET
    cat >critic.net <<'NET'
input 16x16x3
c1    conv 8 4 stride=2 pad=1
      leaky .2
      dropout .1
c2    conv 8 4 stride=2 pad=1
bn2   batchnorm
      leaky .2
c3    conv 1 4
      flatten
NET
    drawface -n 50 --size 16 -j 1 >faces.tns
}

# train STATE-PREFIX [OPTION...]: the whole pipeline, as a user would start it and start it again
train() {
    local p=$1
    shift
    tshuf --epochs 1000 --from "$p.state" faces.tns |
        ganstep --gen gen.net --critic critic.net --state "$p.state" -b 8 --log "$p.tsv" --samples "$p-samples.tns" --save "$p.final" \
            --sample-every 10 --sample-count 4 --save-every 7 -j 1 "$@" >"$p.out"
}

# A log without its last column, the seconds.
timeless() {
    awk -F'\t' -v OFS='\t' '{for (i = 1; i <= NF; i++) if ($i == "seconds") c = i; $c = ""; print}' "$1"
}

@test "a training writes its state, its log, its samples, and shows them" {
    train a --steps 25
    tcheck a.state a.final a-samples.tns a.out
    cmp a.state a.final
    [ "$(head -n 1 a.tsv)" = "$(printf 'step\tepoch\tloss_d\tloss_g\td_real\td_fake\tpenalty\tgrad_g_mean\tgrad_g_norm\tgrad_d_norm\tseconds')" ]
    [ "$(tail -n +2 a.tsv | cut -f1)" = "$(seq 25)" ]
    # 50 images make 6 batches of 8: the seventh step is of epoch 1
    [ "$(sed -n 7p a.tsv | cut -f2)" = 0 ]
    [ "$(sed -n 8p a.tsv | cut -f2)" = 1 ]
    [ "$(tls a-samples.tns | grep -o 'step=[0-9]*' | uniq -c | awk '{print $1, $2}')" = "$(printf '4 step=%d\n' 0 10 20 25)" ]
    cmp a-samples.tns a.out
    tls --head a.state | grep -q '^cursor=4:8$'
    tls a.state | grep -q 'gen.m/up2.weight'
    awk -F'\t' 'NR > 1 && !($3 > 0 && $4 > 0 && $5 > 0 && $5 < 1 && $8 > 0 && $9 > 0 && $10 > 0) {exit 1}' a.tsv
}

@test "the critic learns: its loss falls" {
    train a --steps 60 --lr-g 0 --lr-d 2e-3
    [ "$(awk -F'\t' 'NR == 2 {first = $3} END {print ($3 < first / 2)}' a.tsv)" = 1 ]
}

@test "the same seed gives the same bytes, another seed others" {
    train a --steps 12
    train b --steps 12
    train c --steps 12 --seed 1
    cmp a.final b.final
    cmp a.out b.out
    diff <(timeless a.tsv) <(timeless b.tsv)
    if cmp -s a.out c.out; then false; fi
}

# bf16 COMMAND...: it runs, or this machine has no AMX and the test is skipped; anything else fails
bf16() {
    local status=0
    "$@" 2>bf16.err || status=$?
    if [ $status = 1 ] && grep -q 'needs a processor and a system with AMX' bf16.err; then skip "no AMX here"; fi
    return $status
}

@test "--bf16: close to the training in float, the same bytes again, also after a stop" {
    bf16 train a --steps 12 --bf16
    train b --steps 5 --bf16
    train b --steps 12 --bf16
    cmp a.final b.final
    train f --steps 12
    if cmp -s a.final f.final; then false; fi
    paste <(cut -f3,4 a.tsv) <(cut -f3,4 f.tsv) | awk 'NR > 1 {d = ($1 - $3) / $3; e = ($2 - $4) / $4; if (d * d > .01 || e * e > .01) exit 1}'
    run ! train b --steps 20
    train w --steps 3 --bf16 --loss wgan-gp
    train v --steps 3 --loss wgan-gp
    paste <(cut -f7 w.tsv) <(cut -f7 v.tsv) | awk 'NR > 1 {d = ($1 - $2) / $2; if (d * d > .01) exit 1}'
}

@test "--bf16 where the processor can't: said, and nothing written" {
    run -1 env FACADE_KERNELS=generic ganstep --gen gen.net --critic critic.net --state s.state -b 8 --bf16 faces.tns
    [[ $output == *"--bf16 needs a processor"*"leave it out"* ]]
    [ ! -e s.state ]
}

@test "killed at any moment and started again: the same bytes" {
    train whole --steps 60 --log-layers
    for delay in .02 .06 .1 .15 .2 .3; do
        # In a process group of its own, killed as one.
        setsid bash -c "$(declare -f train); train cut --steps 60 --log-layers" &
        pid=$!
        sleep $delay
        kill -KILL -- -$pid 2>/dev/null || true
        wait $pid || true
    done
    train cut --steps 60 --log-layers
    cmp whole.state cut.state
    cmp whole.final cut.final
    cmp whole-samples.tns cut-samples.tns
    diff <(timeless whole.tsv) <(timeless cut.tsv)
}

@test "wgan-gp, killed at any moment and started again: the same bytes, with averages and several critic steps" {
    wgan=(--loss wgan-gp --n-critic 3 --ema .99 --log-layers --steps 40)
    sed '/batchnorm/d' critic.net >none.net
    sed 's/batchnorm/layernorm/' critic.net >layer.net
    for critic in none layer; do
        cp $critic.net critic.net
        train whole-$critic "${wgan[@]}"
        for delay in .03 .08 .14 .22; do
            setsid bash -c "$(declare -f train); train cut-$critic ${wgan[*]}" &
            pid=$!
            sleep $delay
            kill -KILL -- -$pid 2>/dev/null || true
            wait $pid || true
        done
        train cut-$critic "${wgan[@]}"
        cmp whole-$critic.state cut-$critic.state
        cmp whole-$critic.final cut-$critic.final
        cmp whole-$critic-samples.tns cut-$critic-samples.tns
        diff <(timeless whole-$critic.tsv) <(timeless cut-$critic.tsv)
    done
    if cmp -s whole-none.tsv whole-layer.tsv; then false; fi
}

@test "wgan-gp: the penalty is logged, falls, and is the critic's step of the log's losses" {
    sed -i '/batchnorm/d; /dropout/d' critic.net
    train a --loss wgan-gp --steps 30 --lr-d 1e-3 --lr-g 0 --lambda 1000
    # 30 steps of 5 batches of 8, 6 batches an epoch
    [ "$(tail -n 1 a.tsv | cut -f1,2)" = "$(printf '30\t24')" ]
    tls --head a.state | grep -q '^cursor=24:48$'
    tls --head a.state | grep -q '^adam=30:150$'
    awk -F'\t' 'NR > 1 {if (!($7 > 0)) exit 1; d = $3 - ($6 - $5 + $7); if (d > 1e-4 || d < -1e-4) exit 1}' a.tsv
    [ "$(awk -F'\t' 'NR == 2 {first = $7} END {print ($7 < first / 4)}' a.tsv)" = 1 ]
    # without much of a penalty the critic parts real from fake at once
    train b --loss wgan-gp --steps 30 --lr-d 1e-3 --lr-g 0
    [ "$(awk -F'\t' 'END {print ($5 > $6 + 5)}' b.tsv)" = 1 ]
}

@test "wgan-gp's options change the training, and its defaults are the paper's" {
    sed -i '/batchnorm/d; /dropout/d' critic.net
    for options in '' '--n-critic 2' '--reuse-batch' '--lambda 1' '--update simultaneous' '--lr-d 1e-5' '--beta1 .5' '--n-critic 5 --beta1 0 --beta2 .9 --update alternate --lambda 10'; do
        # shellcheck disable=SC2086
        train x --loss wgan-gp --steps 3 $options
        timeless x.tsv >>all
        rm x.*
    done
    [ "$(grep -c '^3' all)" = 8 ]
    # the last is the first, in words
    [ "$(grep '^3' all | cut -f1,3- | sort -u | wc -l)" = 7 ]
    [ "$(grep '^3' all | sed -n 1p)" = "$(grep '^3' all | sed -n 8p)" ]
}

@test "with --reuse-batch a step takes one batch, else one for each critic step" {
    sed -i '/batchnorm/d' critic.net
    train a --loss wgan-gp --n-critic 3 --steps 2
    train b --loss wgan-gp --n-critic 3 --steps 2 --reuse-batch
    tls --head a.state | grep -q '^cursor=0:48$'
    tls --head b.state | grep -q '^cursor=0:16$'
    # bce can have several, too; 50 images are not enough for 7 batches
    thead -n 50 faces.tns >few.tns
    run ganstep --gen gen.net --critic critic.net --state s -b 8 --n-critic 7 few.tns
    [ "$status" = 1 ]
    [[ "$output" == *"not one full step of 56 "* ]]
    ganstep --gen gen.net --critic critic.net --state s -b 8 --n-critic 6 --log log few.tns >/dev/null
    [ "$(wc -l <log)" = 2 ]
}

@test "the generator's average: kept in the state, drawn from, and of no influence" {
    train a --steps 20 --lr-g 1e-3
    train b --steps 20 --lr-g 1e-3 --ema .9
    diff <(timeless a.tsv) <(timeless b.tsv)
    tls b.state | grep -q 'ema/up2.weight'
    ganstep --state a.final --sample 4 -j 1 | tns2npy >plain
    ganstep --state b.final --sample 4 -j 1 --weights gen | tns2npy >last
    ganstep --state b.final --sample 4 -j 1 | tns2npy >average
    cmp plain last
    if cmp -s last average; then false; fi
    # the training shows what it will draw
    cmp <(tail -c 3072 average) <(thead -n 16 b-samples.tns | tns2npy | tail -c 3072)
    # netrun finds each; an average of one step's weights is nearly the last
    ganstep --state a.state --sample 1 >/dev/null
    run train a --steps 25 --lr-g 1e-3 --ema .9
    [ "$status" = 1 ]
    [[ "$output" == *"other options"* ]]
}

@test "every pair of networks that is shipped for 64x64 trains" {
    nets=$BATS_TEST_DIRNAME/../pipelines/nets
    drawface -n 24 --size 64 -j 1 >large.tns
    pair() {
        local gen=$1 critic=$2
        shift 2
        ganstep --gen "$nets/$gen.net" --critic "$nets/$critic.net" --state "$gen-$critic" -b 4 --steps 2 --log log --sample-count 1 \
            "$@" large.tns | tcheck
        [ "$(wc -l <log)" = 3 ]
        rm log
    }
    pair gen critic --smooth .9,.1
    pair dcgan-gen dcgan-critic --lr-g 2e-4 --lr-d 2e-4 --beta1 .5 --eps 1e-8 --adam pytorch --update alternate
    pair fcc-gen critic --lr-d 1e-5
    pair gen critic-none --loss wgan-gp --n-critic 2 --lr-d 3e-4
    pair fcc-gen critic-layer --loss wgan-gp --n-critic 1
    rm gen-critic
    pair gen critic --loss wgan-gp --n-critic 2 --reuse-batch
}

@test "options that a loss hasn't are refused" {
    run ganstep --gen gen.net --critic critic.net --state s --loss wgan-gp --smooth .9,0 faces.tns
    [ "$status" = 2 ]
    [[ "$output" == *"--smooth"* ]]
    run ganstep --gen gen.net --critic critic.net --state s --lambda 1 faces.tns
    [ "$status" = 2 ]
    [[ "$output" == *"--lambda"* ]]
    run ganstep --gen gen.net --critic critic.net --state s --weights gen faces.tns
    [ "$status" = 2 ]
}

@test "a run with more steps goes on, and one that is over does nothing" {
    train whole --steps 24
    train cut --steps 11
    train cut --steps 24
    # what the stream says of --steps differs, the numbers don't
    diff <(timeless whole.tsv) <(timeless cut.tsv)
    cmp <(tls whole.final | tail -n +1) <(tls cut.final | tail -n +1)
    before=$(cksum <cut.state; cksum <cut.tsv; cksum <cut-samples.tns)
    train cut --steps 24
    [ "$before" = "$(cksum <cut.state; cksum <cut.tsv; cksum <cut-samples.tns)" ]
}

@test "two runs don't write one file" {
    exec 5>>a.tsv
    flock 5
    run train a --steps 2
    [ "$status" = 1 ]
    [[ "$output" == *"a.tsv: another run is writing it"* ]]
}

@test "two runs can't share a state" {
    mkfifo data
    ganstep --gen gen.net --critic critic.net --state s -b 8 --save-every 1 -j 1 data >/dev/null 2>err &
    exec 6>data
    head -c 12000 faces.tns >&6 # the first run is at work, and waits for more
    for _ in $(seq 100); do [ -e s ] && break; sleep .05; done
    ganstep --gen gen.net --critic critic.net --state s -b 8 -j 1 faces.tns >/dev/null
    after=$(cksum <s)
    tail -c +12001 faces.tns >&6 || true
    exec 6>&-
    status=0
    wait $! || status=$?
    [ "$status" = 1 ]
    grep -q 's: another run has written it' err
    [ "$(cksum <s)" = "$after" ]
}

@test "a stream without epochs is passed over up to the checkpoint" {
    run() { ganstep --gen gen.net --critic critic.net --state "$1" -b 8 --steps "$2" -j 1 faces.tns >/dev/null; }
    run a.state 6
    run b.state 2
    run b.state 6
    # all behind the header, whose pg chain says --steps
    [ "$(wc -c <a.state)" -gt 70000 ]
    cmp <(tail -c 60000 a.state) <(tail -c 60000 b.state)
}

@test "the update, the smoothing and Adam's form change the training" {
    for options in '--update alternate' '--smooth .9,0' '--smooth .9,.1' '--adam pytorch' '--lr-d 1e-5' '--beta1 .5'; do
        # shellcheck disable=SC2086
        train x --steps 5 $options
        timeless x.tsv >>all
        rm x.*
    done
    train x --steps 5
    timeless x.tsv >>all
    [ "$(grep -c '^5' all)" = 7 ]
    [ "$(grep '^5' all | sort -u | wc -l)" = 7 ]
}

@test "drawing: the training's own noise, any number, no data" {
    train a --steps 10
    ganstep --state a.final --sample 20 -j 1 >draw.tns
    [ "$(tls draw.tns | wc -l)" = 20 ]
    ganstep --state a.final --sample 3 -j 1 >few.tns
    cmp <(thead -n 3 draw.tns | tns2npy) <(tns2npy few.tns)
    # the last sample of the training is the same four images
    cmp <(thead -n 4 draw.tns | tns2npy | tail -c 3072) <(tns2npy a-samples.tns | tail -c 3072)
    run ganstep --state a.final --sample 3 --gen gen.net
    [ "$status" = 2 ]
}

@test "a state of another training is refused, and left alone" {
    train a --steps 7
    before=$(cksum <a.state)
    for options in '--lr-g 1e-3' '--seed 3' '-b 4'; do
        # shellcheck disable=SC2086
        run train a --steps 9 $options
        [ "$status" = 1 ]
        [[ "$output" == *"a.state: was trained with other options"* ]]
    done
    sed -i 's/leaky .2/leaky .3/' critic.net
    run train a --steps 9
    [ "$status" = 1 ]
    [[ "$output" == *"another critic"* ]]
    [ "$before" = "$(cksum <a.state)" ]
}

@test "a corrupt state is named, with status 3" {
    train a --steps 7
    printf 'X' | dd of=a.state bs=1 seek=3000 conv=notrunc status=none
    run ganstep --state a.state --sample 1
    [ "$status" = 3 ]
    [[ "$output" == *"a.state: "*"mismatch"* ]]
}

@test "a state whose checksums are right and whose records aren't is named too" {
    train a --steps 7
    cat >edit.py <<'P'
import struct, sys, tns
frames = list(tns.read(open('a.state', 'rb')))
first = next(f for f in frames if f[0] == 'R' and f[1] == 'f32' and len(f[2]) > 1)
def save(name, change, second=False):
    w = tns.Writer(open(name, 'wb'))
    w.head(frames[0][3])
    for t, dtype, shape, meta, data in frames[1:-1]:
        meta = dict(meta)
        key = meta.pop('key')
        for dtype, shape, data in change(dtype, shape, data) if (key == dict(first[3])['key']) else [(dtype, shape, data)]: w.record(key, dtype, shape, data, meta)
    w.end()
    if second: w.head(frames[0][3]), w.end()
n = len(first[4]) // 4
save('same', lambda d, s, b: [(d, s, b)])
save('f64', lambda d, s, b: [('f64', s, struct.pack('<%dd' % n, *struct.unpack('<%df' % n, b)))])
save('twice', lambda d, s, b: [(d, s, b), (d, s, b)])
save('none', lambda d, s, b: [])
save('flat', lambda d, s, b: [(d, (n,), b)])
save('bytes', lambda d, s, b: [('u8', s, bytes(n))])
save('segments', lambda d, s, b: [(d, s, b)], True)
P
    PYTHONPATH=$BATS_TEST_DIRNAME/../formats PYTHONDONTWRITEBYTECODE=1 python3 edit.py
    ganstep --state a.state --sample 2 -j 1 >want
    for good in same f64; do ganstep --state $good --sample 2 -j 1 | cmp - want; done
    while read -r bad what; do
        run ganstep --state "$bad" --sample 1
        [ "$status" = 3 ]
        [[ $output = *"$bad: "*"$what"* ]] || { echo "$output"; false; }
    done <<'END_BAD'
twice two records are called
none is missing
flat the network wants
bytes of u8, the network wants
segments a second segment, where a state has one
END_BAD
}

@test "data that don't fit: the record, its key and what to do" {
    drawface -n 20 --size 32 -j 1 >large.tns
    run ganstep --gen gen.net --critic critic.net --state s -b 8 large.tns
    [ "$status" = 3 ]
    [[ "$output" == *"large.tns: record 0 (key "*"): an image of 32x32x3, the nets want 16x16x3; imgnorm --size 16x16 before"* ]]
    [ ! -e s ]
    thead -n 7 faces.tns >few.tns
    run ganstep --gen gen.net --critic critic.net --state s -b 8 few.tns
    [ "$status" = 1 ]
    [[ "$output" == *"not one full step of 8 "* ]]
}

@test "input cut off: status 3, and the state of the last checkpoint" {
    head -c 40000 faces.tns >cut.tns
    run ganstep --gen gen.net --critic critic.net --state s -b 8 --save-every 1 --save final cut.tns
    [ "$status" = 3 ]
    tcheck s
    [ ! -e final ]
}

@test "nets that don't fit, or aren't nets, are named" {
    sed 's/16x16x3/32x32x3/; s/c3    conv 1 4/c3    conv 1 8/' critic.net >wide.net
    run ganstep --gen gen.net --critic wide.net --state s faces.tns
    [ "$status" = 2 ]
    [[ "$output" == *"gen.net makes 16x16x3 images, the critic wide.net takes 32x32x3"* ]]
    echo 'fc dance 128' >>gen.net
    run ganstep --gen gen.net --critic critic.net --state s faces.tns
    [ "$status" = 2 ]
    [[ "$output" == *"gen.net:11: "*"dance"* ]]
}

@test "a loss that isn't finite ends the training, and the last good state stays" {
    for i in $(seq 24); do echo "key=$i dtype=f32 shape=16x16x3 fill=$([ "$i" -le 16 ] && echo ".$i" || echo nan)"; done |
        python3 "$BATS_TEST_DIRNAME/stream.py" make kind=images >bad.tns
    run ganstep --gen gen.net --critic critic.net --state s -b 8 --save-every 1 --save final -j 1 -o samples.tns bad.tns
    [ "$status" = 1 ]
    [[ "$output" == *"ganstep: step 3: "*"isn't finite"*"s holds step 2"* ]]
    tls --head s | grep -qx step=2
    [ ! -e final ]
    [ ! -e samples.tns ]
    # the penalty's too, in the middle of a step's critic steps
    sed '/batchnorm/d' critic.net >none.net
    run ganstep --gen gen.net --critic none.net --loss wgan-gp --n-critic 2 --state w -b 4 --save-every 1 -j 1 -o samples.tns bad.tns
    [ "$status" = 1 ]
    [[ "$output" == *"ganstep: step 3: "*"isn't finite"*"w holds step 2"* ]]
    tls --head w | grep -qx step=2
}

@test "state and samples can be made again from the history they carry" {
    train a --steps 3
    ganstep --state a.state --sample 5 -j 1 | thead -n 4 >drawn.tns
    for f in a.state drawn.tns; do
        tls --script $f >script
        read -r gen critic < <(grep -o 'MODEL_[0-9a-f]*' script | awk '!seen[$0]++' | paste -sd' ')
        rm -f again.state
        env "$gen=gen.net" "$critic=critic.net" STATE1=again.state bash script >again.tns
        cmp again.tns $f
        cmp again.state a.state
    done
}
