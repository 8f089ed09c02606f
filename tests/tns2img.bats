#!/usr/bin/env bats
# tns2img: files named after keys, wherever those point; PNG exact, JPEG close.
# shellcheck disable=SC2002 # the cats make pipes

setup() {
    PATH="$BATS_TEST_DIRNAME/../bin:$PATH"
    cd "$BATS_TEST_TMPDIR" || exit
}

stream() { python3 "$BATS_TEST_DIRNAME/stream.py" "$@"; }
files() { (cd "$1" && find . -type f | sort); }
expect_failure() { # STATUS TEXT COMMAND...
    status=0
    "${@:3}" >out 2>err || status=$?
    cat err
    [ "$status" = "$1" ] && grep -qF -- "$2" err
}
# Every channel count and several sizes.
pictures() {
    for c in 1 3 4; do for s in 1x1 1x7 7x1 33x20 64x64; do echo "key=p/$c-$s shape=${s}x$c fill=$((c * 37))"; done; done | stream make
}

@test "PNG holds the pixels exactly, for every filter of a row" {
    printf 'key=p/%s shape=47x61x3 fill=scene\n' 0 1 2 3 4 5 | stream make >faces
    tns2img -d d faces
    [ "$(files d | wc -l)" = 6 ]
    for i in 0 1 2 3 4 5; do
        cmp <(stream data "$i" <faces) <(imgnorm "d/p/$i.png" | stream data 0)
    done
    # the ramp costs nothing, the noise of 9 values some 3.2 bits
    [ "$(stat -c %s d/p/0.png)" -lt $((61 * 47 * 3 / 2)) ]
}

