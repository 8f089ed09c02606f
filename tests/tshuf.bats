#!/usr/bin/env bats
# tshuf: orders, epochs, continuing from a state, copies.
# shellcheck disable=SC2002 # the cats make pipes

setup() {
    PATH="$BATS_TEST_DIRNAME/../bin:$PATH"
    cd "$BATS_TEST_TMPDIR" || exit
}

stream() { python3 "$BATS_TEST_DIRNAME/stream.py" "$@"; }
records() { seq "$1" | awk '{print "key=k" $1, "label=" ($1 % 4 ? "a" : "b"), "shape=3x" 1 + $1 % 5}'; }
list() { tshuf "$@" | stream list key; }
# What a checkpoint says to tshuf.
state() { stream make kind=state cursor="$1" </dev/null >state; }
expect_failure() { # STATUS TEXT COMMAND...
    status=0
    "${@:3}" >out 2>err || status=$?
    cat err
    [ "$status" = "$1" ] && grep -qF -- "$2" err
}

@test "every record comes once an epoch, whole, with epoch= counted from 0" {
    records 500 | stream make >in
    tshuf --epochs 3 in >out
    stream list <out | grep -c 'epoch=0$' | grep -qx 500
    for e in 0 1 2; do
        stream list key epoch <out | awk -v e=$e '$2 == e {print $1}' >e$e
        sort e$e | cmp - <(stream list key <in | sort)
    done
    [ "$(cut -d' ' -f1 e0 e1 e2 | wc -l)" = 1500 ]
    ! cmp -s e0 e1 || false
    ! cmp -s e1 e2 || false
    ! cmp -s e0 <(stream list key <in) || false
    # the third record's data are those of its key: record n holds n-1
    n=$(sed -n 3p e0)
    [ "$(stream data 2 <out | cut -d' ' -f1)" = $(((${n#k} - 1) % 256)) ]
}

@test "a shuffle is a fair one: every record is as often first, over epochs and over seeds" {
    records 8 | stream make >in
    tshuf --epochs 200 in | stream list key | awk 'NR % 8 == 1' >epochs
    for s in $(seq 200); do tshuf --seed "$s" in; done | tls | awk -F'\t' 'NR % 8 == 1 {print $2}' >seeds
    for of in epochs seeds; do
        sort $of | uniq -c | tee firsts
        # 200 draws of 8: each 25 on average, standard deviation 4.7
        [ "$(wc -l <firsts)" = 8 ]
        [ "$(awk '$1 < 8 || $1 > 45' firsts | wc -l)" = 0 ]
    done
}

@test "the order depends neither on the input's order nor on shards, nor on -j or a pipe" {
    records 300 | stream make >in
    tshuf --epochs 2 in >want
    records 300 | sort -R --random-source=<(yes) | stream make >mixed
    ! cmp -s in mixed || false
    diff <(stream list key epoch <want) <(tshuf --epochs 2 mixed | stream list key epoch)
    records 300 | head -n 100 | stream make >a
    records 300 | tail -n 200 | stream make >b
    diff <(stream list key epoch <want) <(cat b a | tshuf --epochs 2 | stream list key epoch)
    tshuf -j 1 --epochs 2 in | cmp - want
    cat in | tshuf --epochs 2 - | cmp - want
    tshuf --epochs 2 <in | cmp - want
    tshuf --epochs 2 <(cat in) | cmp - want
    # a record less leaves the others in their order
    records 300 | grep -v 'key=k7 ' | stream make | tshuf | stream list key | diff - <(list in | grep -vx k7)
}

@test "a file is read from where standard input stands" {
    records 20 | stream make >in
    { head -c 100 /dev/zero; cat in; } >shifted
    { dd bs=100 count=1 of=/dev/null status=none; tshuf; } <shifted | cmp - <(tshuf in)
}

@test "seeds differ, the same seed gives the same bytes" {
    records 100 | stream make >in
    tshuf --seed 7 in | cmp - <(tshuf --seed 7 in)
    ! cmp -s <(list --seed 7 in) <(list --seed 8 in) || false
}

@test "records that share a key are all there, in an order that is theirs" {
    { records 50; records 50; records 50 | sed 's/$/ fill=9/'; } | stream make >in
    { records 50 | sed 's/$/ fill=9/'; records 50; records 50; } >lines
    list in | sort | uniq -c | awk '$1 != 3 {exit 1}'
    # they are shuffled apart
    [ "$(list in | uniq -d | wc -l)" -lt 15 ]
    # the same for another input order: the same keys with the same data at the same places, though record n held n-1
    { records 50 | sed 's/$/ fill=1/'; records 50 | sed 's/$/ fill=2/'; } | stream make | tshuf >x
    { records 50 | sed 's/$/ fill=2/'; records 50 | sed 's/$/ fill=1/'; } | stream make | tshuf >y
    cmp x y
}

@test "segments come out as one; chains of both are kept, counts added up" {
    records 10 | stream make kind=images 'pg=1111111111111111 - x 1 x' >a
    records 20 | tail -n 10 | stream make kind=images 'pg=2222222222222222 - y 1 y' >b
    cat a b | tshuf >out
    [ "$(stream list <out | wc -l)" = 20 ]
    [ "$(stream header <out | grep -c '^pg=[12]\{16\} -')" = 2 ]
    stream header <out | grep -qE '^pg=[0-9a-f]{16} 1111111111111111,2222222222222222 tshuf '
    records 10 | stream make kind=features >c
    cat a c >ac
    expect_failure 3 'header: the headers differ in kind: images and features' tshuf ac
    [ ! -s out ]
}

@test "--from goes on where the state is: the same records as undisturbed, and the same header" {
    records 70 | stream make >in
    tshuf --epochs 4 in >whole
    stream list <whole >want
    for at in 0:1 0:70 2:33 3:69 4:0; do
        state $at
        tshuf --epochs 4 --from state in >part
        consumed=$((${at%:*} * 70 + ${at#*:}))
        [ "$(stream list <part | wc -l)" = $((280 - consumed)) ]
        diff <(stream list <part) <(tail -n +$((consumed + 1)) want)
        cmp <(stream header <part) <(stream header <whole)
    done
    state 2:33
    tshuf --epochs 4 --from state in >part
    [ "$(stream data 0 <part)" = "$(stream data 173 <whole)" ]
    tshuf --epochs 4 --from missing in | cmp - whole
}

@test "--from with copies goes on too" {
    records 20 | stream make >in
    tshuf --epochs 2 --copies 2 in | stream list >want
    state 1:17
    tshuf --epochs 2 --copies 2 --from state in | stream list | diff - <(tail -n +78 want)
}

@test "a state that can't be right is an error, and nothing comes out" {
    records 10 | stream make >in
    state 0:11
    expect_failure 1 'state: has consumed 11 records of an epoch that has 10' tshuf --from state in
    state 1:1
    expect_failure 1 'state: is in epoch 1' tshuf --from state in
    state 2:0
    expect_failure 1 'and --epochs is 1' tshuf --from state in
    for bad in '' 3 -1:0 1:x 1: 0:1:1; do
        state "$bad"
        expect_failure 3 'state: header: no cursor=EPOCH:N' tshuf --from state in
    done
    expect_failure 3 'in: header: kind=images: not the state of a training' tshuf --from in in
    state 0:3
    head -c 100 state >short
    expect_failure 3 'short: ' tshuf --from short in
    : >empty
    expect_failure 3 'empty: ' tshuf --from empty in
    [ ! -s out ]
}

@test "--copies adds copies, numbered, each at a place of its own" {
    records 40 | stream make >in
    tshuf --copies 2 in | stream list key group copy >out
    [ "$(wc -l <out)" = 120 ]
    for c in - 1 2; do awk -v c=$c '$3 == c && $1 == $2 {print $1}' out | sort | cmp - <(stream list key <in | sort); done
    [ "$(cut -d' ' -f1 out | uniq -d | wc -l)" -lt 10 ]
    # the originals are in the order that they have without copies
    awk '$3 == "-" {print $1}' out | diff - <(list in)
    # a second round counts on
    tshuf --copies 1 in | tshuf --copies 1 | stream list key copy | sort | head -n 4 | diff - <(printf 'k1 %s\n' - 1 2 3)
}

@test "a group that is there stays" {
    records 6 | sed 's/$/ group=g/' | stream make | tshuf --copies 1 | stream list group | sort -u | diff - <(echo g)
}

@test "--to and --balance repeat the records of each label evenly" {
    records 43 | stream make >in # 33 a, 10 b
    tshuf --balance in | stream list label key copy >out
    [ "$(grep -c '^a' out)" = 33 ]
    [ "$(grep -c '^b' out)" = 33 ]
    ! grep -q '^a .* [0-9]' out || false
    grep '^b' out | cut -d' ' -f2 | sort | uniq -c | awk '{print $1}' | sort | uniq -c | awk '{print $1, $2}' | diff - <(printf '7 3\n3 4\n')
    tshuf --to 50 in | stream list label >out
    [ "$(grep -c a out)" = 50 ]
    [ "$(grep -c b out)" = 50 ]
    tshuf --to 20 in | stream list label >out
    [ "$(grep -c a out)" = 33 ]
    [ "$(grep -c b out)" = 20 ]
    records 43 | sort -R --random-source=<(yes) | stream make | tshuf --balance | stream list key copy | diff - <(tshuf --balance in | stream list key copy)
    echo key=x | stream make >nolabel
    expect_failure 3 'record 0 (key x): has no label=' tshuf --balance nolabel
    expect_failure 2 'exclude each other' tshuf --balance --copies 1 in
}

@test "a reader that goes away ends it quietly, also when epochs are endless" {
    set -o pipefail
    records 30 | stream make >in
    tshuf --epochs 1000000000000 in 2>err | head -c 100000 >out
    [ ! -s err ]
    [ "$(wc -c <out)" = 100000 ]
}

@test "no records: an empty stream, at once, for any number of epochs" {
    stream make </dev/null | tshuf --epochs 1000000000000 --balance >out
    [ "$(stream list <out | wc -l)" = 0 ]
    stream header <out | grep -q 'tshuf --epochs='
}

@test "the end's counts are passed on; corrupt input gives nothing" {
    records 30 | stream make end:dropped=no-face:31 >in
    cat in in | tshuf >out
    [ "$(stream end <out)" = dropped=no-face:62 ]
    : >out
    head -c 5000 in >short
    expect_failure 3 'short: ' tshuf short
    cat short | expect_failure 3 'did an upstream stage fail?' tshuf
    expect_failure 3 'empty input' tshuf </dev/null
    expect_failure 1 'No such file' tshuf missing
    expect_failure 1 'Is a directory' tshuf .
    [ ! -s out ]
    expect_failure 3 'short: ' tshuf -o whole short
    [ ! -e whole ]
}

@test "a pipe is spooled to TMPDIR, and nothing stays there" {
    mkdir spool
    records 30 | stream make >in
    cat in | TMPDIR=spool tshuf -o out
    [ -z "$(ls -A spool)" ]
    cmp out <(tshuf in)
    cat in | TMPDIR=/nonexistent/dir expect_failure 1 'set TMPDIR' tshuf
}

@test "memory is an index, not the data" {
    seq 400 | sed 's/.*/key=k& shape=400x400x3/' | stream make >in # 192 MB
    python3 -c 'import resource, subprocess
subprocess.run(["tshuf", "-o", "/dev/null", "in"], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' >kilobytes
    [ "$(cat kilobytes)" -lt 100000 ]
}
