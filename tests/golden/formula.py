"""formula: what the scripts that make golden files share: numbers from a formula of integers, which tests/c/golden.c repeats, so that nothing that goes
in need be stored; and frames of TNS."""
import math
import struct
import zlib

import torch


def number(key, count):
    """count whole numbers below 2^32, of a name."""
    x = (torch.arange(count, dtype=torch.int64) + zlib.crc32(key.encode())) & 0xFFFFFFFF
    for shift, factor in (16, 0x21F0AAAD), (15, 0x735A2D97):
        x = x ^ (x >> shift)
        # the product modulo 2^32, in two halves, as int64 is signed
        x = (x * (factor & 0xFFFF) + ((x * (factor >> 16) & 0xFFFF) << 16)) & 0xFFFFFFFF
    return x ^ (x >> 15)


def centred(key, *shape):
    """In [-.5, .5)."""
    return (number(key, math.prod(shape)).double() / 2**32 - .5).reshape(shape)


def frame(kind, seq, meta, tensor=None):
    """A frame of TNS (formats/TNS.md), of float64 data or none."""
    meta, data = meta.encode(), b''
    shape = []
    if tensor is not None:
        shape = list(tensor.shape)
        data = tensor.detach().contiguous().numpy().astype('<f8').tobytes()
    body = b''.join(part + bytes(-len(part) % 64) for part in (meta, data))
    head = struct.pack('<4s4B2I2Q6II', b'\x89TNS', 1, ord(kind), 0x33 if tensor is not None else 0, len(shape), 0, len(meta), len(data), seq,
                       *(shape + [0] * (6 - len(shape))), zlib.crc32(body))
    return head + struct.pack('<I', zlib.crc32(head)) + body
