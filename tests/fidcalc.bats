#!/usr/bin/env bats
# fidcalc on the command line: sets in every form, what the figures are called, options, and errors. The numbers themselves: tests/c/test_fid.c.

setup() {
    PATH="$BATS_TEST_DIRNAME/../bin:$PATH"
    stream=$BATS_TEST_DIRNAME/stream.py
    export PYTHONPATH=$BATS_TEST_DIRNAME/../formats
    draw=$BATS_TEST_DIRNAME/../pipelines/models/draw.tns
    python=python3
    python3 -c 'import numpy' 2>/dev/null || python=/usr/bin/python3
    cd "$BATS_TEST_TMPDIR" || exit
}

fails() { # STATUS COMMAND...
    local status=0
    "${@:2}" >out 2>err || status=$?
    [ "$status" = "$1" ] || { echo "status $status, not $1: ${*:2}"; cat err; return 1; }
    [ ! -s out ]
}
says() { grep -qF -- "$1" err || { echo "no \"$1\" in:"; cat err; return 1; }; }

# vectors N D SEED [SHIFT [FIELD=VALUE...]]: Gaussian features, correlated, labelled by turns x and y
vectors() {
    "$python" - "$@" <<'END'
import sys, numpy, tns
n, d, seed = map(int, sys.argv[1:4])
r = numpy.random.default_rng(seed)
x = (r.normal(size=(n, d)) @ (numpy.random.default_rng(0).normal(size=(d, d)) / d ** .5) + float(sys.argv[4] if len(sys.argv) > 4 else 0)).astype("f4")
w = tns.Writer(sys.stdout.buffer)
w.head(kind="features", **dict(f.split("=", 1) for f in sys.argv[5:]))
for i, v in enumerate(x): w.record("k%d" % i, "f32", (d,), v.tobytes(), label="xy"[i % 2])
w.end()
END
}

# value METRIC: its value on standard input
value() { awk -F'\t' -v m="$1" '$1 == m {print $2}'; }
near() { awk -v a="$1" -v b="$2" -v t="$3" 'BEGIN {exit !(a != "" && b != "" && (a - b < 0 ? b - a : a - b) <= t)}' || { echo "$1 isn't near $2"; return 1; }; }

@test "features, their statistics as .tns and .npz, and images give the same figure" {
    drawface -n 40 -o a.tns
    drawface -n 30 --start 100 --style fake -o b.tns
    fidcalc -m "$draw" a.tns b.tns >whole
    [ "$(head -1 whole)" = "$(printf 'metric\tvalue\tlow\thigh\tn_real\tn_fake\tnote')" ]
    d=$(value 'fd[draw]' <whole)
    near "$d" 20 20
    [ "$(sed 1d whole | cut -f3-)" = "$(printf -- '-\t-\t40\t30\tmode pytorch')" ]
    for s in a b; do fidcalc -m "$draw" --features-out $s.f.tns $s.tns; done
    cmp <(fidcalc a.f.tns b.f.tns) whole
    [ "$(tls a.f.tns | head -1 | cut -f2-4)" = "$(printf 'draw/real/000000\t216\tf32')" ]
    for e in tns npz; do
        for s in a b; do fidcalc --stats-out $s.$e.${e} $s.f.tns; done
        near "$(fidcalc a.$e.$e b.f.tns | value "fd[draw]")" "$d" 1e-4
    done
    tcheck a.tns.tns
    near "$(fidcalc a.tns.tns b.npz.npz | value 'fd[draw]')" "$d" 1e-4
    fidcalc a.npz.npz b.npz.npz | sed 1d | cut -f1,5- | grep -qxF "$(printf 'fd[features]\t40\t30\tno images seen; what made the features of both sets isn'"'"'t known')"
    # From a pipe, and whatever -j.
    cmp <(drawface -n 30 --start 100 --style fake | fidcalc -j 1 -m "$draw" a.f.tns -) whole
}

@test "the shipped feature network sees what a generator gets wrong, and its file is small" {
    [ "$(wc -c <"$draw")" -lt 500000 ]
    drawface -n 200 --seed 5 >photos.tns
    drawface -n 200 --seed 6 | fidcalc -m "$draw" photos.tns - | value 'fd[draw]' >same
    drawface -n 200 --seed 6 --style fake | fidcalc -m "$draw" photos.tns - | value 'fd[draw]' >faults
    drawface -n 200 --seed 6 | imgnorm --size 8 | imgnorm --size 64 | fidcalc -m "$draw" photos.tns - | value 'fd[draw]' >blurred
    awk 'BEGIN {getline same <"same"; getline faults <"faults"; getline blurred <"blurred"; exit !(same < 1 && faults > 10 * same && blurred > 10 * same)}'
}

