#!/usr/bin/env bats
# twhy: the first difference between two streams, in their histories or in their records.

setup() {
    top=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
    PATH="$top/bin:$PATH"
    cd "$BATS_TEST_TMPDIR" || exit
}

# says TEXT A B: the first line of twhy A B
says() { diff -u <(echo "$1") <(twhy "$2" "$3" | head -n 1); }

@test "no difference, of records and of history" {
    drawface -n 3 -o a.tns
    drawface -n 3 -j1 -o b.tns
    says 'no difference: 3 records' a.tns b.tns
    twhy a.tns - <b.tns >out && [ "$(wc -l <out)" = 1 ]
    cat a.tns b.tns >two.tns
    says 'no difference: 6 records' two.tns two.tns
    says 'length: two.tns has a segment more' a.tns two.tns
}

@test "an option, a seed, a stage, an operand: the first that differs, whatever follows" {
    drawface -n 3 -o a.tns
    drawface -n 3 --seed 7 | imgnorm --size 16 -o seed.tns
    imgnorm --size 16 <a.tns -o small.tns
    imgnorm --size 16x8 --kernel bilinear <a.tns -o flat.tns
    says 'drawface: seed --seed: 7 in seed.tns, 0 in small.tns' seed.tns small.tns
    says 'imgnorm: option --size: 16 in small.tns, 16x8 in flat.tns' small.tns flat.tns
    says 'imgnorm: stage: in small.tns, not in a.tns' small.tns a.tns
    says 'imgnorm: stage: in small.tns, not in a.tns' a.tns small.tns
    tshuf small.tns -o shuffled.tns
    thead small.tns -o head.tns
    says 'programs: stage: tshuf in shuffled.tns, thead in head.tns' shuffled.tns head.tns
    twhy small.tns flat.tns | sed -n 2,3p >out
    grep -q '^  small.tns: imgnorm .*--size=16 ' out && grep -q '^  flat.tns: imgnorm .*--size=16x8' out
    tgrep -e 'label=it is' --not a.tns -o one.tns
    tgrep -e 'label=it was' --not a.tns -o other.tns
    says "tgrep: option --match: 'label=it is' in one.tns, 'label=it was' in other.tns" one.tns other.tns
    tgrep -e 'label=it is' -e key=/ --not a.tns -o more.tns
    says "tgrep: option --match: not in one.tns, key=/ in more.tns" one.tns more.tns
    tgrep -e 'label=real' a.tns -o plain.tns
    tgrep -e 'label=real' --not a.tns -o not.tns
    says "tgrep: option --not: not in plain.tns, given in not.tns" plain.tns not.tns
}

@test "a model, by its checksum; merged streams, chain by chain" {
    printf 'input 4\nfc dense 1\nsigmoid\n' >net
    for s in 1 2; do
        drawface -n 8 --size 8 --seed $s | tcat >train.tns
        printf 'input\nflatten\nfc dense 1\nsigmoid\n' >net
        drawface -n 8 --size 8 --style fake | cat train.tns - | tcat | clsfit --net net --state state$s -b 4 --save model$s.tns
        netrun -m model$s.tns train.tns -o all$s.tns
    done
    drawface -n 2 --size 8 -o x.tns
    for s in 1 2; do netrun -m model$s.tns x.tns -o scores$s.tns; done
    twhy scores1.tns scores2.tns | head -n 1 | grep -qE '^netrun: model --model: MODEL_[0-9a-f]+ in scores1.tns, MODEL_[0-9a-f]+ in scores2.tns$'
    says 'drawface: seed --seed: 1 in model1.tns, 2 in model2.tns' model1.tns model2.tns
    says 'drawface: seed --seed: 1 in all1.tns, 2 in all2.tns' all1.tns all2.tns
    # One order of merging against the other.
    drawface -n 1 -o a.tns
    drawface -n 1 --style fake -o b.tns
    tcat a.tns b.tns -o ab.tns
    tcat b.tns a.tns -o ba.tns
    says 'tcat: stage: it read or merged other streams, or in another order' ab.tns ba.tns
}

