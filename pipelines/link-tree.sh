#!/usr/bin/env bash
# link-tree.sh TREE COUNT wiki=DIR insight=DIR inpainting=DIR text2img=DIR: a tree in DeepFakeFace's layout of links to up to COUNT photos of each DIR (0: all), to try the study's makefiles on
# photos of one's own: TREE/wiki/00/000000.jpg and so on, the same names in each folder. A DIR that is given twice is dealt out in turns. What was linked there before goes.
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
tree=$1 count=$2
shift 2
declare -A times turn
for pair; do
    [ -d "${pair#*=}" ] || { echo "link-tree.sh: ${pair#*=}: no directory" >&2; exit 1; }
    times[${pair#*=}]=$((${times[${pair#*=}]-0} + 1))
done
for pair; do
    folder=${pair%%=*} dir=${pair#*=} n=0 i=0
    [ ! -d "$tree/$folder" ] || find "$tree/$folder" -type l -delete
    while IFS= read -r -d '' photo; do
        if ((i++ % ${times[$dir]} == ${turn[$dir]-0})); then
            printf -v name '%06d' $n
            [ -d "$tree/$folder/${name:4}" ] || mkdir -p "$tree/$folder/${name:4}"
            ln -s "$photo" "$tree/$folder/${name:4}/$name.jpg"
            n=$((n + 1))
            [ "$n" != "$count" ] || break
        fi
    done < <(find -L "$(realpath -- "$dir")" -type f \( -iname '*.jpg' -o -iname '*.jpeg' \) -print0 | LC_ALL=C sort -z)
    turn[$dir]=$((${turn[$dir]-0} + 1))
    echo "$folder: $n photos"
done
