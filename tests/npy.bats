#!/usr/bin/env bats
# .npy in and out: every type and shape, both byte orders, the versions of the format, and files that aren't what they say.

setup() {
    PATH="$BATS_TEST_DIRNAME/../bin:$PATH"
    formats=$BATS_TEST_DIRNAME/../formats
    t=$BATS_TEST_TMPDIR
    cd "$t" || exit
    command -v python3 >/dev/null || skip "there is no python3"
}

# Python with the stream's reader and writer, and npy(FILE, DESCR, SHAPE, BYTES): writes it as NumPy does, by hand.
py() { PYTHONPATH=$formats PYTHONDONTWRITEBYTECODE=1 python3 -c 'import sys, struct, math, tns
def npy(name, descr, shape, data, version=1, text=None, fortran=False):
    head = text if text is not None else "{%r: %r, %r: %r, %r: %r, }" % ("descr", descr, "fortran_order", fortran, "shape", shape)
    start = 8 + (2 if version == 1 else 4)
    head = head.encode() + b" " * (-(start + len(head.encode()) + 1) % 64) + b"\n"
    open(name, "wb").write(b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(head)) + head + data)
def frames(name): return list(tns.read(open(name, "rb")))
'"$1" "${@:2}"; }

fails() {
    local status=0
    "${@:2}" >out 2>err || status=$?
    [ "$status" = "$1" ] || { echo "status $status, not $1: ${*:2}"; cat err; return 1; }
}

says() { grep -qF -- "$1" err || { echo "no \"$1\" in:"; cat err; return 1; }; }

@test "every type and rank goes through a stream and comes back the same" {
    py 'for name, size in tns.DTYPES.values():
    if name in ("none", "bf16"): continue
    for rank in range(1, 8):
        shape = tuple(range(2, 2 + rank)) if rank < 6 else (2, 3, 2, 1, 2, 1, 3)[:rank]
        data = bytes(i * 7 % 256 for i in range(math.prod(shape) * size))
        npy("%s-%d.npy" % (name, rank), ("|" if size == 1 else "<") + name[0] + str(size), shape, data)'
    count=0
    for f in *.npy; do
        npy2tns --key x "$f" -o a.tns
        tcheck a.tns
        tns2npy a.tns -o back.npy
        cmp "$f" back.npy
        count=$((count + 1))
    done
    [ $count = 77 ]
    npy2tns --key x f32-3.npy -o a.tns
    tns2npy <a.tns | cmp - f32-3.npy
    tns2npy <a.tns >back.npy
    cmp back.npy f32-3.npy
    py 'f = frames("a.tns")
assert [x[:3] for x in f] == [("H", "none", ()), ("R", "f32", (3, 4)), ("R", "f32", (3, 4)), ("E", "none", ())]
assert [dict(x[3])["key"] for x in f[1:3]] == ["x/0", "x/1"]'
}

@test "big-endian, booleans, versions 2 and 3, other spellings of the header" {
    py 'npy("a.npy", "<f4", (2, 3), struct.pack("<6f", *range(6)))
npy("big.npy", ">f4", (2, 3), struct.pack(">6f", *range(6)))
npy("two.npy", "<f4", (2, 3), struct.pack("<6f", *range(6)), 2)
npy("three.npy", "<f4", (2, 3), struct.pack("<6f", *range(6)), 3)
npy("odd.npy", "", (), struct.pack("<6f", *range(6)), text="{\"shape\":(2L,3L),\"fortran_order\":False,\"descr\":\"<f4\"}")
npy("b.npy", "|b1", (3,), b"\0\1\1")
npy("f.npy", "<f8", (2,), struct.pack("<2d", 1, 2), fortran=True)
npy("swap.npy", ">i8", (2, 1), struct.pack(">2q", -2, 1 << 40))'
    npy2tns --key k a.npy -o a.tns
    for f in big two three odd; do npy2tns --key k $f.npy | cmp - a.tns; done
    npy2tns b.npy | tns2npy >back.npy
    py 'assert open("back.npy", "rb").read()[-3:] == b"\0\1\1"'
    npy2tns f.npy | tls | cut -f 2,3,4 | tr '\t\n' ' ,' | grep -qx 'f/0 scalar f64,f/1 scalar f64,'
    npy2tns swap.npy | tns2npy >back.npy
    py 'assert struct.unpack("<2q", open("back.npy", "rb").read()[-16:]) == (-2, 1 << 40)'
}

