#!/usr/bin/env bats
# The README's commands work when pasted, and it leaves out no program.

setup() {
    top=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
    PATH="$top/bin:$PATH"
    cd "$BATS_TEST_TMPDIR" || exit
    ln -s "$top"/{bin,pipelines} .
}

# The shell blocks of README.md, without those that make or install.
blocks() { awk '/^```sh$/ {b = ""; on = 1; next} /^```$/ && on {on = 0; if (b !~ /(^|\n|&& sudo )make /) printf "%s", b} on {b = b $0 "\n"}' "$top/README.md"; }

@test "every command of the README works when pasted" {
    # Less training than the README's.
    blocks | sed 's/--epochs 50/--epochs 1/; s/-b 32/-b 8/' >commands
    [ "$(grep -c tview commands)" -ge 3 ] && grep -q ganstep commands && grep -q imgnorm commands
    bash -euo pipefail commands >out
    [ "$(find faces -type f | wc -l)" = 64 ]
    [ -s faces.png ] && [ -s out ]
    tcheck images.tns state.tns
}

@test "what the README points at exists" {
    for f in $(grep -oE '\]\([^)]*\)' "$top/README.md" | tr -d '])('); do [ -e "$top/$f" ] || { echo "$f"; false; }; done
    for target in $(grep -oE 'make [a-z]+' "$top/README.md" | sort -u | cut -d' ' -f2 | grep -xE 'demo|test|help|install|uninstall|deps|check|bench'); do
        grep -q "^$target:" "$top/Makefile"
    done
}

@test "the README names every program" {
    for p in "$top"/bin/*.c; do
        p=$(basename "$p" .c)
        grep -qF "\`$p\`" "$top/README.md" || { echo "$p"; missing=yes; }
    done
    [ -z "$missing" ]
}
