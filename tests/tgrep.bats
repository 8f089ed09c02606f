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
