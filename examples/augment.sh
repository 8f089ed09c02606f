#!/bin/bash
# What augment's words do to a face: a row each, the face itself first, then as it comes in seven epochs.
#
#     examples/augment.sh [SHEET.png] [IMAGES.tns]
#
# writes SHEET.png (augment.png), of a drawn face or of the first image of IMAGES.tns, and prints what was drawn for it.
set -euo pipefail
PATH="$(cd "$(dirname "$0")/../bin" && pwd):$PATH"
sheet=${1:-augment.png}
face=$(mktemp) rows=$(mktemp)
trap 'rm -f "$face" "$rows"' EXIT
if [ $# -gt 1 ]; then thead -n 1 "$2" -o "$face"; else drawface --size 128 --seed 5 -o "$face"; fi

# the study's three, Keras' generator, and what happens to photos on their way
for recipe in 'flip hue=.1' 'brightness=.2 hue=.1' 'zoom=.2' 'rotate=20 shear=15 shift=.1 zoom=.2 flip' \
    'saturation=.8 contrast=.5 gain=.4' 'scale=.25 jpeg=10' 'blur=4'; do
    cat "$face"
    tshuf --epochs 7 "$face" | augment --fill reflect "$recipe"
done >"$rows"
tls "$rows" | tr '\t' '\n' | sed -n 's/^augment=//p'
tview --columns 8 -o "$sheet" "$rows"
