#!/usr/bin/env bash
# One training step of the study's baseline: 64x64, batch 128. PEER=COMMAND is run as `COMMAND gan` first, in the same minute, and what it says is printed.
# THREADS (default: all), STEPS (default 12), UPDATE (default simultaneous).
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/bin:$PATH
threads=${THREADS:-$(nproc)} steps=${STEPS:-12} update=${UPDATE:-simultaneous}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

echo "GAN step, batch 128, $threads threads"
[ -z "${PEER-}" ] || $PEER gan | sed 's/^/  peer:  /'
drawface -n 256 --size 64 -o "$dir/faces.tns"
tshuf --epochs 1000000 "$dir/faces.tns" |
    ganstep --gen pipelines/nets/gen.net --critic pipelines/nets/critic.net --state "$dir/state.tns" --steps "$steps" \
        --sample-every 1000 --save-every 1000 --sample-count 1 --log "$dir/log.tsv" --update "$update" -j "$threads" >/dev/null

# Forward passes and gradients, in multiples of a net's multiply-adds an image: the generator 3 (forward, to its input, to its weights);
# the critic 2 forwards, 2 gradients to weights, 3 to inputs, and a third forward when the updates alternate.
tail -n +3 "$dir/log.tsv" | cut -f11 | sort -n | awk -v update="$update" '
    {s[NR] = $1}
    END {
        flop = 2 * 128 * (3 * 84.4e6 + (update == "alternate" ? 8 : 7) * 103.8e6)
        median = s[int((NR + 1) / 2)]
        printf "  ours:  %s update, %d steps: best %.3f s, median %.3f s, %.0f GFLOP a step, %.0f GFLOP/s\n", update, NR, s[1], median,
            flop / 1e9, flop / median / 1e9
    }'
