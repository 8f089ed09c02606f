#!/usr/bin/env python3
"""Small streams for tests, by formats/tns.py.
make [HEADER-FIELD...]: a record for each line of standard input, whose words are metadata fields as on the wire (so without
    spaces), and may hold shape=4x4x3 (default 1), dtype=f32 (u8) and fill=V: all elements (default: the record's number), or
    fill=scene, a smooth picture with some noise. Header fields that begin with end: go into E.
list [NAME...]: a line a record, its metadata fields (of those names only, - where absent)
header, end: the fields of the first H, of the last E
data N: the elements of record N"""
import os, struct, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'formats'))
import tns

FORMS = {'u8': 'B', 'i32': 'i', 'f32': 'f'}


def fields(words):
    return [tuple(map(tns.unescape, word.split('=', 1))) for word in words]


def scene(height, width, channels, n):
    return [min(255, x + 2 * y + 40 * c + 9 * n + (x * y * 7919 >> 3) % 9) for y in range(height) for x in range(width) for c in range(channels)]


def make(header):
    w = tns.Writer(sys.stdout.buffer)
    w.head([f for f in fields(header) if not f[0].startswith('end:')] or fields(['kind=images', 'axes=hwc', 'range=0:255', 'space=srgb']))
    for n, line in enumerate(sys.stdin):
        meta = fields(line.split())
        given = dict(meta)
        dtype, fill = given.get('dtype', 'u8'), given.get('fill', n % 256)
        shape = tuple(map(int, given.get('shape', '1').split('x')))
        count = 1
        for side in shape: count *= side
        if fill == 'scene': data = bytes(scene(*shape, n))
        else: data = struct.pack('<' + FORMS[dtype], float(fill) if dtype == 'f32' else int(fill)) * count
        w.record(given['key'], dtype, shape, data, [f for f in meta if f[0] not in ('key', 'shape', 'dtype', 'fill')])
    w.end([(name[4:], value) for name, value in fields(header) if name.startswith('end:')])


def metadata(type):
    return [['%s=%s' % (name, tns.escape(value)) for name, value in f[3]] for f in tns.read(sys.stdin.buffer) if f[0] == type]


command, rest = sys.argv[1], sys.argv[2:]
if command == 'make':
    make(rest)
elif command == 'list':
    for lines in metadata('R'):
        given = dict(line.split('=', 1) for line in lines)
        print(' '.join([given.get(name, '-') for name in rest] if rest else lines))
elif command == 'header':
    print(*metadata('H')[0], sep='\n')
elif command == 'end':
    print(*metadata('E')[-1], sep='\n')
elif command == 'data':
    _, dtype, _, _, data = [f for f in tns.read(sys.stdin.buffer) if f[0] == 'R'][int(rest[0])]
    print(*struct.unpack('<%d%s' % (len(data) // struct.calcsize(FORMS[dtype]), FORMS[dtype]), data))
else:
    sys.exit('stream.py: what is %s?' % command)
