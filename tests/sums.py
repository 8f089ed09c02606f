#!/usr/bin/env python3
"""For tests: a line a record of the u8 stream FILE: its key, the checksum of its data, the mean of its data."""
import struct, sys, zlib

data, at = open(sys.argv[1], 'rb').read(), 0
while at < len(data):
    kind, meta_len, data_len = data[at + 5], *struct.unpack_from('<IQ', data, at + 12)
    meta = data[at + 64:at + 64 + meta_len].decode()
    at += 64 + (meta_len + 63) // 64 * 64
    if kind == ord('R'):
        values = data[at:at + data_len]
        key = next(line[4:] for line in meta.split('\n') if line.startswith('key='))
        print(key, '%08x' % zlib.crc32(values), '%.2f' % (sum(values) / max(1, len(values))))
    at += (data_len + 63) // 64 * 64