@test "features and statistics go to standard output too, and their history makes them again" {
    drawface -n 9 --size 64 -o in.tns
    fidcalc -m "$draw" --features-out f.tns in.tns
    fidcalc -m "$draw" --features-out - in.tns | cmp - f.tns
    [ ! -e - ]
    fidcalc -m "$draw" --features-out - in.tns >two
    fidcalc -m "$draw" --features-out - in.tns >>two
    cat f.tns f.tns | cmp - two
    fidcalc --stats-out s.tns f.tns
    fidcalc --stats-out - f.tns | cmp - s.tns
    for made in f s; do
        script=$(tls --script $made.tns)
        model=$(grep -om1 'MODEL_[0-9a-f]*' <<<"$script")
        env "$model=$draw" bash -c "$script" | cmp - $made.tns
    done
}

@test "features of netrun say what made them, and compare with what fidcalc saw" {
    printf 'key=%s shape=3x4x3 fill=scene\n' a b c | python3 "$stream" make >in.tns
    "$python" -c 'import sys, tns; w = tns.Writer(sys.stdout.buffer); w.head(kind="model", source_sha256="6726825d00", net="input 3x4x3 range=-1:1\nflatten"); w.end()' >m.tns
    netrun -m m.tns in.tns -o netrun.tns
    tls --head netrun.tns | grep -qx 'model=m'
    fidcalc -m m.tns in.tns netrun.tns >out
    [ "$(sed 1d out | cut -f1,7)" = "$(printf 'fid\tmode pytorch')" ]
    near "$(value fid <out)" 0 1e-6
}

@test "statistics go to NumPy and come from it" {
    vectors 50 6 1 >a.tns
    fidcalc --stats-out a.npz a.tns
    tns2npy a.tns -o a.npy
    "$python" -c 'import numpy as n; s = n.load("a.npz"); x = n.load("a.npy").astype("f8")
assert sorted(s.files) == ["mu", "n", "sigma"] and s["n"] == 50 and s["mu"].dtype == "f8"
n.testing.assert_allclose(s["mu"], x.mean(0), atol=1e-12); n.testing.assert_allclose(s["sigma"], n.cov(x, rowvar=False), atol=1e-12)
n.savez("b.npz", mu=x.mean(0), sigma=n.cov(x, rowvar=False)); n.savez_compressed("c.npz", mu=x.mean(0).astype("f4"), sigma=n.cov(x, rowvar=False).astype("f4"))'
    for f in b c; do
        fidcalc a.tns $f.npz >out
        near "$(value 'fd[features]' <out)" 0 1e-4
        [ "$(sed 1d out | cut -f5,6)" = "$(printf '50\t-')" ]
    done
    fidcalc --stats-out again.npz a.tns
    cmp a.npz again.npz
}

@test "a figure is FID only through the official weights, and sets made differently aren't compared" {
    vectors 20 4 1 0 source_sha256=6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2 model=i model_id=1 mode=tf1 >official.tns
    vectors 20 4 2 0 source_sha256=6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2 model=i model_id=1 mode=clean >clean.tns
    vectors 20 4 3 0 source_sha256=00 model=other model_id=2 mode=tf1 >other.tns
    vectors 20 4 3 >unknown.tns
    vectors 20 5 3 >longer.tns
    fidcalc --kid --pr official.tns official.tns | cut -f1 | xargs | grep -qxF 'metric fid kid kid_sd precision[i] recall[i]'
    fidcalc --kid --pr other.tns other.tns | cut -f1 | xargs | grep -qxF 'metric fd[other] kd[other] kd[other]_sd precision[other] recall[other]'
    fidcalc official.tns unknown.tns | grep -q "^fid.*mode tf1; what made the features of the fakes isn't known"
    fails 1 fidcalc official.tns clean.tns && says 'features of mode tf1 and of mode clean'
    fails 1 fidcalc official.tns other.tns && says 'features of one model (i) and of another (other)'
    fails 1 fidcalc unknown.tns longer.tns && says '4 numbers in one and 5 in the other'
}

