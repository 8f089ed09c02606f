#!/usr/bin/env python3
"""A stage in another language: a square out of the middle of every image.

    imgnorm photos | python3 examples/centre.py .6 | tview -o middle.png
    make -C pipelines table2 CROP="python3 ../examples/centre.py .6"

The argument is the square's side as a share of the image's shorter one (default .6).
The format is formats/tns.py's; only the standard library is used. A stage passes on what it isn't for: keys, labels, groups. It drops what its change makes wrong: boxes of faces in pixels that have moved.
And it adds itself to the history, so that tls --script and twhy know of it."""
import os, re, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'formats'))
import tns

def history(meta, command):
    """A pg= line behind those of the header: id, the ends of the chains so far, program, version, command. The id is FNV-1a, 64 bits, of the rest."""
    lines = [value.split(' ') for name, value in meta if name == 'pg']
    used = {i for line in lines for i in line[1].split(',')}
    rest = '%s %s 1 %s' % (','.join(line[0] for line in lines if line[0] not in used) or '-', 'centre.py', command)
    h = 0xcbf29ce484222325
    for byte in rest.encode(): h = (h ^ byte) * 0x100000001b3 % 2**64
    return [*meta, ('pg', '%016x %s' % (h, rest))]

def main():
    share = float(sys.argv[1]) if len(sys.argv) > 1 and re.fullmatch(r'0?\.\d+|1', sys.argv[1]) else .6
    w = tns.Writer(sys.stdout.buffer)
    for type, dtype, shape, meta, data in tns.read(sys.stdin.buffer):
        if type == 'H':
            if dict(meta).get('kind') != 'images': sys.exit('centre.py: no images')
            w.head(history(meta, 'centre.py %g' % share))
        elif type == 'E':
            w.end(meta)
        else:
            height, width, channels = shape
            side = max(1, round(min(height, width) * share))
            pixel = channels * tns.DTYPES[next(c for c, d in tns.DTYPES.items() if d[0] == dtype)][1]
            top, left = (height - side) // 2, (width - side) // 2
            rows = (data[((top + y) * width + left) * pixel:][:side * pixel] for y in range(side))
            kept = [(n, v) for n, v in meta if n not in ('key', 'face', 'landmarks')]
            w.record(dict(meta)['key'], dtype, (side, side, channels), b''.join(rows), kept)

if __name__ == '__main__':
    try:
        main()
    except tns.Corrupt as wrong:
        print('centre.py: %s' % wrong, file=sys.stderr)
        sys.exit(3)
