#!/usr/bin/env bats
# The stream on the command line: what is whole passes, what isn't fails with status 3 and says where; and the simple tools.

setup() {
    PATH="$BATS_TEST_DIRNAME/../bin:$PATH"
    formats=$BATS_TEST_DIRNAME/../formats
    t=$BATS_TEST_TMPDIR
    cd "$t" || exit
    command -v python3 >/dev/null || skip "there is no python3"
}

# Python with the writer and reader of formats/tns.py, as tns.
py() { PYTHONPATH=$formats PYTHONDONTWRITEBYTECODE=1 python3 -c "import sys, struct, zlib, tns, io
$1" "${@:2}"; }

# make_stream FILE KIND PREFIX N [LINE...]: N records of 2x3 u8, keys PREFIX/0..., label=PREFIX; LINEs go into the header.
make_stream() {
    py 'w = tns.Writer(open(sys.argv[1], "wb"))
w.head([("kind", sys.argv[2])] + [a.split("=", 1) for a in sys.argv[5:]])
for i in range(int(sys.argv[4])): w.record("%s/%d" % (sys.argv[3], i), "u8", (2, 3), bytes(range(i % 250, i % 250 + 6)), label=sys.argv[3])
w.end()' "$@"
}

# fails STATUS COMMAND...: and leaves its messages in err, its output in out.
fails() {
    local status=0
    "${@:2}" >out 2>err || status=$?
    [ "$status" = "$1" ] || { echo "status $status, not $1: ${*:2}"; cat err; return 1; }
}

says() { grep -qF -- "$1" err || { echo "no \"$1\" in:"; cat err; return 1; }; }

@test "a stream cut at any byte is corrupt" {
    make_stream a.tns images id 2
    tcheck a.tns
    tcheck <a.tns
    py 'data = open("a.tns", "rb").read()
for i in range(len(data)): open("%04d.cut" % i, "wb").write(data[:i])'
    [ "$(printf '%s\n' ./*.cut | wc -l)" = 576 ]
    for f in *.cut; do
        fails 3 tcheck "$f"
        case $f in 0000*) where='header: empty input' ;; 00* | 010* | 011* | 012[0-7]*) where='header: cut off' ;;
        0128*) where='no END after the header' ;; 0320* | 0512*) where='no END after record' ;; *) where='record' ;; esac
        [[ $(<err) == "tcheck: $f: $where"*'; did an upstream stage fail?' ]] || { echo "$f: $(<err)"; false; }
    done
    head -c 320 a.tns >cut.tns
    fails 3 tcheck cut.tns
    says 'tcheck: cut.tns: no END after record 0; did an upstream stage fail?'
    head -c 320 a.tns >cut.tns
    fails 3 tcheck <cut.tns
    [ "$(cat err)" = 'tcheck: no END after record 0; did an upstream stage fail?' ]
}

@test "a stream with any byte flipped is corrupt, for C and for Python" {
    make_stream a.tns images id 2
    py 'data = open("a.tns", "rb").read()
for i in range(len(data)):
    bad = bytearray(data)
    bad[i] ^= 1 << i % 8
    open("%04d.bad" % i, "wb").write(bad)
    try: list(tns.read(io.BytesIO(bad)))
    except tns.Corrupt: continue
    sys.exit("the Python reader takes byte %d flipped" % i)
for i in range(len(data)):
    try: list(tns.read(io.BytesIO(data[:i])))
    except tns.Corrupt: continue
    sys.exit("the Python reader takes the first %d bytes" % i)'
    for f in *.bad; do
        fails 3 tcheck "$f"
        case $f in 00* | 010* | 011* | 012[0-7]*) where='header: ' ;; *) where='record [0-2]' ;; esac
        [[ $(<err) =~ "$f: "$where ]] || { echo "$f: $(<err)"; false; }
    done
    fails 3 tcheck 0300.bad
    says 'tcheck: 0300.bad: record 0 (key id/0): checksum mismatch'
}

