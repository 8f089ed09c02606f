#!/usr/bin/env bats
# faceyolo on the command line, with networks whose answers are known (tests/faces.py).

setup() {
    PATH="$BATS_TEST_DIRNAME/../bin:$PATH"
    stream=$BATS_TEST_DIRNAME/stream.py
    faces=$BATS_TEST_DIRNAME/faces.py
    cd "$BATS_TEST_TMPDIR" || exit
    command -v python3 >/dev/null || skip "there is no python3"
}

fails() {
    local status=0
    "${@:2}" >out 2>err || status=$?
    [ "$status" = "$1" ] || { echo "status $status, not $1: ${*:2}"; cat err; return 1; }
}

says() { grep -qF -- "$1" err || { echo "no \"$1\" in:"; cat err; return 1; }; }

# images LINE...: a stream of images, a line of metadata each
images() { printf '%s\n' "$@" | python3 "$stream" make; }

# found STREAM: its faces as faces.py writes them, the landmarks of each beside its box
found() {
    python3 "$stream" list <"$1" | tr ' ' '\n' | awk -F= '$1 == "face" {gsub(",", " ", $2); face[++n] = $2} $1 == "landmarks" {gsub(",", " ", $2); face[++m] = face[m] " " $2}
        END {for (i = 1; i <= n; i++) print face[i]}'
}

@test "every form of output gives the faces that plain loops find, in images of every shape" {
    for form in rows5 rows20 rows15 columns20 maps65 maps80; do
        python3 "$faces" model $form 7 >m.tns
        for size in 64x64 400x100 77x640; do
            images "key=a shape=${size}x3" >in.tns
            faceyolo -m m.tns --boxes --conf .3 --iou .5 in.tns -o out.tns
            python3 "$faces" expect $form 7 ${size/x/ } .3 .5 >want
            found out.tns >got
            python3 "$faces" compare want got || { echo "$form $size"; false; }
        done
    done
}

@test "of several classes one is a face, and it must be named" {
    images 'key=a shape=64x64x3' >in.tns
    for form in rows84 maps81; do
        python3 "$faces" model $form >m.tns
        fails 3 faceyolo -m m.tns in.tns
        says "classes; --class N says which one is a face"
        fails 3 faceyolo -m m.tns --class 80 in.tns
        says "so --class is from 0 to"
        faceyolo -m m.tns --class 3 --boxes in.tns -o out.tns
        python3 "$faces" expect $form 0 64 64 .25 .7 3 >want
        found out.tns >got
        python3 "$faces" compare want got
    done
}

@test "a crop: what is in the box, scaled, with all that is known of it" {
    python3 "$faces" boxes .9,10,20,42,52,12,22,1,40,22,.5,26,36,1,12,50,1,50,60,0 >m.tns
    # Left of 42 dark, right of it light; 128x128, so that the network sees half of it.
    python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import tns
w = tns.Writer(sys.stdout.buffer); w.head(kind="images")
w.record("d/a.jpg", "u8", (128, 128, 3), b"".join(bytes([50 if x < 52 else 200] * 3) for y in range(128) for x in range(128)), label="real", face="20,40,84,104,1", box="1,2,3,4")
w.end([("dropped", "broken:2")])' "$BATS_TEST_DIRNAME/../formats" >in.tns
    faceyolo -m m.tns --size 32 in.tns -o out.tns
    tcheck out.tns
    [ "$(tls out.tns | cut -f2-4)" = "$(printf 'd/a.jpg\t32x32x3\tu8')" ]
    python3 "$stream" list <out.tns | tr ' ' '\n' >lines
    for line in key=d/a.jpg label=real group=d/a.jpg box=20,40,84,104 conf=0.9 face=0,0,32,32,1 landmarks=2,2,1,30,2,0.5,16,16,1,2,30,1,40,40,0; do
        grep -qxF "$line" lines || { echo "no $line"; cat lines; false; }
    done
    [ "$(wc -l <lines)" = 7 ]
    # The edge is in the middle of the crop: pixels 0..15 are of 20..51.
    python3 "$stream" data 0 <out.tns | python3 -c '
v = list(map(int, input().split())); assert len(v) == 32 * 32 * 3
for y in range(32):
    row = v[96 * y:96 * y + 96:3]
    assert row[:14] == [50] * 14 and row[18:] == [200] * 14 and row == sorted(row) or max(abs(a - b) for a, b in zip(row, [50] * 16 + [200] * 16)) < 30, row'
    python3 "$stream" end <out.tns | grep -qx 'dropped=broken:2'
    tls --script out.tns | grep -qE '^faceyolo --size=32 --min=50 --conf=0.25 --iou=0.7 --pick=best --margin=0 --aspect=stretch --model="\$MODEL_[0-9a-f]{16}" <"\$IN1"'
}

