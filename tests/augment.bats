#!/usr/bin/env bats
# augment: what changes and what doesn't, what is drawn by what, places in the picture, and what it refuses. The formulas are test_augment.c's.

setup() {
    PATH="$BATS_TEST_DIRNAME/../bin:$PATH"
    cd "$BATS_TEST_TMPDIR" || exit
    study=('flip hue=.1' 'brightness=.2 hue=.1' 'zoom=.2')
    every=('flip hue=.2 saturation=.5 brightness=.1 gain=.2 contrast=.3' 'zoom=.3 rotate=40 shear=20 shift=.2' 'jpeg=30 blur=2' 'scale=.3 flip rotate=9')
}

stream() { python3 "$BATS_TEST_DIRNAME/stream.py" "$@"; }
# key, checksum and mean of a file's or standard input's u8 records
sums() { cat "$@" | python3 "$BATS_TEST_DIRNAME/sums.py" /dev/stdin; }
drawn() { stream list augment; }
images() { drawface -n "$1" --size 24; }
expect_failure() { # STATUS TEXT COMMAND...
    status=0
    "${@:3}" >out 2>err || status=$?
    cat err
    [ "$status" = "$1" ] && grep -qF -- "$2" err
}

@test "the output is the same for any -j, order of records, cut into shards, and again" {
    images 60 >in
    augment "${study[@]}" "${every[@]}" -j 1 <in >want
    for j in 2 3 8; do augment -j $j "${study[@]}" "${every[@]}" <in | cmp - want; done
    sums want | sort >sorted
    # the records are drawn by number, so shards and another order are cut from the same stream
    tshuf --seed 5 in | augment "${study[@]}" "${every[@]}" | sums | sort | cmp - sorted
    tsplit --counts 17,20,23 -o a,b,c in
    for part in a b c; do augment "${study[@]}" "${every[@]}" <$part | sums; done | sort | cmp - sorted
    cat b a c | augment "${study[@]}" "${every[@]}" | sums | sort | cmp - sorted
    # and something happens to each
    [ "$(sums in | sort | comm -12 - sorted | wc -l)" = 0 ]
    [ "$(augment --seed 1 "${study[@]}" "${every[@]}" <in | sums | sort | comm -12 - sorted | wc -l)" = 0 ]
}

@test "the same bytes as on other machines" {
    all='rotate=30 shear=20 zoom=.3 shift=.1 flip hue=.2 saturation=.5 brightness=.1 gain=.2 contrast=.3 blur=1.5 scale=.4'
    drawface -n 4 --scene --size 96 >in
    for r in "$all" zoom=.2; do augment --fill reflect "$r" <in | sums; done | diff "$BATS_TEST_DIRNAME/data/augment.sums" -
}

@test "every epoch and every copy draws anew, and the same when run again" {
    images 40 >in
    tshuf --epochs 2 in | augment "${study[@]}" >out
    tshuf --epochs 2 in | augment "${study[@]}" | cmp - out
    for e in 0 1; do stream list key epoch augment <out | grep " $e " | sed 's/ . / /' | sort >e$e; done
    [ "$(wc -l <e0)" = 40 ]
    ! cmp -s e0 e1 || false
    # no draw comes twice, but for a zoom of nothing or the like
    [ "$(comm -12 e0 e1 | wc -l)" -le 1 ]
    sums out | sort | uniq -d | wc -l | grep -qx 0
    tshuf --copies 3 in | augment 'rotate=180' | stream list augment | sort -u | wc -l | grep -qx 160
    # an epoch's draws don't depend on how many there are
    tshuf --epochs 1 in | augment "${study[@]}" | stream list key augment | sort | cmp - e0
}

