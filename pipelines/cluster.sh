#!/usr/bin/env bash
# cluster.sh slurm|parallel N [OPTION...] -- VARIABLE=VALUE...: the N shards of the study's photos on other machines. All machines see this folder, OUT and the
# photos under the same path.
#     cluster.sh slurm 100 --partition=cpu -- DATA=/data/DeepFakeFace       a Slurm array, a shard a task; OPTIONs are sbatch's
#     cluster.sh parallel 8 -S host1,host2 -- DATA=/data/DeepFakeFace       GNU parallel over ssh; OPTIONs are parallel's
# It ends when all shards are there; what fails or is killed is made by the same command again, and nothing else is. Interrupted, Slurm's tasks go on (scancel).
# Then: make -C pipelines all SHARDS=N VARIABLE=VALUE...
set -euo pipefail
usage() { sed -n '2,/^set/s/^# //p' "$0" >&2; exit 2; }
[ $# -ge 3 ] || usage
how=$1 n=$2
shift 2
options=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1"); shift; done
[ $# -gt 0 ] || usage
shift
here=$(cd "$(dirname "$0")" && pwd)
command=$(printf '%q ' make -C "$here" SHARDS="$n" "$@")
# Lists and what needs no photo are made once, before many look at them.
make -C "$here" SHARDS="$n" "$@" lists
case $how in
slurm)
    # What tasks say is kept beside, where all machines see it, until it is clear that nobody has to read it.
    said=$(mktemp -d "$PWD/shards.XXXXXX")
    sbatch --wait --array="1-$n" --output="$said/%a" "${options[@]}" --wrap "$command shard-\$SLURM_ARRAY_TASK_ID" || {
        echo "cluster.sh: not every task ended well; what each said is in $said; the same command again makes the rest" >&2
        exit 1
    }
    rm -rf "$said"
    ;;
parallel) seq "$n" | parallel --halt now,fail=1 "${options[@]}" "$command shard-{}" ;;
*) usage ;;
esac
# Every shard is there now, or make says which isn't.
make -C "$here" SHARDS="$n" "$@" $(seq -f 'shard-%g' "$n")
