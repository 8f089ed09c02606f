#!/usr/bin/env bats
# tgrep: which records pass.

setup() {
    PATH="$BATS_TEST_DIRNAME/../bin:$PATH"
    stream=$BATS_TEST_DIRNAME/stream.py
    cd "$BATS_TEST_TMPDIR" || exit
    printf '%s\n' 'key=a/1 label=real face=1,2' 'key=a/2 label=fake face=3,4 face=5,6' 'key=b/1 label=fake' 'key=b/10' | python3 "$stream" make >in.tns
}

keys() { tgrep "$@" in.tns | python3 "$stream" list key | xargs; }

@test "records whose metadata match, all of the patterns, any of a name's values" {
    [ "$(keys -e label=fake)" = "a/2 b/1" ]
    [ "$(keys -e 'key=/1$')" = "a/1 b/1" ]
    [ "$(keys -e 'key=/1' -e 'label=^(fake|real)$')" = "a/1 b/1" ]
    [ "$(keys -e face=^5)" = "a/2" ]
    [ "$(keys -e label=)" = "a/1 a/2 b/1" ]
    [ "$(keys -e label=nothing)" = "" ]
    tgrep -e label=nothing in.tns | tcheck
}

@test "--same: records whose data another stream has, whatever they are called" {
    drawface -n 5 -o a.tns
    { drawface -n 2 --start 1; drawface -n 2 --seed 9; drawface -n 1 --size 32; } | tcat -o b.tns
    { tls a.tns | sed -n 2,3p; } | cut -f2 >want
    tgrep --same b.tns a.tns | tls | cut -f2 | diff want -
    [ "$(tgrep --not --same b.tns a.tns | tls | cut -f1-2 | wc -l)" = 3 ]
    drawface -n 5 --label other | tgrep --same b.tns -e label=other | tls | cut -f2 | diff want -
    [ "$(tgrep --same b.tns -e label=other a.tns | tls | wc -l)" = 0 ]
    thead -n 0 a.tns -o none.tns
    [ "$(tgrep --not --same none.tns a.tns | tls | wc -l)" = 5 ]
    tgrep --same b.tns a.tns -o out.tns
    tls --script out.tns >script
    model=$(grep -oE 'MODEL_[0-9a-f]+' script)
    env "$model=b.tns" bash script | cmp - out.tns
}

@test "--not passes the others; the stream is whole, its history longer by a command" {
    [ "$(keys --not -e label=fake)" = "a/1 b/10" ]
    tgrep -e 'label=^fake$' in.tns -o out.tns
    tcheck out.tns
    tls --script out.tns | grep -qF "tgrep --match='label=^fake\$'"
}

@test "what isn't NAME=RE is wrong usage, and says why" {
    for p in label =x 'label=(' 'label=[a'; do
        status=0
        tgrep -e "$p" in.tns >out 2>err || status=$?
        [ "$status" = 2 ] && grep -qF "tgrep: -e $p: " err && [ ! -s out ]
    done
    status=0
    tgrep in.tns >out 2>err || status=$?
    [ "$status" = 2 ]
    head -c 500 in.tns >cut.tns
    status=0
    tgrep -e label=fake cut.tns >out 2>err || status=$?
    [ "$status" = 3 ]
}