@test "what isn't a stream: nothing, text, a directory, no file" {
    fails 3 tcheck /dev/null
    says 'empty input'
    fails 3 tcheck </dev/null
    echo hello >text
    fails 3 tcheck text
    says 'not a TNS frame'
    fails 1 tcheck .
    says 'Is a directory'
    fails 1 tcheck no-such-file
    says 'no-such-file: No such file or directory'
}

@test "good and good is good; cut and good isn't" {
    make_stream a.tns images a 2
    make_stream b.tns images b 3
    cat a.tns b.tns | tcheck
    head -c -64 a.tns | cat - b.tns >cut.tns
    fails 3 tcheck cut.tns
    says 'a new header before the END of the segment; did an upstream stage fail?'
    cat b.tns >two.tns
    head -c -64 a.tns >>two.tns
    fails 3 tcheck two.tns
    says 'two.tns: segment 2: no END after record 1'
}

@test "the segment's rules hold for a record that is missing, out of place or unkeyed" {
    make_stream a.tns images a 3
    part() { tail -c +$(($1 + 1)) a.tns | head -c "$2"; }
    { part 0 320; part 512 256; } >gap.tns
    fails 3 tcheck gap.tns
    says 'record 1 (key a/2): sequence number 2, expected 1'
    { part 0 512; part 704 64; } >less.tns
    fails 3 tcheck less.tns
    says 'counts 3 records, 2 came'
    part 128 640 >headless.tns
    fails 3 tcheck headless.tns
    says 'outside a segment'
    py 'w = tns.Writer(open("unkeyed.tns", "wb")); w.head(kind="images"); w.frame(b"R", "none", (), [("label", "x")], b"", 0)
w.count = 1; w.end()'
    fails 3 tcheck unkeyed.tns
    says 'no key='
}

@test "a hostile length allocates nothing" {
    py 'w = tns.Writer(open("a.tns", "wb")); w.head(kind="images"); w.f.close()
def frame(name, dtype, shape, dlen, mlen):
    head = struct.pack("<4sBcBBIIQQ6II", b"\x89TNS", 1, b"R", dtype, len(shape), 0, mlen, dlen, 0, *shape, *[0] * (6 - len(shape)), 0)
    open(name + ".bad", "wb").write(open("a.tns", "rb").read() + head + struct.pack("<I", zlib.crc32(head)))
frame("huge", 0x10, (1 << 31, 1 << 31), 1 << 62, 10)
frame("over", 0x10, ((1 << 30) + 1,), (1 << 30) + 1, 10)
frame("wrap", 0x33, (1 << 31, 1 << 30), 0, 10)
frame("meta", 0x10, (1,), 1, 0xffffffff)
frame("large", 0x33, (1 << 27,), 1 << 30, 10)'
    tcheck --version >/dev/null
    if (ulimit -v 300000; tcheck --version) >/dev/null 2>&1; then limit=300000; else limit=unlimited; fi # no limit under ASan
    for f in huge over wrap meta; do
        (ulimit -v $limit; fails 3 tcheck $f.bad)
        (ulimit -v $limit; fails 3 tcat $f.bad)
        says 'record 0: '
    done
    fails 3 tcheck huge.bad
    says 'over the limit of 1073741824; --max-record raises it'
    fails 3 tcheck --max-record 1G large.bad
    says 'cut off'
    fails 3 tcheck --max-record 1000000K large.bad
    says 'over the limit of 1024000000'
    make_stream b.tns images b 1
    tcheck --max-record 6 b.tns
    fails 3 tcheck --max-record 5 b.tns
}

@test "a stage that fails makes all after it fail" {
    make_stream a.tns images a 9
    set +o pipefail
    head -c 1000 a.tns | tcat | tcat --stream | thead -n 100 >out 2>err || status=$?
    [ "$status" = 3 ]
    says 'thead: no END after record 3; did an upstream stage fail?'
    fails 3 tcheck out
    head -c 1000 a.tns >cut.tns
    fails 3 tcat cut.tns -o whole.tns
    [ ! -e whole.tns ]
    [ -z "$(find . -name '*tmp*')" ]
    fails 3 tns2npy cut.tns -o whole.npy
    [ ! -e whole.npy ]
}