@test "augment is one to one: a training goes on behind it as if it hadn't stopped" {
    images 30 >in
    stream make kind=state cursor=1:11 </dev/null >state
    tshuf --epochs 3 in | augment "${every[@]}" >whole
    tshuf --epochs 3 --from state in | augment "${every[@]}" >rest
    diff <(stream header <whole) <(stream header <rest)
    [ "$(stream list <whole | wc -l)" = 90 ]
    diff <(stream list <whole | tail -n +42) <(stream list <rest)
    diff <(sums whole | tail -n +42) <(sums rest)
}

@test "clsfit behind augment, killed and started again: the same bytes" {
    seq 40 | awk '{print "key=k" $1, "label=" ($1 % 2 ? "real" : "fake"), "shape=12x12x3 fill=" ($1 % 2 ? 60 : 150) + $1}' | stream make >train.tns
    printf 'input\nflatten\nd dense 4\nrelu\ne dense 1\nsigmoid\n' >small.net
    train() { tshuf --epochs 8 --from "$1.state" train.tns | augment "${every[@]}" | clsfit --net small.net --state "$1.state" -b 8 -j 1 --log "$1.tsv" --save "$1.tns"; }
    train whole
    [ "$(tail -n +2 whole.tsv | wc -l)" = 8 ]
    for delay in .03 .06 .1; do
        setsid bash -c "$(declare -p every); $(declare -f train); train cut" &
        pid=$!
        sleep $delay
        kill -KILL -- -$pid 2>/dev/null || true
        wait $pid || true
    done
    train cut
    cmp whole.state cut.state
    cmp whole.tns cut.tns
}

@test "each record gets one of the recipes, all as likely" {
    seq 900 | sed 's/.*/key=k& shape=2x2x3/' | stream make | augment "${study[@]}" | drawn >drawn
    [ "$(wc -l <drawn)" = 900 ]
    # 300 each, standard deviation 14
    for words in 'flip=[01] hue=-?0\.0[0-9]*' 'brightness=-?0\.[01][0-9]* hue=-?0\.0[0-9]*' 'zoom=(0\.[89]|1\.[01])[0-9]*,(0\.[89]|1\.[01])[0-9]*'; do
        n=$(grep -cxE -- "$words" drawn)
        [ "$n" -gt 240 ] && [ "$n" -lt 360 ]
    done
    # half of the flips are done; 150 +- 9
    n=$(grep -c flip=1 drawn)
    [ "$n" -gt 105 ] && [ "$n" -lt 195 ]
}

@test "what changes nothing passes every byte; flips are exact; two of them in a row are independent" {
    images 10 >in
    sums in >want
    for r in flip=0 hue=0 'zoom=0 rotate=0 shear=0 shift=0 blur=0' 'scale=1 gain=0 contrast=0 saturation=0 brightness=0' 'flip=1 flip=1'; do
        augment "$r" <in | sums | cmp - want
    done
    augment flip=1 <in >flipped
    augment flip=1 <flipped | sums | cmp - want
    [ "$(stream data 3 <flipped | cut -d' ' -f1-3)" = "$(stream data 3 <in | cut -d' ' -f70-72)" ] # of a line of 24
    # flip twice at random: a quarter is flipped both times, and not always both or none
    seq 400 | sed 's/.*/key=k& shape=1x2x3/' | stream make | augment flip | augment flip | stream list | grep -oE 'augment=flip=.' | paste - - | sort | uniq -c >counts
    [ "$(wc -l <counts)" = 4 ]
    [ "$(awk '$1 < 60 || $1 > 140' counts | wc -l)" = 0 ]
}

@test "--only-copies: other records pass byte for byte, whatever they are" {
    { seq 9 | awk '{print "key=r" $1, "label=real shape=9x9x3 fill=scene"}'; seq 20 | awk '{print "key=f" $1, "label=fake shape=9x9x3 fill=scene"}'; } | stream make >in
    tshuf --balance in >balanced
    augment --only-copies rotate=90:90 <balanced >out
    stream list <out | grep copy= | grep -c 'augment=rotate=90$' | grep -qx 11
    stream list <out | grep -v copy= >originals
    ! grep augment= originals || false
    [ "$(wc -l <originals)" = 29 ]
    diff originals <(stream list <balanced | grep -v copy=)
    diff <(sums in | sort) <(sums out | sort | comm -12 - <(sums in | sort))
    printf 'key=a dtype=f32 shape=5\nkey=b shape=2x2x3 copy=1\n' | stream make | augment --only-copies flip=1 | stream list key augment | diff - <(printf 'a -\nb flip=1\n')
}

