#!/usr/bin/env bats
# ganstep: training, its files, going on after being killed, and drawing.

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

@test "data that don't fit: the record, its key and what to do" {
    drawface -n 20 --size 32 -j 1 >large.tns
    run ganstep --gen gen.net --critic critic.net --state s -b 8 large.tns
    [ "$status" = 3 ]
    [[ "$output" == *"large.tns: record 0 (key "*"): an image of 32x32x3, the nets want 16x16x3; imgnorm --size 16x16 before"* ]]
    [ ! -e s ]
    thead -n 7 faces.tns >few.tns
    run ganstep --gen gen.net --critic critic.net --state s -b 8 few.tns
    [ "$status" = 1 ]
    [[ "$output" == *"not one full batch of 8"* ]]
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
