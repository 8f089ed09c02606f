#!/usr/bin/env bats
# wgt2tns: the same tensors in every form (tests/golden/weights.py), into a network, and files that lie, are cut or want something run.

setup() {
    PATH="$BATS_TEST_DIRNAME/../bin:$PATH"
    golden=$BATS_TEST_DIRNAME/golden/weights
    export PYTHONPATH=$BATS_TEST_DIRNAME/../formats PYTHONDONTWRITEBYTECODE=1
    cd "$BATS_TEST_TMPDIR" || exit
    command -v python3 >/dev/null || skip "there is no python3"
    printf '%s\n' 'input 4x4x3' 'c conv 4 3' 'b batchnorm' flatten 'd dense 2' >x.net
}

fails() {
    local status=0
    "${@:2}" >out 2>err || status=$?
    [ "$status" = "$1" ] || { echo "status $status, not $1: ${*:2}"; cat err; return 1; }
}

says() { grep -qF -- "$1" err || { echo "no \"$1\" in:"; cat err; return 1; }; }

# The records of a stream, a line each, in order of their keys: key, dtype, shape, bytes.
records() {
    python3 -c 'import sys, tns
for m, *r in sorted((dict(m)["key"], d, s, b.hex()) for t, d, s, m, b in tns.read(sys.stdin.buffer) if t == "R"): print(m, *r)'
}

