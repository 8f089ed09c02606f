#!/usr/bin/env bats
# onnx2tns: graphs as exporters write them against what PyTorch makes of them (tests/golden/onnx.py), and files that it refuses.

setup() {
    PATH="$BATS_TEST_DIRNAME/../bin:$PATH"
    golden=$BATS_TEST_DIRNAME/golden/onnx
    export PYTHONPATH=$BATS_TEST_DIRNAME/../formats:$BATS_TEST_DIRNAME/golden PYTHONDONTWRITEBYTECODE=1
    cd "$BATS_TEST_TMPDIR" || exit
    command -v python3 >/dev/null || skip "there is no python3"
}

fails() {
    local status=0
    "${@:2}" >out 2>err || status=$?
    [ "$status" = "$1" ] || { echo "status $status, not $1: ${*:2}"; cat err; return 1; }
}

says() { grep -qF -- "$1" err || { echo "no \"$1\" in:"; cat err; return 1; }; }

# The network's text in a model.
text() { python3 -c 'import sys, tns; print(dict(next(tns.read(open(sys.argv[1], "rb")))[3])["net"], end="")' "$1"; }

# onnx NAME PYTHON...: an ONNX file of few nodes; n is the module onnx of tests/golden, without PyTorch.
onnx() {
    python3 -c 'import sys, re, struct
source = open(sys.argv[1]).read()
source = source[source.index("def field"):source.index("def by_hand")].replace("torch.int64", "int").replace("torch.float32", "float")
class T:  # as much of a tensor as tensor() looks at
    def __init__(s, shape, values, dtype=float): s.shape, s.values, s.dtype = shape, values, dtype
    def numel(s): return len(s.values)
    def flatten(s): return s
    def tolist(s): return s.values
exec(source)
def save(nodes, constants={}, x=(1, 2, 4, 4), y=("y",), opset=13, extra=b""):
    graph = b"".join(field(1, n) for n in nodes) + b"".join(field(5, tensor(k, t)) for k, t in constants.items())
    graph += field(11, info("input", x)) + b"".join(field(12, info(n, ())) for n in y) + extra
    open(sys.argv[2], "wb").write(field(1, 8) + field(7, graph) + field(8, field(2, opset)))
exec(sys.argv[3])' "$BATS_TEST_DIRNAME/golden/onnx.py" "$1" "$2"
}

