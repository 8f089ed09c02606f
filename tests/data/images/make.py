#!/usr/bin/env python3
"""Draws the image files in this directory (the picture, its variants and the broken ones), which tests/imgnorm.bats reads.

The picture is 24 x 16: red, green, blue and yellow quarters, a white block in the corner of the red one. It looks different in
each orientation, and every file but these shows it: photo*.jpg, a smooth field of 161 x 121; grey* and black-white.png, a
ramp; alpha* and grey-alpha.png, whose right half is transparent; cut*, damaged, empty and text, which aren't pictures any more.
Made with Pillow 9.4.0; needs numpy.
"""
import os, struct, zlib
import numpy as np
from PIL import Image

os.chdir(os.path.dirname(os.path.abspath(__file__)))
W, H = 24, 16


def save(name, im, **options):
    im.save(name, **options)


def s15(v):
    return struct.pack('>i', round(v * 65536))


def profile(red, green, blue, gamma):
    """A matrix profile of version 2; gamma 0: sRGB's own curve, as a table."""
    xyz = lambda v: b'XYZ \0\0\0\0' + b''.join(map(s15, v))
    if gamma:
        curve = b'curv\0\0\0\0' + struct.pack('>IH', 1, round(gamma * 256)) + b'\0\0'
    else:
        v = np.arange(256) / 255
        v = np.where(v <= .04045, v / 12.92, ((v + .055) / 1.055) ** 2.4)
        curve = b'curv\0\0\0\0' + struct.pack('>I', 256) + np.round(v * 65535).astype('>u2').tobytes()
    name = b'test\0'
    tags = [(b'desc', b'desc\0\0\0\0' + struct.pack('>I', len(name)) + name + bytes(79)), (b'cprt', b'text\0\0\0\0none\0'),
            (b'wtpt', xyz((.9642, 1, .8249))), (b'rXYZ', xyz(red)), (b'gXYZ', xyz(green)), (b'bXYZ', xyz(blue)),
            (b'rTRC', curve), (b'gTRC', curve), (b'bTRC', curve)]
    table, data, at, seen = b'', b'', 128 + 4 + 12 * len(tags), {}
    for sign, body in tags:
        if body not in seen:
            seen[body] = at + len(data)
            data += body + bytes(-len(body) % 4)
        table += sign + struct.pack('>II', seen[body], len(body))
    body = struct.pack('>I', len(tags)) + table + data
    head = struct.pack('>I4s4s4s4s4s', 128 + len(body), bytes(4), b'\2\x40\0\0', b'mntr', b'RGB ', b'XYZ ')
    head += struct.pack('>6H4s', 2026, 1, 1, 0, 0, 0, b'acsp') + bytes(28) + s15(.9642) + s15(1) + s15(.8249)
    return head + bytes(128 - len(head)) + body


SRGB = profile((.4361, .2225, .0139), (.3851, .7169, .0971), (.1431, .0606, .7141), 0)
P3 = profile((.5151, .2412, -.0011), (.2920, .6922, .0419), (.1571, .0666, .7841), 0)
LINEAR = profile((.4361, .2225, .0139), (.3851, .7169, .0971), (.1431, .0606, .7141), 1)


def exif(orientation, order='<'):
    mark = b'II*\0' if order == '<' else b'MM\0*'
    return b'Exif\0\0' + mark + struct.pack(order + 'IHHHIHHI', 8, 1, 0x112, 3, 1, orientation, 0, 0)


def png(name, pixels, colour, depth):
    """Samples of any depth, as Pillow doesn't write them."""
    chunk = lambda kind, b: struct.pack('>I', len(b)) + kind + b + struct.pack('>I', zlib.crc32(kind + b))
    rows = b''.join(b'\0' + row.tobytes() for row in pixels)
    with open(name, 'wb') as f:
        f.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', pixels.shape[1], pixels.shape[0], depth, colour, 0, 0, 0)) +
                chunk(b'IDAT', zlib.compress(rows, 9)) + chunk(b'IEND', b''))


a = np.zeros((H, W, 3), np.uint8)
a[:8, :12], a[:8, 12:], a[8:, :12], a[8:, 12:] = (200, 40, 40), (40, 180, 60), (50, 60, 200), (220, 210, 50)
a[:4, :4] = 255
picture = Image.fromarray(a)
jpeg = dict(quality=95, subsampling=0)