@test "grey, RGB and alpha; any size" {
    pictures | tns2img -d d
    for c in 1 3 4; do
        for s in 1x1 1x7 7x1 33x20 64x64; do
            # width and height from IHDR, 8 bits, colour type 0, 2 or 6
            h=${s%x*} w=${s#*x}
            [ "$(od -An -tu1 -j 16 -N 10 "d/p/$c-$s.png" | tr -s ' ')" = " 0 0 0 $w 0 0 0 $h 8 $((c == 1 ? 0 : c == 3 ? 2 : 6))" ]
        done
    done
    [ "$(imgnorm d/p/1-7x1.png | stream data 0)" = "$(yes 37 | head -n 21 | paste -sd' ')" ]
    [ "$(imgnorm d/p/3-7x1.png | stream data 0)" = "$(yes 111 | head -n 21 | paste -sd' ')" ]
    # alpha is kept: the decoded samples are RGBA, each row after its filter byte
    python3 -c 'import sys, zlib
b = open("d/p/4-1x1.png", "rb").read()
at = b.index(b"IDAT")
raw = zlib.decompress(b[at + 4:at + 4 + int.from_bytes(b[at - 4:at], "big")])
assert len(raw) == 5 and raw[1:] == bytes([148] * 4), raw'
}

@test "JPEG is close, closer with quality, and of full colour from 90 on" {
    printf 'key=%s shape=64x64x3 fill=scene\n' a b | stream make >faces
    for q in 30 89 90 98; do tns2img -d q$q --format jpeg --quality $q faces; done
    distance() { paste -d' ' <(stream data 0 <faces | tr ' ' '\n') <(imgnorm "$(find "$1" -name '*.jpg' | sort | head -n 1)" | stream data 0 | tr ' ' '\n') | awk '{d = $1 - $2; s += d * d} END {print int(sqrt(s / NR) * 100)}'; }
    [ "$(distance q98)" -lt 300 ]
    [ "$(distance q98)" -lt "$(distance q89)" ]
    [ "$(distance q89)" -lt "$(distance q30)" ]
    # SOF0's sampling of the first component: 2x2 below 90, 1x1 from there
    sampling() { python3 -c 'import sys
b = open(sys.argv[1], "rb").read()
print("%02x" % b[b.index(b"\xff\xc0") + 11])' "$(find "$1" -name '*.jpg' | head -n 1)"; }
    [ "$(sampling q89) $(sampling q90)" = '22 11' ]
    pictures | tns2img -d j --format jpeg
    [ "$(files j | grep -c '\.jpg$')" = 15 ]
    # alpha over white: 148 at 148/255 is 193
    v=$(imgnorm j/p/4-64x64.jpg | stream data 0 | cut -d' ' -f1)
    [ "$v" -ge 191 ]
    [ "$v" -le 195 ]
    expect_failure 3 'Maximum supported image dimension' tns2img --format jpeg -d j <(echo key=wide shape=1x70000x1 | stream make)
}

@test "floats in their range" {
    echo key=a shape=1x2x3 dtype=f32 fill=.2 | stream make kind=images range=-1:1 | tns2img -d d
    [ "$(imgnorm d/a.png | stream data 0)" = '153 153 153 153 153 153' ]
    expect_failure 3 'needs range=' tns2img -d d <(echo key=a shape=1x2x3 dtype=f32 | stream make kind=images)
}

@test "names: directories, suffixes, repeats" {
    printf 'key=%s shape=1x1x3\n' wiki/00/1.jpg wiki/00/2.JPEG wiki/00/1.png wiki/00/1 x#2 x x é.webp v1.5 .png | stream make >in
    tns2img -d d -o list in
    diff list - <<'END'
wiki/00/1.png
wiki/00/2.png
wiki/00/1#2.png
wiki/00/1#3.png
x#2.png
x.png
x#3.png
é.png
v1.5.png
.png.png
END
    diff <(sort list) <(files d | sed 's/^..//' | sort)
    [ "$(imgnorm 'd/wiki/00/1#2.png' | stream data 0)" = '2 2 2' ]
    tns2img -d d -o - -n 2 in | diff - <(head -n 2 list)
}

@test "no key gets out of the directory" {
    mkdir in out
    long=$(printf 'é%.0s' $(seq 300)) deep=$(printf 'deep/%.0s' $(seq 400))
    printf 'key=%s shape=1x1x3\n' /etc/x ../../x a/../../x .. . / ../ ./../y //a//b/./c '%0Aline' '%1B[2J' "$long" "$long"x "$deep"x "$deep"y | stream make >in/s
    tns2img -d out/d in/s
    [ "$(find in out -path out/d -prune -o -type f -print)" = in/s ]
    [ "$(files out/d | wc -l)" = 15 ]
    for f in etc/x %2E%2E/%2E%2E/x a/%2E%2E/%2E%2E/x %2E%2E %2E%2E#2 _ '_#2' %2E%2E/y a/b/c %0Aline '%1B[2J'; do [ -f "out/d/$f.png" ]; done
    files out/d | tr '/' '\n' | awk 'length($0) > 255 {exit 1}'
    files out/d | iconv -f utf-8 -t utf-16 >/dev/null
}

@test "-j and a pipe make no difference" {
    seq 200 | sed 's/.*/key=k& shape=20x20x3/' | stream make >in
    tns2img -j 1 -d one in
    cat in | tns2img -j 4 -d four
    diff -r one four
}

@test "files are replaced whole; none is left half-written" {
    printf 'key=%s shape=1x1x3 fill=9\n' a b | stream make >in
    mkdir d
    echo old >d/a.png
    ln d/a.png hard
    tns2img -d d in
    [ "$(imgnorm d/a.png | stream data 0)" = '9 9 9' ]
    [ "$(cat hard)" = old ] # the new file was renamed over it, not written into it
    { printf 'key=%s shape=1x1x3\n' a b; echo key=v shape=3; echo key=c shape=1x1x3; } | stream make >bad
    expect_failure 3 'bad: record 2 (key v): u8 3 isn' tns2img -j 4 -d e bad
    [ "$(files e)" = "$(printf './%s.png\n' a b)" ]
    head -c 500 in >short
    expect_failure 3 'short: ' tns2img -d f short
    [ ! -e f ] || ! files f | grep -v '^./[ab].png$'
    expect_failure 1 'd/a.png' tns2img -d d/a.png in
    expect_failure 2 '--dir DIR is needed' tns2img in
    expect_failure 2 '--dir is empty' tns2img -d '' in
    expect_failure 2 '--quality 101' tns2img -d d --quality 101 in
}
