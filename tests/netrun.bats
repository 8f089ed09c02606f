#!/usr/bin/env bats
# shellcheck disable=SC2046
# netrun on the command line: what goes in and out, sizes, threads, histories, and models that aren't any.

setup() {
    PATH="$BATS_TEST_DIRNAME/../bin:$PATH"
    stream=$BATS_TEST_DIRNAME/stream.py
    formats=$BATS_TEST_DIRNAME/../formats
    cd "$BATS_TEST_TMPDIR" || exit
    command -v python3 >/dev/null || skip "there is no python3"
}

fails() {
    local status=0
    "${@:2}" >out 2>err || status=$?
    [ "$status" = "$1" ] || { echo "status $status, not $1: ${*:2}"; cat err; return 1; }
}

says() { grep -qF -- "$1" err || { echo "no \"$1\" in:"; cat err; return 1; }; }

# model TEXT KEY=SHAPE=VALUE...: a model whose parameters are all of one value each. VALUE may be several, by commas.
model() {
    PYTHONPATH=$formats python3 -c 'import sys, struct, math, tns
w = tns.Writer(sys.stdout.buffer); field = sys.argv[1]; w.head(kind="model", **dict(f.split("=", 1) for f in sys.argv[1].split("|")))
for p in sys.argv[2:]:
    key, shape, values = p.split("="); shape = tuple(map(int, shape.split("x"))); v = [float(x) for x in values.split(",")]; n = math.prod(shape)
    w.record(key, "f32", shape, struct.pack("<%df" % n, *(v * n)[:n]))
w.end()' "$@"
}

# images N SIZE: u8 images 0, 1...
images() { seq "$1" | sed "s/.*/key=i& shape=$2/" | python3 "$stream" make; }

numbers() { python3 "$stream" data "$2" <"$1" | tr ',[]' '   ' | xargs; }

@test "a record for each, with its key and metadata; u8 becomes what the input line says" {
    model 'net=input 2x2x1 range=0:255
flatten
d dense 2' 'd.weight=2x4=1,1,1,1,0,0,0,1' 'd.bias=2=0,10' >m.tns
    printf 'key=a shape=2x2x1 fill=3 label=x\nkey=b shape=2x2x1 fill=200\n' | python3 "$stream" make >in.tns
    netrun -m m.tns in.tns -o out.tns
    tcheck out.tns
    [ "$(numbers out.tns 0)" = "12.0 13.0" ]
    [ "$(numbers out.tns 1)" = "800.0 210.0" ]
    [ "$(python3 "$stream" list key label <out.tns | head -1)" = "a x" ]
    python3 "$stream" header <out.tns | grep -q 'kind=features'
    [ "$(python3 "$stream" header <out.tns | grep -c 'range=')" = 0 ]
    model 'net=input 2x2x1
flatten
d dense 2' 'd.weight=2x4=1,1,1,1,0,0,0,1' 'd.bias=2=0,10' >unit.tns
    netrun -m unit.tns in.tns -o out.tns
    python3 -c 'import sys; a, b = map(float, sys.argv[1:]); assert abs(a - 12 / 255) < 1e-6 and abs(b - 10 - 3 / 255) < 1e-6' $(numbers out.tns 0)
}

@test "imagenet and caffe change colours as their frameworks do" {
    for range in imagenet caffe; do
        model "net=input 1x1x3 range=$range
scale 1" >m.tns
        python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import tns
w = tns.Writer(sys.stdout.buffer); w.head(kind="images"); w.record("a", "u8", (1, 1, 3), bytes([10, 100, 250])); w.end()' "$formats" |
            netrun -m m.tns -o out.tns
        python3 -c 'import sys
want = {"imagenet": [(10 / 255 - .485) / .229, (100 / 255 - .456) / .224, (250 / 255 - .406) / .225], "caffe": [250 - 103.939, 100 - 116.779, 10 - 123.68]}
got = list(map(float, sys.argv[2:])); assert all(abs(a - b) < 1e-5 for a, b in zip(got, want[sys.argv[1]])) and len(got) == 3, got' "$range" $(numbers out.tns 0)
    done
}