@test "every operator in every opset gives what PyTorch gives" {
    for f in "$golden"/*.onnx; do
        onnx2tns "$f" -o model.tns
        python3 -c 'import sys, tns
w = tns.Writer(sys.stdout.buffer); w.head(kind="features")
r = [f for f in tns.read(open(sys.argv[1], "rb")) if f[0] == "R"][0]; w.record("x", "f32", r[2], r[4]); w.end()' "${f%.onnx}.tns" | netrun -m model.tns -o got.tns
        python3 -c 'import sys, struct, tns
read = lambda name: [(f[2], struct.unpack("<%df" % (len(f[4]) // 4), f[4])) for f in tns.read(open(name, "rb")) if f[0] == "R"]
want, got = read(sys.argv[1])[1:], read("got.tns")
assert len(want) == len(got), (len(want), len(got))
for i, ((ws, w), (gs, g)) in enumerate(zip(want, got)):
    assert ws == gs, (sys.argv[1], i, ws, gs)
    most, worst = max(map(abs, w)), max(abs(a - b) for a, b in zip(w, g))
    assert worst <= 1e-5 * most, (sys.argv[1], i, worst, most)' "${f%.onnx}.tns"
    done
}

@test "shape arithmetic, activations and batch norm become what they are; names stay" {
    onnx2tns --range 0:1 "$golden/detector-16.onnx" -o d.tns
    text d.tns >d.net
    grep -q '^input 16x24x3 range=0:1$' d.net
    [ "$(grep -c ' silu$' d.net)" = 2 ]
    [ "$(grep -c ' transpose' d.net)" = 0 ] || { cat d.net; false; }
    grep -q '^c conv 16 3 stride=2 pad=1' d.net
    onnx2tns "$golden/classifier-11.onnx" -o c.tns
    text c.tns >c.net
    grep -q 'clip 0 6' c.net
    grep -q '^output < ' c.net
    tls c.tns | cut -f2 | grep -qx 'head.1.weight'
    tls --head c.tns | grep -q "source_sha256=$(sha256sum "$golden/classifier-11.onnx" | cut -d' ' -f1)"
    cmp c.tns <(onnx2tns "$golden/classifier-11.onnx")
    tls --script c.tns >script
    IN1=$golden/classifier-11.onnx bash -c "$(cat script)" | cmp - c.tns
}

@test "an unknown operator, a bad shape, a missing input: errors that name node and operator" {
    onnx a.onnx 'save([node("Relu", ["input"], ["a"]), node("LRN", ["a"], ["y"], size=3)])'
    fails 3 onnx2tns a.onnx -o out.tns
    says 'a.onnx: node LRN_y (LRN): this operator isn'\''t supported'
    [ ! -e out.tns ]
    onnx a.onnx 'save([node("Conv", ["input", "w"], ["y"])], dict(w=T((4, 3, 3, 3), [0.] * 108)))'
    fails 3 onnx2tns a.onnx
    says "node Conv_y (Conv): its weights don't fit its input"
    onnx a.onnx 'save([node("Add", ["input", "nothing"], ["y"])])'
    fails 3 onnx2tns a.onnx
    says "node Add_y (Add): its input 'nothing' isn't there"
    onnx a.onnx 'save([node("Reshape", ["input", "s"], ["y"])], dict(s=T((2,), [1, 33], int)))'
    fails 3 onnx2tns a.onnx
    says "node Reshape_y (Reshape): a shape that doesn't fit"
    onnx a.onnx 'save([node("Conv", ["input", "w"], ["y"])], dict(w=T((4, 2, 5, 5), [0.] * 200)))'
    fails 3 onnx2tns a.onnx
    says "its input is smaller than its kernel"
    onnx a.onnx 'save([node("Relu", ["input"], ["a"])])'
    fails 3 onnx2tns a.onnx
    says "its output 'y' is never computed"
    onnx a.onnx 'save([node("Relu", ["input"], ["y"])], x=(4, 2, 4, 4))'
    fails 3 onnx2tns a.onnx
    says "is a batch of 4"
    onnx a.onnx 'save([node("Loop", ["input"], ["y"]) + field(5, field(1, "body") + field(6, b""))])'
    fails 3 onnx2tns a.onnx
    says "node Loop_y (Loop): a graph inside a graph isn't supported"
    onnx a.onnx 'save([node("QLinearConv", ["input"], ["y"])])'
    fails 3 onnx2tns a.onnx
    says "QLinearConv"
    onnx a.onnx 'save([node("Relu", ["input"], ["y"])], extra=field(5, field(1, 1) + field(2, 1) + field(8, "far") + field(14, 1)))'
    fails 3 onnx2tns a.onnx
    says "tensor far: its data is in another file"
}

@test "what would change the numbers without a word is refused" {
    refuse() { # WHAT NODES [CONSTANTS]
        onnx a.onnx "save([$2], dict(${3:-}))"
        fails 3 onnx2tns a.onnx
        says "$1"
    }
    refuse "in training mode" 'node("Dropout", ["input", "", "t"], ["y"])' 't=T((), [1], int)'
    refuse "in training mode" 'node("BatchNormalization", ["input", "a", "a", "a", "a"], ["y"], training_mode=1)' 'a=T((2,), [1., 1.])'
    refuse "not_larger isn't supported" 'node("Resize", ["input", "", "", "s"], ["y"], keep_aspect_ratio_policy="not_larger")' 's=T((4,), [1, 2, 8, 4], int)'
    refuse "antialias isn't supported" 'node("Resize", ["input", "", "", "s"], ["y"], mode="linear", antialias=1)' 's=T((4,), [1, 2, 2, 2], int)'
    refuse "a scale that gives no whole size" 'node("Resize", ["input", "", "s"], ["y"], mode="linear")' 's=T((4,), [1., 1., 1.7, 1.7])'
    refuse "mode CRD isn't supported" 'node("SpaceToDepth", ["input"], ["y"], blocksize=2, mode="CRD")'
    refuse "to whole numbers isn't supported" 'node("Cast", ["input"], ["y"], to=7)'
    refuse "its slope doesn't fit" 'node("PRelu", ["input", "s"], ["y"])' 's=T((4,), [.1, .2, .3, .4])'
    refuse "of a batch of more than 1" 'node("Reshape", ["input", "s"], ["r"]), node("MaxPool", ["r"], ["y"], kernel_shape=[2, 2])' 's=T((4,), [2, 1, 4, 4], int)'
    refuse "pads must be" 'node("Pad", ["input", "p", "input"], ["y"])' 'p=T((8,), [0, 0, 1, 1, 0, 0, 1, 1], int)'
}

@test "open sizes want --size" {
    onnx a.onnx 'save([node("Relu", ["input"], ["y"])], x=(1, 3, 0, 0))'
    fails 3 onnx2tns a.onnx
    says "say --size"
    onnx2tns --size 5x7 a.onnx -o a.tns
    text a.tns | grep -q '^input 5x7x3$'
    fails 2 onnx2tns --size 5 a.onnx
    fails 2 onnx2tns --range 1:0 a.onnx
    fails 1 onnx2tns nothing.onnx
}

@test "a file that is cut anywhere, or no ONNX, is corrupt input" {
    n=$(stat -c %s "$golden/channels-last.onnx")
    for ((i = 0; i < n; i += n / 40 + 1)); do
        head -c "$i" "$golden/channels-last.onnx" >cut.onnx
        fails 3 onnx2tns cut.onnx -o out.tns
        [ ! -e out.tns ]
    done
    fails 3 onnx2tns "$golden/channels-last.tns"
}

@test "what once crashed is an error or a model" {
    for f in "$BATS_TEST_DIRNAME"/data/crasher-*.onnx; do
        status=0
        onnx2tns "$f" >out.tns 2>err || status=$?
        [ "$status" = 0 ] || [ "$status" = 3 ] || { echo "$f: $status"; cat err; false; }
    done
}