@test "jpeg= is tns2img and imgnorm" {
    images 3 >in
    for q in 20 89 90; do
        augment jpeg=$q:$q <in | sums | cut -d' ' -f2 >got
        rm -rf files
        tns2img -d files --format jpeg --quality $q <in
        imgnorm files | sums | cut -d' ' -f2 | cmp got
    done
    # grey
    printf 'key=a shape=16x16x1 fill=scene\n' | stream make >grey
    augment jpeg=20:20 <grey | stream data 0 >got
    tns2img -d grey.d --format jpeg --quality 20 <grey
    imgnorm grey.d | stream data 0 | awk '{for (i = 1; i <= NF; i += 3) printf "%s%s", $i, i < NF - 2 ? " " : "\n"}' | cmp got
}

@test "face= and landmarks= go where the pixels go; box= and all else stay" {
    # one bright pixel stands in the middle of the face: it is still there, in the picture and in the box
    cat >spot.py <<'P'
import sys
sys.path.insert(0, sys.argv[1])
import tns
if sys.argv[2] == 'make':
    w = tns.Writer(sys.stdout.buffer)
    w.head(kind='images', axes='hwc', range='0:255', space='srgb')
    for n in range(40):
        x, y, data = 12 + n % 17, 10 + n % 7, bytearray(40 * 50 * 3)
        for j in range(-2, 3):
            for i in range(-2, 3): data[((y + j) * 50 + x + i) * 3] = 250
        at = '%g,%g' % (x + .5, y + .5)
        w.record('k%d' % n, 'u8', (40, 50, 3), bytes(data), [('face', '%d,%d,%d,%d,0.5' % (x - 2, y - 2, x + 3, y + 3)), ('box', '1,2,3,4'),
            ('landmarks', at + ',1,' + '%g,%g' % (x - 1.5, y + .5) + ',0.25,' + ','.join([at + ',1'] * 3)), ('odd', 'a%b')])
    w.end()
else:
    worst = seen = 0
    for type, _, shape, meta, data in tns.read(sys.stdin.buffer):
        if type != 'R': continue
        meta = dict(meta)
        assert meta['box'] == '1,2,3,4' and meta['odd'] == 'a%b'
        reds = [(r if r > 30 else 0, x + .5, y + .5) for y in range(40) for x in range(50) for r in [data[(y * 50 + x) * 3]]]
        total = sum(r for r, _, _ in reds)
        points = list(map(float, meta['landmarks'].split(',')))
        mirrored = meta['augment'].count('flip=1') == 1
        if 'face' not in meta or any(r and (x < 2 or y < 2 or x > 48 or y > 38) for r, x, y in reds): continue
        seen += 1
        cx, cy = sum(r * x for r, x, _ in reds) / total, sum(r * y for r, _, y in reds) / total
        x1, y1, x2, y2, conf = map(float, meta['face'].split(','))
        assert conf == .5
        first, second = (points[3:6], points[0:3]) if mirrored else (points[0:3], points[3:6])
        assert (first[2], second[2]) == (1, .25), meta
        for got, want in ((x1 + x2) / 2, cx), ((y1 + y2) / 2, cy), (first[0], cx), (first[1], cy): worst = max(worst, abs(got - want))
        assert all(x1 - 1 <= x <= x2 + 1 and y1 - 1 <= y <= y2 + 1 for r, x, y in reds if r > 90)
    print(seen, worst)
    assert seen >= 20 and worst < .25
P
    formats=$BATS_TEST_DIRNAME/../formats
    python3 spot.py "$formats" make >in
    for r in flip=1 rotate=60 shear=30 zoom=.3 shift=.1 'rotate=40 flip shear=20 blur=1 zoom=.2 shift=.1 flip' 'hue=.3 scale=.6 jpeg=60 flip=1'; do
        augment --fill constant "$r" <in | python3 spot.py "$formats" check
    done
    # what leaves the picture: the face is dropped, a landmark isn't seen any more
    printf 'key=a shape=10x10x3 face=1,1,4,4,1 face=5,1,9,8,1 landmarks=2,2,1,6,2,1\n' | stream make | augment shift=.5:.5 |
        stream list face landmarks | diff - <(echo '0,0,4,3,1 -3,-3,0,1,-3,0')
    # nothing moves: the lines stay as they are
    printf 'key=a shape=10x10x3 face=1.50,1,04,4,1\n' | stream make | augment 'hue=.2 rotate=0' | stream list face | diff - <(echo 1.50,1,04,4,1)
}

