#!/usr/bin/env bats
# What every program is built with: checked calls and stacks, position-independent code, tables that are read-only from the start, no executable stack.

setup() {
    cd "$BATS_TEST_DIRNAME/.." || exit
    command -v readelf >/dev/null || skip "there is no readelf"
    nm bin/tls | grep -qE '__(asan|tsan|gcov)_' && skip "not a release build"
    return 0
}

@test "every program is hardened" {
    for p in bin/*.c; do
        p=${p%.c}
        readelf -hW "$p" | grep -q 'Type: *DYN' || { echo "$p: not position-independent"; failed=1; }
        readelf -lW "$p" | grep -q GNU_RELRO || { echo "$p: no relro"; failed=1; }
        readelf -dW "$p" | grep -q BIND_NOW || { echo "$p: relro isn't full"; failed=1; }
        readelf -lW "$p" | grep GNU_STACK | grep -q ' RW ' || { echo "$p: its stack is executable"; failed=1; }
        readelf -sW "$p" | grep -q __stack_chk_fail || { echo "$p: no stack protector"; failed=1; }
        readelf -sW "$p" | grep -qE '__(memcpy|snprintf|vsnprintf|vasprintf|read|pread64)_chk' || { echo "$p: no checked calls"; failed=1; }
    done
    [ -z "$failed" ]
}
