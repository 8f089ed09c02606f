#!/usr/bin/env bats
# imgnorm on the pictures that tests/data/images/make.py drew.

bats_require_minimum_version 1.5.0

setup() {
    PATH="$BATS_TEST_DIRNAME/../bin:$PATH"
    cd "$BATS_TEST_DIRNAME/.." || exit
    images=tests/data/images
    t=$BATS_TEST_TMPDIR
}

pixels() {
    python3 -IS "$BATS_TEST_DIRNAME/pixels.py" "$@"
}

# The keys of a stream, in order.
keys() {
    pixels list "$1" | awk -F'\t' '$1 == "R" {print substr($4, 5)}'
}

# The pixel of file $1 at $2,$3
pixel() {
    imgnorm "$images/$1" >"$t/pixel.tns" && pixels at "$t/pixel.tns" "$2" "$3" | cut -d' ' -f2-
}

# A directory of real/1.png ... fake/3.png
tree() {
    mkdir -p "$t/data/real/deep" "$t/data/fake" "$t/data/.hidden"
    for f in real/2 real/10 real/1 real/deep/1 fake/3 fake/1; do cp $images/plain.png "$t/data/$f.png"; done
    cp $images/plain.png "$t/data/.hidden/x.png"
    cp $images/plain.png "$t/data/real/.x.png"
}

@test "every format shows the picture" {
    imgnorm $images/plain.png >"$t/plain"
    [ "$(pixels at "$t/plain" 18 12)" = "$images/plain.png 220 210 50" ]
    for f in plain.webp plain.tif palette.png animation.gif rgb16.png bad-profile.png turned-6.tif; do
        imgnorm $images/$f >"$t/it"
        pixels near "$t/plain" "$t/it" 0
    done
    for f in plain.jpg progressive.jpg srgb-profile.jpg; do
        imgnorm $images/$f >"$t/it"
        pixels near "$t/plain" "$t/it" 9
    done
}

@test "a profile that is sRGB's changes nothing" {
    imgnorm $images/plain.jpg >"$t/plain"
    imgnorm $images/srgb-profile.jpg >"$t/it"
    pixels near "$t/plain" "$t/it" 0
}

@test "formats whose loaders aren't trusted are no images" {
    printf 'P6 1 1 255\nabc' >"$t/x.ppm"
    run -1 imgnorm "$t/x.ppm" -o "$t/out"
    [[ $output == *"x.ppm: not JPEG, PNG, WebP, TIFF, GIF or HEIF (not-image)"* ]]
}

@test "all eight EXIF orientations, in both byte orders" {
    imgnorm $images/plain.png >"$t/plain"
    for o in 1 2 3 4 5 6 7 8; do
        imgnorm $images/turned-$o.jpg >"$t/it"
        pixels near "$t/plain" "$t/it" 9
        pixels list "$t/it" | grep -q 'src_size=24x16'
    done
}

@test "grey, black and white, 16 bits: three equal channels" {
    for f in grey.png grey.jpg grey16.png; do
        [ "$(pixel $f 0 3)" = "0 0 0" ]
        [ "$(pixel $f 18 7)" = "180 180 180" ]
    done
    [ "$(pixel black-white.png 3 3)" = "0 0 0" ]
    [ "$(pixel black-white.png 18 3)" = "255 255 255" ]
}

@test "what is transparent is white" {
    for f in alpha.png alpha.webp alpha16.png; do
        [ "$(pixel $f 8 4)" = "200 40 40" ]
        [ "$(pixel $f 18 4)" = "255 255 255" ]
    done
    [ "$(pixel grey-alpha.png 6 4)" = "60 60 60" ]
    [ "$(pixel grey-alpha.png 18 4)" = "255 255 255" ]
}

