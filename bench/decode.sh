#!/usr/bin/env bash
# imgnorm --size beside what libjpeg-turbo alone takes to decode the same files at the same scale (bench/decode.c): baseline and progressive, to 64 and 200. The two take turns, ROUNDS
# (default 5) times; what is printed is the floor's time as a part of ours, of the best runs and of the median ones, by the clock and by processor time (which other work on
# the machine disturbs less). Start-up is taken off both: the best of 20 runs over one file.
# DATA=DIR: JPEG files below it instead of drawn ones (in both forms, losslessly). THREADS (default: all), FILES a run (default 1000: files are read again until there are so many),
# TARGETS (default '64 200'), KINDS (default 'baseline progressive'). PEER=COMMAND is run as `COMMAND decode` with the same names on standard input, decodes them to 64 x 64, and prints
# lines "decode LAYOUT BEST MEDIAN" in seconds.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/bin:$PWD/build/bench:$PATH
threads=${THREADS:-$(nproc)} files=${FILES:-1000} rounds=${ROUNDS:-5}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
TIMEFORMAT='%R %U %S'

# Directories of JPEG files, one a set
if [ -n "${DATA-}" ]; then
    mkdir "$dir/own"
    find -L "$DATA" -type f -iname '*.jp*g' | LC_ALL=C sort | head -n "$files" | cat -n | while read -r n name; do cp "$name" "$dir/own/$n.jpg"; done
    sets=(own)
else
    for size in 512 1024; do
        drawface --scene -n 24 --size $size | tns2img --format jpeg --quality 85 -d "$dir/$size"
    done
    sets=(512 1024)
fi

ours() { imgnorm -@ -j "$threads" --size "$target" >/dev/null; }
floor() { decode "$target" "$threads" >/dev/null; }
# clock WHO LIST: a line of seconds, by the clock and of processors
clock() { { time "$1" <"$2"; } 2>&1 | awk '{print $1, $2 + $3}'; }

echo "imgnorm beside libjpeg-turbo's own decode, $threads threads"
for set in "${sets[@]}"; do
    for kind in ${KINDS:-baseline progressive}; do
        mkdir "$dir/$set.$kind"
        find "$dir/$set" -name '*.jpg' | cat -n | while read -r n name; do transcode "$kind" <"$name" >"$dir/$set.$kind/$n.jpg"; done
        names=("$dir/$set.$kind"/*)
        for ((i = 0; i < files; i++)); do echo "${names[i % ${#names[@]}]}"; done >"$dir/list"
        head -n 1 "$dir/list" >"$dir/one"
        [ -z "${PEER-}" ] || $PEER decode <"$dir/list" | awk -v files="$files" '{printf "  peer, to 64: %.0f files/s (best), %.0f (median)\n", files / $3, files / $4}'
        for target in ${TARGETS:-64 200}; do
            rm -f "$dir"/*.times
            for _ in {1..20}; do for who in ours floor; do clock $who "$dir/one" >>"$dir/$who.one.times"; done; done
            for ((i = 0; i < rounds; i++)); do for who in floor ours; do clock $who "$dir/list" >>"$dir/$who.all.times"; done; done
            for who in ours floor; do
                for column in 1 2; do
                    one=$(cut -d' ' -f$column "$dir/$who.one.times" | sort -g | head -n 1)
                    cut -d' ' -f$column "$dir/$who.all.times" | sort -g | awk -v one="$one" '{t[NR] = $1 - one} END {print t[1], t[int((NR + 1) / 2)], one}'
                done
            done | xargs | awk -v files="$files" -v what="$set $kind to $target" '{
                printf "  %-28s ours %.0f files/s, the floor %.0f; ", what, files / $1, files / $7
                printf "the clock: best %.0f%%, median %.0f%%; processors: best %.0f%%, median %.0f%%; ", 100 * $7 / $1, 100 * $8 / $2, 100 * $10 / $4, 100 * $11 / $5
                printf "starts in %.0f ms, the floor in %.0f\n", 1000 * $3, 1000 * $9}'
        done
    done
done
