#!/usr/bin/env bats
# pipelines/models/face.tns, the small detector that pipelines/face.mk trains: it finds the faces of drawn scenes that it hasn't seen.

setup() {
    top=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
    PATH="$top/bin:$PATH"
    export PYTHONPATH=$top/formats PYTHONDONTWRITEBYTECODE=1
    model=$top/pipelines/models/face.tns
    cd "$BATS_TEST_TMPDIR" || exit
    command -v python3 >/dev/null || skip "there is no python3"
}

@test "a model of f16 under a megabyte" {
    tcheck "$model"
    [ "$(stat -c %s "$model")" -lt 1000000 ]
    [ "$(tls "$model" | cut -f 4 | sort -u)" = f16 ]
}

# Boxes are decoded here by plain loops: rows of x y w h conf and five landmarks, conf above .25, of two that overlap by more than .5 the surer.
# A face is found when IoU is above .5. Against chance: the same boxes held against the scene before find next to nothing.
@test "netrun alone finds the faces of drawn scenes, their boxes and landmarks, and not by chance" {
    drawface --scene -n 30 --size 320 --seed 77 -o scenes.tns
    netrun -m "$model" scenes.tns -o rows.tns
    [ "$(tls rows.tns | cut -f 3,4 | sort -u)" = 2100x1x20$'\t'f32 ]
    python3 - <<'END'
import struct, sys, tns

def iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(w, 0) * max(h, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)

scenes = []
for frame in tns.read(open('rows.tns', 'rb')):
    if frame[0] != 'R': continue
    lines = [[float(v) for v in value.split(',')] for name, value in frame[3] if name == 'face']
    marks = [[float(v) for v in value.split(',')] for name, value in frame[3] if name == 'landmarks']
    rows = sorted((r for r in struct.iter_unpack('<20f', frame[4]) if r[4] > .25), key=lambda r: -r[4])
    kept = []
    for r in rows:
        box = (r[0] - r[2] / 2, r[1] - r[3] / 2, r[0] + r[2] / 2, r[1] + r[3] / 2)
        if all(iou(box, k) <= .5 for k, _ in kept): kept.append((box, r[5:]))
    scenes.append(([f[:4] for f in lines], marks, kept))

def held(shift):
    """Faces, boxes, faces found, large ones, large ones found, landmarks' distances by the face's size; the faces are those of `shift` scenes before."""
    faces = boxes = right = large = large_right = 0
    off = []
    for i, (_, _, kept) in enumerate(scenes):
        want, marks, _ = scenes[i - shift]
        taken = {}
        for box, points in kept:
            best = max(((iou(box, f), k) for k, f in enumerate(want) if k not in taken), default=(0, 0))
            if best[0] > .5: taken[best[1]] = points
        faces, boxes, right = faces + len(want), boxes + len(kept), right + len(taken)
        for k, f in enumerate(want):
            big = min(f[2] - f[0], f[3] - f[1]) >= 14
            large, large_right = large + big, large_right + (big and k in taken)
            if big and k in taken:
                side = ((f[2] - f[0]) * (f[3] - f[1])) ** .5
                off += [((taken[k][j] - marks[k][j]) ** 2 + (taken[k][j + 1] - marks[k][j + 1]) ** 2) ** .5 / side for j in range(0, 15, 3)]
    return faces, boxes, right, large, large_right, sum(off) / max(len(off), 1)

faces, boxes, right, large, large_right, off = held(0)
chance = held(1)[2]
print('%d faces, %d boxes, %d right; of %d large ones %d; landmarks off by %.3f; by chance %d' % (faces, boxes, right, large, large_right, off, chance))
assert faces >= 120 and large >= 60
assert right >= .85 * faces and large_right >= .9 * large and right >= .85 * boxes
assert off <= .1
assert chance <= .05 * faces
END
}

@test "faceyolo finds them in scenes of another shape, of which there is a score" {
    drawface --scene -n 20 --size 640x480 --seed 78 -o scenes.tns
    faceyolo -m "$model" --boxes scenes.tns -o found.tns
    "$top/pipelines/face-score.sh" scenes.tns found.tns | awk 'NR == 2 {print; exit !($1 == 20 && $2 >= 80 && $6 >= .85 && $7 >= .8)}'
}
