#!/usr/bin/env python3
"""face-train.py: trains the small face detector of pipelines/models/face.tns on drawn photos. face.mk runs it. It needs PyTorch, NumPy and Pillow.

    face-train.py OUT.npz DRAWN.tns...           # OUT.npz.state continues an interrupted run

DRAWN.tns are u8 images with face= and landmarks= lines, as drawface writes them. The network is YOLOv8's topology (nets/yolov8n.net) at half the
width of its n scale, with five landmarks. Its parameters have ultralytics' names, so that `wgt2tns --net` takes OUT.npz, where they are f16.

Every sample is put together from one or four photos, each at a random scale, place and angle, mirrored or not. Then it loses what makes a drawing look like
one: colours, contrast and white balance change; noise of all scales, uneven light, blur, sharpening, JPEG, and things in front are added.
Losses are YOLOv8's (Jocher et al. 2023): task-aligned assignment (Feng et al. 2021), CIoU (Zheng et al. 2020), distribution focal loss (Li et al. 2020), binary
cross-entropy; and L1 for landmarks. AdamW; its rate falls along a cosine and, over the last fifth of the steps, to nothing. The result is a moving
average of the weights. On one machine one seed gives one result, interrupted or not: it takes one thread, and every sample's numbers come from (seed, step, its
place in the batch). A step takes .9 s of a core, the whole 17 minutes."""
import argparse
import io
import math
import os
import sys
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image, ImageFilter

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'formats'))
import tns  # noqa: E402

WIDTH, DEEP, BOXED, HIDDEN, MARKED = 8, 32, 32, 16, 16  # the names in yolov8n.net
MARKS, BINS, STRIDES = 5, 16, (8, 16, 32)
PAD = 114  # a letterbox's grey


# ---- the network, with ultralytics' names ----

