#!/usr/bin/env bash
# cluster.sh slurm|parallel N [OPTION...] -- VARIABLE=VALUE...: the N shards of the study's photos on other machines, then nothing is left of them for `make`. All machines see this folder and the
# photos under the same path.
#     cluster.sh slurm 100 --partition=cpu -- DATA=/data/DeepFakeFace       a Slurm array, a shard a task; OPTIONs are sbatch's
#     cluster.sh parallel 8 -S host1,host2 -- DATA=/data/DeepFakeFace       GNU parallel over ssh; OPTIONs are parallel's
# It ends when all shards are there. Then: make -C pipelines all SHARDS=N VARIABLE=VALUE...
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
slurm) sbatch --wait --array="1-$n" --output=/dev/null "${options[@]}" --wrap "$command shard-\$SLURM_ARRAY_TASK_ID" ;;
parallel) seq "$n" | parallel --halt now,fail=1 "${options[@]}" "$command shard-{}" ;;
*) usage ;;
esac
# Every shard is there now, or make says which isn't.
make -C "$here" SHARDS="$n" "$@" -q $(seq -f 'shard-%g' "$n") || make -C "$here" SHARDS="$n" "$@" $(seq -f 'shard-%g' "$n")