@test "the same bytes for every -b and -j, and alone or in company" {
    model 'net=input range=0:1
c conv 20 3 pad=1
relu
e conv 17 3 pad=1
silu
maxpool 2' c.weight=20x3x3x3=.1,-.2,.3,.05,-.15 c.bias=20=.1,-.1 e.weight=17x20x3x3=.01,-.02,.03,.05,-.06,.011 e.bias=17=0 >m.tns
    images 23 13x9x3 >in.tns
    netrun -m m.tns -j1 -b1 in.tns -o one.tns
    for options in -j1 -j2 "-j2 -b7" "-j3 -b2"; do netrun -m m.tns $options in.tns | cmp - one.tns; done
    thead -n 1 in.tns | netrun -m m.tns | tns2npy >a
    thead -n 1 one.tns | tns2npy | cmp - a
    [ "$(tls one.tns | head -1 | cut -f3)" = 6x4x17 ]
    python3 "$stream" header <one.tns | grep -q 'axes=hwc'
}

@test "several outputs, and any layer" {
    model 'net=input 2
a scale 2
b scale 10 1
output < b a' >m.tns
    printf 'key=x shape=2 fill=3\n' | python3 "$stream" make kind=features >in.tns
    netrun -m m.tns --layer a --layer b in.tns | python3 "$stream" list key output >list
    [ "$(xargs <list)" = "x a x b" ]
    netrun -m m.tns in.tns -o out.tns
    [ "$(python3 "$stream" list output <out.tns | xargs)" = "b a" ]
    [ "$(netrun -m m.tns --layer a in.tns | python3 "$stream" list output)" = - ]
    fails 2 netrun -m m.tns --layer c in.tns
    says "no layer is called 'c'"
}

@test "a state's networks by name; the history can be run again" {
    model 'net.gen=input 2
scale 3|net.critic=input 2
d dense 1' critic/d.weight=1x2=1 critic/d.bias=1=5 >s.tns
    printf 'key=x shape=2 fill=3\n' | python3 "$stream" make kind=features >in.tns
    fails 3 netrun -m s.tns in.tns
    says "holds several networks"
    fails 3 netrun -m s.tns:x in.tns
    says "no network 'x'; it holds: gen critic"
    netrun -m s.tns:critic in.tns -o out.tns
    python3 -c 'import sys; assert abs(float(sys.argv[1]) - 5 - 6 / 255) < 1e-6' $(numbers out.tns 0)
    cp s.tns odd:name
    netrun -m odd:name:gen in.tns >/dev/null
    tls --script out.tns >script
    name=$(grep -o 'MODEL_[0-9a-f]*' script | head -1)
    env "$name=s.tns:critic" IN1=in.tns bash -c "$(cat script)" >again.tns
    cmp again.tns out.tns
}

@test "open inputs take the first record's size, and others are errors that name the record" {
    model 'net=input
gap' >m.tns
    printf 'key=a shape=3x4x2\nkey=b shape=4x4x2\n' | python3 "$stream" make >in.tns
    fails 3 netrun -m m.tns in.tns -o out.tns
    says "record 1 (key b)"
    says "imgnorm --size"
    [ ! -e out.tns ]
    printf 'key=a shape=3 dtype=i32\n' | python3 "$stream" make >in.tns
    fails 3 netrun -m m.tns in.tns
    says "record 0 (key a)"
    images 0 1 >empty.tns
    netrun -m m.tns empty.tns | tcheck
    printf 'key=a shape=3x4x2 fill=1\n' | python3 "$stream" make >a.tns
    cat a.tns a.tns | netrun -m m.tns | python3 "$stream" list key >list
    [ "$(wc -l <list)" = 2 ]
}