class Conv(nn.Module):
    def __init__(self, i, o, k=1, s=1):
        super().__init__()
        self.conv = nn.Conv2d(i, o, k, s, k // 2, bias=False)
        self.bn = nn.BatchNorm2d(o, eps=1e-3, momentum=.03)

    def forward(self, x):
        return F.silu(self.bn(self.conv(x)), inplace=True)


class Bottleneck(nn.Module):
    def __init__(self, c, shortcut):
        super().__init__()
        self.cv1, self.cv2, self.shortcut = Conv(c, c, 3), Conv(c, c, 3), shortcut

    def forward(self, x):
        y = self.cv2(self.cv1(x))
        return x + y if self.shortcut else y


class C2f(nn.Module):
    def __init__(self, i, o, n, shortcut):
        super().__init__()
        self.cv1, self.cv2 = Conv(i, o), Conv(o // 2 * (2 + n), o)
        self.m = nn.ModuleList(Bottleneck(o // 2, shortcut) for _ in range(n))

    def forward(self, x):
        parts = list(self.cv1(x).chunk(2, 1))
        for m in self.m:
            parts.append(m(parts[-1]))
        return self.cv2(torch.cat(parts, 1))


class SPPF(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.cv1, self.cv2 = Conv(i, o // 2), Conv(o * 2, o)

    def forward(self, x):
        parts = [self.cv1(x)]
        for _ in range(3):
            parts.append(F.max_pool2d(parts[-1], 5, 1, 2))
        return self.cv2(torch.cat(parts, 1))


class Mean(nn.Module):
    """What a distance is: the mean of its bins."""
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(BINS, 1, 1, bias=False)
        self.conv.weight = nn.Parameter(torch.arange(BINS, dtype=torch.float).view(1, BINS, 1, 1), requires_grad=False)


class Heads(nn.Module):
    def __init__(self, channels):
        super().__init__()
        def head(c, hidden, out):
            return nn.Sequential(Conv(c, hidden, 3), Conv(hidden, hidden, 3), nn.Conv2d(hidden, out, 1))
        self.cv2 = nn.ModuleList(head(c, BOXED, 4 * BINS) for c in channels)
        self.cv3 = nn.ModuleList(head(c, HIDDEN, 1) for c in channels)
        self.cv4 = nn.ModuleList(head(c, MARKED, MARKS * 3) for c in channels)
        self.dfl = Mean()
        for box, score in zip(self.cv2, self.cv3):  # at the start faces are rare, and of a few cells
            box[2].bias.data = -.35 * torch.arange(BINS, dtype=torch.float).repeat(4)
            score[2].bias.data.fill_(-5)

    def forward(self, features):
        """Box bins [n, cells, 4, 16], score logits [n, cells], landmarks [n, cells, 5, 3] as the convolutions give them."""
        def rows(heads):
            return torch.cat([h(f).flatten(2) for h, f in zip(heads, features)], 2).transpose(1, 2)
        box, score, marks = rows(self.cv2), rows(self.cv3), rows(self.cv4)
        return box.reshape(*box.shape[:2], 4, BINS), score[..., 0], marks.reshape(*marks.shape[:2], MARKS, 3)


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        w, d = WIDTH, DEEP
        self.model = nn.ModuleList([
            Conv(3, w, 3, 2), Conv(w, 2 * w, 3, 2), C2f(2 * w, 2 * w, 1, True), Conv(2 * w, 4 * w, 3, 2), C2f(4 * w, 4 * w, 2, True),
            Conv(4 * w, 8 * w, 3, 2), C2f(8 * w, 8 * w, 2, True), Conv(8 * w, 2 * d, 3, 2), C2f(2 * d, 2 * d, 1, True), SPPF(2 * d, 2 * d),
            nn.Identity(), nn.Identity(), C2f(2 * d + 8 * w, 8 * w, 1, False), nn.Identity(), nn.Identity(), C2f(12 * w, 4 * w, 1, False),
            Conv(4 * w, 4 * w, 3, 2), nn.Identity(), C2f(12 * w, 8 * w, 1, False), Conv(8 * w, 8 * w, 3, 2), nn.Identity(),
            C2f(8 * w + 2 * d, 2 * d, 1, False), Heads((4 * w, 8 * w, 2 * d))])

    def forward(self, x):
        m = self.model
        fine = m[4](m[3](m[2](m[1](m[0](x)))))
        middle = m[6](m[5](fine))
        coarse = m[9](m[8](m[7](middle)))
        up = m[12](torch.cat([F.interpolate(coarse, scale_factor=2.), middle], 1))
        p3 = m[15](torch.cat([F.interpolate(up, scale_factor=2.), fine], 1))
        p4 = m[18](torch.cat([m[16](p3), up], 1))
        p5 = m[21](torch.cat([m[19](p4), coarse], 1))
        return m[22]((p3, p4, p5))


def cells(side):
    """Centres [cells, 2] in pixels and strides [cells] of all cells of a side x side image."""
    centre, stride = [], []
    for s in STRIDES:
        at = (torch.arange(side // s) + .5) * s
        y, x = torch.meshgrid(at, at, indexing='ij')
        centre.append(torch.stack([x.flatten(), y.flatten()], 1))
        stride.append(torch.full((at.numel() ** 2,), float(s)))
    return torch.cat(centre), torch.cat(stride)


def boxes_of(bins, centre, stride):
    """x1 y1 x2 y2 in pixels [n, cells, 4]."""
    d = (bins.softmax(-1) @ torch.arange(BINS, dtype=torch.float)) * stride[:, None]
    return torch.cat([centre - d[..., :2], centre + d[..., 2:]], -1)


# ---- photos and what is done to them ----

class Photos:
    """The records of streams, checked once, then read from where they lie."""
    def __init__(self, paths):
        self.photo = []
        for path in paths:
            data = np.memmap(path, np.uint8, 'r')
            with open(path, 'rb') as f:
                for type, dtype, shape, meta, body in tns.read(f):
                    if type != 'R':
                        continue
                    if dtype != 'u8' or len(shape) != 3 or shape[2] != 3:
                        sys.exit('%s: not u8 RGB images' % path)
                    at = f.tell() - (len(body) + 63) // 64 * 64
                    faces = [[float(v) for v in value.split(',')[:4]] for name, value in meta if name == 'face']
                    marks = [[float(v) for v in value.split(',')] for name, value in meta if name == 'landmarks']
                    if len(marks) != len(faces):
                        marks = [[0.] * MARKS * 3] * len(faces)
                    self.photo.append((data[at:at + len(body)].reshape(shape), np.array(faces, np.float32).reshape(-1, 4),
                                       np.array(marks, np.float32).reshape(-1, MARKS, 3)))
        if not self.photo:
            sys.exit('no photos')


def moved(photo, faces, marks, w, h, m, pad):
    """The photo by m (output to input pixels, 2x3) as w x h; its faces and landmarks there; and how much of each face's box is left, 0 to 1."""
    out = Image.fromarray(np.asarray(photo)).transform((w, h), Image.AFFINE, m.flatten().tolist(), Image.BILINEAR, fillcolor=pad)
    a = np.linalg.inv(m[:, :2])
    shift = -a @ m[:, 2]
    centre = (faces[:, :2] + faces[:, 2:]) / 2 @ a.T + shift
    half = np.sqrt(((faces[:, 2:] - faces[:, :2]) / 2) ** 2 @ (a ** 2).T)  # of the ellipse in the box, turned
    whole = np.concatenate([centre - half, centre + half], 1)
    box = np.clip(whole, 0, [w, h, w, h])
    seen = np.prod(box[:, 2:] - box[:, :2], 1) / np.maximum(np.prod(2 * half, 1), 1e-6)
    points = marks.copy()
    points[..., :2] = marks[..., :2] @ a.T + shift
    points[..., 2] *= (points[..., 0] >= 0) & (points[..., 0] < w) & (points[..., 1] >= 0) & (points[..., 1] < h)
    if np.linalg.det(a) < 0:
        points = points[:, [1, 0, 2, 4, 3]]
    return np.asarray(out), box, points, seen


def placed(rng, photos, w, h, pad):
    """A random photo at a random scale, place and angle in w x h."""
    photo, faces, marks = photos.photo[rng.integers(len(photos.photo))]
    ph, pw = photo.shape[:2]
    fit = min(w / pw, h / ph)  # the letterbox's scale
    if len(faces) and rng.random() < .5:  # a face as its size is drawn
        one = faces[rng.integers(len(faces))]
        want = math.exp(rng.uniform(math.log(9), math.log(.7 * min(w, h))))
        scale = np.clip(want / (one[3] - one[1]), .7 * fit, 5 * fit)
        focus = (one[:2] + one[2:]) / 2
    else:
        scale = fit * math.exp(rng.uniform(-.25, .6)) if rng.random() < .6 else fit
        focus = np.array([pw, ph]) / 2
    # Large pictures slide so that they cover, small ones lie within; the focus stays inside.
    target = np.array([w, h]) / 2 + rng.uniform(-.5, .5, 2) * np.abs(np.array([w, h]) - scale * np.array([pw, ph]))
    if scale > fit * 1.01:
        target = np.array([w, h]) * rng.uniform(.15, .85, 2)
    angle = math.radians(rng.normal(0, 10)) if rng.random() < .5 else 0
    sx = 1 / scale * math.exp(rng.normal(0, .07))
    sy = 1 / scale * math.exp(rng.normal(0, .07))
    flip = -1 if rng.random() < .5 else 1
    m = np.array([[sx * math.cos(angle) * flip, -sx * math.sin(angle) * flip], [sy * math.sin(angle), sy * math.cos(angle)]])
    return moved(photo, faces, marks, w, h, np.concatenate([m, (focus - m @ target)[:, None]], 1), pad)


def fractal(rng, side, channels, lowest):
    """Noise of all scales from lowest cells a side on, about 0 with deviation 1."""
    fall, cell = rng.uniform(.4, 1.), lowest
    out = torch.from_numpy(rng.standard_normal((1, channels, cell, cell), np.float32))
    weight = 1.
    while cell < side:
        cell, weight = min(2 * cell, side), weight * fall
        out = F.interpolate(out, (cell, cell), mode='bilinear', align_corners=False)
        if cell < side:
            out += weight * torch.from_numpy(rng.standard_normal((1, channels, cell, cell), np.float32))
    out = out[0].permute(1, 2, 0).contiguous().numpy()
    return out * np.float32(1 / (out.std() + 1e-6))


def covered(rng, image, faces):
    """Things before faces and elsewhere: plain, noisy, or a part of the picture itself. Faces keep their boxes."""
    side = image.shape[0]
    for _ in range(rng.integers(1, 5)):
        if len(faces) and rng.random() < .5:
            f = faces[rng.integers(len(faces))]
            w, h = (f[2:] - f[:2]) * rng.uniform(.15, .55, 2)
            x, y = rng.uniform(f[0] - w / 2, f[2] - w / 2), rng.uniform(f[1] - h / 2, f[3] - h / 2)
        else:
            w, h = np.exp(rng.uniform(math.log(6), math.log(side / 3), 2))
            x, y = rng.uniform(0, side - w), rng.uniform(0, side - h)
            mid = np.array([x + w / 2, y + h / 2])
            size = np.array([w, h])
            if len(faces) and np.any(np.all(np.abs((faces[:, :2] + faces[:, 2:]) / 2 - mid) < (size + faces[:, 2:] - faces[:, :2]) / 2, 1)):
                continue
        x, y, w, h = int(max(x, 0)), int(max(y, 0)), int(w) + 1, int(h) + 1
        part = image[y:y + h, x:x + w]
        if not part.size:
            continue
        h, w = part.shape[:2]
        fill = rng.uniform(0, 255, 3).astype(np.float32) + np.zeros((h, w, 3), np.float32)
        kind = rng.random()
        if kind < .4:
            fill += fractal(rng, max(h, w, 4), 3, 2)[:h, :w] * np.float32(rng.uniform(5, 50))
        elif kind < .6:
            fill += (np.sin(np.arange(w) * rng.uniform(.3, 2.5))[None, :, None] if rng.random() < .5 else
                     np.sin(np.arange(h) * rng.uniform(.3, 2.5))[:, None, None]) * rng.uniform(10, 90)
        if rng.random() < .5:
            v, u = np.ogrid[-1:1:h * 1j, -1:1:w * 1j]
            part[:] = np.where((u * u + v * v < 1)[..., None], fill, part)
        else:
            part[:] = fill


def weathered(rng, image, faces):
    """What cameras, light and storage do to a picture, float [side, side, 3] of 0 to 255; u8."""
    side = image.shape[0]
    if rng.random() < .5:
        covered(rng, image, faces)
    if rng.random() < .5:  # uneven light, as real skin and rooms have
        image *= np.exp(fractal(rng, side, 1, int(rng.integers(2, 12))) * np.float32(rng.uniform(.03, .3)))
    if rng.random() < .5:  # texture
        image += fractal(rng, side, 3 if rng.random() < .5 else 1, int(rng.integers(12, 90))) * np.float32(rng.uniform(1, 14))
    # one affine map of the colours: contrast, brightness, white balance, saturation down to grey
    colours, shift = np.eye(3), np.zeros(3)
    if rng.random() < .7:
        gain, mean = math.exp(rng.normal(0, .3)), image[::8, ::8].mean()
        colours, shift = colours * gain, shift + mean * (1 - gain) + rng.normal(0, 20)
    if rng.random() < .7:
        balance = np.exp(rng.normal(0, .12, 3))
        colours, shift = colours * balance, shift * balance
    if rng.random() < .7:
        keep = 0 if rng.random() < .2 else rng.uniform(.3, 1.6)
        mix = keep * np.eye(3) + (1 - keep) * np.array([.299, .587, .114])[:, None]
        colours, shift = colours @ mix, shift @ mix
    image = (image.reshape(-1, 3) @ colours.astype(np.float32) + shift.astype(np.float32)).reshape(image.shape)
    image = np.clip(image, 0, 255).astype(np.uint8)
    if rng.random() < .5:
        image = (255 * (np.arange(256) / 255) ** math.exp(rng.normal(0, .35))).astype(np.uint8)[image]
    picture = Image.fromarray(image)
    blur = rng.random()
    if blur < .15:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(.3, 1.4)))
    elif blur < .35:
        less = int(side * rng.uniform(.4, .9))
        picture = picture.resize((less, less), Image.BILINEAR).resize((side, side), Image.BICUBIC)
    if rng.random() < .35:
        picture = picture.filter(ImageFilter.UnsharpMask(rng.uniform(.5, 2), int(rng.uniform(30, 200)), 0))
    if rng.random() < .4:
        sigma = np.float32(rng.uniform(1, 14))
        noise = sigma * rng.standard_normal((side, side, 3 if rng.random() < .5 else 1), np.float32)
        picture = Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))
    if rng.random() < .5:
        held = io.BytesIO()
        picture.save(held, 'JPEG', quality=int(rng.integers(20, 96)))
        picture = Image.open(held)
    return np.asarray(picture)


LEAST = 6.  # pixels a side; what is smaller is neither a face nor none


def sample(rng, photos, side):
    """A picture [side, side, 3] u8, boxes [n, 4], landmarks [n, 5, 3], and which of them only mustn't count as background."""
    pad = (PAD,) * 3 if rng.random() < .6 else tuple(int(v) for v in rng.integers(0, 256, 3))
    if rng.random() < .7:
        image, box, points, seen = placed(rng, photos, side, side, pad)
    else:  # four, about a cross that isn't in the middle
        cx, cy = (int(v) for v in rng.uniform(.3, .7, 2) * side)
        image = np.empty((side, side, 3), np.uint8)
        parts = []
        for x, y, w, h in ((0, 0, cx, cy), (cx, 0, side - cx, cy), (0, cy, cx, side - cy), (cx, cy, side - cx, side - cy)):
            part, box, points, seen = placed(rng, photos, w, h, pad)
            image[y:y + h, x:x + w] = part
            points[..., :2] += (x, y)
            parts.append((box + np.array([x, y, x, y]), points, seen))
        box, points, seen = (np.concatenate(p) for p in zip(*parts))
    keep = seen > .2
    box, points, seen = box[keep], points[keep], seen[keep]
    doubtful = (seen < .5) | (np.min(box[:, 2:] - box[:, :2], 1) < LEAST)
    return weathered(rng, image.astype(np.float32), box), box, points, doubtful


# ---- losses ----

def ciou(a, b):
    """Complete IoU of boxes x1 y1 x2 y2, and plain IoU."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    inter = (high - low).clamp(min=0).prod(-1)
    wa, wb = (a[..., 2:] - a[..., :2]).clamp(min=1e-3), b[..., 2:] - b[..., :2]
    iou = inter / (wa.prod(-1) + wb.prod(-1) - inter + 1e-7)
    hull = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    apart = ((a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) ** 2).sum(-1) / 4 / ((hull ** 2).sum(-1) + 1e-7)
    v = 4 / math.pi ** 2 * (torch.atan(wb[..., 0] / wb[..., 1]) - torch.atan(wa[..., 0] / wa[..., 1])) ** 2
    with torch.no_grad():
        alpha = v / (v - iou + 1 + 1e-7)
    return iou - apart - alpha * v, iou


def assign(score, box, face, image, centre, stride):
    """Task-aligned: each face, of the picture image[i], gets its ten best cells by score^.5 * IoU^6. Gives the cells chosen: picture, face, cell, and what each counts."""
    reach = torch.maximum((face[:, None, 2:] - face[:, None, :2]) / 2, .75 * stride[:, None].clamp(max=8))
    inside = ((centre - (face[:, None, :2] + face[:, None, 2:]) / 2).abs() < reach).all(-1)
    iou = ciou(box[image], face[:, None])[1].clamp(min=0) * inside
    metric = score[image].sigmoid() ** .5 * iou ** 6 + inside * 1e-9
    best = metric.topk(10, 1)
    chosen = torch.zeros_like(metric).scatter_(1, best.indices, (best.values > 0).float())
    # a cell that two faces want is that's which it fits best
    claim = torch.zeros_like(score) - 1
    fit = (iou + 1e-6) * chosen
    for i in range(len(face)):
        claim[image[i]] = torch.maximum(claim[image[i]], fit[i])
    chosen = chosen.bool() & (fit >= claim[image]) & (fit > 0)
    metric, iou = metric * chosen, iou * chosen
    weight = metric / (metric.amax(1, keepdim=True) + 1e-12) * iou.amax(1, keepdim=True)
    which, cell = chosen.nonzero(as_tuple=True)
    return image[which], which, cell, weight[which, cell]


def losses(out, targets, centre, stride):
    """Box, bins, score and landmark losses of a batch; targets: (boxes, landmarks, doubtful) an image."""
    bins, score, marks = out
    box = boxes_of(bins, centre, stride)
    image = torch.tensor([i for i, t in enumerate(targets) for d in t[2] if not d], dtype=torch.long)
    face = torch.tensor(np.concatenate([t[0][~t[2]] for t in targets]), dtype=torch.float)
    points = torch.tensor(np.concatenate([t[1][~t[2]] for t in targets]), dtype=torch.float)
    want, counts = torch.zeros_like(score), torch.ones_like(score)
    for i, t in enumerate(targets):
        for b in t[0][t[2]]:
            counts[i][((centre >= torch.tensor(b[:2] - 4)) & (centre <= torch.tensor(b[2:] + 4))).all(1)] = 0
    if not len(face):
        return [score.sum() * 0] * 2 + [F.binary_cross_entropy_with_logits(score, want, counts, reduction='sum')] + [score.sum() * 0]
    with torch.no_grad():
        at, which, cell, weight = assign(score, box, face, image, centre, stride)
        want[at, cell], counts[at, cell] = weight, 1.
        total = weight.sum().clamp(min=1)
    target, here, step = face[which], centre[cell], stride[cell]
    loss_box = ((1 - ciou(box[at, cell], target)[0]) * weight).sum() / total
    d = (torch.cat([here - target[:, :2], target[:, 2:] - here], 1) / step[:, None]).clamp(0, BINS - 1.01)
    low = d.floor().long()
    logs = bins[at, cell].log_softmax(-1)
    dfl = -(logs.gather(2, low[..., None])[..., 0] * (low + 1 - d) + logs.gather(2, low[..., None] + 1)[..., 0] * (d - low))
    loss_bins = (dfl.mean(1) * weight).sum() / total
    loss_score = F.binary_cross_entropy_with_logits(score, want, counts, reduction='sum') / total
    m = marks[at, cell]
    guess = m[..., :2] * 2 * step[:, None, None] + (here - .5 * step[:, None])[:, None]
    scale = (target[:, 2:] - target[:, :2]).prod(1).sqrt()
    off = F.smooth_l1_loss(guess / scale[:, None, None], points[which][..., :2] / scale[:, None, None], beta=.05, reduction='none').sum(2)
    known = (points[which][..., :2] != 0).any(-1).float()
    loss_marks = ((off * known).mean(1) * weight).sum() / total
    sight = F.binary_cross_entropy_with_logits(m[..., 2], points[which][..., 2], reduction='none')
    return [loss_box, loss_bins, loss_score, loss_marks + .05 * ((sight * known).mean(1) * weight).sum() / total]


GAIN = (7.5, 1.5, .7, 8.)


# ---- training ----

def batch_of(seed, step, batch, photos, side):
    images, targets = [], []
    for i in range(batch):
        rng = np.random.Generator(np.random.PCG64([seed, step, i]))
        image, box, points, doubtful = sample(rng, photos, side)
        images.append(image)
        targets.append((box, points, doubtful))
    return np.stack(images), targets


def save(path, weights):
    with open(path + '.new', 'wb') as f:
        np.savez(f, **{k: v.numpy().astype(np.float16) for k, v in weights.items() if 'num_batches' not in k})
    os.rename(path + '.new', path)


def train(args):
    photos = Photos(args.photos)
    torch.manual_seed(args.seed)
    net = Detector().to(memory_format=torch.channels_last)
    decay = [p for p in net.parameters() if p.requires_grad and p.dim() > 1]
    plain = [p for p in net.parameters() if p.requires_grad and p.dim() == 1]
    opt = torch.optim.AdamW([{'params': decay, 'weight_decay': .02}, {'params': plain, 'weight_decay': 0}], lr=args.lr, betas=(.9, .99))
    ema = {k: v.clone() for k, v in net.state_dict().items()}
    state, first = args.out + '.state', 0
    if os.path.exists(state):
        held = torch.load(state)
        net.load_state_dict(held['net']), opt.load_state_dict(held['opt'])
        ema, first = held['ema'], held['step']
    centre, stride = cells(args.side)
    shown, began = np.zeros(4), time.time()
    for step in range(first, args.steps):
        cosine = .01 + .99 * (1 + math.cos(math.pi * step / 1700)) / 2
        for group in opt.param_groups:
            group['lr'] = args.lr * min((step + 1) / 60, cosine * min(1, (args.steps - step) / (.2 * args.steps)))
        images, targets = batch_of(args.seed, step, args.batch, photos, args.side)
        x = (torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255).contiguous(memory_format=torch.channels_last)
        parts = losses(net(x), targets, centre, stride)
        opt.zero_grad()
        sum(g * p for g, p in zip(GAIN, parts)).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 10)
        opt.step()
        keep = min(.995, (step + 1) / (step + 10))
        for k, v in net.state_dict().items():
            ema[k] = v.clone() if not v.is_floating_point() else ema[k] * keep + v * (1 - keep)
        shown += [float(p) for p in parts]
        if (step + 1) % 20 == 0:
            print('step %d  box %.3f bins %.3f score %.3f marks %.3f  %.0f s' % (step + 1, *shown / 20, time.time() - began), flush=True)
            shown[:] = 0
        if (step + 1) % 100 == 0 and step + 1 < args.steps:
            torch.save({'net': net.state_dict(), 'opt': opt.state_dict(), 'ema': ema, 'step': step + 1}, state + '.new')
            os.rename(state + '.new', state)
    save(args.out, ema)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--steps', type=int, default=1125)
    p.add_argument('--batch', type=int, default=16)
    p.add_argument('--side', type=int, default=320, help='of the training pictures, a multiple of 32')
    p.add_argument('--lr', type=float, default=3e-3)
    p.add_argument('--seed', type=int, default=0)
    p.add_argument('out', metavar='OUT.npz')
    p.add_argument('photos', metavar='DRAWN.tns', nargs='+')
    torch.set_num_threads(1)
    train(p.parse_args())


if __name__ == '__main__':
    main()
