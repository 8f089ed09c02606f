#!/usr/bin/env python3
"""Writes resize.bin, what tests/c/test_resize.c compares lib/resize with: Pillow's Image.resize of one small image.

The image: 23 x 17 x 3 bytes (noise on a gradient, with hard edges). Then, until the end of the file, cases: little-endian i32
kernel (0 nearest, 1 bilinear, 2 bicubic, 3 lanczos3), width, height; f32 box x0 y0 x1 y1; u8 result of Image.resize in
mode RGB, height x width x 3; f32 result channel by channel in mode F, same shape.
Made with Pillow 9.4.0 on Debian 12; needs numpy.
"""
import os, struct
import numpy as np
from PIL import Image

W, H = 23, 17
rng = np.random.default_rng(7)
y, x = np.mgrid[0:H, 0:W]
a = np.stack([x * 11, y * 15, (x + y) * 6], 2) + rng.integers(-40, 41, (H, W, 3))
a[4:9, 6:13] = 255
a[10:14, 15:] = 0
a = a.clip(0, 255).astype(np.uint8)
im = Image.fromarray(a)
planes = [Image.fromarray(a[:, :, c].astype(np.float32), 'F') for c in range(3)]
kernels = [Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS]
whole = (0, 0, W, H)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'resize.bin'), 'wb') as f:
    f.write(a.tobytes())
    for k, kernel in enumerate(kernels):
        for size, box in (((8, 6), whole), ((29, 11), whole), ((23, 5), whole), ((1, 1), whole),
                          ((9, 9), (2.25, 1.5, 19.5, 16.75))):
            f.write(struct.pack('<3i4f', k, *size, *box))
            f.write(np.asarray(im.resize(size, kernel, box)).tobytes())
            f.write(np.stack([np.asarray(p.resize(size, kernel, box)) for p in planes], 2).astype('<f4').tobytes())