@test "the mode is obeyed, and the network's own range" {
    printf 'key=a shape=5x7x3 fill=scene\nkey=b shape=5x7x3 fill=scene\n' | python3 "$stream" make >in.tns
    for range in -1:1 0:255; do
        "$python" -c 'import sys, tns; w = tns.Writer(sys.stdout.buffer); w.head(kind="model", net="input 3x4x3 range=" + sys.argv[1] + "\nflatten"); w.end()' $range >m.tns
        for mode in pytorch tf1 clean; do
            fidcalc -m m.tns --mode $mode --features-out $mode.tns in.tns
            tls --head $mode.tns | grep -qx "mode=$mode"
            python3 "$stream" data 0 <$mode.tns >$mode.$range
        done
    done
    "$python" -c 'import sys
def read(name): return [float(x) for x in open(name).read().replace("[", " ").replace("]", " ").replace(",", " ").split()]
for mode, back in (("pytorch", lambda v: (v + 1) * 127.5), ("tf1", lambda v: v * 128 + 128), ("clean", lambda v: v * 128 + 128)):
    own, full = read(mode + ".-1:1"), read(mode + ".0:255")
    assert len(own) == 36 and max(abs(back(a) - b) for a, b in zip(own, full)) < 1e-3, mode
assert read("pytorch.0:255") != read("tf1.0:255") != read("clean.0:255")'
}

@test "batches, floor, kernel, precision, recall, infinity, intervals: with N and notes, seeded, for any -j" {
    vectors 300 8 1 >a.tns
    vectors 280 8 2 .5 >b.tns
    options=(--batches 20 --batch 50 --kid --subset-size 100 --subsets 30 --pr --inf --ci 40)
    fidcalc -j 1 "${options[@]}" a.tns b.tns >one
    fidcalc -j 2 "${options[@]}" a.tns b.tns >two
    cmp one two
    cat one
    [ "$(cut -f1 one | xargs)" = 'metric fd[features] fd[features]_avg fd[features]_avg_sd fd[features]_avg_floor fd[features]_inf kd[features] kd[features]_sd precision[features] recall[features]' ]
    awk -F'\t' 'NF != 7 || $7 == "" {exit 1}' one
    awk -F'\t' '$1 ~ /(avg|floor)$/ && ($5 != 50 || $6 != 50) {exit 1} $1 !~ /avg/ && NR > 1 && ($5 != 300 || $6 != 280) {exit 1}' one
    # Every interval holds its value, and is one.
    awk -F'\t' 'NR > 1 && $3 != "-" {n++; if (!($3 < $2 && $2 < $4)) exit 1} END {exit n < 6}' one
    near "$(value 'fd[features]' <one)" 2 .7 # eight shifts of .5: .25 each
    awk -v avg="$(value 'fd[features]_avg' <one)" -v whole="$(value 'fd[features]' <one)" -v floor="$(value 'fd[features]_avg_floor' <one)" \
        'BEGIN {exit !(avg > whole && floor > .1 && floor < avg)}'
    fidcalc --seed 1 "${options[@]}" a.tns b.tns >other
    [ "$(value 'fd[features]' <one)" = "$(value 'fd[features]' <other)" ]
    [ "$(value 'fd[features]_avg' <one)" != "$(value 'fd[features]_avg' <other)" ]
    # JSON says the same.
    fidcalc --json "${options[@]}" a.tns b.tns >json
    "$python" -c 'import json
rows = json.load(open("json")); lines = [l.rstrip("\n").split("\t") for l in open("one")][1:]
assert len(rows) == len(lines)
for r, l in zip(rows, lines):
    assert r["metric"] == l[0] and r["note"] == l[6] and r["n_real"] == int(l[4])
    for name, i in ("value", 1), ("low", 2), ("high", 3): assert (r[name] is None) == (l[i] == "-") and (r[name] is None or r[name] == float(l[i]))'
}

@test "--by: a score for each value" {
    vectors 100 5 1 >a.tns
    vectors 90 5 2 1 >b.tns
    fidcalc --by label a.tns b.tns >out
    [ "$(cut -f1,2,6,7 out | xargs)" = 'label metric n_real n_fake x fd[features] 100 45 y fd[features] 100 45' ]
    tgrep -e label=^y b.tns | fidcalc a.tns - | sed 1d | cmp - <(sed -n 's/^y\t//p' out)
    fidcalc --json --by label a.tns b.tns | "$python" -c 'import json, sys; assert [r["label"] for r in json.load(sys.stdin)] == ["x", "y"]'
    head -c 0 /dev/null
    { printf 'key=a label=1 shape=2 dtype=f32\nkey=b label=2 shape=2 dtype=f32\nkey=c label=2 shape=2 dtype=f32\n' | python3 "$stream" make kind=features; } >c.tns
    fails 1 fidcalc --by label c.tns c.tns && says 'has 1 record with label=1'
}