@test "colour profiles are converted: the same numbers are stronger colours in P3, lighter ones in linear light" {
    # What sRGB's definition and the profiles' matrices give: (200,40,40) of P3 is outside sRGB (clipped), linear .784 is 229.
    for f in p3.jpg p3.png; do
        read -r r g b <<<"$(pixel $f 8 4)"
        [ "$r" -ge 214 ] && [ "$r" -le 221 ] && [ "$g" -le 6 ] && [ "$b" -ge 20 ] && [ "$b" -le 32 ]
        read -r r g b <<<"$(pixel $f 6 12)"
        [ "$r" -le 52 ] && [ "$g" -ge 57 ] && [ "$b" -ge 205 ]
    done
    read -r r g b <<<"$(pixel linear.png 8 4)"
    [ "$r" -ge 227 ] && [ "$r" -le 231 ] && [ "$g" -ge 108 ] && [ "$g" -le 112 ] && [ "$b" -ge 108 ] && [ "$b" -le 112 ]
}

@test "CMYK: ink, not inverted" {
    for f in cmyk.jpg cmyk.tif; do
        read -r r g b <<<"$(pixel $f 1 1)"
        [ "$r" -ge 250 ] && [ "$g" -ge 250 ] && [ "$b" -ge 250 ]
        read -r r g b <<<"$(pixel $f 8 4)"
        [ "$r" -gt 150 ] && [ "$g" -lt 110 ] && [ "$b" -lt 110 ]
        read -r r g b <<<"$(pixel $f 18 4)"
        [ "$r" -lt 100 ] && [ "$g" -gt 100 ] && [ "$b" -lt 130 ]
        read -r r g b <<<"$(pixel $f 6 12)"
        [ "$r" -lt 110 ] && [ "$g" -lt 110 ] && [ "$b" -gt 110 ]
    done
}

@test "broken files are skipped, named with the reason and counted; the good ones come through" {
    imgnorm $images/plain.png $images/{cut,cut-header,damaged,empty,text}.jpg $images/cut.{png,webp,tif,gif} $images/grey.png >"$t/out" 2>"$t/err"
    [ "$(keys "$t/out" | xargs)" = "$images/plain.png $images/grey.png" ]
    for f in cut.jpg cut-header.jpg damaged.jpg empty.jpg cut.png cut.webp cut.tif cut.gif; do
        grep -q "^imgnorm: skipped $images/$f: ..* (broken)$" "$t/err"
    done
    grep -q "^imgnorm: skipped $images/text.jpg: .*(not-image)$" "$t/err"
    [ "$(wc -l <"$t/err")" = 10 ]
    [ "$(tail -n 1 "$t/err")" = "imgnorm: skipped 9 of 11 files: not-image 1, broken 8" ]
    pixels list "$t/out" | tail -n 1 | grep -q $'\tdropped=not-image:1\tdropped=broken:8$'
    imgnorm -q $images/plain.png $images/cut.jpg 2>&1 >"$t/quiet" | wc -c | grep -qx 0
}

@test "--strict: the first one ends it, with nothing left behind" {
    run -3 imgnorm --strict $images/plain.png $images/cut.jpg -o "$t/out"
    [[ $output == "imgnorm: $images/cut.jpg: Premature end of JPEG file" ]]
    [ ! -e "$t/out" ] && [ -z "$(ls -A "$t")" ]
}

@test "no image at all is an error" {
    run -1 imgnorm $images/empty.jpg -o "$t/out"
    [[ $output == *"no image at all: broken 1" ]]
    [ ! -e "$t/out" ]
    mkdir "$t/empty"
    run -1 imgnorm "$t/empty" -o "$t/out"
    [[ $output == "imgnorm: no image at all" ]]
    run -1 imgnorm -@ -o "$t/out" <<<""
    [[ $output == "imgnorm: no image at all" ]]
}

@test "what isn't there, a FIFO, a directory that contains itself" {
    run -1 imgnorm $images/plain.png "$t/nowhere" -o "$t/out"
    [[ $output == "imgnorm: $t/nowhere: No such file or directory" ]]
    tree
    mkfifo "$t/data/fake/2.png"
    ln -s nowhere "$t/data/fake/link.png"
    ln -s . "$t/data/fake/loop"
    printf 'nowhere.png\n%s\n' "$t/data/fake" | timeout 20 imgnorm -@ >"$t/out" 2>"$t/err"
    [ "$(keys "$t/out" | xargs)" = "fake/1.png fake/3.png" ]
    pixels list "$t/out" | tail -n 1 | grep -q 'dropped=unreadable:4$'
    grep -q 'skipped nowhere.png: No such file or directory (unreadable)' "$t/err"
    grep -q 'fake/2.png: is not a regular file' "$t/err"
    grep -q 'fake/link.png: a link to nowhere' "$t/err"
    grep -q 'fake/loop: a directory that contains itself' "$t/err"
}

