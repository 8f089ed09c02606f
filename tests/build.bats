#!/usr/bin/env bats
# The Makefile and the test runner themselves, on a small copy of the source.

setup() {
    top=$BATS_TEST_DIRNAME/..
    t=$BATS_TEST_TMPDIR/src
    mkdir -p "$t"/{bin,lib,tests,pipelines} "$t/../tools"
    cp "$top/Makefile" "$t"
    cp "$top/tests/run" "$t/tests"
    cp "$top"/lib/{base,rng}.[ch] "$t/lib"
    printf '#include "lib/base.h"\nint main(void) { puts(FACADE_VERSION); return 0; }\n' >"$t/bin/tiny.c"
    touch "$t/bin/tiny.1" "$t/bin/facade.bash" "$t/pipelines/tiny.mk" "$t/pipelines/tiny.7"
    mkdir "$t/formats" && touch "$t/formats/tiny.5"
    unset MAKEFLAGS MFLAGS MAKELEVEL
    cd "$t" || exit
}

@test "make builds once, and again what a changed header or flag touches" {
    make
    [ "$(bin/tiny)" = "$(sed -n 's/^VERSION := //p' Makefile)" ]
    run make
    [ "$output" = "make: Nothing to be done for 'all'." ]
    touch lib/rng.h
    run make
    [[ $output = *"CC build/lib/rng.o"* && $output != *"CC build/bin/tiny.o"* ]]
    run make CFLAGS=-O0
    [[ $output = *"CC build/lib/rng.o"* && $output = *"LINK bin/tiny"* ]]
    make clean
    [ ! -e build ] && [ ! -e bin/tiny ] && [ -e bin/tiny.c ]
}

@test "sanitized objects don't mix with plain ones" {
    make
    make SANITIZE=address,undefined
    nm bin/tiny | grep -q __asan
    run make
    [[ $output != *CC* && $output = *"LINK bin/tiny"* ]]
    nm bin/tiny >symbols
    ! grep -q __asan symbols || false
}

@test "what is missing is installed by root, and then the build goes on" {
    # No pkg-config and no bats, until apt-get has put them there.
    tools=$t/../tools
    IFS=: read -ra folders <<<"$PATH"
    for d in "${folders[@]}"; do ln -s "$d"/* "$tools" 2>/dev/null || true; done # those that are there already came first
    rm -f "$tools"/{pkg-config,bats,apt-get,id}
    printf '#!/bin/bash\necho 0\n' >"$tools/id"
    cat >"$tools/apt-get" <<END
#!/bin/bash
echo "\$*" >>$t/apt
for p; do case \$p in
    pkg-config) ln -s $(type -P pkg-config) $tools ;;
    bats) ln -s $(type -P bats) $tools ;;
esac; done
END
    chmod +x "$tools"/{apt-get,id}
    echo '@test "one" { true; }' >tests/one.bats
    PATH=$tools make
    bin/tiny
    [ "$(sed -n 1p apt)" = "-qq update" ]
    sed -n 2p apt | grep -q 'install .*libvips-dev.*zlib1g-dev'
    [ "$(wc -l <apt)" = 2 ]
    PATH=$tools make test | tail -n 1 >out
    [ "$(cat out)" = "1 passed, 0 failed" ]
    sed -n 4p apt | grep -q 'install .*bats'
    PATH=$tools make test
    [ "$(wc -l <apt)" = 4 ]
}

@test "what is missing is named, with the command, to a user without root" {
    tools=$t/../tools
    printf '#!/bin/bash\necho 1000\n' >"$tools/id"
    printf '#!/bin/bash\nexit 1\n' | tee "$tools/sudo" "$tools/pkg-config" >"$tools/apt-get"
    chmod +x "$tools"/*
    status=0
    PATH=$tools:$PATH make >out 2>err || status=$?
    [ "$status" != 0 ]
    grep -q 'please run: sudo apt-get install .*libvips-dev' err
    [ ! -e bin/tiny ]
    make help | grep -q 'make test'
}

@test "install and uninstall: a program is compiled against what was installed, and nothing stays" {
    make install PREFIX=/opt/facade DESTDIR="$t/root"
    r=$t/root/opt/facade
    [ -x "$r/bin/tiny" ] && [ -f "$r/share/man/man1/tiny.1" ] && [ -f "$r/share/facade/pipelines/tiny.mk" ] && [ -f "$r/share/man/man7/tiny.7" ] && [ -L "$r/share/bash-completion/completions/tiny" ]
    printf '#include <facade/rng.h>\nint main(void) { rng r = rng_make(1, "x", "y", 2); return rng_uniform(&r) >= 1; }\n' >use.c
    flags=$(PKG_CONFIG_PATH=$r/lib/pkgconfig pkg-config --define-variable=prefix="$r" --cflags --libs tns)
    gcc -o use use.c $flags
    ./use
    make uninstall PREFIX=/opt/facade DESTDIR="$t/root"
    [ -z "$(find root ! -type d)" ]
}

@test "tests/run counts, shows what failed and fails" {
    printf '@test "a" { true; }\n@test "b" { skip "no moon"; }\n' >tests/good.bats
    printf '@test "a" { true; }\n@test "b" { echo because; false; }\n' >tests/bad.bats
    printf '@test "a" { true; }\nexit 0\n' >tests/stops.bats
    printf 'syntax error (\n' >tests/broken.bats
    : >tests/empty.bats
    printf '#!/bin/sh\necho wrong; exit 1\n' >tests/c
    chmod +x tests/c
    run tests/run -j2 tests/good.bats
    [ "$status" = 0 ] && [ "${lines[-1]}" = "1 passed, 0 failed" ] && [[ $output = *"skip no moon"* ]]
    run tests/run tests/good.bats tests/bad.bats tests/c
    [ "$status" = 1 ] && [ "${lines[-1]}" = "2 passed, 2 failed" ] && [[ $output = *because* && $output = *wrong* ]]
    for f in stops broken empty none; do
        run tests/run tests/$f.bats
        echo "$f: $output"
        [ "$status" != 0 ]
    done
    run tests/run
    [ "$status" = 2 ]
}
