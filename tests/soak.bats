#!/usr/bin/env bats
# RELIABILITY.md comes of what the parts of tests/soak recorded, and of nothing else: in a small tree, with parts that end at once.

setup() {
    top=$BATS_TEST_DIRNAME/..
    cd "$BATS_TEST_TMPDIR" || exit
    mkdir -p tests/fuzz bin
    cp "$top"/tests/{soak,reliability} tests
    unset MAKEFLAGS MFLAGS MAKELEVEL
}

# stub NAME COMMANDS
stub() {
    printf '#!/bin/bash\n%s\n' "$2" >"tests/$1"
    chmod +x "tests/$1"
}

@test "a part that hasn't run is called that" {
    tests/reliability >r
    for p in faults kills fuzz load coverage; do grep -qxF "Not run. \`tests/soak $p\` runs it." r; done
    for p in asan tsan valgrind; do grep -q "^| $p | not run |" r; done
}

@test "sanitizers: the outcome is the last line, and whether it failed" {
    stub asan 'echo noise; echo 7 passed, 0 failed'
    stub tsan 'echo 3 passed, 1 failed; exit 1'
    run tests/soak asan tsan
    [ "$status" = 1 ]
    [[ $output = *'soak: failed: tsan' ]]
    grep -q '^| asan | 7 passed, 0 failed | clean | 0\.[0-9] | [a-z0-9]* |$' RELIABILITY.md
    grep -q '^| tsan | 3 passed, 1 failed | FAILED | ' RELIABILITY.md
    grep -q '^| valgrind | not run | ' RELIABILITY.md
    grep -q '^| tsan | FAILED | ' RELIABILITY.md # in the list of when
}

@test "what a part came to elsewhere is kept until it runs here" {
    stub asan 'echo 7 passed, 0 failed'
    stub tsan 'echo 3 passed, 0 failed'
    stub coverage "mkdir -p build; printf 'total\t20\t18\t90.0\t\ntests\t\t\t\t5 passed, 0 failed\n' >build/coverage.tsv"
    mkdir -p tests/faults build/soak
    stub faults/kill "printf 'rounds\t7\nwrong\t0\ncat\tSIGKILL\t9\n' >build/soak/kills.tsv"
    tests/soak asan coverage kills
    cp RELIABILITY.md first
    rm -r build
    tests/reliability | cmp - first
    tests/soak tsan
    [ "$(diff first RELIABILITY.md | grep -c '^<')" = 1 ]
    grep -q '^| asan | 7 passed, 0 failed | clean' RELIABILITY.md && grep -q '^| tsan | 3 passed, 0 failed | clean' RELIABILITY.md
    grep -qx '7 rounds, 9 kills, 0 wrong.' RELIABILITY.md && grep -qx '| cat | 9 | 0 |' RELIABILITY.md
    stub asan 'echo 8 passed, 0 failed'
    tests/soak asan
    grep -q '^| asan | 8 passed' RELIABILITY.md && ! grep -q '7 passed' RELIABILITY.md
}

@test "coverage: the sentence says what the tests came to" {
    stub coverage "mkdir -p build; printf 'lib/a.c\t10\t8\t80.0\t3 9\nlib/b.c\t10\t10\t100.0\t\ntotal\t20\t18\t90.0\t\ntests\t\t\t\t5 passed, 0 failed\n' >build/coverage.tsv"
    tests/soak coverage
    grep -qxF '18 of 20 lines of lib, formats and bin are run by `make test`: 90.0% (`make coverage`; 5 passed, 0 failed).' RELIABILITY.md
    grep -qxF '* lib/a.c 80.0%: 3 9' RELIABILITY.md
    ! grep -q lib/b.c RELIABILITY.md || false
}

@test "fuzzing: minutes, inputs and edges of each target; what found something, and what never ended" {
    for t in good bad cut; do printf '/* Any %s bytes: x.\n' $t >tests/fuzz/$t.c; done
    cat >tests/fuzz/run <<'R'
#!/bin/bash
echo '#9 NEW    cov: 321 ft: 1'
case $1 in
good) printf 'Done 1234 runs in 90 second(s)\nstat::number_of_executed_units: 1234\n' ;;
bad) printf 'SUMMARY: AddressSanitizer: heap-buffer-overflow x.c:3\nstat::number_of_executed_units: 5\n'; exit 1 ;;
esac
R
    chmod +x tests/fuzz/run
    run tests/soak fuzz
    [ "$status" = 1 ]
    grep -qxF '| good | Any good bytes | 1.5 | 1234 | 321 | nothing | - |' RELIABILITY.md
    grep -q '^| bad | .* | 5 | 321 | SUMMARY: AddressSanitizer: heap-buffer-overflow x.c:3 | - |$' RELIABILITY.md
    grep -q '^| cut | .* | not known: it never ended | - |$' RELIABILITY.md
}