@test "too many pixels, or too large a record, are refused before decoding" {
    imgnorm --max-pixels 384 $images/photo.jpg $images/plain.png $images/plain.webp >"$t/out" 2>"$t/err"
    [ "$(keys "$t/out" | xargs)" = "$images/plain.png $images/plain.webp" ]
    [ "$(head -n 1 "$t/err")" = "imgnorm: skipped $images/photo.jpg: 161 x 121 pixels, the limit is 384 (large)" ]
    run -1 imgnorm --max-pixels 383 $images/plain.png -o "$t/none"
    [[ $output == *"24 x 16 pixels, the limit is 383 (large)"* ]]
    run -1 imgnorm --max-record 1151 $images/plain.png -o "$t/none"
    [[ $output == *"a record of 1152 bytes, more than --max-record (large)"* ]]
    # a picture that says it has 4 * 10^9 pixels
    { head -c 16 $images/plain.png; printf '\0\0\xff\xff\0\0\xff\xff\10\2\0\0\0\x97\x2b\x1c\x4b'; tail -c +34 $images/plain.png; } >"$t/bomb.png"
    run -1 imgnorm "$t/bomb.png" -o "$t/none"
    [[ $output == *"bomb.png"*"(large)"* || $output == *"bomb.png"*"(broken)"* ]]
}

@test "directories: keys and order" {
    tree
    imgnorm "$t/data" >"$t/out"
    [ "$(keys "$t/out" | xargs)" = "data/fake/1.png data/fake/3.png data/real/1.png data/real/10.png data/real/2.png data/real/deep/1.png" ]
    imgnorm "$t//data///" >"$t/out2"
    cmp "$t/out" "$t/out2"
    (cd "$t/data/fake" && imgnorm .) >"$t/out"
    [ "$(keys "$t/out" | xargs)" = "fake/1.png fake/3.png" ]
    (cd "$t/data/real" && imgnorm ../fake ./1.png) >"$t/out"
    [ "$(keys "$t/out" | xargs)" = "fake/1.png fake/3.png ./1.png" ]
}

@test "--root: files have the keys they have in the directory" {
    tree
    imgnorm --label-from-dir "$t/data" >"$t/whole"
    find "$t/data/fake" "$t/data/real" -name '[0-9]*.png' | LC_ALL=C sort | imgnorm -@ --label-from-dir --root "$t/data" >"$t/listed"
    cmp "$t/whole" "$t/listed"
    (cd "$t/data/real" && imgnorm --root .. --label-from-dir ../fake 1.png 10.png ./2.png deep/../deep/1.png) >"$t/listed"
    [ "$(keys "$t/listed" | head -n 5)" = "$(keys "$t/whole" | head -n 5)" ]
    run -1 imgnorm --root "$t/data/fake" "$t/data/real/1.png" -o "$t/out"
    [[ $output == *"not below --root"* ]]
    run -1 imgnorm --root $images/plain.png "$t/data/real/1.png" -o "$t/out"
    [[ $output == *"not a directory"* ]]
}

@test "labels" {
    tree
    imgnorm --label-from-dir "$t/data" >"$t/out"
    [ "$(pixels list "$t/out" | grep -c $'key=data/fake.*\tlabel=fake\t')" = 2 ]
    [ "$(pixels list "$t/out" | grep -c $'key=data/real.*\tlabel=real\t')" = 4 ]
    imgnorm --label 'a b' "$t/data" >"$t/out"
    [ "$(pixels list "$t/out" | grep -c $'\tlabel=a b\t')" = 6 ]
    run -1 imgnorm --label-from-dir "$t/data/fake" -o "$t/out"
    [[ $output == *"fake/1.png: --label-from-dir"* ]]
    run -2 imgnorm --label x --label-from-dir "$t/data"
}

