#!/usr/bin/env bats
# Seeds and past crashers of every fuzz target, replayed; with SANITIZE=address,undefined by code that sees what is wrong. New ones: tests/fuzz/run NAME.

setup() {
    cd "$BATS_TEST_DIRNAME/.." || exit
    build=build
    # The sanitized targets, when the programs are.
    for d in build/sanitize-address*; do if [ -d "$d" ] && nm bin/tls | grep -q __asan_init; then build=$d; fi; done
}

@test "every fuzz target takes its seeds and its past crashers" {
    shopt -s nullglob
    targets=0
    for f in tests/fuzz/*.c; do
        name=$(basename "$f" .c)
        [ "$name" != replay ] || continue
        # shellcheck disable=SC2046,SC2207
        inputs=($(sed -n '2s/^ \* seeds: //p' "$f") tests/fuzz/corpus/"$name"/*)
        [ "${#inputs[@]}" -ge 3 ]
        timeout 300 "$build/tests/fuzz/$name" "${inputs[@]}"
        targets=$((targets + 1))
    done
    [ "$targets" -ge 6 ]
}