@test "constant sets, two vectors, duplicates: right answers; one, none, NaN: clear errors" {
    printf 'key=a shape=3 dtype=f32 fill=1\nkey=b shape=3 dtype=f32 fill=1\n' | python3 "$stream" make kind=features >one.tns
    printf 'key=a shape=3 dtype=f32 fill=3\nkey=b shape=3 dtype=f32 fill=3\nkey=c shape=3 dtype=f32 fill=3\n' | python3 "$stream" make kind=features >three.tns
    [ "$(fidcalc one.tns three.tns | value 'fd[features]')" = 12.000000 ]
    [ "$(fidcalc one.tns one.tns | value 'fd[features]')" = 0.000000 ]
    [ "$(fidcalc --kid --pr --nearest 1 one.tns one.tns | value 'precision[features]')" = 1.000000 ]
    printf 'key=a shape=3 dtype=f32 fill=1\n' | python3 "$stream" make kind=features >single.tns
    fails 1 fidcalc one.tns single.tns && says 'single.tns: has 1 records; a distribution needs 2 at least'
    python3 "$stream" make kind=features </dev/null >empty.tns
    fails 1 fidcalc empty.tns one.tns && says 'empty.tns: has 0 records'
    for bad in nan inf; do
        printf 'key=a shape=3 dtype=f32 fill=1\nkey=b shape=3 dtype=f32 fill=%s\n' $bad | python3 "$stream" make kind=features >bad.tns
        fails 3 fidcalc one.tns bad.tns && says "bad.tns: record 1 (key b): has a value that isn't finite"
    done
    printf 'key=a shape=3 dtype=f32 fill=1\nkey=b shape=4 dtype=f32 fill=1\n' | python3 "$stream" make kind=features >bad.tns
    fails 3 fidcalc one.tns bad.tns && says "(key b): isn't of the same length"
    printf 'key=a shape=4x4x1\n' | python3 "$stream" make >grey.tns
    fails 3 fidcalc grey.tns one.tns && says 'is an image; say -m MODEL'
    fails 3 fidcalc -m "$draw" grey.tns one.tns && says "hasn't the number of colours"
    printf 'key=a shape=4x4x3 dtype=f32\n' | python3 "$stream" make >float.tns
    fails 3 fidcalc -m "$draw" float.tns one.tns && says 'is neither an image of u8 nor a vector of f32'
    head -c 300 one.tns >cut.tns
    fails 3 fidcalc one.tns cut.tns
    fails 1 fidcalc one.tns nowhere.tns && says 'nowhere.tns: No such file'
    fails 3 fidcalc "$draw" one.tns && says 'is a model; it goes after -m'
    fails 1 fidcalc -m nowhere.tns one.tns one.tns
    fails 3 fidcalc -m one.tns one.tns one.tns && says 'no model'
    fails 1 fidcalc --batches 5 one.tns one.tns && says 'too few for a --batch of 128'
    fails 1 fidcalc --pr one.tns one.tns && says 'too few for --nearest 3'
    fails 1 fidcalc --inf one.tns one.tns && says 'too few for --inf'
}