@test "drawn scenes keep their faces in their boxes" {
    drawface -n 20 --scene --size 128 | augment 'rotate=25 zoom=.2 flip' >out
    tcheck out
    stream list face <out | grep -c , | grep -qx 20
    python3 - <(stream list <out | grep -oE 'face=[^ ]*') <<'P'
import sys
for line in open(sys.argv[1]):
    x1, y1, x2, y2, _ = map(float, line.split('=')[1].split(','))
    assert 0 <= x1 < x2 <= 128 and 0 <= y1 < y2 <= 128, line
P
}

@test "history has the recipes in one form, and the script runs again" {
    images 5 >in
    augment '  zoom=.8:1.2  ' 'flip hue=.10' --fill=reflect <in >out
    stream header <out | grep -qE "^pg=[0-9a-f]{16} [0-9a-f]{16} augment [^ ]+ augment --fill=reflect --seed=0 zoom=0.2 'flip=0.5 hue=0.1'$"
    augment --fill=reflect --seed=0 zoom=0.2 'flip=0.5 hue=0.1' <in | cmp - out
    drawface -n 3 --size 32 | augment "${study[@]}" >out
    tls --script out >again.sh
    bash again.sh | cmp - out
}

@test "floats: the same changes, unrounded, between what the header calls black and white" {
    images 6 >in
    imgnorm --dtype f32 <in >f32
    imgnorm --dtype f32 --range -1:1 <in >signed
    for r in 'flip hue=.2 brightness=.3 blur=2' 'rotate=30 shear=10 gain=.3 scale=.5 jpeg=50' 'saturation=.6 contrast=.4'; do
        augment --fill constant "$r" <in >u8
        for f in f32 signed; do
            augment --fill constant "$r" <$f >floats
            [ "$(stream list augment <floats)" = "$(stream list augment <u8)" ]
            imgnorm <floats >rounded
            python3 -IS "$BATS_TEST_DIRNAME/pixels.py" near u8 rounded 1
        done
    done
    diff <(stream data 2 <signed) <(augment flip=1 <signed | augment flip=1 | stream data 2)
}

@test "segments stay segments; an empty one is fine" {
    images 3 >a
    cat a <(stream make </dev/null) a >in
    augment rotate=20 -j 4 <in >out
    tcheck out
    [ "$(stream list key <out | xargs)" = "$(stream list key <in | xargs)" ]
    [ "$(grep -ao 'kind=images' out | wc -l)" = 3 ]
    diff <(sums out | head -n 3) <(sums out | tail -n 3)
}

