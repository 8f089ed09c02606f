#!/usr/bin/env bats
# cluster.sh, with an sbatch that is none: what it asks for, and what it says when a task fails. tests/cluster (make soak) has the real daemons.

setup() {
    top=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
    export PATH="$BATS_TEST_TMPDIR/stubs:$top/bin:$PATH" OMP_WAIT_POLICY=passive
    unset MAKEFLAGS MFLAGS MAKELEVEL
    cd "$BATS_TEST_TMPDIR" || exit
    mkdir stubs
    cat >stubs/sbatch <<'END'
#!/usr/bin/env bash
printf '%s\n' "$*" >asked
for a; do case $a in --output=*) output=${a#*=} ;; esac; command=$a; done
status=0
for SLURM_ARRAY_TASK_ID in 1 2; do
    export SLURM_ARRAY_TASK_ID
    [ "${FAIL-}" != $SLURM_ARRAY_TASK_ID ] || command='echo oops; false'
    bash -c "$command" >"${output/\%a/$SLURM_ARRAY_TASK_ID}" 2>&1 || status=1
done
exit $status
END
    chmod +x stubs/sbatch
    "$top/pipelines/draw-tree.sh" photos 4 64 0
}

array() { "$top/pipelines/cluster.sh" slurm 2 --partition=cpu -- SCALE=smoke DATA="$PWD/photos" OUT="$PWD/o" CROP=imgnorm; }

@test "a Slurm array: the shards of every set, as from one process; again, nothing is made" {
    array >out 2>&1
    grep -q -- '^--wait --array=1-2 --output=.* --partition=cpu --wrap make ' asked
    [ -z "$(ls -d shards.* 2>/dev/null)" ]
    make -C "$top/pipelines" SCALE=smoke DATA="$PWD/photos" OUT="$PWD/one" CROP=imgnorm shard-1 >one.out 2>&1
    for set in one/smoke/photos/sets/*.1.tns; do
        tcat o/"${set#one/}" "o/$(sed 's|^one/||; s/1.tns$/2.tns/' <<<"$set")" | cmp - <(tcat "$set")
    done
    array >out 2>&1
    [ "$(grep -c '^  MAKE' out)" = 0 ]
}

@test "a task that fails: status 1, and where it said why" {
    FAIL=2 run array
    [ "$status" = 1 ] && [[ $output = *"what each said is in $PWD/shards."* ]]
    grep -q oops shards.*/2
    run "$top/pipelines/cluster.sh" slurm
    [ "$status" = 2 ] && [[ $output = *"sbatch's"* ]]
}
