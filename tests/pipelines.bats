#!/usr/bin/env bats
# rules.mk: what runs again, and what doesn't.

setup() {
    top=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
    PATH="$top/bin:$PATH"
    unset MAKEFLAGS MFLAGS MAKELEVEL
    cd "$BATS_TEST_TMPDIR" || exit
    mkdir "some o'photos"
    echo 1 >"some o'photos/\$(touch hacked) it's
 one"
    cat >mk <<END
include $top/pipelines/rules.mk
X := 1
Y := 1
all: out/c
\$(call manifest,out/list,some o'photos)
\$(call stage,out/a,out/list,a=\$(X); echo "\$\$a\$(comma)" 'it'"'"'s' >out/a; echo a >>ran)
\$(call stage,out/b,out/a,{ cat out/a; echo \$(Y); } >out/b; echo b >>ran)
\$(call stage,out/c,out/b,cat out/b >>out/state; echo c >>ran; \$(SLOW) cp out/state out/c,out/state,while sleep .1; do echo tick >>ticks; done)
END
    do_make() { : >ran && make -f mk "$@"; }
}

@test "the first run makes all, the second nothing" {
    do_make
    [ "$(cat out/c)" = "1, it's"$'\n'1 ]
    do_make -j2
    [ ! -s ran ] && [ ! -e hacked ]
}

@test "a changed option runs its stage and what follows" {
    do_make
    do_make Y=2
    [ "$(cat ran)" = b$'\n'c ]
    [ "$(cat out/c)" = "1, it's"$'\n'2 ]
    do_make Y=2
    [ ! -s ran ]
    rm out/b
    do_make Y=2
    [ "$(cat ran)" = b$'\n'c ]
    do_make -n X=5 >dry
    grep -q 'a=5' dry
    do_make Y=2
    [ ! -s ran ]
}

@test "a stamp holds the command as it can be pasted into a shell" {
    do_make
    cp out/a before
    rm out/a
    bash -c "$(cat out/a.cmd)"
    cmp out/a before
}

@test "a photo added, changed or removed runs all again; a folder without photos is an error" {
    do_make
    echo 2 >"some o'photos/two"
    do_make
    [ "$(cat ran)" = a$'\n'b$'\n'c ]
    touch -d yesterday "some o'photos/two"
    do_make
    [ "$(wc -l <ran)" = 3 ]
    rm "some o'photos/two"
    do_make
    [ "$(wc -l <ran)" = 3 ]
    do_make
    [ ! -s ran ]
    rm "some o'photos"/*
    run do_make
    [ "$status" != 0 ] && [[ $output = *"no files in some o'photos"* ]]
}

@test "a stage that failed goes on from what it left, unless what that was made from has changed" {
    run do_make SLOW='sleep .5; false;'
    [ "$status" != 0 ] && [ ! -e out/c ] && [ -s ticks ]
    # What ran beside it has ended with it.
    mv ticks gone && sleep .3 && [ ! -e ticks ]
    run do_make SLOW='sleep .5; false;'
    [ "$status" != 0 ] && [ "$(cat ran)" = c ] && [ "$(wc -l <out/state)" = 4 ]
    run do_make SLOW='false;'
    [ "$(wc -l <out/state)" = 2 ]
    run do_make SLOW='false;'
    [ "$(wc -l <out/state)" = 4 ]
    run do_make SLOW='false;' Y=2
    [ "$(wc -l <out/state)" = 2 ] && [ "$(tail -n 1 out/state)" = 2 ]
}

@test "a command beside a stage that ends early or fails doesn't matter" {
    sed -i 's/while sleep .1; do.*/echo beside >>ticks; false)/' mk
    do_make SLOW='sleep .3;'
    [ "$(cat ran)" = a$'\n'b$'\n'c ] && [ -s ticks ] && [ -s out/c ]
}

@test "a failure in the middle of a pipe fails the stage" {
    sed -i 's/a=\$(X);/false | cat;/' mk
    run do_make
    [ "$status" != 0 ] && [ ! -e out/a ]
}
