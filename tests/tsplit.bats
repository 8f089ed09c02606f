#!/usr/bin/env bats
# tsplit: shares, counts, labels; groups whole; all outputs or none.
# shellcheck disable=SC2002,SC2094 # the cats make pipes; nothing reads what it writes

setup() {
    PATH="$BATS_TEST_DIRNAME/../bin:$PATH"
    cd "$BATS_TEST_TMPDIR" || exit
}

stream() { python3 "$BATS_TEST_DIRNAME/stream.py" "$@"; }
# Groups of 3, of one label each; without groups.
grouped() { seq "$1" | awk '{print "key=k" $1, "group=g" int($1 / 3), "label=" (int($1 / 3) % 4 ? "a" : "b")}'; }
single() { grouped "$1" | sed 's/group=[^ ]* //'; }
count() { stream list key <"$1" | wc -l; }
labels() { stream list label <"$1" | sort | uniq -c | awk '{print $2 $1}' | paste -sd' '; }
expect_failure() { # STATUS TEXT COMMAND...
    status=0
    "${@:3}" >out 2>err || status=$?
    cat err
    [ "$status" = "$1" ] && grep -qF -- "$2" err
}

@test "--by: every record is in one part, unchanged but for split=, in the input's order" {
    single 2000 | stream make end:dropped=small:3 >in
    tsplit --by 70,15,15 -o train.tns,val.tns,test.x.tns in
    diff <(stream list <in | sort) <(for f in train val test.x; do stream list <$f.tns; done | sed 's/ split=.*//' | sort)
    for f in train val test.x; do
        [ "$(stream list split <$f.tns | sort -u)" = $f ]
        stream list key <$f.tns | sort -V | cmp - <(stream list key <$f.tns)
        [ "$(stream end <$f.tns)" = dropped=small:3 ]
    done
    # four standard deviations of a fair draw: 1400 +- 82, 300 +- 64
    [ "$(count train.tns)" -gt 1318 ]
    [ "$(count train.tns)" -lt 1482 ]
    [ "$(count val.tns)" -gt 236 ]
    [ "$(count val.tns)" -lt 364 ]
    [ "$(stream data 5 <val.tns)" = "$(stream list key <val.tns | awk 'NR == 6 {print (substr($1, 2) - 1) % 256}')" ]
}

@test "a group is never cut apart" {
    grouped 900 | stream make >in
    tsplit --by 50,30,20 -o a,b,c in
    tsplit --counts 301,299 -o d,e,f in
    tsplit --per-label 100,77 -o g,h,i in
    for set in 'a b c' 'd e f' 'g h i'; do
        read -ra files <<<"$set"
        for f in "${files[@]}"; do stream list group <"$f" | sort -u; done | sort | uniq -d | diff - /dev/null
        [ "$(cat "${files[@]}" | stream list | wc -l)" = 900 ]
    done
    [ "$(count a)" -gt 350 ]
    [ "$(count c)" -gt 80 ]
}

@test "--by draws by group and seed alone: neither other records nor the order nor the shard matter" {
    grouped 900 | stream make >in
    tsplit --by 1,1 -o a,b in
    sets() { cat "$@" | stream list key split | sort; }
    grouped 900 | sort -R --random-source=<(yes) | stream make | tsplit --by .5,.5 -o c,d --names a,b
    diff <(sets a b) <(sets c d)
    grouped 600 | head -n 200 | stream make | tsplit --by 1,1 -o c,d --names a,b
    grouped 900 | tail -n +201 | stream make | tsplit --by 1,1 -o e,f --names a,b
    diff <(sets a b) <(sets c d e f)
    tsplit --seed 1 --by 1,1 -o c,d --names a,b in
    ! cmp -s <(sets a b) <(sets c d) || false
    tsplit --by 1,1 -o c,d --names a,b <in
    cmp a c
    cmp b d
}

@test "--counts: exact without groups, over by less than a group with them" {
    single 1000 | stream make >in
    tsplit --counts 700,123,177 -o a,b,c in
    [ "$(count a) $(count b) $(count c)" = '700 123 177' ]
    cat in | tsplit --counts 700,123 --names a,b,c -o d,e,f
    diff <(stream list <c) <(stream list <f)
    grouped 1000 | stream make >in
    tsplit --counts 100,100 -o a,b,c in
    [ "$(count a)" -ge 100 ]
    [ "$(count a)" -le 102 ]
    [ "$(count b)" -ge 100 ]
    [ "$(count b)" -le 102 ]
    # another seed takes others
    tsplit --seed 5 --counts 100,100 -o d,e,f in
    ! cmp -s <(stream list key <a) <(stream list key <d) || false
}

@test "what is in no part is counted" {
    single 100 | stream make >in
    tsplit --counts 30,20 -o a,b in 2>err
    [ "$(cat err)" = 'tsplit: 50 of 100 records are in no part' ]
    [ -z "$(stream end <a)" ]
    [ "$(stream end <b)" = dropped=in-no-part:50 ]
    tsplit -q --counts 30,20 -o a,b in 2>err
    [ ! -s err ]
    tsplit --counts 30,20 -o a,b,c in 2>err
    [ ! -s err ]
    [ "$(count c)" = 50 ]
}

