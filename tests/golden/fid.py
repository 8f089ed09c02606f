#!/usr/bin/env python3
"""Makes fid.tns beside it: what scores must be, from NumPy's and SciPy's general routines in float64, and what Pillow makes of an image.

Features are small sets with structure (few directions matter, some are equal), from a fixed seed, f32. Needs numpy, scipy and Pillow."""
import os
import sys

import numpy as np
from PIL import Image
from scipy import linalg

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "..", "formats"))
import tns  # noqa: E402


def frechet(x, y):
    """The textbook formula, through the general matrix square root."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    s, t = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = linalg.sqrtm(s @ t)
    assert abs(root.imag).max() < 1e-3
    m = x.mean(0) - y.mean(0)
    return m @ m + np.trace(s) + np.trace(t) - 2 * np.trace(root.real)


def low_rank(x, y):
    """For fewer vectors than dimensions, where sqrtm is at a loss: singular values."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    a, b = (x - x.mean(0)) / np.sqrt(len(x) - 1), (y - y.mean(0)) / np.sqrt(len(y) - 1)
    m = x.mean(0) - y.mean(0)
    return m @ m + (a * a).sum() + (b * b).sum() - 2 * np.linalg.svd(a @ b.T, compute_uv=False).sum()


def kid(x, y):
    x, y = x.astype(np.float64), y.astype(np.float64)
    k = lambda p, q: (p @ q.T / p.shape[1] + 1) ** 3
    m, n = len(x), len(y)
    xx, yy = k(x, x), k(y, y)
    return ((xx.sum() - np.trace(xx)) / (m * (m - 1)) + (yy.sum() - np.trace(yy)) / (n * (n - 1)) - 2 * k(x, y).mean())


def precision(real, fake, nearest):
    """The share of fakes within the reals' balls."""
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    rr = ((real[:, None] - real[None]) ** 2).sum(-1)
    radius = np.sort(rr, axis=1)[:, nearest]
    return (((fake[:, None] - real[None]) ** 2).sum(-1) <= radius[None]).any(1).mean()


def clean(image, size):
    """clean-fid's resize: Pillow, each channel in float, bicubic with antialias, cut to 0..255."""
    channels = [np.asarray(Image.fromarray(image[:, :, c].astype(np.float32), mode="F").resize((size[1], size[0]), Image.BICUBIC)) for c in range(3)]
    return np.stack(channels, 2).clip(0, 255)


def bilinear(image, size, half):
    """The two bilinear ones, from their formulas, in float64."""
    def places(n, out):
        at = (np.arange(out) + .5) * n / out - .5 if half else np.arange(out) * n / out
        at = at.clip(0)
        low = np.minimum(at.astype(int), n - 1)
        return low, np.minimum(low + 1, n - 1), at - low
    v = image.astype(np.float64)
    lo, hi, t = places(v.shape[0], size[0])
    v = v[lo] * (1 - t)[:, None, None] + v[hi] * t[:, None, None]
    lo, hi, t = places(v.shape[1], size[1])
    return v[:, lo] * (1 - t)[None, :, None] + v[:, hi] * t[None, :, None]


rng = np.random.default_rng(20261123)
d = 24
mix = rng.normal(size=(d, d)) * np.linspace(1, .05, d)
real = (rng.normal(size=(160, d)) @ mix).astype(np.float32)
fake = (rng.normal(size=(120, d)) @ mix * .9 + .15).astype(np.float32)
few_real, few_fake = real[:17], fake[:9]
few_fake[3] = few_fake[2]  # a duplicate
image = (rng.random((37, 50, 3)) * 255).astype(np.uint8)
image[5:20, 8:30] = (250, 3, 90)

w = tns.Writer(open(os.path.join(here, "fid.tns"), "wb"))
w.head(kind="golden")
put = lambda key, a: w.record(key, {"float32": "f32", "float64": "f64", "uint8": "u8"}[str(a.dtype)], a.shape, a.tobytes())
put("real", real), put("fake", fake), put("few_real", few_real), put("few_fake", few_fake), put("image", image)
for key, value in {
    "fid": frechet(real, fake), "fid_few": low_rank(few_real, few_fake), "fid_mixed": frechet(real, few_fake), "kid": kid(real, fake),
    "precision": precision(real, fake, 3), "recall": precision(fake, real, 3),
}.items():
    put(key, np.array(value, np.float64))
    print(key, value)
for size in (16, 12), (29, 61), (37, 20):
    name = "%dx%d" % size
    put("clean_" + name, clean(image, size).astype(np.float64))
    put("pytorch_" + name, bilinear(image, size, True))
    put("tf1_" + name, bilinear(image, size, False))
w.end()