@test "groups by expression: the first capture, or the match" {
    tree
    imgnorm --group-re '/([0-9]+)\.' "$t/data" >"$t/out"
    [ "$(pixels list "$t/out" | grep -o 'group=[^	]*' | xargs)" = "group=1 group=3 group=1 group=10 group=2 group=1" ]
    imgnorm --group-re '[0-9]+\.png$' "$t/data" >"$t/out"
    [ "$(pixels list "$t/out" | grep -o 'group=[^	]*' | head -n 1)" = "group=1.png" ]
    imgnorm --group-re '3' "$t/data" 2>"$t/err" >"$t/out"
    [ "$(cat "$t/err")" = "imgnorm: 5 images are in no group, the first: data/fake/1.png" ]
    run -2 imgnorm --group-re '(' "$t/data"
}

@test "groups from a table, and its contents are in the header" {
    tree
    printf 'key\tgroup\ndata/fake/1.png\tp 7\ndata/fake/3%%2Epng\tq\r\n' >"$t/tsv"
    imgnorm --group-from "$t/tsv" "$t/data/" -n 2 >"$t/out"
    [ "$(pixels list "$t/out" | grep -o 'group=[^	]*')" = $'group=p 7\ngroup=q' ]
    pixels list "$t/out" | head -n 1 | grep -q 'pg=.* --group-from=[0-9a-f]\{16\}'
    [ "$(pixels list "$t/out" | grep -cF "$t")" = 0 ]
    imgnorm --group-from "$t/tsv" --group-re 'real/(.*)' "$t/data/" 2>"$t/err" | pixels list | grep -o 'group=[^	]*' | sort -u >"$t/groups"
    [ "$(head -n 2 "$t/groups")" = $'group=1.png\ngroup=2.png' ] && [ "$(tail -n 2 "$t/groups")" = $'group=p 7\ngroup=q' ]
    printf 'a\tb\nx\n' >"$t/tsv"
    run -1 imgnorm --group-from "$t/tsv" "$t/data"
    [[ $output == *"line 2 isn't a key, a tab and a group" ]]
    printf 'a\tb\na\tc\n' >"$t/tsv"
    run -1 imgnorm --group-from "$t/tsv" "$t/data"
    [[ $output == *"key a has two groups, b and c" ]]
}

@test "names with newlines, blanks, a dash, bytes that aren't UTF-8" {
    mkdir "$t/odd"
    cd "$t/odd"
    for f in $'a\nb' ' c ' '-d' $'\xff' 'e%41' $'\t\e[31m'; do cp "$BATS_TEST_DIRNAME/data/images/plain.png" "./$f"; done
    imgnorm "$t/odd" >"$t/out"
    keys "$t/out" | LC_ALL=C sort >"$t/keys"
    printf '%s\n' 'odd/ c ' 'odd/%09%1B[31m' 'odd/%FF' odd/-d odd/a%0Ab odd/e%2541 >"$t/want"
    diff -u <(tr a-f A-F <"$t/want") <(tr a-f A-F <"$t/keys")
    find . -type f -print0 | LC_ALL=C sort -z | imgnorm -0 --root . >"$t/out2"
    cmp "$t/out" "$t/out2"
    imgnorm -- -d >"$t/out"
    [ "$(keys "$t/out")" = -d ]
    printf 'broken' >$'x\e[31m'
    run -1 imgnorm $'x\e[31m' -o "$t/none"
    [[ $output == *'x\x1b[31m'* ]]
}

@test "the same bytes for every -j, with broken files among them, on both sides" {
    imgnorm -j 1 --size 20x10 $images >"$t/1" 2>"$t/e1"
    for j in 2 3 8; do
        imgnorm -j $j --size 20x10 $images >"$t/$j" 2>"$t/e$j"
        cmp "$t/1" "$t/$j"
        cmp "$t/e1" "$t/e$j"
    done
    imgnorm -j 1 -n 9 $images >"$t/1" 2>"$t/e1"
    imgnorm -j 4 -n 9 $images >"$t/4" 2>"$t/e4"
    [ "$(keys "$t/1" | wc -l)" = 9 ]
    cmp "$t/1" "$t/4"
    cmp "$t/e1" "$t/e4"
}