@test "keys, labels, kinds" {
    py 'npy("x.npy", "|u1", (3, 4, 5, 3), bytes(180))
npy("y.npy", "<i4", (3,), struct.pack("<3i", 7, -1, 0))
npy("big.npy", ">u2", (6,), struct.pack(">6H", *range(1000, 1006)))
npy("f.npy", "<f4", (2, 4, 4, 3), bytes(384))
npy("v.npy", "<f4", (2, 8), bytes(64))'
    mkdir d
    cp x.npy d/x.npy
    [ "$(npy2tns x.npy | tls --head | head -n -1 | tr '\n' ' ')" = 'kind=images axes=hwc range=0:255 space=srgb ' ]
    [ "$(npy2tns v.npy | tls --head | head -n -1)" = kind=features ]
    [ "$(npy2tns --kind scores v.npy | tls --head | head -n -1)" = kind=scores ]
    [ "$(npy2tns --kind images --range 0:1 --axes chw --space linear f.npy | tls --head | head -n -1 | tr '\n' ' ')" = 'kind=images axes=chw range=0:1 space=linear ' ]
    [ "$(npy2tns x.npy d/x.npy | tls | cut -f 2 | tr '\n' ' ')" = 'x/0 x/1 x/2 d/x/0 d/x/1 d/x/2 ' ]
    [ "$(npy2tns --key all x.npy d/x.npy | tls | cut -f 2 | tr '\n' ' ')" = 'all/0 all/1 all/2 all/3 all/4 all/5 ' ]
    [ "$(npy2tns <x.npy | tls | cut -f 2 | tr '\n' ' ')" = 'array/0 array/1 array/2 ' ]
    [ "$(npy2tns --label 'a b' x.npy | tls | cut -f 5 | sort -u)" = 'label=a b' ]
    [ "$(npy2tns --labels y.npy x.npy | tls | cut -f 5 | tr '\n' ' ')" = 'label=7 label=-1 label=0 ' ]
    [ "$(npy2tns --labels big.npy x.npy d/x.npy | tls | cut -f 5 | tail -n 1)" = label=1005 ]
    printf 'one\ntwo words\nthree' >names
    [ "$(npy2tns --keys names --labels names x.npy | tls | cut -f 2,5 | tr '\t\n' ':,')" = 'one:label=one,two words:label=two words,three:label=three,' ]
    [ "$(npy2tns --whole x.npy v.npy --kind features | tls | cut -f 2,3 | tr '\t\n' ':,')" = 'x:3x4x5x3,v:2x8,' ]
    fails 1 npy2tns --labels names x.npy d/x.npy
    says 'names: 3 values, and more records'
    fails 1 npy2tns --labels big.npy x.npy
    says 'big.npy: 6 values, and fewer records'
    fails 1 npy2tns --labels v.npy x.npy
    says 'v.npy: not integers along one axis'
    fails 1 npy2tns --labels none x.npy
    says 'none: No such file'
    fails 2 npy2tns --kind images f.npy
    says 'images of f32 need a --range'
    fails 1 npy2tns x.npy v.npy
    says 'v.npy would be features, and x.npy is images: say --kind'
    fails 2 npy2tns --label a --labels names x.npy
    fails 2 npy2tns --key a --keys names x.npy
    fails 1 npy2tns x.npy nothing.npy -o all.tns
    says 'nothing.npy: No such file'
    [ ! -e all.tns ]
}

