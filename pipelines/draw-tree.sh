#!/usr/bin/env bash
# draw-tree.sh DIR COUNT SIZE SEED: drawn photos in DeepFakeFace's layout, DIR/{wiki,insight,inpainting,text2img}/NN/NNNNNN.jpg: real ones, and three kinds of fake: faults
# of drawing; these and a small size's lost detail; other faces. What was in DIR is removed.
set -euo pipefail
[ $# = 4 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
dir=$1 count=$2 size=$3 seed=$4
rm -rf "$dir"
mkdir -p "$dir/new"

# folder NAME COMMAND...: its images become DIR/NAME/NN/NUMBER.jpg
folder() {
    "${@:2}" | tns2img -d "$dir/new" --format jpeg
    for i in $(seq -w 0 99); do
        set -- "$1" "$dir"/new/draw/*/*"$i".jpg
        [ ! -e "$2" ] || { mkdir -p "$dir/$1/$i" && mv "${@:2}" "$dir/$1/$i"; }
    done
    rm -rf "$dir/new"
}
fakes() { drawface -n "$count" --size "$size" --style fake --seed "$1"; }
coarse() { fakes "$1" | imgnorm --size $((size / 2)) | imgnorm --size "$size"; }

folder wiki drawface -n "$count" --size "$size" --seed "$seed"
folder insight fakes "${seed}1"
folder inpainting fakes "${seed}2"
folder text2img coarse "${seed}3"