@test "--size and --fit" {
    imgnorm --size 12x20 $images/plain.png >"$t/out"
    pixels list "$t/out" | grep -q $'^R\t20x12x3\tu8'
    imgnorm --size 7 $images/plain.png >"$t/out"
    pixels list "$t/out" | grep -q $'^R\t7x7x3\tu8'
    # cover: the middle 16 x 16 as it is; contain: 16 x 24 in black
    imgnorm --size 16 --fit cover $images/plain.png >"$t/out"
    [ "$(pixels at "$t/out" 0 4)" = "$images/plain.png 200 40 40" ]
    [ "$(pixels at "$t/out" 7 15)" = "$images/plain.png 50 60 200" ]
    [ "$(pixels at "$t/out" 8 15)" = "$images/plain.png 220 210 50" ]
    imgnorm --size 24 --fit contain $images/plain.png >"$t/out"
    [ "$(pixels at "$t/out" 0 3)" = "$images/plain.png 0 0 0" ]
    [ "$(pixels at "$t/out" 0 4)" = "$images/plain.png 255 255 255" ]
    [ "$(pixels at "$t/out" 23 19)" = "$images/plain.png 220 210 50" ]
    [ "$(pixels at "$t/out" 23 20)" = "$images/plain.png 0 0 0" ]
    for bad in 0 x 3x 3x4x5 -1 65536 1.5; do run -2 imgnorm --size=$bad $images/plain.png; done
}

@test "kernels differ, and nearest makes no new colours" {
    for k in nearest bilinear bicubic lanczos3; do imgnorm --size 50x37 --kernel $k $images/photo.jpg >"$t/$k"; done
    [ "$(cksum <"$t/nearest"; cksum <"$t/bilinear"; cksum <"$t/bicubic"; cksum <"$t/lanczos3")" != "" ]
    for k in nearest bilinear lanczos3; do
        run -1 pixels near "$t/$k" "$t/bicubic" 0
        pixels near "$t/$k" "$t/bicubic" 40
    done
    imgnorm --size 48x32 --kernel nearest $images/plain.png >"$t/out"
    [ "$(pixels at "$t/out" 23 15)" = "$images/plain.png 200 40 40" ]
    [ "$(pixels at "$t/out" 24 15)" = "$images/plain.png 40 180 60" ]
    imgnorm --size 64 $images/photo.jpg >"$t/default"
    imgnorm --size 64 --kernel bicubic --fit stretch --dtype u8 $images/photo.jpg >"$t/out"
    cmp "$t/default" "$t/out"
}

@test "a JPEG decoded at a smaller scale is the same picture, turned or not" {
    for size in 9x7 20x15 40x30; do
        imgnorm --size $size $images/photo.jpg >"$t/scaled"
        imgnorm $images/photo.jpg | imgnorm --size $size >"$t/whole"
        pixels near "$t/scaled" "$t/whole" 6
        imgnorm --size $size $images/photo-turned-6.jpg >"$t/turned"
        pixels near "$t/scaled" "$t/turned" 9
        pixels list "$t/turned" | grep -q src_size=161x121
    done
}

@test "scaled line by line out of the decoder or from the whole picture: the same pixels" {
    # Files that are turned, CMYK or have a profile come whole; so does a stream.
    imgnorm $images/{plain,progressive,srgb-profile,grey,cmyk,p3,turned-6}.jpg >"$t/whole"
    imgnorm $images/photo.jpg >"$t/photo"
    for options in '--size 100x90' '--size 161x121' '--size 80x200' '--size 99 --fit cover' '--size 99 --fit contain' \
        '--size 99 --kernel lanczos3' '--size 99 --kernel bilinear' '--size 99 --kernel nearest' '--size 99 --dtype f32' '--size 3 --fit cover --kernel nearest'; do
        # shellcheck disable=SC2086
        imgnorm $options $images/{plain,progressive,srgb-profile,grey,cmyk,p3,turned-6}.jpg >"$t/lines"
        # shellcheck disable=SC2086
        imgnorm $options <"$t/whole" >"$t/scaled"
        pixels near "$t/lines" "$t/scaled" 0
        # Coarse chroma is scaled by itself, which is no less the picture (tests/c/test_planes.c).
        # shellcheck disable=SC2086
        imgnorm $options $images/photo.jpg | pixels near /dev/stdin <(imgnorm $options <"$t/photo") 2
    done
    # In bytes and in floats it is the same.
    imgnorm --size 77 --dtype f32 $images/photo.jpg | imgnorm >"$t/floats"
    imgnorm --size 77 $images/photo.jpg | pixels near /dev/stdin "$t/floats" 1
}

