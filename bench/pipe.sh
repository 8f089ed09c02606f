#!/usr/bin/env bash
# What the stream's checks cost: GiB/s through `tcat | tcat` beside `cat | cat`, for small and for large records. The file is in the page
# cache (or tmpfs); each line is the best of three runs. The second tcat streams: a pipe is otherwise spooled first, to see all headers.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/bin:$PATH
dir=$(mktemp -d "${TMPDIR:-/tmp}/pipe.XXXXXX")
trap 'rm -rf "$dir"' EXIT

# make_npy FILE SHAPE BYTES: zeros cost as much as pictures here.
make_npy() {
    local text="{'descr': '|u1', 'fortran_order': False, 'shape': ($2), }"
    { printf '\223NUMPY\001\000\166\000%-117s\n' "$text"; head -c "$3" /dev/zero; } >"$1"
}
make_npy "$dir/small.npy" '40000, 64, 64, 3' $((40000 * 64 * 64 * 3))
make_npy "$dir/large.npy" '8, 4096, 4096, 4' $((8 * 4096 * 4096 * 4))

best() { # SECONDS of the best of three runs of a shell command
    for _ in 1 2 3; do
        local start=$EPOCHREALTIME
        eval "$1" >/dev/null
        echo "$start $EPOCHREALTIME"
    done | awk '{t = $2 - $1; if (!min || t < min) min = t} END {print min}'
}

printf '%-22s %-28s %s\n' records pipeline GiB/s
for size in small large; do
    f=$dir/$size.tns
    npy2tns --key k "$dir/$size.npy" -o "$f"
    rm "$dir/$size.npy"
    bytes=$(stat -c %s "$f")
    case $size in small) what='u8 64x64x3, 12 KiB' ;; large) what='u8 4096x4096x4, 64 MiB' ;; esac
    while IFS='|' read -r label command; do
        printf '%-22s %-28s %.2f\n' "$what" "$label" "$(best "$command" | awk -v b="$bytes" '{print b / $1 / 2^30}')"
    done <<EOF
cat, cat|cat "$f" | cat
tcat, tcat|tcat "$f" | tcat --stream
tcheck|tcheck "$f"
EOF
    rm "$f"
done
