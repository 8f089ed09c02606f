#!/usr/bin/env python3
"""Looks into image streams, for tests.

usage: pixels.py list FILE              a line a frame: type, shape, dtype, metadata lines; tab-separated
       pixels.py at FILE X Y            a line a record: key and the values at (X, Y)
       pixels.py near FILE FILE LIMIT   status 0 when the records have the same shapes, and values LIMIT apart at most
"""
import struct, sys

DTYPES = {0x10: ('u8', 'B'), 0x32: ('f32', 'f')}


def frames(path):
    data, at = open(path, 'rb').read(), 0
    while at < len(data):
        magic, _, kind, dtype, rank, _, meta_len, data_len, _ = struct.unpack_from('<4sBBBBIIQQ', data, at)
        assert magic == b'\x89TNS'
        shape = struct.unpack_from('<6I', data, at + 32)[:rank]
        meta = data[at + 64:at + 64 + meta_len].decode()
        at += 64 + (meta_len + 63) // 64 * 64
        name, code = DTYPES.get(dtype, ('none', 'B'))
        yield chr(kind), shape, name, meta, memoryview(data[at:at + data_len]).cast(code)
        at += (data_len + 63) // 64 * 64


def records(path):
    return [f for f in frames(path) if f[0] == 'R']


def listed(path):
    for kind, shape, dtype, meta, _ in frames(path):
        print(kind, 'x'.join(map(str, shape)) or '-', dtype, *meta.splitlines(), sep='\t')


def at(path, x, y):
    for _, (_, width, channels), _, meta, values in records(path):
        i = (int(y) * width + int(x)) * channels
        print(meta.split('\n')[0][4:], *(f'{v:.4g}' for v in values[i:i + channels]))


def near(a, b, limit):
    a, b = records(a), records(b)
    if len(a) != len(b) or not a:
        sys.exit(f'{len(a)} and {len(b)} records')
    for p, q in zip(a, b):
        if p[1] != q[1]:
            sys.exit(f'{p[3]}: {p[1]} and {q[1]}')
        worst = max(abs(x - y) for x, y in zip(p[4], q[4]))
        if worst > float(limit):
            sys.exit(f'{p[3]}: {worst} apart')


{'list': listed, 'at': at, 'near': near}[sys.argv[1]](*sys.argv[2:])