@test "arrays without records, of empty records, of one number" {
    py 'npy("none.npy", "<f4", (0, 3), b""); npy("empty.npy", "<f4", (2, 0), b""); npy("one.npy", "<f4", (), struct.pack("<f", 5))'
    npy2tns none.npy -o a.tns
    tcheck a.tns
    [ "$(tls a.tns | wc -l)" = 0 ]
    fails 1 tns2npy a.tns
    says 'no records'
    npy2tns empty.npy -o a.tns
    [ "$(tls a.tns | cut -f 3 | sort -u)" = 0 ]
    tns2npy a.tns | cmp - empty.npy
    fails 1 npy2tns one.npy
    says 'say --whole'
    [ "$(npy2tns --whole one.npy | tls)" = $'0\tone\tscalar\tf32' ]
}

@test "what can't be read is named" {
    py 'd = bytes(600)
npy("c8.npy", "<c8", (2, 3), d); npy("str.npy", "<U3", (2,), d); npy("obj.npy", "|O", (2,), d); npy("f16.npy", "<f16", (2,), d); npy("date.npy", "<M8[s]", (2,), d)
npy("fortran.npy", "<f4", (2, 3), d[:24], fortran=True)
npy("records.npy", "", (), d, text="{\x27descr\x27: [(\x27a\x27, \x27<f4\x27)], \x27fortran_order\x27: False, \x27shape\x27: (2,), }")
npy("axes.npy", "|u1", (1,) * 8, b"1")
npy("native.npy", "|f4", (2,), d[:8])'
    for f in c8 str obj f16 date native; do
        fails 3 npy2tns $f.npy
        says "npy2tns: $f.npy: elements of type"
    done
    fails 3 npy2tns fortran.npy
    says 'in Fortran order; save numpy.ascontiguousarray(array)'
    fails 3 npy2tns records.npy
    says 'named fields'
    fails 3 npy2tns axes.npy
    says '8 axes; at most 7'
    py 'npy("axes.npy", "|u1", (1,) * 7, b"1")'
    fails 1 npy2tns --whole axes.npy
    says 'a record would have 7 axes'
    fails 3 npy2tns "$formats/tns.py"
    says 'not a .npy file'
}

@test "hostile headers: an error each, and no large memory" {
    py 'q = chr(39)
base = "{\x27descr\x27: \x27<f4\x27, \x27fortran_order\x27: False, \x27shape\x27: (2, 3), }"
bad = ["", "{", "}", "{}", "[]", "()", "x", base[:-1], base + "x", base + base, base.replace("2", "-2"), base.replace("2", "2.0"), base.replace("2", "99999999999999999999"),
       base.replace("2", "184467440737095516170000000000000"), base.replace("(2, 3)", "(2)"), base.replace("(2, 3)", "2"), base.replace("(2, 3)", "(2 3)"),
       base.replace("(2, 3)", "(,)"), base.replace("(2, 3)", "(2,,3)"), base.replace("(2, 3)", "[2, 3]"), base.replace("(2, 3)", "(" + "1, " * 5000 + ")"),
       base.replace("<f4", "<f4" * 20), base.replace("<f4", ""), base.replace("<f4", "<"), base.replace("<f4", "f4"), base.replace("<f4", "!f4"), base.replace("<f4", "<f\\4"),
       base.replace("False", "false"), base.replace("False", "0"), base.replace("False", "False, \x27fortran_order\x27: False"), base.replace("descr", "desc"),
       base.replace("\x27descr\x27: \x27<f4\x27, ", ""), base.replace("\x27", ""), base.replace("(2, 3)", "(2, 3"), base.replace(":", ""), base.replace(", ", " "), base + "\0", "\0" + base,
       base.replace("2", "4294967296").replace("3", "4294967296"), base.replace("3", "4294967296"), base.replace("3", "18446744073709551615"), base.replace("3", "2000000000"),
       base.replace("2, 3", "1, 4294967295, 4294967295, 4294967295, 4294967295, 4294967295, 4294967295")]
for i, text in enumerate(bad): npy("%02d.bad" % i, "", (), bytes(24), text=text)
npy("good.npy", "", (), bytes(24), text=base)
good = open("good.npy", "rb").read()
for i in range(len(good)): open("cut%03d.bad" % i, "wb").write(good[:i])
open("long.bad", "wb").write(good + b"x")
open("v4.bad", "wb").write(good[:6] + b"\4\0" + good[8:])
open("huge.bad", "wb").write(good[:6] + b"\2\0" + b"\xff\xff\xff\xff" + good[12:])
open("v11.bad", "wb").write(good[:6] + b"\1\1" + good[8:])'
    npy2tns good.npy | tcheck
    if (ulimit -v 400000; npy2tns --version) >/dev/null 2>&1; then limit=400000; else limit=unlimited; fi # no limit under ASan
    count=0
    for f in *.bad; do
        status=0
        (ulimit -v $limit; npy2tns "$f" >out 2>err) || status=$?
        { [ $status = 3 ] || [ $status = 1 ]; } && grep -q "^npy2tns: $f: " err || { echo "$f: status $status"; cat err; false; }
        if tcheck out 2>/dev/null; then echo "$f: a whole stream"; false; fi
        count=$((count + 1))
    done
    [ $count -gt 190 ]
    fails 3 npy2tns cut150.bad
    says 'cut150.bad: cut off in record 1 of 2'
    fails 3 npy2tns long.bad
    says 'longer than its shape'
}