@test "numbers that aren't finite are errors; so are models that aren't any, cut off, or lack a weight" {
    model 'net=input 1
sqrt' >m.tns
    printf 'key=a shape=1 dtype=f32 fill=-1\n' | python3 "$stream" make kind=features >in.tns
    fails 3 netrun -m m.tns in.tns
    says "record 0 (key a)"
    says "isn't finite"
    fails 3 netrun -m in.tns in.tns
    says "no model"
    fails 1 netrun -m nothing.tns in.tns
    says "nothing.tns: No such file"
    head -c 200 m.tns >cut.tns
    fails 3 netrun -m cut.tns in.tns
    model 'net=input 1
d dense 1' d.weight=1x1=1 >m.tns
    fails 3 netrun -m m.tns in.tns
    says "d.bias is missing"
    model 'net=input 1
d dense 1 bias=no' d.weight=1x2=1 >m.tns
    fails 3 netrun -m m.tns in.tns
    says "d.weight is 1x2, the network wants 1x1"
    fails 2 netrun in.tns
}

@test "input that ends early makes no output; a reader that goes ends it quietly" {
    model 'net=input
gap' >m.tns
    images 40 30x30x3 >in.tns
    head -c 20000 in.tns >cut.tns
    fails 3 netrun -m m.tns cut.tns -o out.tns
    [ ! -e out.tns ]
    netrun -m m.tns in.tns | head -c 100 >/dev/null
    [ "${PIPESTATUS[0]}" = 0 ]
}

@test "--gradcam: images with the heat of a layer over them, key and metadata kept" {
    # z = 2 * the mean of red + the mean of green, from two convolutions of one pixel
    model 'net=input 4x4x3
c conv 2 1
relu
g gap
d dense 1
sigmoid|positive=fake' c.weight=2x3x1x1=1,0,0,0,1,0 c.bias=2=0 d.weight=1x2=2,1 d.bias=1=0 >m.tns
    python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import tns
pixels = bytearray(48); pixels[0] = 255; pixels[4] = 255
w = tns.Writer(sys.stdout.buffer); w.head(kind="images", axes="hwc", range="0:255"); w.record("a", "u8", (4, 4, 3), bytes(pixels), [("label", "real")])
w.record("b", "u8", (4, 4, 3), bytes(48)); w.end()' "$formats" >in.tns
    netrun -m m.tns --gradcam c in.tns -o out.tns
    [ "$(python3 "$stream" list key label output <out.tns | paste -sd' ')" = "a real 0.1875 b - 0" ]
    [ "$(tls out.tns | cut -f3,4 | sort -u)" = "$(printf '4x4x3\tu8')" ]
    python3 "$stream" header <out.tns | grep -qx kind=images
    # the first pixel is the hottest: red; the next half as much: green; the others stay black
    read -r r g b r2 g2 b2 rest < <(numbers out.tns 0)
    [ "$r" -gt 160 ] && [ "$g" -lt 80 ] && [ "$b" -lt 80 ]
    [ "$g2" -gt 200 ] && [ "$r2" -lt 120 ] && [ "$b2" -lt 120 ]
    [ "$(tr ' ' '\n' <<<"$rest" | sort -u)" = 0 ]
    [ "$(numbers out.tns 1 | tr ' ' '\n' | sort -u)" = 0 ]
    netrun -m m.tns -j3 -b7 --gradcam c in.tns | cmp - out.tns
    thead -n 1 out.tns | tns2npy | cmp - <(thead -n 1 in.tns | netrun -m m.tns --gradcam c | tns2npy)
    netrun -m m.tns --gradcam c in.tns | tview -o sheet.png
    fails 2 netrun -m m.tns --gradcam d in.tns
    says "d gives a vector"
    fails 2 netrun -m m.tns --gradcam e in.tns
    says "no layer is called 'e'"
    fails 2 netrun -m m.tns --gradcam c --layer c in.tns
    says "exclude each other"
    printf 'key=x dtype=f32 shape=4x4x3 fill=0\n' | python3 "$stream" make >f.tns
    fails 3 netrun -m m.tns --gradcam c f.tns
    says "record 0 (key x): --gradcam draws over images"
    images 2 5x5x3 >other.tns
    fails 3 netrun -m m.tns --gradcam c other.tns
    says "the network wants 4x4x3"
    model 'net=input 4x4x3
c conv 2 1
gelu
gap' c.weight=2x3x1x1=1 c.bias=2=0 >m.tns
    fails 2 netrun -m m.tns --gradcam c in.tns
    says "inference only"
}