@test "an odd locale: nothing of a library's own comes into the stream" {
    imgnorm $images/plain.png >"$t/usual"
    for charset in nonsense UTF-16; do
        CHARSET=$charset imgnorm $images/plain.png >"$t/out" 2>"$t/err"
        cmp "$t/usual" "$t/out"
        [ ! -s "$t/err" ]
    done
}

@test "lines of a file that is broken further down leave nothing behind" {
    head -c 1200 $images/photo.jpg >"$t/cut.jpg"
    imgnorm -j 1 --size 90 $images/photo.jpg "$t/cut.jpg" $images/photo.jpg 2>"$t/err" >"$t/out"
    grep -q 'cut.jpg: Premature end of JPEG file (broken)' "$t/err"
    imgnorm -j 1 --size 90 $images/photo.jpg $images/photo.jpg >"$t/good"
    pixels near "$t/good" "$t/out" 0
}

@test "f32: the same values, not rounded, in the range asked for" {
    imgnorm --dtype f32 $images/plain.png >"$t/out"
    pixels list "$t/out" | head -n 1 | grep -q 'range=0:1'
    [ "$(pixels at "$t/out" 8 4)" = "$images/plain.png 0.7843 0.1569 0.1569" ]
    imgnorm --dtype f32 --range -1:1 $images/plain.png >"$t/out"
    pixels list "$t/out" | head -n 1 | grep -q 'range=-1:1'
    [ "$(pixels at "$t/out" 0 0)" = "$images/plain.png 1 1 1" ]
    [ "$(pixels at "$t/out" 8 4)" = "$images/plain.png 0.5686 -0.6863 -0.6863" ]
    imgnorm --size 24 --fit contain --dtype f32 --range -1:1 $images/plain.png >"$t/out"
    [ "$(pixels at "$t/out" 0 0)" = "$images/plain.png -1 -1 -1" ]
    # there and back
    imgnorm $images/photo.jpg | tee "$t/u8" | imgnorm --dtype f32 --range -1:1 | imgnorm >"$t/back"
    pixels near "$t/u8" "$t/back" 0
    # What a history says of u8 can be run again.
    imgnorm --size 8 $images/plain.png >"$t/u8"
    IN1=$images/plain.png bash -c "$(tls --script "$t/u8")" | cmp - "$t/u8"
    run -2 imgnorm --range -1:1 $images/plain.png
}

@test "what a record and the header say" {
    imgnorm --label real --group-re plain --size 8 $images/plain.jpg $images/plain.webp >"$t/out"
    pixels list "$t/out" >"$t/list"
    grep -q $'^H\t-\tnone\tkind=images\taxes=hwc\trange=0:255\tspace=srgb\tpg=[0-9a-f]* - imgnorm ' "$t/list"
    grep -qx $'R\t8x8x3\tu8\tkey='$images$'/plain.jpg\tlabel=real\tgroup=plain\tsrc_size=24x16\tsrc_format=jpeg\tjpeg=[0-9a-f]\{16\}' "$t/list"
    grep -qx $'R\t8x8x3\tu8\tkey='$images$'/plain.webp\tlabel=real\tgroup=plain\tsrc_size=24x16\tsrc_format=webp' "$t/list"
}

@test "jpeg= tells qualities apart, and not pictures" {
    imgnorm $images/{plain,turned-3,progressive,photo,photo-turned-6,grey}.jpg >"$t/out"
    pixels list "$t/out" | grep -o 'jpeg=[0-9a-f]*$' >"$t/list"
    [ "$(head -n 3 "$t/list" | sort -u | wc -l)" = 1 ]
    [ "$(sed -n 4,5p "$t/list" | sort -u | wc -l)" = 1 ]
    [ "$(sort -u "$t/list" | wc -l)" = 3 ]
}