@test "a network that gives no features of images is named" {
    drawface -n 2 --size 16 -o two.tns
    no() { # WHAT OPTION... : the network is on standard input
        wgt2tns --random 1 --net /dev/stdin -o m.tns
        fails 3 fidcalc "${@:2}" -m m.tns two.tns two.tns
        says "$1"
    }
    printf '%s\n' 'input 48' 'd dense 3' | no 'm.tns: takes vectors, so it gives no features of images'
    printf '%s\n' 'input 4x4x3' 'a conv 2 1' 'b conv 3 1 < input' 'output < a b' | no 'has several outputs, so it gives no features of images (--layer NAME chooses one)'
    python3 -c 'import sys, tns
w = tns.Writer(open("m.tns", "wb")); w.head(kind="model", net="input\nflatten\n"); w.end()'
    fails 3 fidcalc -m m.tns two.tns two.tns
    says "doesn't say the size of its images; wgt2tns --size HxWxC makes a model that does"
    wgt2tns --random 1 --net /dev/stdin -o m.tns < <(printf '%s\n' 'input 4x4x3' 'c conv 2 1')
    fails 1 fidcalc --layer nothing -m m.tns two.tns two.tns
    says "no layer is called 'nothing'"
    # A classifier's features are what its last dense layer sees, dropout aside; that needs a name.
    labelled() { cat <(drawface -n 8 --size 16) <(drawface -n 8 --size 16 --style fake); }
    for form in flatten 'f flatten'; do
        printf '%s\n' 'input 16x16x3' 'c conv 2 8 stride=8' "$form" 'dropout .1' 'd dense 1' sigmoid >c.net
        labelled | clsfit --net c.net -b 4 --state "c.$form.state" --save "c.$form" -j 1 -q
    done
    fails 3 fidcalc -m c.flatten two.tns two.tns
    says 'is a classifier, and what its last dense layer sees has no name; --layer NAME says'
    fidcalc --features-out f.tns -m 'c.f flatten' two.tns
    [ "$(tls f.tns | cut -f 3 | uniq)" = 8 ]
}

@test "statistics that are none are refused" {
    vectors 20 3 1 >a.tns
    bad() { # PYTHON-EXPRESSION TEXT
        "$python" -c "import numpy as n; $1; n.savez('bad.npz', **s)"
        fails 3 fidcalc a.tns bad.npz && says "$2"
    }
    bad 's = dict(mu=n.zeros(3))' 'sigma is missing'
    bad 's = dict(sigma=n.eye(3))' 'mu is missing'
    bad 's = dict(mu=n.zeros(3), sigma=n.eye(4))' 'the same size'
    bad 's = dict(mu=n.zeros(3), sigma=n.zeros((3, 4)))' 'sigma must be a square matrix'
    bad 's = dict(mu=n.zeros(3), sigma=n.eye(3) * n.nan)' "sigma has a number that isn't finite"
    bad 's = dict(mu=n.zeros(3), sigma=-n.eye(3))' 'sigma has a negative variance'
    bad 's = dict(mu=n.zeros(3), sigma=n.triu(n.ones((3, 3))))' "sigma isn't symmetric"
    "$python" -c "import numpy as n; n.savez('bad.npz', mu=n.zeros(3), sigma=n.array([[1., 3, 0], [3, 1, 0], [0, 0, 1]]))"
    fails 1 fidcalc a.tns bad.npz && says 'negative eigenvalues'
    "$python" -c "import numpy as n; n.savez('good.npz', mu=n.zeros(3), sigma=n.eye(3))"
    fails 1 fidcalc --kid a.tns good.npz && says 'these are statistics'
    head -c 200 good.npz >cut.npz
    fails 3 fidcalc a.tns cut.npz
    # A covariance without full rank is one.
    "$python" -c "import numpy as n; n.savez('flat.npz', mu=n.zeros(3), sigma=n.diag([4., 0, 0])); n.savez('zero.npz', mu=n.ones(3), sigma=n.zeros((3, 3)))"
    [ "$(fidcalc flat.npz good.npz | value 'fd[features]')" = 3.000000 ] # (2 - 1)^2 + 1 + 1
    [ "$(fidcalc flat.npz zero.npz | value 'fd[features]')" = 7.000000 ]
}

@test "wrong usage says what is right" {
    vectors 10 3 1 >a.tns
    fails 2 fidcalc a.tns && says 'two sets, REAL and FAKE'
    fails 2 fidcalc --stats-out s.npz a.tns a.tns && says 'takes one SET'
    fails 2 fidcalc --features-out f.tns --kid a.tns && says 'makes no score'
    fails 2 fidcalc --mode tf1 a.tns a.tns && says 'want -m MODEL'
    fails 2 fidcalc --mode tf2 -m "$draw" a.tns a.tns
    fails 2 fidcalc --ci 5 a.tns a.tns
    fails 2 fidcalc - - </dev/null && says 'one set, not two'
    [ ! -e s.npz ] && [ ! -e f.tns ]
    # Nothing is left behind by a run that fails.
    head -c 400 a.tns >cut.tns
    fails 3 fidcalc --features-out f.tns cut.tns
    fails 1 fidcalc --stats-out no/where.npz a.tns
    [ -z "$(find . -name 'f.tns*' -o -name '*.npz*')" ]
}
