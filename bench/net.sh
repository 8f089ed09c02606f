#!/usr/bin/env bash
# Images a second through netrun: InceptionV3 (FID's), ResNet50, YOLOv8n at 640, random weights. PEER=COMMAND is run as `COMMAND inception` and so on, before
# and after ours, and prints lines "WORK LAYOUT BEST MEDIAN", seconds a batch of 16, 16 and 1 images; its best line counts. THREADS (default: all).
# Ours is the difference between a run with many images and one with few, so that starting and planning, which a data set pays once, don't count.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/bin:$PATH
threads=${THREADS:-$(nproc)}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
peer() { $PEER "$1" | sed 's/^/  peer:  /' | tee -a "$dir/peer.$1"; }
seconds() {
    local start=$EPOCHREALTIME
    "$@"
    local end=$EPOCHREALTIME
    echo $((${end/./} - ${start/./}))
}

fma=$(build/bench/fma "$threads")
echo "Inference, $threads threads; the machine's FMA rate: $fma GFLOP/s"
for work in inception:299:16 resnet50:224:16 yolov8n:640:1; do
    IFS=: read -r net size batch <<<"$work"
    macs=$(build/bench/random_model "pipelines/nets/$net.net" 2>&1 >"$dir/model.tns")
    drawface -n 8 --size "$size" -o "$dir/eight.tns"
    tshuf --copies 2 "$dir/eight.tns" -o "$dir/few.tns"
    tshuf --copies 18 "$dir/eight.tns" -o "$dir/many.tns"
    echo "$net"
    [ -z "${PEER-}" ] || peer "$net"
    best=
    for _ in 1 2 3; do
        few=$(seconds netrun -m "$dir/model.tns" -j "$threads" "$dir/few.tns" -o "$dir/out.tns")
        many=$(seconds netrun -m "$dir/model.tns" -j "$threads" "$dir/many.tns" -o "$dir/out.tns")
        [ -n "$best" ] && [ $((many - few)) -ge "$best" ] || best=$((many - few))
    done
    [ -z "${PEER-}" ] || peer "$net"
    touch "$dir/peer.$net"
    awk -v us="$best" -v macs="$macs" -v fma="$fma" -v batch="$batch" '
        {if (!peer || $4 < peer) peer = $4}
        END {
            rate = 128e6 / us
            printf "  ours:  %.1f images/s, %.0f GFLOP/s of the plain count, %.0f%% of the FMA rate", rate, 2e-9 * macs * rate, 200e-9 * macs * rate / fma
            if (peer) printf "; %.2f times the peer (%.1f images/s)", rate * peer / batch, batch / peer
            print ""
        }' "$dir/peer.$net"
done
