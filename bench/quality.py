#!/usr/bin/env python3
"""How good imgnorm's scaled images are, beside Pillow's.

usage: bench/quality.py [--of STREAM] SIZE... < NAMES

NAMES: JPEG files (sRGB, upright), a line each. Scales each to SIZE x SIZE, and prints for every way of doing it the PSNR over all files, in dB (from the mean squared
error of a file, averaged in dB): against an ideal low-pass, and against Pillow's bicubic from the full decode.

The ideal favours nobody: the full decode in float64, reduced by a sinc of 8 lobes, not rounded: a low-pass keeps what the small image can show and nothing else. It is windowed
in two ways, Lanczos' and Kaiser's (beta 8), so that no window decides. The last row is what rounding alone loses.

--of STREAM: the ideal is not of the full decode but of the images that the files were made from, a record for each in the same order. So it is the picture that counts, and not how a
decoder spreads the chroma that a file lacks.

imgnorm is the one of this tree. Needs numpy and Pillow (Debian: python3-numpy python3-pil).
"""
import os, subprocess, sys
import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'formats'))
import tns

R = Image.Resampling


def lanczos(x, lobes=8):
    return np.sinc(x) * np.sinc(x / lobes)


def kaiser(x, lobes=8, beta=8):
    return np.sinc(x) * np.i0(beta * np.sqrt(np.maximum(0, 1 - (x / lobes) ** 2)))


def weights(n, m, window, lobes=8):
    x = (np.arange(n) + .5 - (np.arange(m)[:, None] + .5) * n / m) / max(n / m, 1)
    w = np.where(abs(x) < lobes, window(x), 0)
    return w / w.sum(1, keepdims=True)


def ideal(a, m, window, known={}):
    for n in a.shape[:2]:
        if (n, m, window) not in known: known[n, m, window] = weights(n, m, window)
    down = np.tensordot(known[a.shape[0], m, window], a.astype(float), (1, 0))
    return np.moveaxis(np.tensordot(known[a.shape[1], m, window], down, (1, 1)), 0, 1)


def imgnorm(names, size, *options):
    path = os.path.join(HERE, '..', 'bin') + os.pathsep + os.environ['PATH']
    run = subprocess.Popen(['imgnorm', '-@', '--strict', '--size', str(size), *options], env={**os.environ, 'PATH': path},
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    images = {}
    run.stdin.write('\n'.join(names).encode() + b'\n')
    run.stdin.close()
    for kind, dtype, shape, meta, data in tns.read(run.stdout):
        if kind == 'R': images[dict(meta)['key']] = np.frombuffer(data, np.uint8).reshape(shape).astype(float)
    if run.wait(): sys.exit('imgnorm failed')
    return images


def pillow(name, size, kernel, draft=False, gap=None):
    im = Image.open(name)
    if draft: im.draft('RGB', (2 * size, 2 * size))
    return np.asarray(im.convert('RGB').resize((size, size), kernel, reducing_gap=gap)).astype(float)


def psnr(a, b):
    error = np.mean((a - b) ** 2)
    return 10 * np.log10(255 ** 2 / error) if error else np.inf


def main():
    args, truth = sys.argv[1:], None
    if args[:1] == ['--of'] and len(args) > 1:
        with open(args[1], 'rb') as f:
            truth = [np.frombuffer(data, np.uint8).reshape(shape) for kind, _, shape, _, data in tns.read(f) if kind == 'R']
        args = args[2:]
    sizes = [int(a) for a in args]
    names = [l.rstrip('\n') for l in sys.stdin]
    if not sizes or not names: sys.exit(__doc__)
    if truth and len(truth) != len(names): sys.exit('quality.py: %d images for %d files' % (len(truth), len(names)))
    for size in sizes:
        ours = {k: imgnorm(names, size, *o) for k, o in (('imgnorm (bicubic, its default)', ()), ('imgnorm --kernel lanczos3', ('--kernel', 'lanczos3')),
                                                         ('imgnorm --kernel bilinear', ('--kernel', 'bilinear')))}
        rows = {}
        for i, name in enumerate(names):
            full = truth[i] if truth else np.asarray(Image.open(name).convert('RGB'))
            best, other = ideal(full, size, lanczos), ideal(full, size, kaiser)
            bicubic = pillow(name, size, R.BICUBIC)
            ways = {'Pillow bicubic, full decode': bicubic,
                    'Pillow bicubic, draft': pillow(name, size, R.BICUBIC, True),
                    'Pillow bicubic, full decode, reducing_gap 2': pillow(name, size, R.BICUBIC, gap=2),
                    'Pillow Lanczos, full decode': pillow(name, size, R.LANCZOS),
                    **{k: v[tns.unescape(name)] for k, v in ours.items()},
                    'the ideal, rounded': np.clip(np.floor(best + .5), 0, 255)}
            for way, image in ways.items():
                rows.setdefault(way, []).append((psnr(image, best), psnr(image, other), psnr(image, bicubic)))
        print(f'{len(names)} files to {size} x {size}{"ideal":>24}{"(Kaiser)":>10}{"Pillow bicubic":>16}')
        for way, values in rows.items():
            print(f'  {way:44}' + '{:8.2f}{:10.2f}{:16.2f}'.format(*np.mean(values, 0)))


main()