@test "the specification's example is a stream, to the byte" {
    py 'import re
data, at, star = bytearray(), 0, False
for line in open(sys.argv[1]):
    if line == "    *\n": star = True
    m = re.match("    ([0-9a-f]{4})(?:  ((?:[0-9a-f]{2} ?){16}) .*)?\n", line)
    if not m: continue
    while star and len(data) < int(m[1], 16): data += data[-16:]
    star = False
    assert len(data) == int(m[1], 16), line
    if m[2]: data += bytes.fromhex(m[2])
open("example.tns", "wb").write(data)
w = tns.Writer(open("again.tns", "wb")); w.head(kind="features"); w.record("a", "f32", (2,), struct.pack("<2f", 1, -2)); w.end()' "$formats/TNS.md"
    [ "$(stat -c %s example.tns)" = 384 ]
    cmp example.tns again.tns
    [ "$(tls example.tns)" = $'0\ta\t2\tf32' ]
    [ "$(tls --head example.tns)" = kind=features ]
}

@test "C and Python write the same bytes, and read each other" {
    py 'w = tns.Writer(open("a.tns", "wb"))
w.head([("kind", "features"), ("x", "")])
for i, (code, (name, size)) in enumerate(tns.DTYPES.items()):
    for rank in range(7 if size else 1):
        shape = tuple(range(2, 2 + rank))
        n = size
        for d in shape: n *= d
        w.record("%s %d%%\n\t\x7f\x9b\u00e9\udcff=" % (name, rank), name, shape, bytes(k * 7 % 256 for k in range(n)), face="1", **{"b.c-d_e": "\udcc3"})
w.end([("dropped", "no-face:3"), ("dropped", "small:1")])'
    tcheck a.tns
    tcat a.tns -o b.tns
    py 'a, b = (list(tns.read(open(f, "rb"))) for f in ("a.tns", "b.tns"))
assert len(a) == len(b) == 12 * 7 + 3 and a[1:] == b[1:], len(a)
assert b[0][3][:-1] == a[0][3] and b[0][3][-1][0] == "pg"'
    # All but the header, which got a pg line.
    cmp <(tail -c +129 a.tns) <(tail -c "$(($(stat -c %s a.tns) - 128))" b.tns)
    [ "$(python3 "$formats/tns.py" a.tns)" = 'a.tns: segments 1, records 85' ]
    head -c 1000 a.tns >cut.tns
    fails 3 python3 "$formats/tns.py" cut.tns
}

@test "tls: a line a record, escaped as in the stream" {
    py 'w = tns.Writer(open("a.tns", "wb"))
w.head([("kind", "images"), ("axes", "hwc")])
w.record("id/0", "u8", (2, 2, 3), bytes(12), label="real", face="1,2")
w.record("tab\tand 100%\x1b[2J", "f32", (), bytes(4), [("label", "a"), ("face", "1"), ("face", "2")])
w.record("none", "none", (), b"")
w.end()'
    printf '%s\n' $'0\tid/0\t2x2x3\tu8\tlabel=real\tface=1,2' $'1\ttab%09and 100%25%1B[2J\tscalar\tf32\tlabel=a\tface=1\tface=2' $'2\tnone\tscalar\tnone' >expected
    tls a.tns >out
    diff -u expected out
    tls <a.tns | diff -u expected -
    cat a.tns a.tns | tls | diff -u <(cat expected expected) -
    printf 'kind=images\naxes=hwc\n' | diff -u - <(tls --head a.tns)
    printf 'kind=images\naxes=hwc\n\nkind=images\naxes=hwc\n' | diff -u - <(cat a.tns a.tns | tls --head)
    fails 2 tls --head --script a.tns
    fails 3 tls --script a.tns
    says 'header: no history'
}

