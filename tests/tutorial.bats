#!/usr/bin/env bats
# Every command of the tutorial works when pasted, in its order, and so do the one-line commands of facade(7).

setup() {
    top=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
    PATH="$top/bin:$PATH"
    export OMP_WAIT_POLICY=passive
    unset MAKEFLAGS MFLAGS MAKELEVEL
    cd "$BATS_TEST_TMPDIR" || exit
    ln -s "$top"/{bin,pipelines} .
}

@test "the tutorial, from its first command to its last" {
    awk '/^```sh$/ {on = 1; next} /^```$/ {on = 0} on' "$top/examples/tutorial.md" >commands
    [ "$(wc -l <commands)" -ge 30 ]
    bash -euo pipefail commands >out
    tcheck tutorial/*.tns tutorial/c.state
    # The photos that were decoded, all of them; nobody on two sides; a matrix that adds up.
    [ "$(tls tutorial/real.tns | wc -l)" = 120 ]
    grep -q '^ganstep\|^    ganstep\|clsfit --batch=16' out
    grep -q '^programs: stage: clsfit in tutorial/c.tns, augment in tutorial/a.tns' out
    # make: two stages, none, two planned, two.
    [ "$(grep -c '^  MAKE' out)" = 4 ] && grep -q '^2 of 2 stages' out
}

@test "the one-line commands of facade(7)" {
    sed -n 's/^\.Dl //p' "$top/pipelines/facade.7" >commands
    [ "$(wc -l <commands)" -ge 8 ] && sed -i '/netrun -m c.tns/i tshuf train.tns | clsfit --net pipelines/nets/draw-feat.net --state c.state --save c.tns' commands
    bash -euo pipefail commands >out
    tcheck train.tns val.tns test.tns
}