@test "the same history, other records: data, metadata, shape, length" {
    python3 - "$top" <<'END' || /usr/bin/python3 - "$top"
import sys, struct
sys.path.insert(0, sys.argv[1] + '/formats')
import tns
def write(name, records):
    with open(name, 'wb') as f:
        w = tns.Writer(f)
        w.head(kind='features', pg='00 - drawface 0.1.0 drawface -n 1')
        for key, dtype, shape, data, more in records: w.record(key, dtype, shape, data, **more)
        w.end()
f = struct.pack
write('a', [('k', 'f32', (2,), f('<2f', 1, 2.5), {'label': 'real'}), ('l', 'i16', (1,), f('<h', -3), {})])
write('data', [('k', 'f32', (2,), f('<2f', 1, .1), {'label': 'real'}), ('l', 'i16', (1,), f('<h', -3), {})])
write('int', [('k', 'f32', (2,), f('<2f', 1, 2.5), {'label': 'real'}), ('l', 'i16', (1,), f('<h', -4), {})])
write('meta', [('k', 'f32', (2,), f('<2f', 1, 2.5), {'label': 'fake'}), ('l', 'i16', (1,), f('<h', -3), {})])
write('shape', [('k', 'f32', (2, 1), f('<2f', 1, 2.5), {'label': 'real'})])
write('short', [('k', 'f32', (2,), f('<2f', 1, 2.5), {'label': 'real'})])
for name, dtype, form, x in (('f16', 'f16', '<e', .5), ('f64', 'f64', '<d', 1e-9), ('u64', 'u64', '<Q', 2**64 - 1), ('i8', 'i8', '<b', -128)):
    write(name + '.a', [('k', dtype, (1,), f(form, 1), {})])
    write(name + '.b', [('k', dtype, (1,), f(form, x), {})])
write('bf16.a', [('k', 'bf16', (1,), b'\x80\x3f', {})])
write('bf16.b', [('k', 'bf16', (1,), b'\x00\xc0', {})])
END
    [ -s bf16.b ]
    says 'record 0 (key k): data: element 1 is 2.5 in a, 0.10000000149011612 in data; 1 of 2 differ' a data
    says 'record 1 (key l): data: element 0 is -3 in a, -4 in int; 1 of 1 differ' a int
    says 'record 0 (key k): metadata: label=real in a, label=fake in meta' a meta
    says 'record 0 (key k): shape: 2 f32 in a, 2x1 f32 in shape' a shape
    says 'length: short ends after 1 records, where a goes on with l' a short
    says 'length: short ends after 1 records, where a goes on with l' short a
    says 'record 0 (key k): data: element 0 is 1 in f16.a, 0.5 in f16.b; 1 of 1 differ' f16.a f16.b
    says 'record 0 (key k): data: element 0 is 1 in bf16.a, -2 in bf16.b; 1 of 1 differ' bf16.a bf16.b
    says 'record 0 (key k): data: element 0 is 1 in f64.a, 1e-09 in f64.b; 1 of 1 differ' f64.a f64.b
    says 'record 0 (key k): data: element 0 is 1 in u64.a, 18446744073709551615 in u64.b; 1 of 1 differ' u64.a u64.b
    says 'record 0 (key k): data: element 0 is 1 in i8.a, -128 in i8.b; 1 of 1 differ' i8.a i8.b
    twhy a data | sed -n 2p | grep -q 'histories are the same'
}

@test "corrupt and missing input" {
    drawface -n 2 -o a.tns
    head -c 9000 a.tns >cut.tns
    run twhy a.tns nowhere
    [ "$status" = 1 ]
    run twhy a.tns
    [ "$status" = 2 ]
    run twhy cut.tns a.tns
    [ "$status" = 3 ] && [[ $output = *cut.tns* ]]
}