@test "any size: one pixel, one line, the longest" {
    for shape in 1x1x3 1x9x3 9x1x1 2x2x3 3x70000x1 65536x2x3; do echo "key=a shape=$shape fill=77"; done | stream make >in
    for r in 'flip=1 hue=.2 saturation=.3 rotate=90 zoom=.9 shear=60 shift=1 blur=3 scale=.1' 'zoom=100:100 zoom=100:100 zoom=100:100 rotate=33:33' 'zoom=.01:.01 zoom=.01:.01 zoom=.01:.01 shear=89:89'; do
        for fill in nearest reflect; do
            # one grey stays that grey, to the last pixel
            augment --fill $fill "$r" <in | sums | cut -d' ' -f3 | sort -u | diff - <(echo 77.00)
        done
        augment --fill constant "$r" <in | tcheck
    done
    printf 'key=a shape=1x65536x1\n' | stream make >in
    expect_failure 1 'record 0 (key a): ' augment jpeg=50 <in
    grep -q '65500' err
}

@test "a stream that isn't images is refused, with record and key" {
    images 2 >in
    bad() { { printf 'key=good shape=4x4x3\n'; echo "key=bad $1"; } | stream make "${@:3}" >bad; expect_failure 3 "record 1 (key bad): $2" augment -j 2 "rotate=20:20" <bad; }
    bad shape=4 '4 of u8; an image is wanted'
    bad shape=4x4 '4x4 of u8; an image is wanted'
    bad shape=4x4x4 '4x4x4 of u8; an image is wanted'
    bad shape=0x4x3 '0x4x3 of u8; an image is wanted'
    bad 'shape=4x4x3 dtype=i32' '4x4x3 of i32; an image is wanted'
    bad 'shape=4x4x3 dtype=f32 fill=1' 'f32, and the header has no range=' kind=images
    bad 'shape=4x4x3 face=1,2,x,4' "face= isn't a list of numbers"
    bad 'shape=4x4x3 landmarks=1,2' "landmarks= isn't a list of numbers"
    bad 'shape=4x4x3 epoch=1x' "epoch=1x isn't a whole number"
    bad 'shape=4x4x3 copy=-1' "copy=-1 isn't a whole number"
    for v in nan inf; do
        printf 'key=bad shape=4x4x3 dtype=f32 fill=%s\n' $v | stream make range=0:1 >bad
        expect_failure 3 "record 0 (key bad): has a value that isn't finite" augment flip <bad
    done
    printf 'key=bad shape=4x4x3\n' | stream make range=0:1 >bad
    expect_failure 3 "record 0 (key bad): u8, and the header's range= isn't 0:255" augment flip <bad
    for h in kind=features axes=chw space=lab range=1:0 range=x range=0:nan range=; do
        stream make "$h" </dev/null >bad
        expect_failure 3 "header: ${h%%=*}=" augment flip <bad
    done
    head -c 3000 in >short
    expect_failure 3 'record' augment flip -o new <short
    [ ! -e new ]
}

@test "a wrong recipe is wrong usage, and says what there is" {
    expect_failure 2 "recipe 'flip hue': 'hue' isn't hue=N, N from 0 to 0.5, or hue=LOW:HIGH, from -0.5 to 0.5" augment 'flip hue' </dev/null
    expect_failure 2 "recipe 'in.tns': there is no word 'in.tns'; there are flip hue saturation brightness gain contrast zoom rotate shear shift jpeg blur scale" augment flip in.tns
    expect_failure 2 "recipe '': no word in it" augment '' </dev/null
    expect_failure 2 'RECIPE... is needed' augment </dev/null
    [ ! -s out ]
}

@test "examples/augment.sh draws a sheet and says what was drawn" {
    "$BATS_TEST_DIRNAME/../examples/augment.sh" sheet.png >out
    [ "$(wc -l <out)" = 49 ]
    grep -qE '^rotate=[-0-9.]+ shear=[-0-9.]+ shift=[-0-9.]+,[-0-9.]+ zoom=[0-9.]+,[0-9.]+ flip=[01]$' out
    [ "$(head -c 4 sheet.png | tail -c 3)" = PNG ]
}
