#!/usr/bin/env bash
# bench/make.sh: what make adds to the plain pipelines, in seconds: a shard's commands by hand, one after the other, as their stamps hold them, and the same under make; and make when there is
# nothing to do. The least of RUNS.
set -euo pipefail
cd "$(dirname "$0")/../pipelines"
: "${RUNS:=5}" "${PHOTOS:=64}"
unset MAKEFLAGS MFLAGS MAKELEVEL
export OMP_WAIT_POLICY=passive
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
study() { make -s SCALE=smoke DRAWN="$PHOTOS" PHOTOS="$PHOTOS" OUT="$work" CROP=imgnorm "$@" >"$work/out" 2>&1; }
o=$work/smoke/drawn
# least COMMAND: its seconds; BEFORE is run first, untimed
least() {
    local best='' begun t
    for _ in $(seq "$RUNS"); do
        "$before"
        begun=$EPOCHREALTIME
        "$@"
        t=$(awk -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.2f", b - a}')
        if [ -z "$best" ] || awk -v a="$t" -v b="$best" 'BEGIN {exit !(a < b)}'; then best=$t; fi
    done
    echo "$best"
}
by_hand() { for c in "${commands[@]}"; do PATH=$PWD/../bin:$PATH bash -euo pipefail "$c" >"$work/out" 2>&1; done; }
# The photos of a shard in the forms that take milliseconds; the frozen ResNet50 would hide everything else.
targets=()
for form in 64 face native m1 m2; do targets+=("$o/sets/"{wiki,insight,inpainting,text2img}".$form.1.tns"); done
study "${targets[@]}"
commands=("${targets[@]/%/.cmd}")
gone() { rm -f "${targets[@]}"; }
before=gone
hand=$(least by_hand)
under=$(least study "${targets[@]}")
before=true
shard=$(least study "${targets[@]}")
study table1
table=$(least study table1)
printf '%-48s %s\n' "${#commands[@]} stages of $PHOTOS photos by hand" "$hand" 'the same under make' "$under" 'what make adds' "$(awk -v a="$hand" -v b="$under" 'BEGIN {printf "%.2f", b - a}')" \
    'the same, nothing to do' "$shard" 'table1, nothing to do' "$table"