@test "which face, and what becomes of small ones" {
    python3 "$faces" boxes .9,0,0,10,10 .8,12,12,30,30 .7,20,20,64,64 >m.tns
    images 'key=a shape=256x256x3' 'key=b shape=64x64x3' >in.tns # four times the network's pixels, and just them
    crop() { faceyolo -m m.tns "$@" in.tns -o out.tns 2>err && python3 "$stream" list key box conf <out.tns; }
    [ "$(crop)" = "a 48,48,120,120 0.8" ]
    says 'dropped 1 of 2: no-face 0, small 1'
    python3 "$stream" end <out.tns | grep -qx 'dropped=small:1'
    [ "$(crop --pick largest)" = "a 80,80,256,256 0.7" ]
    [ "$(crop --pick largest --min 40 | tail -n 1)" = "b 20,20,64,64 0.7" ]
    [ "$(crop --min 0)" = "$(printf 'a 0,0,40,40 0.9\nb 0,0,10,10 0.9')" ]
    [ ! -s err ]
    fails 1 faceyolo -m m.tns --pick first in.tns
    says 'no face at all in 2 images (no-face 0, small 2)'
    [ "$(crop --pick first --min 40)" = "a 0,0,40,40 0.9" ]
    [ "$(crop --pick all --min 30 --drops drops)" = "$(printf 'a 0,0,40,40 0.9\na#2 48,48,120,120 0.8\na#3 80,80,256,256 0.7\nb 20,20,64,64 0.7')" ]
    [ "$(cat drops)" = "$(printf 'b\tsmall\nb\tsmall')" ]
    says 'dropped 2 of 6: no-face 0, small 2'
    [ "$(python3 "$stream" list group <out.tns | sort -u)" = "$(printf 'a\nb')" ]
    fails 1 faceyolo -m m.tns --conf .95 --drops drops2 in.tns
    says 'no face at all in 2 images (no-face 2, small 0)'
    [ ! -e drops2 ]
    [ "$(crop --conf .85 --min 40 --drops drops)" = "a 0,0,40,40 0.9" ]
    [ "$(cat drops)" = "$(printf 'b\tsmall')" ]
}

@test "margin and aspect" {
    python3 "$faces" boxes .9,10,20,20,50 >m.tns
    box() { faceyolo -m m.tns --min 0 "$@" in.tns | python3 "$stream" list box; }
    images 'key=a shape=64x64x3' >in.tns
    [ "$(box)" = 10,20,20,50 ]
    [ "$(box --margin .5)" = 5,5,25,64 ]
    [ "$(box --aspect keep)" = 0,20,30,50 ]
    [ "$(box --aspect keep --margin .1)" = 0,17,36,53 ]
    images 'key=a shape=64x20x3' >in.tns # the network sees it from column 22 on
    python3 "$faces" boxes .9,24,20,34,50 >m.tns
    [ "$(box)" = 2,20,12,50 ]
    [ "$(box --aspect keep)" = 0,25,20,45 ]
}

@test "--boxes passes the images on; what was said of faces before is replaced" {
    python3 "$faces" boxes .9,10,20,20,50 >m.tns
    images 'key=a shape=64x64x3 fill=scene face=1,2,3,4,1 landmarks=1,1,1 hair=long' 'key=b shape=640x640x3 fill=7' >in.tns
    faceyolo -m m.tns --boxes in.tns -o out.tns 2>err
    [ ! -s err ]
    [ "$(python3 "$stream" list key hair face landmarks <out.tns)" = "$(printf 'a long 10,20,20,50,0.9 -\nb - 100,200,200,500,0.9 -')" ]
    [ "$(python3 "$stream" data 0 <out.tns)" = "$(python3 "$stream" data 0 <in.tns)" ]
    fails 2 faceyolo -m m.tns --boxes --drops d in.tns
    tview --boxes --scale 1 -o sheet.png out.tns
    [ -s sheet.png ]
}

@test "several segments, each with its own count; the same bytes for any -j" {
    python3 "$faces" model rows20 3 >m.tns
    for i in 1 2 3; do seq 9 | sed "s/.*/key=$i-& shape=$((60 * i))x90x3 fill=scene/" | python3 "$stream" make; done >in.tns
    faceyolo -m m.tns -j 1 --size 20 --pick all in.tns -o one.tns -q
    faceyolo -m m.tns -j 3 --size 20 --pick all in.tns -q | cmp - one.tns
    [ "$(tls one.tns | wc -l)" -gt 20 ]
    python3 "$faces" boxes .9,10,20,20,50 >m.tns
    { images 'key=a shape=640x640x3' 'key=b shape=64x64x3'; images 'key=c shape=64x64x3' 'key=d shape=64x64x3' 'key=e shape=640x640x3'; } >in.tns
    faceyolo -m m.tns -q in.tns -o out.tns
    [ "$(python3 "$stream" list key <out.tns | xargs)" = "a e" ]
    python3 "$stream" end <out.tns | grep -qx dropped=small:2
}