@test "--per-label: so many of each" {
    single 900 | stream make >in
    tsplit -q --per-label 50,20 -o a,b in
    [ "$(labels a)" = 'a50 b50' ]
    [ "$(labels b)" = 'a20 b20' ]
    tsplit --per-label 50 -o a,b in
    [ "$(labels a)" = 'a50 b50' ]
    [ "$(count b)" = 800 ]
    # groups that hold both labels: at least so many of each
    seq 300 | awk '{print "key=k" $1, "group=g" int($1 / 3), "label=" ($1 % 3 ? "fake" : "real")}' | stream make >pairs
    tsplit --per-label 20 -o a,b pairs
    [ "$(stream list label <a | grep -c real)" -ge 20 ]
    [ "$(stream list label <a | grep -c real)" -le 22 ]
    [ "$(stream list label <a | grep -c fake)" -ge 38 ]
}

@test "--part writes one part, by what the history says" {
    single 200 | stream make >in
    tsplit --by 60,40 -o x.tns,y.tns in
    stream header <y.tns | grep -qE '^pg=[0-9a-f]{16} - tsplit [^ ]+ tsplit --by=60,40 --seed=0 --names=x,y --part=2$'
    tsplit --by=60,40 --seed=0 --names=x,y --part=2 in | cmp - y.tns
    tsplit --by=60,40 --seed=0 --names=x,y --part=1 -o z in
    cmp z x.tns
    tsplit --counts 20 -o x.tns,y.tns in
    tsplit --counts 20 --names x,y --part 2 in | cmp - y.tns
    tsplit --counts 20 --part 2 in | stream list split | sort -u | diff - <(echo part2)
}

@test "segments stay segments" {
    single 60 | stream make >a
    single 100 | tail -n 40 | stream make kind=other >b
    cat a b >ab
    tsplit --by 1,1 -o x,y ab
    tsplit --counts 50,50 -o c,d ab
    for f in x y c d; do [ "$(grep -aoE 'kind=(images|other)' $f | paste -sd' ')" = 'kind=images kind=other' ]; done
    [ "$(cat x y | stream list | wc -l)" = 100 ]
    [ "$(count c) $(count d)" = '50 50' ]
}

@test "outputs appear together at the end, or not at all" {
    single 100 | stream make >in
    head -c 9000 in >short
    expect_failure 3 'short: ' tsplit --by 1,1 -o a,b short
    expect_failure 3 'short: ' tsplit --counts 10,10 -o a,b short
    expect_failure 1 'missing' tsplit --by 1,1 -o a,missing/b in
    expect_failure 1 '201 records are wanted, and there are 100' tsplit --counts 101,100 -o a,b in
    expect_failure 1 'records of label b are wanted' tsplit --per-label 60 -o a,b in
    expect_failure 1 'there are none' tsplit --counts 1 -o a,b <(stream make </dev/null)
    seq 10 | sed 's/.*/key=& group=g/' | stream make >one
    expect_failure 1 'the groups are too large: none is left for part 2' tsplit --counts 5,5 -o a,b one
    seq 10 | sed 's/.*/key=k&/' | stream make >one
    expect_failure 3 'record 0 (key k1): has no label=' tsplit --per-label 5 -o a,b one
    expect_failure 1 'No space left' tsplit --by 1,1 -o a,/dev/full in
    [ "$(echo *)" = 'err in one out short' ]
}

@test "killed by a signal, it leaves nothing" {
    mkfifo pipe
    single 10 | stream make >in
    tsplit --by 1,1 -o a,b pipe &
    exec 4>pipe
    head -c 1000 in >&4
    open() { find /proc/$!/fd -lname "$PWD/*" | wc -l; } # the pipe and two outputs, with a name or not
    for _ in $(seq 100); do [ "$(open)" = 3 ] && break; sleep .05; done
    [ "$(open)" = 3 ]
    kill -TERM $!
    ! wait $! || false
    exec 4>&-
    [ "$(echo *)" = 'in pipe' ]
}

@test "a part may go into a pipe; the others go on when its reader leaves" {
    single 4000 | sed 's/$/ shape=10x10x3/' | stream make >in
    tsplit --by 1,1 -o >(head -c 10 >ten),b.tns --names a,b in
    [ "$(count b.tns)" -gt 1800 ]
    tsplit --by 1,1 --part 2 --names a,b in | cmp - b.tns
}

@test "wrong usage says what is wrong" {
    single 10 | stream make >in
    expect_failure 2 'one of --by, --counts and --per-label' tsplit -o a,b in
    expect_failure 2 'one of --by, --counts and --per-label' tsplit --by 1,1 --counts 1,1 -o a,b in
    expect_failure 2 '-o A.tns,B.tns,... is needed' tsplit --by 1,1 in
    expect_failure 2 '--by names 2 parts, not 3' tsplit --by 1,1 -o a,b,c in
    expect_failure 2 '--counts names 1 parts, not 3' tsplit --counts 1 -o a,b,c in
    expect_failure 2 '-o names a twice' tsplit --by 1,1 -o a,a in
    expect_failure 2 'two parts named a' tsplit --by 1,1 -o x/a.tns,y/a.tns in
    expect_failure 2 '2 names and 1 output files' tsplit --by 1,1 -o a --names x,y in
    expect_failure 2 '--part 3: there are 2' tsplit --by 1,1 --part 3 in
    for bad in 1,0 1,-1 1,nan '1,' ,1 '' x,1 1e99,1; do expect_failure 2 --by tsplit --by "$bad" -o a,b in; done
    for bad in 1,0 1,-1 1.5,2 '1,'; do expect_failure 2 --counts tsplit --counts "$bad" -o a,b in; done
    [ "$(echo *)" = 'err in out' ]
}
