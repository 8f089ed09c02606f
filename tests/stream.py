#!/usr/bin/env python3
"""Small streams for tests. `stream.py make [HEADER-FIELD...]`: a record for each line of standard input, whose words are metadata
fields (a space within is %20, as on the wire already), and may hold `shape=4x4x3` (u8; default 1), `dtype=f32` and `fill=V` (all elements;
default the record's number). `stream.py list [NAME...]`: a line a record, its metadata fields (of those names only, `-` where absent).
`stream.py make` with fields that begin with `end:` puts them into E. `stream.py header` and `stream.py end`: the lines of the first H and the last E. `stream.py data N`: the elements of record N."""
import struct, sys, zlib


def frame(kind, meta, seq, dtype=0, shape=(), data=b''):
    body = meta + bytes(-len(meta) % 64) + data + bytes(-len(data) % 64)
    head = struct.pack('<4sBcBB4xIQQ6I', b'\x89TNS', 1, kind, dtype, len(shape), len(meta), len(data), seq, *shape, *[0] * (6 - len(shape)))
    head += struct.pack('<I', zlib.crc32(body))
    return head + struct.pack('<I', zlib.crc32(head)) + body


def make(header):
    out, n = sys.stdout.buffer, 0
    end = [f[4:] for f in header if f.startswith('end:')]
    header = [f for f in header if not f.startswith('end:')]
    out.write(frame(b'H', ''.join(f + '\n' for f in header or ['kind=images', 'axes=hwc', 'range=0:255', 'space=srgb']).encode(), 0))
    for n, line in enumerate(sys.stdin, 1):
        shape, dtype, fill, meta = (1,), 'u8', None, ''
        for field in line.split():
            name, value = field.split('=', 1)
            if name == 'shape': shape = tuple(map(int, value.split('x')))
            elif name == 'dtype': dtype = value
            elif name == 'fill': fill = value
            else: meta += field + '\n'
        code, form = {'u8': (0x10, 'B'), 'f32': (0x32, '<f'), 'i32': (0x22, '<i')}[dtype]
        count = 1
        for side in shape: count *= side
        value = fill if fill is not None else (n - 1) % 256
        data = struct.pack(form, float(value) if dtype == 'f32' else int(value)) * count
        out.write(frame(b'R', meta.encode(), n - 1, code, shape, data))
    out.write(frame(b'E', ''.join(f + '\n' for f in end).encode(), n))


def frames():
    data, at = sys.stdin.buffer.read(), 0
    while at < len(data):
        kind, dtype, meta, length = data[at + 5:at + 6], data[at + 6], *struct.unpack_from('<IQ', data, at + 12)
        start = at + 64 + meta + -meta % 64
        yield kind, dtype, data[at + 64:at + 64 + meta].decode().splitlines(), data[start:start + length]
        at = start + length + -length % 64


command, rest = sys.argv[1], sys.argv[2:]
if command == 'make':
    make(rest)
elif command == 'list':
    for kind, _, meta, _ in frames():
        if kind != b'R': continue
        fields = dict(f.split('=', 1) for f in meta)
        print(' '.join([fields.get(name, '-') for name in rest] if rest else meta))
elif command == 'data':
    kind, dtype, meta, data = [f for f in frames() if f[0] == b'R'][int(rest[0])]
    print(*struct.unpack('<%d%s' % ((len(data), 'B') if dtype == 0x10 else (len(data) // 4, 'f' if dtype == 0x32 else 'i')), data))
else:
    wanted = [f[2] for f in frames() if f[0] == {'header': b'H', 'end': b'E'}[command]]
    print(*(wanted[0] if command == 'header' else wanted[-1]), sep='\n')
