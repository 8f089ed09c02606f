#!/usr/bin/env bats
# A sample of tests/faults/run, which make soak runs whole: calls of every program fail, and nothing comes of it but a message.

setup() {
    top=$BATS_TEST_DIRNAME/..
    cd "$BATS_TEST_TMPDIR" || exit
    command -v python3 >/dev/null || skip "there is no python3"
    [ "$(uname -m)" = x86_64 ] || skip "system calls are caught on x86-64 only"
    nm "$top/bin/tls" | grep -q __asan_init && skip "the sanitizer has the memory's functions itself"
    nm "$top/bin/tls" | grep -q __gcov_exit && skip "a fault would lose the counts of lines that other tests ran"
    [ -e "$top/build/tests/inject.so" ] || make -s -C "$top" build/tests/inject.so
    LD_PRELOAD=$top/build/tests/inject.so true || skip "the kernel gives no seccomp filter"
}

@test "every program is in the table of commands that faults are tried on" {
    for p in "$top"/bin/*.c; do basename "$p" .c; done | sort >programs
    grep -v '^#' "$BATS_TEST_DIRNAME/faults/commands" | cut -d' ' -f1 | sort -u | diff programs -
}

@test "calls of every program fail one by one: a message, status 1, no half output, and the rerun gives the same bytes" {
    "$BATS_TEST_DIRNAME/faults/run" --first --most 2 -j 2
}

@test "memory refused to a library that reads pictures is an error or made up for: never other pixels" {
    "$BATS_TEST_DIRNAME/faults/run" --only 'imgnorm --size 8 -j 2 ../in/pictures' --kind lib --most 60 -j 2
}

@test "the driver of faults sees what is wrong" {
    # A program that ignores a failed read and leaves half a file, one that is silent, one that crashes: in a copy of the tree.
    mkdir -p t/bin t/build t/tests/faults
    ln -s "$top/build/tests" t/build/tests
    cp "$BATS_TEST_DIRNAME/faults/run" t/tests/faults
    printf '#!/bin/bash\necho in >f\n' >t/tests/faults/prepare
    chmod +x t/tests/faults/prepare
    cat >bad.c <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv) {
    char buf[8] = "", *m; /* what is read comes out again */
    int in = open(argv[1], O_RDONLY), out;
    if (read(in, buf, 8) < 0 && !strcmp(argv[2], "silent")) return 1;
    if (!(m = malloc(4)) && !strcmp(argv[2], "crash")) *(volatile char *)m = 1;
    out = open("o", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (write(out, buf, 1) < 0 || write(out, buf + 1, 1) < 0) fprintf(stderr, "bad: no room\n"), exit(1);
    return argc > 3;
}
C
    gcc -O0 -o t/bin/bad bad.c
    for what in ignore silent crash; do
        echo "bad ../in/f $what" >t/tests/faults/commands
        ! t/tests/faults/run --most 9 >out || false
        cat out
        case $what in
        ignore) grep -q 'read:1:5.*o is there, and not whole' out; grep -q 'write:2:28.*o is there, and not whole' out ;;
        silent) grep -q 'read:1:5.*status 1 without a word' out ;;
        crash) grep -q 'alloc:1:12.*signal 11, and it was our own code' out ;;
        esac
    done
}
