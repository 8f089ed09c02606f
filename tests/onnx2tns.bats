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

@test "operators on constants, which exporters leave of the arithmetic of shapes and anchors: by ONNX's own definitions" {
    # The numbers that the nodes leave in k | the nodes | constants. All of them are laid end to end in one network, which adds them to its input.
    cat >cases <<'END_CASES'
9 -5 5 6 | node('Add', ['a', 'b'], ['k']) | PAIR
5 -9 -5 0 | node('Sub', ['a', 'b'], ['k']) | PAIR
14 -14 0 9 | node('Mul', ['a', 'b'], ['k']) | PAIR
3 -3 0 1 | node('Div', ['a', 'b'], ['k']) | PAIR
2 -7 0 3 | node('Min', ['a', 'b'], ['k']) | PAIR
7 2 5 3 | node('Max', ['a', 'b'], ['k']) | PAIR
1 1 0 0 | node('Mod', ['a', 'b'], ['k']) | PAIR
1 -1 0 0 | node('Mod', ['a', 'b'], ['k'], fmod=1) | PAIR
49 49 0 27 | node('Pow', ['a', 'b'], ['k']) | PAIR
0 0 0 1 | node('Equal', ['a', 'b'], ['k']) | PAIR
0 1 1 0 | node('Less', ['a', 'b'], ['k']) | PAIR
0 1 1 1 | node('LessOrEqual', ['a', 'b'], ['k']) | PAIR
1 0 0 0 | node('Greater', ['a', 'b'], ['k']) | PAIR
1 0 0 1 | node('GreaterOrEqual', ['a', 'b'], ['k']) | PAIR
1 1 0 1 | node('And', ['a', 'b'], ['k']) | PAIR
1 1 1 1 | node('Or', ['a', 'b'], ['k']) | PAIR
3.5 -3.5 0 1 | node('Div', ['a', 'b'], ['k']) | a=T((4,), [7., -7., 0., 3.]), b=T((4,), [2., 2., 5., 3.])
11 12 21 22 | node('Add', ['a', 'b'], ['k']) | a=T((2, 1), [10, 20], int), b=T((2,), [1, 2], int)
0 | node('Div', ['a', 'b'], ['k']) | a=T((1,), [1], int), b=T((1,), [0], int)
1 -2 2 4 | node('Floor', ['a'], ['k']) | FOUR
2 -1 3 4 | node('Ceil', ['a'], ['k']) | FOUR
2 -2 2 4 | node('Round', ['a'], ['k']) | FOUR
-1.5 1.5 -2.5 -4 | node('Neg', ['a'], ['k']) | FOUR
1.5 1.5 2.5 4 | node('Abs', ['a'], ['k']) | FOUR
1 2 3 0.5 | node('Sqrt', ['a'], ['k']) | a=T((4,), [1., 4., 9., .25])
1 1 1 1 | node('Exp', ['a'], ['k']) | a=T((4,), [0., 0., 0., 0.])
0 0 0 0 | node('Log', ['a'], ['k']) | a=T((4,), [1., 1., 1., 1.])
0.5 -0.25 2 1 | node('Reciprocal', ['a'], ['k']) | a=T((4,), [2., -4., .5, 1.])
0.5 0.5 0.5 0.5 | node('Sigmoid', ['a'], ['k']) | a=T((4,), [0., 0., 0., 0.])
1 -1 2 4 | node('Cast', ['a'], ['k'], to=7) | FOUR
1 1 1 1 | node('Cast', ['a'], ['k'], to=9) | FOUR
1 0 1 | node('Cast', ['a'], ['k'], to=9) | a=T((3,), [5, 0, -1], int)
0 1 0 | node('Cast', ['a'], ['b'], to=9), node('Not', ['b'], ['k']) | a=T((3,), [5, 0, -1], int)
1 20 3 | node('Where', ['c', 'a', 'b'], ['k']) | c=T((3,), [1, 0, 1], int), a=T((3,), [1, 2, 3], int), b=T((3,), [10, 20, 30], int)
9 2 9 | node('Where', ['c', 'a', 'b'], ['k']) | c=T((3,), [0, 1, 0], int), a=T((3,), [1, 2, 3], int), b=T((), [9], int)
0 3 1 4 2 5 | node('Transpose', ['a'], ['k'], perm=[1, 0]) | SIX
0 3 1 4 2 5 | node('Transpose', ['a'], ['k']) | SIX
3 4 5 | node('Gather', ['a', 'i'], ['k']) | SIX, i=T((), [-1], int)
2 0 5 3 | node('Gather', ['a', 'i'], ['k'], axis=1) | SIX, i=T((2,), [2, 0], int)
1 2 | node('Slice', ['a', 's', 'e', 'x'], ['k']) | SIX, s=T((2,), [0, 1], int), e=T((2,), [1, 99], int), x=T((2,), [0, 1], int)
5 3 2 0 | node('Slice', ['a', 's', 'e', 'x', 'p'], ['k']) | SIX, s=T((2,), [-1, -1], int), e=T((2,), [-99, -99], int), x=T((2,), [0, 1], int), p=T((2,), [-1, -2], int)
3 4 | node('Slice', ['a'], ['k'], starts=[1, 0], ends=[2, -1], axes=[0, 1]) | SIX
0 1 2 3 4 5 0 1 2 3 4 5 | node('Concat', ['a', 'a'], ['k'], axis=0) | SIX
0 1 2 0 1 2 3 4 5 3 4 5 | node('Concat', ['a', 'a'], ['k'], axis=-1) | SIX
0 0.5 1 1.5 | node('Concat', ['b', 'c'], ['k'], axis=0) | b=T((2,), [0., .5]), c=T((2,), [1., 1.5])
0 1 2 3 4 5 6 | node('Range', ['f', 't', 'b'], ['k']) | f=T((), [0], int), t=T((), [7], int), b=T((), [1], int)
5 3 1 | node('Range', ['f', 't', 'b'], ['k']) | f=T((), [5], int), t=T((), [0], int), b=T((), [-2], int)
1 1 2 2 | node('Expand', ['b', 's'], ['k']) | b=T((2, 1), [1, 2], int), s=T((2,), [2, 2], int)
0 0 0 | node('ConstantOfShape', ['s'], ['k']) | s=T((1,), [3], int)
120 | node('ReduceProd', ['s'], ['k'], keepdims=0) | s=T((3,), [4, 5, 6], int)
120 | node('ReduceProd', ['s'], ['k']) | s=T((3,), [4, 5, 6], int)
1 4 | node('Split', ['a'], ['b', 'k', 'c'], axis=1) | SIX
3 4 5 | node('Split', ['a', 'p'], ['b', 'k']) | SIX, p=T((2,), [1, 1], int)
2 5 | node('Split', ['a'], ['b', 'k'], axis=1, split=[2, 1]) | SIX
0 1 2 3 4 5 | node('Unsqueeze', ['a', 'x'], ['b']), node('Squeeze', ['b', 'x'], ['k']) | SIX, x=T((1,), [1], int)
0 1 2 3 4 5 | node('Unsqueeze', ['a'], ['b'], axes=[0, -1]), node('Squeeze', ['b'], ['k']) | SIX
0 2 4 6 8 10 | node('DequantizeLinear', ['a', 's'], ['k']) | SIX, s=T((), [2.])
-1 0 0.5 2 3 2 | node('DequantizeLinear', ['a', 's', 'z'], ['k']) | SIX, s=T((3,), [1., 1., .5]), z=T((3,), [1, 1, 1], int)
2.5 | node('Constant', [], ['k'], value_float=2.5) | SIX
7 | node('Constant', [], ['k'], value_int=7) | SIX
7 8 9 | node('Constant', [], ['k'], value_ints=[7, 8, 9]) | SIX
END_CASES
    cat >all.py <<'P'
cases = [l.rstrip('\n').split(' | ') for l in open('cases')]
short = dict(PAIR='a=T((4,), [7, -7, 0, 3], int), b=T((4,), [2, 2, 5, 3], int)', SIX='a=T((2, 3), [0, 1, 2, 3, 4, 5], int)', FOUR='a=T((4,), [1.5, -1.5, 2.5, 4.])')
plain, nodes, constants, lines, total = node, [], dict(flat=T((1,), [-1], int)), [], 0
for i, (want, code, given) in enumerate(cases):
    def node(op, ins, outs, **more): return plain(op, ['%d_%s' % (i, x) for x in ins], ['%d_%s' % (i, x) for x in outs], **more)
    made = eval('(%s,)' % code)
    for k, v in short.items(): given = given.replace(k, v)
    constants.update(('%d_%s' % (i, k), v) for k, v in eval('dict(%s)' % given).items())
    nodes += list(made) + [plain('Cast', ['%d_k' % i], ['%d float' % i], to=1), plain('Reshape', ['%d float' % i, 'flat'], ['%d line' % i])]
    lines.append('%d line' % i)
    total += len(want.split())
node = plain
while len(lines) > 1: # not too many inputs of one node
    few = [lines[j:j + 8] for j in range(0, len(lines), 8)]
    nodes += [node('Concat', f, [f[0] + '+'], axis=0) for f in few]
    lines = [f[0] + '+' for f in few]
save(nodes + [node('Add', ['input', lines[0]], ['y'])], constants, x=(1, total))
P
    onnx all.onnx "exec(open('all.py').read(), globals())"
    onnx2tns all.onnx -o all.tns
    python3 -c 'import struct, tns
got = [f[4] for f in tns.read(open("all.tns", "rb")) if ("key", "Add_y.bias") in f[3]][0]
got = ["%g" % v for v in struct.unpack("<%df" % (len(got) // 4), got)]
for line in open("cases"):
    want = line.split(" | ")[0].split()
    assert got[:len(want)] == want, (line, got[:len(want)])
    got = got[len(want):]
assert not got'
}

@test "constants that don't fit each other are errors that say so" {
    cat >cases <<'END_CASES'
shapes that don't fit together | node("Add", ["a", "b"], ["k"]) | SIX, b=T((2,), [1, 2], int)
Where with shapes | node("Where", ["a", "b", "b"], ["k"]) | SIX, b=T((2,), [1, 2], int)
Gather outside its axis | node("Gather", ["a", "i"], ["k"]) | SIX, i=T((), [2], int)
Gather along no axis | node("Gather", ["a", "i"], ["k"], axis=2) | SIX, i=T((), [0], int)
Slice without starts and ends | node("Slice", ["a"], ["k"]) | SIX
differ in number | node("Slice", ["a", "s", "e"], ["k"]) | SIX, s=T((1,), [0], int), e=T((2,), [1, 1], int)
by 0 | node("Slice", ["a", "s", "e", "s", "s"], ["k"]) | SIX, s=T((1,), [0], int), e=T((1,), [1], int)
Concat along no axis | node("Concat", ["a", "a"], ["k"], axis=2) | SIX
Concat of different ranks | node("Concat", ["a", "b"], ["k"], axis=0) | SIX, b=T((2,), [1, 2], int)
Concat of shapes | node("Concat", ["a", "b"], ["k"], axis=0) | SIX, b=T((1, 2), [1, 2], int)
a shape that doesn't fit | node("Reshape", ["a", "s"], ["k"]) | SIX, s=T((1,), [7], int)
an impossible shape | node("Reshape", ["a", "s"], ["k"]) | SIX, s=T((2,), [-1, -1], int)
Transpose of another rank | node("Transpose", ["a"], ["k"], perm=[0]) | SIX
Transpose of no axis | node("Transpose", ["a"], ["k"], perm=[0, 2]) | SIX
Expand to a shape that doesn't fit | node("Expand", ["a", "s"], ["k"]) | SIX, s=T((1,), [4], int)
Range of too many | node("Range", ["f", "t", "b"], ["k"]) | f=T((), [0], int), t=T((), [7], int), b=T((), [0], int)
a constant too large | node("ConstantOfShape", ["s"], ["k"]) | s=T((2,), [1 << 20, 1 << 20], int)
parts that aren't there | node("Split", ["a", "p"], ["k", "l"]) | SIX, p=T((2,), [1, 2], int)
Split along no axis | node("Split", ["a"], ["k", "l"], axis=2) | SIX
axes twice | node("Unsqueeze", ["a", "x"], ["k"]) | SIX, x=T((2,), [0, 0], int)
scales that don't fit | node("DequantizeLinear", ["a", "s"], ["k"]) | SIX, s=T((2,), [1., 2.])
zero points that don't fit | node("DequantizeLinear", ["a", "s", "z"], ["k"]) | SIX, s=T((3,), [1., 2., 3.]), z=T((2,), [0, 0], int)
without a value that can be read | node("Constant", [], ["k"]) | SIX
END_CASES
    onnx a.onnx 'for i, l in enumerate(open("cases")):
    what, code, given = l.rstrip("\n").split(" | ")
    sys.argv[2] = "%d.onnx" % i
    save([eval(code), node("Add", ["input", "k"], ["y"])], eval("dict(%s)" % given.replace("SIX", "a=T((2, 3), [0, 1, 2, 3, 4, 5], int)")), x=(1, 3))'
    i=0
    while IFS= read -r line; do
        fails 3 onnx2tns $i.onnx
        says "${line%% | *}"
        i=$((i + 1))
    done <cases
}

@test "a small file never takes much memory" {
    onnx a.onnx 'n = 200
save([node("ConstantOfShape", ["s"], ["k0"])] + [node("Add", ["k%d" % i, "one"], ["k%d" % (i + 1)]) for i in range(n)] +
     [node("ReduceProd", ["k%d" % n], ["k"]), node("Add", ["input", "k"], ["y"])], dict(s=T((1,), [1 << 24], int), one=T((1,), [1.])))'
    if (ulimit -v 1000000; onnx2tns --version) >/dev/null 2>&1; then limit=1000000; else limit=unlimited; fi # no limit under ASan
    (ulimit -v $limit; fails 3 onnx2tns a.onnx)
    says 'a constant too large'
}
