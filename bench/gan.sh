#!/usr/bin/env bash
# A training step of the study's baseline and a WGAN-GP cycle of 5 critic steps and 1 of the generator: 64x64, batch 128. PEER=COMMAND is run as `COMMAND gan` and `COMMAND wgan`, before and
# after ours, and prints lines "WORK LAYOUT BEST MEDIAN" in seconds; its best line counts. Then where ours goes, operation by operation (bench/gan_ops.c).
# Start-up is from exec until the first byte of data is asked for; the best of 20.
# THREADS (default: all), STEPS (default 12; a quarter of that in cycles), LOSS (default: both).
# GFLOP count two a multiply-add of every convolution and dense layer as it is written, in all passes that a step needs; the Winograd kernels do fewer, so that the rate can be above
# the machine's own (bench/fma.c), which is measured in the same minute.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/bin:$PATH
export OMP_WAIT_POLICY=passive
threads=${THREADS:-$(nproc)} all=${STEPS:-12}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
peer() { [ -z "${PEER-}" ] || $PEER "$1" | tee -a "$dir/peer.$1" | sed 's/^/  peer:  /'; }

startup() {
    local best=999999 start end
    for _ in {1..20}; do
        start=${EPOCHREALTIME/./}
        ganstep --gen "${nets[0]}" --critic "${nets[1]}" --loss "$loss" --state "$dir/none.tns" --steps 1 -j "$threads" </dev/null >/dev/null 2>&1 || true
        end=${EPOCHREALTIME/./}
        ((end - start < best)) && best=$((end - start))
    done
    echo "  ours:  starts in $((best / 1000)) ms"
}

drawface -n 256 --size 64 -o "$dir/faces.tns"
for loss in ${LOSS:-bce wgan-gp}; do
    case $loss in
    bce) work=gan critic=critic steps=$all ;;
    *) work=wgan critic=critic-none steps=$(((all + 3) / 4)) ;;
    esac
    nets=(pipelines/nets/gen.net "pipelines/nets/$critic.net")
    echo "GAN, $loss, batch 128, $threads threads"
    : >"$dir/peer.$work"
    peer $work
    fma=$(build/bench/fma "$threads")
    tshuf --epochs 1000000 "$dir/faces.tns" |
        ganstep --gen "${nets[0]}" --critic "${nets[1]}" --loss "$loss" --state "$dir/$loss.tns" --steps $((steps + 1)) --sample-every 1000 --save-every 1000 \
            --sample-count 1 --log "$dir/log.tsv" -j "$threads" >/dev/null
    build/bench/gan_ops -j "$threads" -n 3 -l "$loss" "${nets[@]}" >"$dir/ops"
    peer $work
    tail -n +3 "$dir/log.tsv" | cut -f11 | sort -n >"$dir/seconds"
    awk -v fma="$fma" -v gflop="$(sed -n 's/.* \([0-9.]*\) GFLOP a step.*/\1/p' "$dir/ops")" -v memory="$(sed -n 's/.*peak memory //p' "$dir/ops")" '
        FILENAME ~ /peer/ {if (!peer || $3 < peer) peer = $3; next}
        {s[++n] = $1}
        END {
            printf "  ours:  %d steps: best %.3f s, median %.3f s; %.0f GFLOP a step, %.0f GFLOP/s (best), %.0f%% of the FMA rate, %s", n, s[1],
                s[int((n + 1) / 2)], gflop, gflop / s[1], 100 * gflop / s[1] / fma, fma
            if (peer) printf "; %.2f times the peer", peer / s[1]
            printf "; peak memory %s\n", memory
        }' "$dir/peer.$work" "$dir/seconds"
    startup
    grep ' ms ' "$dir/ops" | sed 's/^/  /'
    # The same in bfloat16, where the processor can.
    if build/bench/gan_ops -h -j "$threads" -n 4 -l "$loss" "${nets[@]}" >"$dir/half" 2>/dev/null; then
        build/bench/gan_ops -j "$threads" -n 4 -l "$loss" "${nets[@]}" >"$dir/ops"
        sed -n 's/.*best step \([0-9.]*\) s.*/\1/p' "$dir/half" "$dir/ops" | paste - - |
            awk '{printf "  --bf16: best %.3f s, %.2f times as fast as in float beside it\n", $1, $2 / $1}'
        grep ' ms ' "$dir/half" | sed 's/^/  /'
    fi
done
