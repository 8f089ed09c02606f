#!/usr/bin/env bats
# Every program against its manual, both ways, and the promises that all programs share.

setup() {
    PATH="$BATS_TEST_DIRNAME/../bin:$PATH"
    cd "$BATS_TEST_DIRNAME/.." || exit
    programs=(bin/*.c)
    programs=("${programs[@]#bin/}")
    programs=("${programs[@]%.c}")
    t=$BATS_TEST_TMPDIR
}

# For loops: says what failed and goes on; the test fails at its end, by [ -z "$failed" ].
fail() {
    echo "$*"
    failed=yes
}

# --options of a program as "-n --count N", a line each, sorted.
table() {
    "$1" --options | awk -F'\t' '{print ($1 == "-" ? "" : "-" $1 " ") ($2 == "-" ? "" : "--" $2 " ") ($3 == "-" ? "" : $3)}' | sed 's/ $//' | sort
}

# The same from a manual's ".It Fl n , -count Ar N" lines; what stands between "Ar", "Cm" and "Ns" is one word.
manual() {
    awk '$1 == ".It" && $2 == "Fl" {
        options = value = ""; in_value = 0
        for (i = 3; i <= NF; i++) {
            if ($i == "Ar" || $i == "Cm") in_value = 1
            else if ($i ~ /^(Fl|,|Ns|Oo|Oc|=|Op|No)$/) continue
            else if (in_value) value = value $i
            else options = options "-" $i " "
        }
        print options value
    }' "$1" | sed 's/ $//' | sort
}

@test "there are programs, each with a manual, and no manual without a program" {
    [ "${#programs[@]}" -ge 5 ]
    for p in "${programs[@]}"; do
        [ -x "bin/$p" ] || fail "bin/$p isn't built"
        [ -f "bin/$p.1" ] || fail "$p has no manual"
    done
    for m in bin/*.1; do [ -f "${m%.1}.c" ] || fail "$m has no program"; done
    [ -z "$failed" ]
}

@test "the manuals have the options that the programs have, and no other" {
    for p in "${programs[@]}"; do
        table "$p" >"$t/table"
        manual "bin/$p.1" >"$t/manual"
        [ "$(wc -l <"$t/table")" -ge 8 ] || fail "$p --options is too short"
        diff -u --label "$p --options" --label "bin/$p.1" "$t/table" "$t/manual" || fail "$p differs"
    done
    [ -z "$failed" ]
}

@test "the manuals have all sections, and NAME as --help says it" {
    for p in "${programs[@]}"; do
        for section in NAME SYNOPSIS DESCRIPTION "EXIT STATUS" EXAMPLES "SEE ALSO"; do
            grep -qE "^\.Sh \"?$section\"?$" "bin/$p.1" || fail "bin/$p.1 has no $section"
        done
        grep -qxF ".Nm $p" "bin/$p.1" || fail "bin/$p.1 doesn't name $p"
        nd=$(sed -n 's/^\.Nd //p' "bin/$p.1")
        [ "$nd" = "$("$p" --help | sed -n 2p)" ] || fail "bin/$p.1 and --help differ: $nd"
    done
    [ -z "$failed" ]
}

@test "--help goes to standard output with status 0 and has every option" {
    for p in "${programs[@]}"; do
        "$p" --help >"$t/out" 2>"$t/err" || fail "$p --help: status $?"
        [ ! -s "$t/err" ] || fail "$p --help writes on stderr"
        head -n 1 "$t/out" | grep -q "^usage: $p \[OPTION\]" || fail "$p --help doesn't begin with its usage"
        "$p" --options | while IFS=$'\t' read -r letter name _; do
            if [ "$name" != - ]; then grep -qE -- "--$name( |\[|$)" "$t/out" || echo "--$name"
            else grep -qE -- "^ *-$letter( |,|$)" "$t/out" || echo "-$letter"; fi
        done >"$t/missing"
        [ ! -s "$t/missing" ] || fail "$p --help lacks: $(cat "$t/missing")"
    done
    [ -z "$failed" ]
}

@test "--version names the program, and is the same everywhere" {
    for p in "${programs[@]}"; do "$p" --version >>"$t/all" || fail "$p --version: status $?"; done
    [ "$(wc -l <"$t/all")" = "${#programs[@]}" ]
    [ "$(cut -d' ' -f1 "$t/all")" = "$(printf '%s\n' "${programs[@]}")" ]
    [ "$(cut -d' ' -f2- "$t/all" | sort -u | wc -l)" = 1 ]
    [ -z "$failed" ]
}

@test "wrong usage: status 2, the reason on stderr, nothing on standard output" {
    for p in "${programs[@]}"; do
        for args in --no-such-option "-?" '-j 0' '-j 2x' '-j nan' -j --quiet=1; do
            status=0
            "$p" $args </dev/null >"$t/out" 2>"$t/err" || status=$?
            [ $status = 2 ] || fail "$p $args: status $status"
            [ ! -s "$t/out" ] || fail "$p $args writes on standard output"
            grep -q "^$p: " "$t/err" || fail "$p $args: $(cat "$t/err")"
        done
    done
    [ -z "$failed" ]
}

@test "help that can't be written is an error" {
    for p in "${programs[@]}"; do
        status=0
        "$p" --help >/dev/full 2>"$t/err" || status=$?
        [ $status = 1 ] || fail "$p --help >/dev/full: status $status"
        grep -q 'No space left' "$t/err" || fail "$p --help >/dev/full: $(cat "$t/err")"
    done
    [ -z "$failed" ]
}

@test "completion knows every program, its options and the values of a choice" {
    [ "$(sed -n 's/^complete .*-F _facade //p' bin/facade.bash | tr ' ' '\n' | sort | xargs)" = "$(printf '%s\n' "${programs[@]}" augment | sort -u | xargs)" ]
    . bin/facade.bash
    # completes WORD BEFORE...: what stands in COMPREPLY, sorted
    completes() {
        COMP_WORDS=("${@:2}" "$1") COMP_CWORD=$(($# - 1))
        _facade "$2" "$1" "${!#}"
        printf '%s\n' "${COMPREPLY[@]}" | sort | xargs
    }
    for p in "${programs[@]}"; do
        [ "$(completes -- "$p")" = "$({ "$p" --options | awk -F'\t' '$2 != "-" {print "--" $2}'; printf '%s\n' --help --version; } | sort | xargs)" ] || fail "$p: $(completes -- "$p")"
    done
    [ "$(completes s imgnorm --fit)" = stretch ]
    [ "$(completes '' imgnorm --kernel)" = "bicubic bilinear lanczos3 nearest" ]
    COMP_WORDS=(imgnorm --kernel '=' n) COMP_CWORD=3
    _facade imgnorm n =
    [ "${COMPREPLY[*]}" = nearest ]
    completes bin/twhy.c tls | grep -qx bin/twhy.c
    [ -z "$failed" ]
}

@test "facade(7) names every program and every makefile's target" {
    for p in "${programs[@]}"; do grep -qE "\.(Xr|Nm) $p( 1)?\b" pipelines/facade.7 || fail "facade.7 lacks $p"; done
    for t in $(sed -n 's/^## make \([a-z0-9]*\) .*/\1/p' pipelines/Makefile); do grep -qw "$t" pipelines/facade.7 || fail "facade.7 lacks make $t"; done
    [ -z "$failed" ]
}