# numbers KEY: its elements
numbers() {
    python3 -c 'import sys, tns, struct
for t, d, s, m, b in tns.read(sys.stdin.buffer):
    if t == "R" and dict(m)["key"] == sys.argv[1]: print("x".join(map(str, s)), *["%g" % x for x in struct.unpack("<%d%s" % (len(b) // int(tns.DTYPES[[k for k in tns.DTYPES if tns.DTYPES[k][0] == d][0]][1]), {"f32": "f", "f64": "d", "f16": "e", "i64": "q", "bf16": "H"}[d]), b)])' "$1"
}

@test "every form holds the same tensors" {
    wgt2tns "$golden/plain.npz" | records >want
    [ "$(wc -l <want)" = 8 ]
    for f in packed.npz zip.pth old.pth nested.pth plain.safetensors; do
        wgt2tns "$golden/$f" | records | grep -v num_batches >got
        diff want got || { echo "$f differs"; false; }
    done
    wgt2tns "$golden/zip.pth" | records | grep -q '^b.num_batches_tracked i64 () '
    wgt2tns - <"$golden/old.pth" | records | grep -v num_batches | diff want -
    cat "$golden/old.pth" | wgt2tns - | records | grep -v num_batches | diff want -
}

@test "views, other orders and other types of number" {
    for f in tied.pth tied-old.pth; do
        wgt2tns "$golden/$f" >t.tns
        [ "$(numbers part <t.tns)" = "3x4 6 7 8 9 10 11 12 13 14 15 16 17" ]
        [ "$(numbers turned <t.tns)" = "6x4 0 6 12 18 1 7 13 19 2 8 14 20 3 9 15 21 4 10 16 22 5 11 17 23" ]
    done
    wgt2tns "$golden/tied.pth" >t.tns
    [ "$(numbers odd <t.tns | cut -c1-12)" = "12 1 3 5 7 9" ]
    [ "$(numbers half <t.tns | cut -c1-8)" = "24 0 1 2" ]
    [ "$(numbers one <t.tns)" = " 7" ]
    wgt2tns "$golden/fortran.npz" >t.tns
    [ "$(numbers f <t.tns)" = "2x3 0 1 2 3 4 5" ]
    [ "$(numbers b <t.tns)" = "3 0 1 2" ]
    wgt2tns "$golden/half.safetensors" >t.tns
    [ "$(numbers h <t.tns)" = "4 1 -2 0.5 65504" ]
    printf '%s\n' 'input 1' 'h constant 4' >h.net
    python3 -c 'import struct, json
h = json.dumps({"h.value": {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]}}).encode()
open("b.safetensors", "wb").write(struct.pack("<Q", len(h)) + h + struct.pack("<4H", 0x3f80, 0xc000, 0x3e80, 0))'
    wgt2tns --net h.net b.safetensors -o t.tns
    [ "$(numbers h.value <t.tns)" = "4 1 -2 0.25 0" ]
}

@test "into a network: names as they are, with a prefix, or Keras'; the model runs" {
    wgt2tns --net x.net "$golden/plain.npz" -o want.tns
    tcheck want.tns
    records <want.tns >want
    wgt2tns --net x.net "$golden/zip.pth" 2>err | records | diff want -
    [ ! -s err ]
    wgt2tns --net x.net --prefix module. "$golden/module.pth" | records | diff want -
    wgt2tns --net x.net "$golden/keras.npz" | records | diff want -
    tls --head want.tns | grep -q "source_sha256=$(sha256sum "$golden/plain.npz" | cut -d' ' -f1)"
    printf 'key=a shape=4x4x3 fill=9\n' | python3 "$BATS_TEST_DIRNAME/stream.py" make | netrun -m want.tns | tcheck
    printf '%s\n' 'set out=3' 'input 16' 'd dense $out' >y.net
    fails 3 wgt2tns --net y.net "$golden/plain.npz"
    says "d.weight is 2x16, the network wants 3x16"
    wgt2tns --net y.net --set out=2 "$golden/plain.npz" 2>err | records | diff <(grep ^d want) -
    says "6 of the file's 8 tensors aren't in y.net: c.weight c.bias"
    fails 2 wgt2tns --net y.net --set in=2 "$golden/plain.npz"
    says "there is: out"
}

@test "--dtype f16: half the bytes, the nearest numbers; what doesn't fit is an error" {
    wgt2tns --net x.net "$golden/plain.npz" -o full.tns
    wgt2tns --net x.net --dtype f16 "$golden/plain.npz" -o half.tns
    tcheck half.tns
    python3 -c 'import struct, sys, tns
full, half = ([(dict(m)["key"], d, s, b) for t, d, s, m, b in tns.read(open(f, "rb")) if t == "R"] for f in ("full.tns", "half.tns"))
assert len(full) == len(half) == 8
for (key, d, s, a), (key2, d2, s2, b) in zip(full, half):
    assert (key, "f32", s) == (key2, d, s2) and d2 == "f16", (key2, d2, s2)
    assert b == struct.pack("<%de" % (len(b) // 2), *struct.unpack("<%df" % (len(a) // 4), a)), key'
    printf 'key=a shape=4x4x3 fill=9\n' | python3 "$BATS_TEST_DIRNAME/stream.py" make | netrun -m half.tns | tcheck
    printf '%s\n' 'input 1' 'h constant 1' >h.net
    python3 -c 'import struct, json
h = json.dumps({"h.value": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
open("big.safetensors", "wb").write(struct.pack("<Q", len(h)) + h + struct.pack("<f", 65520))'
    wgt2tns --net h.net big.safetensors -o out.tns
    rm out.tns
    fails 1 wgt2tns --net h.net --dtype f16 big.safetensors -o out.tns
    says "h.value holds 65520"
    [ ! -e out.tns ]
    fails 2 wgt2tns --dtype f16 "$golden/plain.npz"
}

@test "what is missing is named, with what comes near; nothing is half-written" {
    printf '%s\n' 'input 16' 'e dense 2' >y.net
    fails 3 wgt2tns --net y.net "$golden/plain.npz" -o out.tns
    says "e.weight (2x16) is missing; of that shape there is: d.weight"
    [ ! -e out.tns ]
    printf '%s\n' input 'd dense 2' >y.net
    fails 2 wgt2tns --net y.net "$golden/plain.npz"
    says "say --size HxWxC"
    fails 2 wgt2tns --set a=1 "$golden/plain.npz"
    fails 1 wgt2tns nothing.npz
    fails 3 wgt2tns x.net
    says "neither .npz, .safetensors nor PyTorch weights"
    fails 3 wgt2tns --max-record 16 "$golden/plain.npz"
    says "larger than --max-record allows"
}

@test "a hostile pickle is an error, and nothing of it is run" {
    for f in "$golden"/hostile-*.pkl; do
        python3 -c 'import sys, zipfile
z = zipfile.ZipFile("evil.pth", "w"); z.writestr("archive/data.pkl", open(sys.argv[1], "rb").read()); z.close()' "$f"
        fails 3 wgt2tns evil.pth -o out.tns
        [ ! -e out.tns ]
        grep -q '^wgt2tns: evil.pth: ' err || { cat err; false; }
    done
    python3 -c 'import zipfile; z = zipfile.ZipFile("evil.pth", "w"); z.writestr("a/data.pkl", b"\x80\x02cos\nsystem\nX\x0a\0\0\0touch ownedq\0\x85R."); z.close()'
    fails 3 wgt2tns evil.pth
    says "refused: it names os.system"
    [ ! -e owned ]
    fails 3 wgt2tns "$golden/object.pth"
    says "save model.state_dict()"
}

@test "a file that is cut, or whose bytes are changed, never passes for another" {
    for f in plain.npz packed.npz zip.pth old.pth plain.safetensors; do
        n=$(stat -c %s "$golden/$f")
        for ((i = 0; i < n; i += n / 15 + 1)); do
            head -c "$i" "$golden/$f" >part.bin
            fails 3 wgt2tns part.bin -o out.tns
            [ ! -e out.tns ]
        done
    done
    # npz: every byte of a member is under its checksum
    python3 -c 'import sys
b = bytearray(open(sys.argv[1], "rb").read()); b[300] ^= 1; open("changed.npz", "wb").write(b)' "$golden/plain.npz"
    fails 3 wgt2tns changed.npz -o out.tns
}

@test "a bomb isn't inflated, a tensor beyond its storage isn't read" {
    python3 -c 'import zipfile
z = zipfile.ZipFile("bomb.npz", "w", zipfile.ZIP_DEFLATED)
h = b"{\x27descr\x27: \x27<f4\x27, \x27fortran_order\x27: False, \x27shape\x27: (%d,), }\n"
z.writestr("a.npy", b"\x93NUMPY\1\0" + (len(h % 4)).to_bytes(2, "little") + h % 4 + bytes(30000000)); z.close()'
    fails 3 wgt2tns bomb.npz
    says "its size isn't that of its shape"
    python3 -c 'import struct, json
for name, shape, at in ("far", [4], [0, 16]), ("odd", [4], [0, 15]), ("huge", [1 << 31, 1 << 31], [0, 8]):
    h = json.dumps({"x": {"dtype": "F32", "shape": shape, "data_offsets": at}}).encode()
    open(name + ".safetensors", "wb").write(struct.pack("<Q", len(h)) + h + bytes(8))'
    for f in far odd huge; do fails 3 wgt2tns $f.safetensors; done
}

# safe FILE HEADER [BYTES]: a safetensors file of that text and data, both as Python writes bytes.
safe() {
    python3 -c 'import struct, sys
h = eval(sys.argv[2]); open(sys.argv[1], "wb").write(struct.pack("<Q", len(h)) + h + eval(sys.argv[3]))' "$1" "$2" "${3:-b''}"
}

@test "safetensors: every kind of number goes into a network as f32, names may be escaped, metadata are passed over" {
    python3 -c 'import json, struct
names = dict(F64="d", F32="f", F16="e", BF16=None, I64="q", I32="i", I16="h", I8="b", U64="Q", U32="I", U16="H", U8="B", BOOL="B")
head, data, net = {"__metadata__": {"format": "pt", "by\u00e4": "a \"test\""}}, b"", "input 2\n"
for k, c in names.items():
    b = struct.pack("<2H", 0x3f80, 0x4000) if k == "BF16" else struct.pack("<2" + c, 1, 2)
    head[k + ".value"] = {"dtype": k, "shape": [2], "data_offsets": [len(data), len(data) + len(b)]}
    data += b
    net += "%s constant 2\n" % k
h = json.dumps(head).encode() + b"   "
open("all.safetensors", "wb").write(struct.pack("<Q", len(h)) + h + data)
open("all.net", "w").write(net)'
    wgt2tns --net all.net all.safetensors -o t.tns
    for k in F64 F32 F16 BF16 I64 I32 I16 I8 U64 U32 U16 U8 BOOL; do [ "$(numbers $k.value <t.tns)" = "2 1 2" ] || { echo $k; false; }; done
    safe t.safetensors 'rb"""{ "a\u0041\u00e4\u20AC\/\"" : {"shape":[],"dtype":"U8","data_offsets":[0,1]} }"""' 'b"\7"'
    [ "$(wgt2tns t.safetensors | tls | cut -f 2,3,4)" = $'aA\u00e4\u20ac/"\tscalar\tu8' ]
    safe t.safetensors 'b"{}"'
    [ "$(wgt2tns t.safetensors | tls | wc -l)" = 0 ]
}

@test "safetensors: a header that is malformed in any way is an error" {
    local good='"dtype":"U8","shape":[1],"data_offsets":[0,1]'
    while IFS='|' read -r what header; do
        # shellcheck disable=SC2059
        printf "$(printf '\\x%02x\\x%02x' $((${#header} % 256)) $((${#header} / 256)))\0\0\0\0\0\0%s\1" "$header" >x.safetensors
        fails 3 wgt2tns x.safetensors -o out.tns
        says "$what"
        [ ! -e out.tns ]
    done <<END_HEADERS
a name|{"a
a name|{"a\\q":{$good}}
a name|{"a\\u12":{$good}}
a name|{"a\\ud83d":{$good}}
a name|{"a\\u00zz":{$good}}
a name|{"a" {$good}}
a name|{a:{$good}}
a name|{"$(printf 'k%.0s' {1..5000})":{$good}}
that is no object|{"a":[1]}
has dtype, shape and data_offsets|{"a":{"dtype":"U8","shape":[1]}}
has dtype, shape and data_offsets|{"a":{$good,"dtype":"U8"}}
has dtype, shape and data_offsets|{"a":{$good,"more":1}}
a is of F7, which can't be read|{"a":{"dtype":"F7","shape":[1],"data_offsets":[0,1]}}
a shape|{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}
a shape|{"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1],"data_offsets":[0,1]}}
a shape|{"a":{"dtype":"U8","shape":1,"data_offsets":[0,1]}}
a shape|{"a":{"dtype":"U8","shape":[99999999999999999999999999],"data_offsets":[0,1]}}
data_offsets|{"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}}
don't fit|{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}
don't fit|{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}
__metadata__|{"__metadata__":{"a":1},"a":{$good}}
__metadata__|{"__metadata__":["a"],"a":{$good}}
something after its end|{"a":{$good}} x
malformed header|{"a":{$good}
END_HEADERS
    printf '\377\0\0\0\0\0\0\0{"a":{}}' >x.safetensors
    fails 3 wgt2tns x.safetensors
    says 'longer than the file'
}

@test "zip64: the sizes of an archive over 4 GiB, or what says it is one" {
    cat >wide.py <<'P'
import struct, sys
b = open(sys.argv[1], 'rb').read()
end = b.rindex(b'PK\5\6')
count, size, at = struct.unpack('<HII', b[end + 10:end + 20])
directory, p = b'', at
while p < end:
    name, extra, comment = struct.unpack('<3H', b[p + 28:p + 34])
    packed, whole = struct.unpack('<2I', b[p + 20:p + 28])
    local, = struct.unpack('<I', b[p + 42:p + 46])
    more = struct.pack('<HHI', 9, 4, 0) + struct.pack('<HH3Q', 1, 24, whole, packed, local)
    directory += b[p:p + 20] + b'\xff' * 8 + b[p + 28:p + 30] + struct.pack('<2H', len(more), 0) + b[p + 34:p + 42] + b'\xff' * 4 + b[p + 46:p + 46 + name] + more
    p += 46 + name + extra + comment
wide = b'PK\6\6' + struct.pack('<QHHIIQQQQ', 44, 45, 45, 0, 0, count, count, len(directory), at)
def save(name, directory=directory, wide=wide, there=None, locator=b'PK\6\7'):
    place = at + len(directory) if there is None else there
    open(name, 'wb').write(b[:at] + directory + wide + locator + struct.pack('<IQI', 0, place, 1) + b'PK\5\6' + struct.pack('<4HIIH', 0, 0, 0xffff, 0xffff, 0xffffffff, 0xffffffff, 0))
save('wide.npz')
save('no-locator.npz', locator=b'PK\0\0')
save('no-record.npz', there=3)
save('far-record.npz', there=1 << 62)
save('far-directory.npz', wide=wide[:48] + struct.pack('<Q', 1 << 63))
save('many.npz', wide=wide[:32] + struct.pack('<Q', 1 << 40) + wide[40:])
save('more.npz', wide=wide[:32] + struct.pack('<Q', count + 1) + wide[40:])
save('short-extra.npz', directory=directory.replace(struct.pack('<HH', 1, 24), struct.pack('<HH', 1, 8)))
save('no-extra.npz', directory=directory.replace(struct.pack('<HH', 1, 24), struct.pack('<HH', 2, 24)))
save('long-extra.npz', directory=directory.replace(struct.pack('<HH', 1, 24), struct.pack('<HH', 2, 99)))
open('encrypted.npz', 'wb').write(b[:at + 8] + b'\1' + b[at + 9:])
open('method.npz', 'wb').write(b[:at + 10] + b'\x0c' + b[at + 11:])
open('outside.npz', 'wb').write(b[:at + 42] + struct.pack('<I', 1 << 30) + b[at + 46:])
open('cut-off.npz', 'wb').write(b[:at + 20] + struct.pack('<2I', 1 << 20, 1 << 20) + b[at + 28:])
open('two-sizes.npz', 'wb').write(b[:at + 24] + struct.pack('<I', 1) + b[at + 28:])
P
    python3 wide.py "$golden/plain.npz"
    wgt2tns "$golden/plain.npz" | records >want
    wgt2tns wide.npz | records | diff want -
    while read -r file what; do
        fails 3 wgt2tns "$file.npz" -o out.tns
        says "$what"
        [ ! -e out.tns ]
    done <<'END_FILES'
no-locator no zip64 locator
no-record no zip64 end record
far-record no zip64 end record
far-directory its directory lies outside the archive
many too many members
more its directory is damaged
short-extra its directory is damaged
no-extra its directory is damaged
long-extra its directory is damaged
encrypted is encrypted
method is compressed by a method that isn't deflate
outside lies outside the archive
cut-off is cut off
two-sizes has two sizes
END_FILES
}

# Checkpoints as PyTorch would write them, without it: save(FILE, VALUE, OLD), tensor(NUMBERS).
torch() {
    python3 -c 'import io, pickle, struct, sys, types, zipfile
sys.modules["torch"] = torch = types.ModuleType("torch"); sys.modules["torch._utils"] = utils = types.ModuleType("torch._utils")
class FloatStorage: pass
FloatStorage.__module__ = "torch"; torch.FloatStorage = FloatStorage
def _rebuild_tensor_v2(*a): pass
_rebuild_tensor_v2.__module__ = "torch._utils"; utils._rebuild_tensor_v2 = _rebuild_tensor_v2
class Tensor:
    def __init__(self, x): self.x = x
    def __reduce__(self): return _rebuild_tensor_v2, (Storage(self.x), 0, (len(self.x),), (1,), False, {})
class Storage:
    def __init__(self, x): self.x = x
stored = []
class Pickler(pickle.Pickler):
    def persistent_id(self, v):
        if not isinstance(v, Storage): return None
        stored.append(v.x)
        return "storage", FloatStorage, str(len(stored) - 1), "cpu", len(v.x)
def tensor(*x): return Tensor(x)
def floats(x): return struct.pack("<%df" % len(x), *x)
def save(file, value, old=False):
    stored.clear()
    f = io.BytesIO()
    Pickler(f, 2).dump(value)
    if not old:
        z = zipfile.ZipFile(file, "w"); z.writestr("a/data.pkl", f.getvalue())
        for i, x in enumerate(stored): z.writestr("a/data/%d" % i, floats(x))
        return z.close()
    head = b"".join(pickle.dumps(v, 2) for v in (0x1950a86a20f9469cfc6c, 1001, {"little_endian": True}))
    tail = pickle.dumps([str(i) for i in range(len(stored))], 2) + b"".join(struct.pack("<q", len(x)) + floats(x) for x in stored)
    open(file, "wb").write(head + f.getvalue() + tail)
def old_form(file, pickled): open(file, "wb").write(b"".join(pickle.dumps(v, 2) for v in (0x1950a86a20f9469cfc6c, 1001, {})) + pickled + b"N.")
'"$1"
}

@test "a checkpoint: the weights are found beside a single tensor and an optimiser's" {
    torch 'checkpoint = {"epoch": 1, "best_acc1": tensor(3.), "optimizer": {"state": {0: {"m": tensor(1., 2.)}}}, "state_dict": {"d.bias": tensor(4., 5.)}}
save("new.pth", checkpoint); save("old.pth", checkpoint, True); save("plain.pth", {"d.bias": tensor(4., 5.), "params": {"lr": 1}})'
    for f in new old plain; do
        wgt2tns $f.pth -o got.tns
        [ "$(tls got.tns | cut -f 2,3)" = $'d.bias\t2' ]
        [ "$(numbers d.bias <got.tns)" = "2 4 5" ]
    done
}

@test "a changed number in PyTorch's archive is an error, and so are two tensors of one name" {
    torch 'save("a.pth", {"x": tensor(*map(float, range(1, 99)))})
b = open("a.pth", "rb").read(); at = b.index(struct.pack("<f", 40)); open("b.pth", "wb").write(b[:at] + b"\1" + b[at + 1:])
h = b"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}"
open("two.safetensors", "wb").write(struct.pack("<Q", len(h)) + h + bytes(4))'
    wgt2tns a.pth -o a.tns
    fails 3 wgt2tns b.pth -o b.tns
    says "b.pth: x: is damaged: its checksum differs"
    [ ! -e b.tns ]
    fails 3 wgt2tns two.safetensors
    says "a: two tensors have this name"
}

@test "little input never takes much memory: copied dictionaries, long keys; strides of empty arrays don't overflow" {
    torch 'many = 20000
old_form("copies.pth", b"\x80\x02ccollections\nOrderedDict\nq\0]q\1(]q\2(K\1K\2e" + b"h\2" * many + b"e0h\1\x85q\3" b"0" + b"h\0h\3R0" * many + b"N.")
key = b"k" * 1000000
old_form("key.pth", b"\x80\x02(X\7\0\0\0storagectorch\nFloatStorage\nX" + struct.pack("<I", len(key)) + key + b"X\3\0\0\0cpuK\1tQq\0" b"0"
         b"ctorch._utils\n_rebuild_tensor_v2\nq\1" b"0(h\0K\0))tq\2" b"0" + b"h\1h\2R0" * 5000 + b"N.")
h = b"{\"a\":{\"dtype\":\"F32\",\"shape\":[0,4294967295,4294967295,4294967295],\"data_offsets\":[0,0]}}"
open("empty.safetensors", "wb").write(struct.pack("<Q", len(h)) + h)'
    if (ulimit -v 400000; wgt2tns --version) >/dev/null 2>&1; then limit=400000; else limit=unlimited; fi # no limit under ASan
    (ulimit -v $limit; fails 3 wgt2tns copies.pth)
    says "more than 1048576 items in OrderedDicts"
    (ulimit -v $limit; fails 3 wgt2tns key.pth)
    says "a persistent id that is no storage"
    wgt2tns empty.safetensors | tcheck
}

@test "--random: a model without a file, the same for the same seed" {
    wgt2tns --net x.net --random 1 -o a.tns
    wgt2tns --net x.net --random 1 | cmp - a.tns
    wgt2tns --net x.net --random 2 -o b.tns
    twhy a.tns b.tns | head -n 1 | diff - <(echo 'wgt2tns: option --random: 1 in a.tns, 2 in b.tns')
    [ "$(tls a.tns | cut -f2 | sort | xargs)" = "$(wgt2tns --net x.net "$golden/plain.npz" 2>/dev/null | tls | cut -f2 | sort | xargs)" ]
    drawface -n 2 --size 8 | imgnorm --size 4 | netrun -m a.tns | tls | cut -f3 | xargs | diff - <(echo 2 2)
    for wrong in '--random 1' '--net x.net --random 1 file' '--net x.net --random x' '--net x.net --random 1 --prefix a' ''; do fails 2 wgt2tns $wrong; done
}
