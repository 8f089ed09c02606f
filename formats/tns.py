#!/usr/bin/env python3
"""TNS, the tensor stream (TNS.md): reads it with everything checked, writes it. Standard library only.

    for type, dtype, shape, meta, data in tns.read(sys.stdin.buffer):     # meta: [(name, value)], data: bytes
        if type == 'R': array = numpy.frombuffer(data, tns.NUMPY[dtype]).reshape(shape)

    w = tns.Writer(sys.stdout.buffer); w.head(kind='features'); w.record('a', 'f32', (2,), bytes8, label='x'); w.end()

As a program, `tns.py FILE...` says how many segments and records there are, or what is wrong (status 3)."""
import math, re, struct, sys, zlib

DTYPES = {0x00: ('none', 0), 0x10: ('u8', 1), 0x11: ('u16', 2), 0x12: ('u32', 4), 0x13: ('u64', 8), 0x20: ('i8', 1), 0x21: ('i16', 2),
          0x22: ('i32', 4), 0x23: ('i64', 8), 0x31: ('f16', 2), 0x32: ('f32', 4), 0x33: ('f64', 8), 0x41: ('bf16', 2)}
NUMPY = {n: '<%s%d' % (n[0], s) for n, s in DTYPES.values() if n not in ('none', 'bf16')}

class Corrupt(Exception):
    pass

def escape(s):
    """Metadata as on the wire; s is a str, bytes that aren't UTF-8 in it as surrogates (as os.fsdecode makes them)."""
    return re.sub('[%\0-\x1f\x7f-\x9f\udc80-\udcff]', lambda m: ''.join('%%%02X' % b for b in m[0].encode('utf-8', 'surrogateescape')), s)

def unescape(s):
    raw = re.sub(rb'%([0-9A-F]{2})', lambda m: bytes([int(m[1], 16)]), s.encode('utf-8', 'surrogateescape'))
    return raw.decode('utf-8', 'surrogateescape')

def need(good, where, what):
    if not good: raise Corrupt('%s: %s' % (where, what))

def pairs(text, where):
    """The metadata's (name, value) list; only what escape() would write is good, and no NUL."""
    lines = text.decode('utf-8', 'surrogateescape').split('\n')
    need(lines.pop() == '' and all(line.find('=') > 0 and '%00' not in line and escape(unescape(line)) == line for line in lines),
         where, 'malformed metadata')
    return [tuple(map(unescape, line.split('=', 1))) for line in lines]

def read(f, max_data=1 << 30):
    """Yields (type, dtype, shape, meta, data) for every frame of the binary file f; raises Corrupt."""
    count, segments = -1, 0  # count: records so far in the open segment, -1: none is open
    while head := f.read(64):
        at = 'header' if count < 0 else 'record %d' % count
        need(len(head) == 64, at, 'cut off')
        magic, version, type, dtype, rank, zero, mlen, dlen, seq, *shape, crc, head_crc = struct.unpack('<4sBcBBIIQQ6III', head)
        need(magic == b'\x89TNS' and zlib.crc32(head[:60]) == head_crc, at, 'bad magic or header checksum')
        need(version == 1 and type in b'HRE' and dtype in DTYPES and rank <= 6 and not zero and not any(shape[rank:]), at, 'bad header')
        size = math.prod(shape[:rank]) * DTYPES[dtype][1]
        need(size == dlen <= max_data and mlen <= 1 << 20 and (dtype or not rank) and (type == b'R' or not dtype), at, 'bad lengths')
        need((type == b'H') == (count < 0) and seq == max(count, 0), at, 'out of order: a record or an END is missing')
        start = mlen + -mlen % 64
        body = f.read(start + dlen + -dlen % 64)
        need(len(body) == start + dlen + -dlen % 64, at, 'cut off')
        need(zlib.crc32(body) == crc and not any(body[mlen:start]) and not any(body[start + dlen:]), at, 'checksum or padding')
        meta = pairs(body[:mlen], at)
        need(type != b'R' or 'key' in dict(meta), at, 'no key')
        count, segments = {b'H': 0, b'R': count + 1, b'E': -1}[type], segments + (type == b'H')
        yield type.decode(), DTYPES[dtype][0], tuple(shape[:rank]), meta, body[start:start + dlen]
    need(segments, 'header', 'empty input')
    need(count < 0, 'record %d' % (count - 1) if count else 'header', 'no END after it; did an upstream stage fail?')

class Writer:
    """Metadata is given as names and values, or as a list of pairs first (a name may come again)."""
    def __init__(self, f):
        self.f, self.count = f, 0
    def frame(self, type, dtype, shape, meta, data, seq):
        text = ''.join('%s=%s\n' % (escape(n), escape(str(v))) for n, v in meta).encode('utf-8', 'surrogateescape')
        body = text + bytes(-len(text) % 64) + data + bytes(-len(data) % 64)
        code = {n: c for c, (n, s) in DTYPES.items()}[dtype]
        head = struct.pack('<4sBcBBIIQQ6II', b'\x89TNS', 1, type, code, len(shape), 0, len(text), len(data), seq,
                           *shape, *[0] * (6 - len(shape)), zlib.crc32(body))
        self.f.write(head + struct.pack('<I', zlib.crc32(head)) + body)
    def head(self, meta=(), **more):
        self.count = 0
        self.frame(b'H', 'none', (), [*meta, *more.items()], b'', 0)
    def record(self, key, dtype, shape, data, meta=(), **more):
        self.frame(b'R', dtype, shape, [('key', key), *meta, *more.items()], bytes(data), self.count)
        self.count += 1
    def end(self, meta=(), **more):
        self.frame(b'E', 'none', (), [*meta, *more.items()], b'', self.count)
        self.f.flush()

if __name__ == '__main__':
    for path in sys.argv[1:] or ['/dev/stdin']:
        try:
            types = [frame[0] for frame in read(open(path, 'rb'))]
        except Corrupt as wrong:
            print('tns.py: %s: %s' % (path, wrong), file=sys.stderr)
            sys.exit(3)
        print('%s: segments %d, records %d' % (path, types.count('H'), types.count('R')))