@test "tns2npy: records that differ, or have no data, are named; bf16 becomes f32" {
    py 'def stream(name, *records):
    w = tns.Writer(open(name, "wb")); w.head(kind="features")
    for i, (dtype, shape, data) in enumerate(records): w.record("id%d" % i, dtype, shape, data)
    w.end()
a = ("u8", (2, 3), bytes(6))
stream("shape.tns", a, a, ("u8", (3, 2), bytes(6)))
stream("rank.tns", a, ("u8", (2, 3, 1), bytes(6)))
stream("type.tns", a, ("i8", (2, 3), bytes(6)))
stream("none.tns", a, ("none", (), b""))
values = [i * 8 + 0x3f80 for i in range(5000)]
stream("bf16.tns", *[("bf16", (5000,), struct.pack("<5000H", *values))] * 2)'
    fails 3 tns2npy shape.tns -o x.npy
    says 'tns2npy: shape.tns: record 2 (key id2): is 3x2 u8, and the records before it are 2x3 u8'
    [ ! -e x.npy ]
    fails 3 tns2npy <rank.tns
    says 'tns2npy: record 1 (key id1): is 2x3x1 u8'
    [ ! -s out ]
    fails 3 tns2npy type.tns
    says 'is 2x3 i8, and the records before it are 2x3 u8'
    fails 3 tns2npy none.tns
    says 'record 1 (key id1): has no data'
    tns2npy bf16.tns >x.npy
    py 'data = open("x.npy", "rb").read()
assert b"<f4" in data[:128] and b"(2, 5000)" in data[:128], data[:128]
assert struct.unpack("<10000I", data[-40000:]) == tuple(v << 16 for v in [i * 8 + 0x3f80 for i in range(5000)] * 2)'
    # Segments follow one another.
    py 'npy("a.npy", "|u1", (2, 2), b"abcd"); npy("b.npy", "|u1", (1, 2), b"ef")'
    { npy2tns a.npy; npy2tns b.npy; } | tns2npy | tail -c 6 | grep -qx abcdef
}

@test "NumPy reads what we write, and we read what it writes" {
    python=
    for p in python3 /usr/bin/python3; do if $p -c 'import numpy' 2>/dev/null; then python=$p; fi; done
    [ -n "$python" ] || skip "there is no NumPy"
    $python -c 'import numpy as np
for d in "u1 i2 u4 i8 f2 f4 f8 >f4 >i2 ?".split(): np.save(d.replace(">", "be") + ".npy", np.arange(24).reshape(2, 3, 4).astype(d))
np.save("sliced.npy", np.arange(24.)[::2])'
    for f in *.npy; do npy2tns "$f" | tns2npy -o "$f.back"; done
    $python -c 'import numpy as np, glob
files = glob.glob("*.npy")
assert len(files) == 11
for f in files: assert (np.load(f) == np.load(open(f + ".back", "rb"))).all(), f'
}