save('plain.jpg', picture, **jpeg)
save('progressive.jpg', picture, progressive=True, **jpeg)
save('plain.png', picture)
save('plain.webp', picture, lossless=True)
save('plain.tif', picture)
save('palette.png', picture.quantize(8))
save('animation.gif', picture.quantize(8), save_all=True, append_images=[Image.new('P', (W, H))])

# Orientation: how the stored pixels have to be turned so that the picture appears.
stored = {1: lambda p: p, 2: lambda p: p[:, ::-1], 3: lambda p: p[::-1, ::-1], 4: lambda p: p[::-1],
          5: lambda p: p.transpose(1, 0, 2), 6: lambda p: np.rot90(p), 7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
          8: lambda p: np.rot90(p, -1)}
for o, turn in stored.items():
    save(f'turned-{o}.jpg', Image.fromarray(np.ascontiguousarray(turn(a))), exif=exif(o, '<>'[o % 2]), **jpeg)
save('turned-6.tif', Image.fromarray(np.ascontiguousarray(stored[6](a))), tiffinfo={0x112: 6})

# Profiles: the same numbers, which mean other colours; an sRGB profile changes nothing.
save('srgb-profile.jpg', picture, icc_profile=SRGB, **jpeg)
save('p3.jpg', picture, icc_profile=P3, **jpeg)
save('p3.png', picture, icc_profile=P3)
save('linear.png', picture, icc_profile=LINEAR)
save('bad-profile.png', picture, icc_profile=SRGB[:100])

# CMYK: what an RGB picture is in the simplest ink model.
save('cmyk.jpg', picture.convert('CMYK'), **jpeg)
save('cmyk.tif', picture.convert('CMYK'))

# 16 bits, transparency, grey.
png('rgb16.png', a.astype('>u2') * 257, 2, 16)
alpha = np.full((H, W, 1), 255, np.uint8)
alpha[:, 12:] = 0
rgba = np.concatenate([a, alpha], 2)
save('alpha.png', Image.fromarray(rgba))
save('alpha.webp', Image.fromarray(rgba), lossless=True)
png('alpha16.png', rgba.astype('>u2') * 257, 6, 16)
ramp = np.tile(np.arange(W) * 10, (H, 1)).astype(np.uint8)
save('grey.png', Image.fromarray(ramp))
save('grey.jpg', Image.fromarray(ramp), quality=100)
png('grey16.png', ramp.astype('>u2') * 257, 0, 16)
png('grey-alpha.png', np.stack([ramp, alpha[:, :, 0]], 2), 4, 8)
save('black-white.png', Image.fromarray(((ramp > 115) * 255).astype(np.uint8)).convert('1'))

# Large enough to be decoded at a smaller scale.
y, x = np.mgrid[0:121, 0:161]
field = np.stack([128 + 100 * np.sin(x / 23) * np.cos(y / 31), x * 1.5, y * 2], 2).clip(0, 255).astype(np.uint8)
save('photo.jpg', Image.fromarray(field), quality=60)
save('photo-turned-6.jpg', Image.fromarray(np.ascontiguousarray(np.rot90(field))), quality=60, exif=exif(6))

# Broken.
good = open('photo.jpg', 'rb').read()
open('cut.jpg', 'wb').write(good[:len(good) * 2 // 3])
open('cut-header.jpg', 'wb').write(good[:30])
damaged = bytearray(good)
damaged[len(good) // 2:len(good) // 2 + 40] = b'\xff\xd0' * 20
open('damaged.jpg', 'wb').write(damaged)
noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (H, W, 3), np.uint8))
for kind in ('png', 'webp', 'tif'):
    noise.save('cut.' + kind, **({'lossless': True} if kind == 'webp' else {}))
    whole = open('cut.' + kind, 'rb').read()
    open('cut.' + kind, 'wb').write(whole[:len(whole) * 2 // 3])
noise.convert('RGB').quantize(64).save('cut.gif')
whole = open('cut.gif', 'rb').read()
open('cut.gif', 'wb').write(whole[:len(whole) * 2 // 3])
open('empty.jpg', 'wb').close()
open('text.jpg', 'w').write('This is not a picture.\n')
