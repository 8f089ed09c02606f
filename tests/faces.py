#!/usr/bin/env python3
"""Detectors whose answers are known, for tests/faceyolo.bats: networks that say the same of every image, by formats/tns.py.
model FORM [SEED]: such a model of 64x64, of a form of output: rows5 rows20 rows15 rows84 columns20 maps65 maps80 maps81, with random numbers
expect FORM SEED HEIGHT WIDTH CONF IOU [CLASS]: what faceyolo --boxes must say of an image of that size, a line a face: x1 y1 x2 y2 conf, then the landmarks; plain loops
boxes CONF,X1,Y1,X2,Y2[,LANDMARKS x 15]...: a model of rows that finds just these, in the pixels of a 64x64 image
compare EXPECTED FOUND: two files of such lines agree within 1e-3"""
import math, os, random, struct, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'formats'))
import tns

S, CELLS = 64, 84  # 8x8 + 4x4 + 2x2


def write(text, arrays):
    w = tns.Writer(sys.stdout.buffer)
    w.head(kind='model', net=text)
    for key, (shape, values) in arrays.items(): w.record(key, 'f32', shape, struct.pack('<%df' % len(values), *values))
    w.end()


def f32(v): return struct.unpack('f', struct.pack('f', v))[0]


def rows(form, seed):
    """CELLS rows of x y w h, confidences, landmarks."""
    draw = random.Random('%s %s' % (form, seed))
    count = int(form.lstrip('rowsclumn'))
    marks = {20: 3, 15: 2}.get(count, 0)
    classes = 1 if marks else count - 4
    out = []
    for _ in range(CELLS):
        row = [draw.uniform(5, 59), draw.uniform(5, 59), draw.uniform(2, 40), draw.uniform(2, 40)] + [draw.random() ** 2 for _ in range(classes)]
        for _ in range(5 if marks else 0): row += [draw.uniform(0, 64), draw.uniform(0, 64), draw.random()][:marks]
        out.append([f32(v) for v in row])
    return out, classes, marks


def maps(form, seed):
    """Maps by stride, [y][x][channels]."""
    draw = random.Random('%s %s' % (form, seed))
    count = int(form[4:])
    marks = 3 if count == 80 else 0
    out = {}
    for stride in (16, 8, 32):
        side = S // stride
        out[stride] = [[[f32(draw.gauss(0, 1) - c % 16 * .5) if c < 64 else f32(draw.gauss(-2, 2)) if c < (65 if marks else count) else f32(draw.uniform(-2, 2))
                         for c in range(count)] for _ in range(side)] for _ in range(side)]
    return out, 1 if marks else count - 64, marks


def model(form, seed):
    if form.startswith('maps'):
        m, _, _ = maps(form, seed)
        count = int(form[4:])
        names = ' '.join('m%d' % s for s in m)
        text = 'input %dx%dx3\n' % (S, S) + ''.join('m%d constant %dx%dx%d\n' % (s, S // s, S // s, count) for s in m) + 'output < ' + names
        write(text, {'m%d.value' % s: ((S // s, S // s, count), [v for y in m[s] for x in y for v in x]) for s in m})
        return
    r, _, _ = rows(form, seed)
    if form.startswith('columns'): r = list(zip(*r))
    write('input %dx%dx3\nr constant %dx1x%d\noutput < r' % (S, S, len(r), len(r[0])), {'r.value': ((len(r), 1, len(r[0])), [v for row in r for v in row])})


def candidates(form, seed, which):
    """(conf, x1, y1, x2, y2, landmarks) in the network's pixels."""
    if not form.startswith('maps'):
        r, classes, marks = rows(form, seed)
        for row in r:
            x, y, w, h = row[:4]
            points = [list(row[4 + classes + marks * k:][:marks]) + [1] * (3 - marks) for k in range(5)] if marks else []
            yield row[4 + which], x - w / 2, y - h / 2, x + w / 2, y + h / 2, points
        return
    m, classes, marks = maps(form, seed)
    sigmoid = lambda v: 1 / (1 + math.exp(-v))
    for stride, rows_ in m.items():
        for i, line in enumerate(rows_):
            for j, c in enumerate(line):
                d = []
                for side in range(4):
                    e = [math.exp(v) for v in c[16 * side:16 * side + 16]]
                    d.append(sum(k * v for k, v in enumerate(e)) / sum(e))
                x, y = j + .5, i + .5
                points = [[(2 * c[65 + 3 * k] + j) * stride, (2 * c[66 + 3 * k] + i) * stride, sigmoid(c[67 + 3 * k])] for k in range(5)] if marks else []
                yield (sigmoid(c[64 + which]), (x - d[0]) * stride, (y - d[1]) * stride, (x + d[2]) * stride, (y + d[3]) * stride, points)


def iou(a, b):
    both = max(0, min(a[3], b[3]) - max(a[1], b[1])) * max(0, min(a[4], b[4]) - max(a[2], b[2]))
    return both / ((a[3] - a[1]) * (a[4] - a[2]) + (b[3] - b[1]) * (b[4] - b[2]) - both)


def expect(form, seed, height, width, conf, limit, which=0):
    r = min(S / height, S / width)
    h, w = max(1, round(height * r)), max(1, round(width * r))
    top, left = round((S - h) / 2 - .1), round((S - w) / 2 - .1)
    kept = []
    for c in sorted((c for c in candidates(form, seed, which) if c[0] > conf), key=lambda c: -c[0]):
        if all(iou(k, c) <= limit for k in kept): kept.append(c)
    cut = lambda v, most: min(max(v, 0), most)
    for c, x1, y1, x2, y2, points in kept:
        b = [cut((x1 - left) / r, width), cut((y1 - top) / r, height), cut((x2 - left) / r, width), cut((y2 - top) / r, height)]
        if b[0] < b[2] and b[1] < b[3]:
            print(*b, c, *(v for p in points for v in ((p[0] - left) / r, (p[1] - top) / r, p[2])))


def boxes(given):
    out = []
    for text in given:
        conf, x1, y1, x2, y2, *points = map(float, text.split(','))
        out.append([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, conf] + (points or [0] * 15))
    out += [[1, 1, 1, 1] + [0] * 16] * (CELLS - len(out))
    marked = any(len(text.split(',')) > 5 for text in given)
    count = 20 if marked else 5
    write('input %dx%dx3\nr constant %dx1x%d\noutput < r' % (S, S, CELLS, count), {'r.value': ((CELLS, 1, count), [v for row in out for v in row[:count]])})


def compare(a, b):
    a, b = ([[float(v) for v in line.split()] for line in open(path)] for path in (a, b))
    assert len(a) == len(b) > 0, 'there are %d and %d faces' % (len(a), len(b))
    for p, q in zip(a, b):
        assert len(p) == len(q) and all(abs(v - w) < 1e-3 * max(1, abs(v)) for v, w in zip(p, q)), '%s\n%s' % (p, q)


command, rest = sys.argv[1], sys.argv[2:]
if command == 'model': model(rest[0], *rest[1:] or '0')
elif command == 'expect': expect(rest[0], rest[1], *map(int, rest[2:4]), *map(float, rest[4:6]), *map(int, rest[6:]))
elif command == 'boxes': boxes(rest)
elif command == 'compare': compare(*rest)
else: sys.exit('faces.py: what is %s?' % command)