@test "a stream: metadata passed on, faces moved, box left alone" {
    python3 - >"$t/in" <<'P'
import struct, sys, zlib
def frame(kind, meta, data=b'', dtype=0, shape=(), seq=0):
    pad = lambda b: b + bytes(-len(b) % 64)
    body = pad(meta.encode()) + pad(data)
    h = struct.pack('<4sBcBBIIQQ6I', b'\x89TNS', 1, kind, dtype, len(shape), 0, len(meta), len(data), seq, *shape, *[0] * (6 - len(shape)))
    h += struct.pack('<I', zlib.crc32(body))
    sys.stdout.buffer.write(h + struct.pack('<I', zlib.crc32(h)) + body)
data = bytes(range(240)) * 2
frame(b'H', 'kind=images\naxes=hwc\nrange=0:255\nspace=srgb\nextra=1\n')
meta = 'key=a\nlabel=x\nface=2,1,6,3.5,0.9\nodd=a%25b\nface=0,0,1,8,0.5\nlandmarks=1,1,0.5,2,2,1,3,3,1,4,4,1,20,-1,0\nbox=1,2,3,4\n'
frame(b'R', meta, data, 0x10, (8, 20, 3))
frame(b'R', 'key=b\n', data[:160], 0x10, (8, 20, 1), 1)
frame(b'E', 'dropped=no-face:3\n', seq=2)
P
    imgnorm --size 40x32 --label y <"$t/in" >"$t/out"
    pixels list "$t/out" >"$t/list"
    grep -q $'^H.*\textra=1\tpg=' "$t/list"
    grep -qxF $'R\t32x40x3\tu8\tkey=a\tlabel=y\tface=4,4,12,14,0.9\todd=a%25b\tface=0,0,2,32,0.5\tlandmarks=2,4,0.5,4,8,1,6,12,1,8,16,1,40,-4,0\tbox=1,2,3,4' "$t/list"
    grep -qx $'R\t32x40x3\tu8\tkey=b\tlabel=y' "$t/list"
    [ "$(tail -n 1 "$t/list")" = $'E\t-\tnone\tdropped=no-face:3' ]
    # cover takes the columns 6 to 14: one face is cut, the other gone
    imgnorm --size 16 --fit cover <"$t/in" >"$t/out"
    pixels list "$t/out" | grep -qF $'key=a\tlabel=x\todd=a%25b\tlandmarks=-10,2,0,'
    # contain: 16 x 6.4, so 16 x 6, from line 5
    imgnorm --size 16 --fit contain <"$t/in" >"$t/out"
    pixels list "$t/out" | grep -qF $'face=1.6,5.75,4.8,7.625,0.9\t'
    imgnorm <"$t/in" >"$t/out"
    [ "$(pixels at "$t/out" 1 0)" = $'a 3 4 5\nb 1 1 1' ]
    imgnorm -n 1 <"$t/in" >"$t/out"
    [ "$(pixels list "$t/out" | cut -c1 | xargs)" = "H R E" ]
    # two segments stay two; the same for every -j
    cat "$t/in" "$t/in" | imgnorm -j 1 --size 9 >"$t/1"
    cat "$t/in" "$t/in" | imgnorm -j 3 --size 9 - >"$t/3"
    cmp "$t/1" "$t/3"
    [ "$(pixels list "$t/1" | cut -c1 | xargs)" = "H R R E H R R E" ]
    # cut anywhere: corrupt
    head -c 700 "$t/in" >"$t/short"
    run -3 imgnorm -o "$t/none" <"$t/short"
    run -3 imgnorm -o "$t/none" </dev/null
    [ ! -e "$t/none" ]
    run -2 imgnorm --root . <"$t/in"
    run -2 imgnorm --label-from-dir <"$t/in"
    sed 's/range=0:255/range=0:oops/' "$t/in" >"$t/bad"
    run -3 imgnorm <"$t/bad"
}

@test "a tensor stream as an operand, names as well as operands" {
    imgnorm $images/plain.png >"$t/a.tns"
    run -1 imgnorm "$t/a.tns" -o "$t/out"
    [[ $output == *"a tensor stream: give it on standard input"* ]]
    run -2 imgnorm -@ $images/plain.png
    run -2 imgnorm -0 -@
    printf 'a\0b\n' >"$t/names"
    run -1 imgnorm -@ -o "$t/out" <"$t/names"
    [[ $output == *"did you mean -0?" ]]
}