@test "tls --script: run again, the script makes the same bytes" {
    py 'import array
def npy(name, n): open(name, "wb").write(b"\x93NUMPY\1\0\x76\0" + ("{%rdescr%r: %r|u1%r, %rfortran_order%r: False, %rshape%r: (%d, 2, 2, 3), }" % (*[""] * 8, n)).replace("\x27\x27", "\x27").ljust(117).encode() + b"\n" + bytes(i % 251 for i in range(12 * n)))
npy("a.npy", 20); npy("b c.npy", 7)'
    npy2tns --label "it's" --key 'k 1' a.npy | thead -n 5 -o a.tns
    [ "$(tls --script a.tns)" = "npy2tns --key='k 1' --label='it'\\''s' \"\$IN1\" |
    thead --count=5" ]
    IN1=a.npy bash -c "$(tls --script a.tns)" | cmp - a.tns
    # Several inputs, merged twice, one chain in two branches.
    npy2tns --key x 'b c.npy' | thead -n 6 | thead -n 4 >b.tns
    tcat a.tns b.tns | thead -n 8 >ab.tns
    npy2tns --key y 'b c.npy' >c.tns
    tcat ab.tns c.tns -o abc.tns
    IN1=a.npy IN2='b c.npy' IN3='b c.npy' bash -c "$(tls --script abc.tns)" >again.tns
    cmp again.tns abc.tns
    # A stream of two segments.
    cat a.tns b.tns | IN1=a.npy IN2='b c.npy' bash -c "$(cat a.tns b.tns | tls --script)" | cmp - <(cat a.tns b.tns)
    # Models by checksum, but not what is quoted; and nothing that a terminal would obey.
    make_stream m.tns features m 1 'pg=1 - drawface 1 drawface -n 3' "pg=2 1 netrun 1 netrun -m MODEL_6726825d:gen --x=MODEL_00 'MODEL_1 it'"
    printf '%s\n' 'drawface -n 3 |' "    netrun -m \"\$MODEL_6726825d\":gen --x=\"\$MODEL_00\" 'MODEL_1 it'" | diff -u - <(tls --script m.tns)
    # A training, what was drawn from its state, and what became of that.
    make_stream s.tns state s 1 'pg=1 - drawface 1 drawface -n 3' 'pg=2 1 ganstep 1 ganstep --steps=2'
    # shellcheck disable=SC2016 # the variables are the script's
    printf '%s\n' 'drawface -n 3 |' '    ganstep --steps=2 --state="$STATE1" >/dev/null' 'cat "$STATE1"' | diff -u - <(tls --script s.tns)
    make_stream s.tns images s 1 'pg=1 - drawface 1 drawface -n 3' 'pg=2 1 ganstep 1 ganstep --steps=2' 'pg=3 2 ganstep 1 ganstep --sample=5' \
        'pg=4 3 thead 1 thead -n 2'
    # shellcheck disable=SC2016
    printf '%s\n' '{' 'drawface -n 3 |' '    ganstep --steps=2 --state="$STATE1" >/dev/null' 'ganstep --sample=5 --state="$STATE1"' '} |' '    thead -n 2' |
        diff -u - <(tls --script s.tns)
    for pg in '2 1 a 1 a' '1  a 1 a' '1 ,1 a 1 a' '1 - a 1' '1' '1 - a 1 a'$'\e[2J' '1 1 a 1 a'; do
        make_stream m.tns features m 1 "pg=$pg"
        fails 3 tls --script m.tns
    done
    make_stream m.tns features m 1 'pg=1 - a 1 a' 'pg=1 - b 1 b'
    fails 3 tls --script m.tns
}

@test "tls --script: a history that doubles at every step is refused, not written out" {
    lines=('pg=1 - drawface 1 drawface')
    for ((i = 2; i < 60; i++)); do lines+=("pg=$i $((i - 1)),$((i - 1)) tcat 1 tcat"); done
    make_stream m.tns features m 1 "${lines[@]}"
    fails 3 timeout 20 tls --script m.tns
}

@test "a reader that has gone stops a program quietly, and with it all before it" {
    cat >endless.py <<'P'
import sys, tns
w = tns.Writer(sys.stdout.buffer)
w.head(kind='images')
try:
    while True: w.record('k', 'u8', (100,), bytes(100))
except BrokenPipeError: sys.stderr.close()
P
    endless() { PYTHONPATH=$formats PYTHONDONTWRITEBYTECODE=1 python3 endless.py; }
    set -o pipefail
    timeout 20 bash -c 'tls 2>err | head -n 2 >/dev/null' < <(endless)
    [ ! -s err ]
    timeout 20 bash -c 'set -o pipefail; tcat --stream 2>err | thead -n 3 >out' < <(endless)
    [ ! -s err ]
    [ "$(tls out | wc -l)" = 3 ]
}

@test "thead: the first records, an end, and no waiting for more" {
    make_stream a.tns images a 5
    make_stream b.tns images b 5
    thead -n 3 a.tns -o c.tns
    [ "$(tls c.tns | cut -f 2 | tr '\n' ' ')" = 'a/0 a/1 a/2 ' ]
    [ "$(tls --head c.tns | tail -n 1 | cut -d' ' -f 2-)" = '- thead 0.1.0 thead --count=3' ]
    [ "$(cat a.tns b.tns | thead -n 7 | tls | cut -f 2 | tr '\n' ' ')" = 'a/0 a/1 a/2 a/3 a/4 b/0 b/1 ' ]
    [ "$(cat a.tns b.tns a.tns | thead | tls | wc -l)" = 10 ]
    [ "$(thead -n 99 a.tns | tls | wc -l)" = 5 ]
    thead -n 0 a.tns >none.tns
    tcheck none.tns
    [ "$(tls none.tns | wc -l)" = 0 ]
    mkfifo pipe
    exec 7<>pipe # never at its end
    cat a.tns >&7
    timeout 10 thead -n 5 <pipe >five.tns
    exec 7>&-
    tcheck five.tns
    # What comes after isn't looked at; what comes before is.
    { head -c 710 a.tns; echo junk; } >bad.tns
    thead -n 3 bad.tns | tcheck
    fails 3 thead -n 4 bad.tns
    fails 2 thead -n -1 a.tns
    fails 2 thead -n 1.5 a.tns
    py 'w = tns.Writer(open("d.tns", "wb")); w.head(kind="images"); w.record("k", "u8", (), b"1"); w.end(dropped="small:3")'
    thead -n 2 d.tns | grep -aq 'dropped=small:3'
}

@test "tcat: one segment of files and segments, in their order" {
    make_stream a.tns images a 2 x=1 'pg=1 - imgnorm 1 imgnorm'
    make_stream b.tns images b 3 x=2 'pg=1 - imgnorm 1 imgnorm' 'pg=2 1 thead 1 thead'
    make_stream c.tns images c 1 x=1 'pg=3 - drawface 1 drawface'
    cat a.tns b.tns >ab.tns
    tcat ab.tns c.tns -o all.tns
    [ "$(tls all.tns | cut -f 1,2 | tr '\t\n' ':,')" = '0:a/0,1:a/1,2:b/0,3:b/1,4:b/2,5:c/0,' ]
    py 'assert [f[0] for f in tns.read(open("all.tns", "rb"))] == list("HRRRRRRE")'
    printf '%s\n' kind=images x=1 'pg=1 - imgnorm 1 imgnorm' x=2 'pg=2 1 thead 1 thead' 'pg=3 - drawface 1 drawface' >expected
    tls --head all.tns | head -n -1 | diff -u expected -
    [ "$(tls --head all.tns | tail -n 1 | cut -d' ' -f 2-)" = '2,3 tcat 0.1.0 tcat' ]
    # However it comes, the bytes are the same.
    tcat a.tns b.tns c.tns | cmp - all.tns
    cat a.tns b.tns c.tns | tcat | cmp - all.tns
    tcat - c.tns <ab.tns | cmp - all.tns
    cat a.tns b.tns | tcat - c.tns | cmp - all.tns
    tcat <(cat a.tns b.tns) <(cat c.tns) | cmp - all.tns
    { head -c 5 >/dev/null; tcat; } < <(printf 12345; cat ab.tns c.tns) | cmp - all.tns
    tcat --stream <(cat a.tns) <(cat b.tns) c.tns | cmp - all.tns
    cat a.tns a.tns | tcat --stream | cmp - <(tcat a.tns a.tns)
    [ "$(tcat a.tns a.tns | tls --head | grep -c '^pg=1 ')" = 1 ]
    cp a.tns same.tns
    tcat same.tns b.tns c.tns -o same.tns
    cmp same.tns all.tns
}

@test "tcat --stream: a later segment of a pipe can't bring new history" {
    make_stream a.tns images a 2 'pg=1 - imgnorm 1 imgnorm'
    make_stream b.tns images b 3 'pg=2 - drawface 1 drawface'
    fails 3 bash -c 'cat a.tns b.tns | tcat --stream'
    says 'leave out --stream'
    fails 3 tcheck out
    mkfifo pipe
    exec 7<>pipe # never at its end
    head -c -64 a.tns >&7
    timeout 1 tcat --stream <pipe >live.tns || true
    exec 7>&-
    [ "$(stat -c %s live.tns)" -gt "$(($(stat -c %s a.tns) - 64))" ] # all records came, and tcat's own history
}

@test "tcat: counts of what was dropped add up" {
    for i in 1 2 3; do
        py 'w = tns.Writer(open(sys.argv[1] + ".tns", "wb")); w.head(kind="images")
w.end([("dropped", "no-face:" + sys.argv[1]), ("note", "x")] + ([("dropped", "small:1")] if sys.argv[1] > "1" else []))' $i
    done
    tcat 1.tns 2.tns 3.tns -o all.tns
    py 'print(*["%s=%s" % p for p in list(tns.read(open("all.tns", "rb")))[-1][3]])' >out
    [ "$(cat out)" = 'dropped=no-face:6 note=x dropped=small:2' ]
}

@test "tcat: headers that disagree are named" {
    make_stream a.tns images a 1 range=0:255
    make_stream b.tns images b 1 range=-1:1
    make_stream c.tns features c 1 range=0:255
    make_stream d.tns images d 1
    fails 3 tcat a.tns b.tns
    says 'tcat: b.tns: the headers differ in range: 0:255 and -1:1'
    fails 3 tcat a.tns c.tns -o x.tns
    says 'tcat: c.tns: the headers differ in kind: images and features'
    fails 3 tcat a.tns a.tns d.tns
    says 'd.tns: the headers differ in range: 0:255 and none'
    [ ! -s out ]
    fails 3 bash -c 'cat a.tns b.tns | tcat'
    says 'tcat: standard input: the headers differ in range'
    fails 3 bash -c 'cat a.tns b.tns | tcat --stream'
    says 'range'
    [ ! -e x.tns ]
}

@test "tcat: more files than descriptors" {
    make_stream a.tns images a 1
    for ((i = 0; i < 200; i++)); do cp a.tns "s$i.tns"; done
    (ulimit -n 30; tcat s*.tns) | tls | wc -l | grep -qx 200
}

@test "tcheck: silent when good, a word with -v, a stamp with -o" {
    make_stream a.tns images a 2
    make_stream b.tns images b 3
    cat a.tns b.tns >ab.tns
    tcheck a.tns ab.tns b.tns >out 2>&1
    [ ! -s out ]
    tcheck -v a.tns ab.tns >out 2>err
    [ ! -s out ]
    printf '%s\n' 'tcheck: a.tns: good, 2 records in 1 segment' 'tcheck: ab.tns: good, 5 records in 2 segments' | diff -u - err
    tcheck a.tns -o stamp
    [ -e stamp ] && [ ! -s stamp ]
    head -c 300 b.tns >bad.tns
    fails 3 tcheck a.tns bad.tns b.tns -o stamp2
    says 'bad.tns: record 0'
    [ ! -e stamp2 ]
}

@test "tcheck --disjoint: no value in two files" {
    make_parts() { py 'for name in "abc":
    w = tns.Writer(open(name + ".tns", "wb")); w.head(kind="images")
    for i in range(3):
        more = {"group": "g%d" % i} if name == "c" else {}
        w.record("%s/%d" % (name, i), "u8", (), b"x", label="l%d" % (i + "abc".index(name) * 2), **more)
    w.record("shared" if name != "c" else "g1", "u8", (), b"x", group="g-" + name)
    w.end()'; }
    make_parts
    tcheck --disjoint group a.tns b.tns c.tns
    tcheck --disjoint key a.tns c.tns
    fails 1 tcheck --disjoint key a.tns c.tns b.tns
    says 'key=shared is in a.tns (record 3) and in b.tns (record 3); 1 value in common'
    fails 1 tcheck --disjoint label a.tns b.tns c.tns
    says 'label=l2 is in a.tns (record 2) and in b.tns (record 0); 2 values in common'
    fails 1 tcheck --disjoint nonsense a.tns b.tns
    says 'no record has nonsense='
    fails 1 tcheck --disjoint key a.tns a.tns
    says '4 values in common'
    fails 2 tcheck --disjoint key a.tns
    fails 2 tcheck --disjoint key
    # A value twice in one file is nobody's business.
    cat a.tns a.tns >aa.tns
    tcheck --disjoint key aa.tns c.tns
    # A record without a group is its own, by its key.
    py 'for n, m in (("d", {}), ("e", {"group": "k"})):
    w = tns.Writer(open(n + ".tns", "wb")); w.head(kind="images"); w.record("k" if n == "d" else "z", "u8", (), b"x", **m); w.end()'
    fails 1 tcheck --disjoint group d.tns e.tns
    says 'group=k is in d.tns'
}

@test "progress: on a terminal or with --progress, in digits that can be read; else nothing" {
    drawface -n 1200 --size 8 --progress 2>err >a.tns
    [ "$(wc -l <err)" -ge 2 ]
    tail -n 1 err | grep -qE '^drawface: 1,200 of 1,200 photos, [0-9]+(\.[0-9]+)?/s, ETA 0:00$'
    drawface -n 20 --size 8 2>err >b.tns
    [ ! -s err ]
    cat a.tns b.tns | tgrep --progress -e kind=. 2>err >/dev/null || true
    grep -qE '^tgrep: [0-9,]+ records, ' err # of no known number: no end to wait for
    # On a terminal it is one line, and leaves none.
    script -qec 'drawface -n 20 --size 8 -o c.tns' /dev/null </dev/null >shown
    cmp b.tns c.tns
    grep -q $'\rdrawface: 20 of 20 photos, .*\033\\[K' shown
    [ "$(tail -c 4 shown | od -An -c | tr -d ' ')" = '\r033[K' ]
    script -qec 'drawface -q -n 20 --size 8 -o c.tns' /dev/null </dev/null >shown
    [ ! -s shown ]
}

@test "a terminal gets no tensors" {
    script -qec 'drawface -n 1 --size 8; echo status $?' /dev/null </dev/null >shown
    grep -q 'drawface: no tensors to a terminal: use -o FILE' shown
    grep -q 'status 2' shown
    script -qec 'tls; echo status $?' /dev/null </dev/null >shown
    grep -q 'status 2' shown
}

@test "-o to a file that is open already writes into it, and doesn't put another in its place" {
    make_stream ab.tns images a 2
    tcat ab.tns >want.tns
    tcat ab.tns -o /dev/fd/3 3>out.tns
    cmp want.tns out.tns
    tcat ab.tns -o /dev/stdout >out2.tns
    cmp want.tns out2.tns
    [ -L /dev/stdout ]
}
