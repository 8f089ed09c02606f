#!/usr/bin/env bash
# A training step of classifier model 3: photos of 224x224, batch 16. PEER=COMMAND is run as `COMMAND clf3`, before and after ours, and prints lines "WORK LAYOUT BEST MEDIAN" in
# seconds; its best line counts. Then whether augmenting anew for every epoch can keep up: images a second that augment delivers by itself, that clsfit takes from a file, and of
# both in a pipe, each on the same cores. Last, where the processor can, in bfloat16.
# THREADS (default: all), EPOCHS of 60 steps (default 4; the first is not counted; a checkpoint is written after each, as always).
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/bin:$PATH
export OMP_WAIT_POLICY=passive
threads=${THREADS:-$(nproc)} epochs=${EPOCHS:-4} batch=16 images=192 copies=5
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
: >"$dir/peer"
peer() { [ -z "${PEER-}" ] || $PEER clf3 | tee -a "$dir/peer" | sed 's/^/  peer:  /'; }
random=('rotate=10 shear=5 zoom=.1 flip') # pipelines/study.mk's, of models 2 to 5

# fit NAME OPTION...: the seconds of each epoch but the first, of training on standard input
fit() {
    local name=$1
    shift
    rm -f "$dir/$name".*
    clsfit --net pipelines/nets/model3.net -b $batch -j "$threads" --state "$dir/$name.state" --log "$dir/$name.tsv" --save-every 1000000 "$@" -q
    awk -F'\t' '$2 > '$((images / batch))' && $3 == "train" {print $NF}' "$dir/$name.tsv" | sort -n >"$dir/$name.seconds"
}
best() { head -n 1 "$dir/$1.seconds"; }
median() { sed -n "$(((epochs - 1 + 1) / 2))p" "$dir/$1.seconds"; }

{ drawface -n $((images / 2)) --size 224 -j "$threads" && drawface -n $((images / 2)) --size 224 --style fake -j "$threads"; } | tcat | tshuf --copies $copies -o "$dir/train.tns" -
images=$((images * copies))
echo "Classifier 3, batch $batch, $threads threads"
peer
fma=$(build/bench/fma "$threads")
tshuf --epochs "$epochs" "$dir/train.tns" | fit plain
peer
# Three passes of 483 MMAC an image (model3.net), the first layer's gradient to the photo left out.
awk -v b="$(best plain)" -v m="$(median plain)" -v steps=$((images / batch)) -v fma="$fma" -v gflop="$(awk 'BEGIN {print 2 * 3 * .4831 * '$batch'}')" '
    {if (!peer || $3 < peer) peer = $3}
    END {
        printf "  ours:  best %.3f s a step, median %.3f s; %.0f GFLOP a step, %.0f GFLOP/s (best), %.0f%% of the FMA rate, %s", b / steps, m / steps, gflop, gflop * steps / b,
            100 * gflop * steps / b / fma, fma
        if (peer) printf "; %.2f times the peer", peer * steps / b
        print ""
    }' "$dir/peer"

start=${EPOCHREALTIME/./}
tshuf --epochs "$epochs" "$dir/train.tns" | augment -j "$threads" "${random[@]}" >/dev/null
end=${EPOCHREALTIME/./}
tshuf --epochs "$epochs" "$dir/train.tns" | augment -j "$threads" "${random[@]}" | fit both
awk -v n=$((images)) -v us=$((end - start)) -v all=$((images * epochs)) -v fit="$(best plain)" -v both="$(best both)" 'BEGIN {
    printf "  images a second: augment %.0f, clsfit %.0f; in a pipe %.0f\n", all * 1e6 / us, n / fit, n / both}'
if tshuf --epochs "$epochs" "$dir/train.tns" | fit half --bf16 2>/dev/null; then
    awk -v h="$(best half)" -v b="$(best plain)" -v steps=$((images / batch)) 'BEGIN {printf "  --bf16: best %.3f s a step, %.2f times as fast as in float\n", h / steps, b / h}'
fi
