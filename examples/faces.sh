#!/bin/bash
# A data set that needs no download: real and fake faces and scenes, drawn, looked at, counted and split.
#
#     examples/faces.sh [DIRECTORY] [PHOTOS]
#
# writes into DIRECTORY (faces): train.tns, val.tns and test.tns, half real, half fake, 64x64; scenes.tns with a box for each face;
# faces.png and scenes.png to look at (when tview is there).
set -euo pipefail
PATH="$(cd "$(dirname "$0")/../bin" && pwd):$PATH"
out=${1:-faces} n=${2:-1000}
mkdir -p "$out"

# two sources, one stream, in an order that only the seed decides, in three parts
{ drawface -n "$n"; drawface -n "$n" --style fake; } | tcat | tshuf - |
    tsplit --by 70,15,15 -o "$out/train.tns,$out/val.tns,$out/test.tns"
drawface -n 12 --scene -o "$out/scenes.tns"

# what is in it
for part in train val test; do
    echo "$part: $(tls "$out/$part.tns" | grep -c 'label=real') real, $(tls "$out/$part.tns" | grep -c 'label=fake') fake"
done
for name in hair glasses light faults; do
    echo "$name: $(tls "$out/train.tns" | tr '\t' '\n' | sed -n "s/^$name=//p" | tr ',' '\n' | sed 's/:.*//' | sort | uniq -c |
        sort -rn | awk '{all = all (NR > 1 ? ", " : "") $2 " " $1} END {print all}')"
done

if command -v tview >/dev/null; then
    thead -n 64 "$out/train.tns" | tview -o "$out/faces.png"
    tview --boxes -o "$out/scenes.png" "$out/scenes.tns"
fi