@test "what is no detector, and what is no image" {
    images 'key=a shape=64x64x3' >in.tns
    model() {
        PYTHONPATH=$BATS_TEST_DIRNAME/../formats python3 -c 'import sys, struct, tns
w = tns.Writer(sys.stdout.buffer); w.head(kind="model", net=sys.argv[1])
for a in sys.argv[2:]: k, n, v = a.split("="); s = tuple(map(int, n.split("x"))); c = eval(n.replace("x", "*")); w.record(k, "f32", s, struct.pack("<f", float(v)) * c)
w.end()' "$@" >m.tns
    }
    model $'input 64x64x3\nscale 1'
    fails 3 faceyolo -m m.tns in.tns
    says "m.tns: is no YOLOv8 detector: its outputs are neither"
    model $'input 60x64x3\nscale 1'
    fails 3 faceyolo -m m.tns in.tns
    says "sides that are multiples of 32"
    model $'input 3\nscale 1'
    fails 3 faceyolo -m m.tns in.tns
    fails 3 faceyolo -m in.tns in.tns
    fails 1 faceyolo -m none.tns in.tns
    fails 2 faceyolo in.tns
    model $'input 64x64x3\nr constant 84x1x5\noutput < r' r.value=84x1x5=nan
    fails 3 faceyolo -m m.tns in.tns
    says "record 0 (key a): makes the network give a value that isn't finite"
    python3 "$faces" boxes .9,10,20,20,50 >m.tns
    for bad in 'shape=64x64x1' 'shape=64x64' 'shape=64x64x3 dtype=f32' 'shape=0x64x3' 'shape=1x70000x3'; do
        images 'key=fine shape=640x640x3' "key=x $bad" >in.tns
        fails 3 faceyolo -m m.tns in.tns -o out.tns
        says 'record 1 (key x): '
        says 'an image of u8, height x width x 3, is wanted'
        [ ! -e out.tns ]
    done
    images 'key=x shape=640x640x3 face=1,2,x' >in.tns
    fails 3 faceyolo -m m.tns in.tns
    says "record 0 (key x): face= isn't a list of numbers"
    for v in '--conf 1.5' '--conf nan' '--size 0' '--min -1' '--margin -1' '--pick none' '--iou x'; do fails 2 faceyolo -m m.tns $v in.tns; done
}

@test "images of one pixel, and of odd shapes" {
    python3 "$faces" boxes .9,0,0,64,64 >m.tns
    for size in 1x1 1x500 3000x1 2x2; do
        images "key=a shape=${size}x3 fill=9" >in.tns
        faceyolo -m m.tns --min 0 --size 3 in.tns -o out.tns
        [ "$(python3 "$stream" data 0 <out.tns | tr ' ' '\n' | sort -u)" = 9 ] || { echo $size; false; }
    done
}

@test "face-score.sh counts faces found, missed and made up" {
    score=$BATS_TEST_DIRNAME/../pipelines/face-score.sh
    images 'key=t/a shape=1 face=0,0,10,10,1 face=20,20,40,40,1' 'key=t/b shape=1' 'key=t/c shape=1 face=0,0,4,4,1' >truth.tns
    images 'key=a shape=1 face=1,0,10,10,.9 face=0,0,10,10,.5 face=22,20,40,40,.3 face=20,20,40,40,.1' 'key=b shape=1 face=0,0,9,9,.8' 'key=c shape=1' >found.tns
    [ "$("$score" truth.tns found.tns | tail -n 1)" = "$(printf '3\t3\t4\t2\t2\t0.666667\t0.5')" ]
    [ "$("$score" -c .05 -i .95 truth.tns found.tns | tail -n 1)" = "$(printf '3\t3\t5\t2\t3\t0.666667\t0.4')" ]
    [ "$("$score" -s 5 truth.tns found.tns | tail -n 1)" = "$(printf '3\t2\t4\t2\t2\t1\t0.5')" ]
    printf 'file\tx\ty\tw\th\na\t0\t0\t10\t10\na\t20\t20\t20\t20\n' >truth.tsv
    printf 'file\tx1\ty1\tx2\ty2\tconf\na\t0\t0\t10\t10\t.9\n' >found.tsv
    [ "$("$score" truth.tsv found.tsv | tail -n 1)" = "$(printf '1\t2\t1\t1\t0\t0.5\t1')" ]
}
