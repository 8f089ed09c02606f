#!/usr/bin/env python3
"""nets.py: makes nets.tns, what PyTorch in float64 gives for small networks that hold every op of the language (lib/net.h).

Run by hand, with PyTorch: python3 tests/golden/nets.py. The tests need only its output. Weights and inputs aren't stored: they are `number` of formula.py,
which tests/c/test_nets.c repeats. A record is a network's output, [h, w, c] or [c]; its metadata `net` is the text.

Here an op is PyTorch's own function of the same meaning, in NCHW; where PyTorch has none, its formula.
"""
import os
import re

import torch
import torch.nn.functional as F

from formula import centred, frame

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

NETS = {
    'convolutions': """
input 11x9x6
a conv 8 3 stride=2 pad=1
b batchnorm eps=1e-3
c relu
d conv 8 3x1 pad=1,0,1,0 bias=no
e affine
f add < e c
g leaky .1
h conv 12 3 groups=4 pad=1,2,0,1
i conv 12 3 groups=12 dilation=2 pad=2 bias=no
j hardswish
k conv 5 2 stride=2x1 pad=same
""",
    'winograd': """
input 13x10x16
a conv 20 3 pad=1
b batchnorm eps=1e-5
c silu
d conv 16 5 pad=2
add < d input
""",
    'same': """
input 8x7x4
a conv 6 3 pad=same
b conv 6 4x5 stride=3x2 pad=same
c maxpool 3 stride=2 pad=same
""",
    'transposed': """
input 5x4x6
a convt 8 5 stride=2 crop=2,1
b prelu
c convt 6 3 stride=1 crop=1 groups=2 bias=no
d convt 4 2 stride=3
e elu .5
""",
    'pools': """
input 10x9x5
a maxpool 3 stride=2 pad=1
b maxpool 2 stride=1 dilation=2 < input
c avgpool 3 stride=1 pad=1 < input
d avgpool 3x2 stride=2x1 pad=1,1,1,1 count_pad=yes < input
e gap < a
f gmp < b
g gap < c
h gmp < d
i mean hw < input
j flatten
concat < e f g h j
""",
    'activations': """
input 4x5x9
x scale 3 -.25
a relu < x
b leaky .2 < x
c elu .7 < x
d tanh < x
e sigmoid < x
f silu < x
g softplus < x
h mish < x
i gelu < x
j hardswish < x
k clip -.5 1.25 < x
l hardsigmoid .16666666666666666 .5 < x
m exp < x
n abs < x
o sqrt < n
p power 3 < x
q prelu < x
r softmax < x
s hardsigmoid .2 .5 < x
concat < a b c d e f g h i j k l m n o p q r s
""",
    'elements': """
input 3x4x5
k constant 1x1x5
l constant 3x4x1
m constant 3x1x1
a add < k input
b mul < a l
c sub < m b
d max < c k l
e abs < c
f scale 1 .5
g div < d f
h min < g input l
mean c
concat < h l
""",
    'shapes': """
input 4x6x8
a slice h=1:4 w=0:6:2 c=2:8:3
b transpose chw < input
c slice c=0:3
d slice h=0:4 c=3:5 < input
e transpose whc
f pad 1,0,2,3 value=-.5 < d
g pad 1 mode=edge < d
h pad 2,1 mode=reflect < d
i upsample 2 < d
j reshape 4x12x4 < input
k reshape 16x3x4
l transpose wch
m flatten < a
n flatten < c
o flatten < e
p flatten < f
q flatten < g
r flatten < h
s flatten < i
t flatten < l
concat < m n o p q r s t
""",
    'resizes': """
input 5x7x3
a resize 8x4
b resize 9x11 mode=bilinear < input
c resize 3x4 mode=bilinear < input
d resize 9x11 mode=corners < input
e resize 3x4 mode=corners < input
f concat axis=w < b d
g concat axis=w < c e
h flatten < a
i flatten < f
j flatten < g
concat < h i j
""",
    'vectors': """
input 12
a dense 10
b relu
c dropout .5
d dense 10 bias=no
e add < d b
f batchnorm
g reshape 1x2x5
h layernorm
i softmax
j flatten
k dense 7
""",
    'grid': """
input 3x4x2
a grid
add < a input
""",
    # YOLOv8's bones: halves, joins, both ways of the neck, distances from softmax over bins
    'detector': """
input 16x16x3
a conv 8 3 stride=2 pad=1 bias=no
a.bn batchnorm
a.y silu
b conv 16 1
b.y silu
b.half slice c=8:16
b.m conv 8 3 pad=1
b.n silu
b.o add < b.half b.n
b.p concat < b.y b.o
c conv 16 3 stride=2 pad=1
c.y silu
d maxpool 5 stride=1 pad=2
e maxpool 5 stride=1 pad=2
f concat < c.y d e
g upsample 2
h concat < g b.p
box conv 16 1
reshape 64x4x4
softmax
bins conv 1 1 bias=no
sides reshape 64x1x4
near slice c=0:2
far slice c=2:4 < sides
wh add < near far
cells grid < h
middles reshape 64x1x2
xy sub < middles near
concat < xy wh
""",
}

ACTIVATIONS = {
    'relu': F.relu,
    'leaky': F.leaky_relu,
    'elu': F.elu,
    'tanh': torch.tanh,
    'sigmoid': torch.sigmoid,
    'silu': F.silu,
    'softplus': F.softplus,
    'mish': F.mish,
    'gelu': F.gelu,
    'hardswish': F.hardswish,
    'exp': torch.exp,
    'sqrt': torch.sqrt,
    'abs': torch.abs,
    'clip': torch.clamp,
    'hardsigmoid': lambda x, a, b: F.hardsigmoid(x) if abs(a - 1 / 6) < 1e-9 else torch.clamp(a * x + b, 0, 1),
    'scale': lambda x, a, b=0: a * x + b,
    'power': torch.pow,
}
PAIRS = {'add': torch.add, 'sub': torch.sub, 'mul': torch.mul, 'div': torch.div, 'min': torch.minimum, 'max': torch.maximum}


def weight(key, *shape):
    v = centred(key, *shape)
    if len(shape) > 1:
        fan = 1
        for s in shape[1:]:
            fan *= s
        return v * (3 / fan**.5)
    if key.endswith('running_var'):
        return v + 1
    return v + 1 if key.endswith('.weight') else v


def two(word, sep='x'):
    v = [int(s) for s in word.split(sep)]
    return v if len(v) > 1 else v * 2


def border(word):
    """top, left, bottom, right"""
    v = [int(s) for s in word.split(',')]
    return v * 4 if len(v) == 1 else [v[0], v[0], v[1], v[1]] if len(v) == 2 else v


def same(size, k, stride):
    total = max((-(-size // stride) - 1) * stride + k - size, 0)
    return total // 2, total - total // 2


def run(name, source):
    """The output of the last line, [h, w, c] or [c]."""
    values, x = {}, None
    for line in source.strip().splitlines():
        words, _, inputs = line.partition('<')
        words = words.split()
        known = ACTIVATIONS.keys() | PAIRS.keys() | {
            'input', 'prelu', 'affine', 'constant', 'softmax', 'conv', 'convt', 'batchnorm', 'layernorm', 'dense', 'maxpool', 'avgpool', 'gap', 'gmp', 'mean',
            'dropout', 'reshape', 'flatten', 'slice', 'transpose', 'pad', 'upsample', 'grid', 'resize', 'concat'
        }
        own = '' if words[0] in known else words.pop(0)
        op, args = words[0], [w for w in words[1:] if '=' not in w]
        given = dict(w.split('=') for w in words[1:] if '=' in w)
        ins = [values[i] for i in inputs.split()] or [x]
        x, key = ins[0], f'{name}/{own}'
        bias = None
        if op in ('conv', 'convt', 'dense', 'affine') and given.get('bias') != 'no':
            bias = weight(key + '.bias', x.shape[1] if op == 'affine' else int(args[0]))
        if op == 'input':
            shape = [int(s) for s in args[0].split('x')]
            x = 2 * centred(f'{name}/input', *shape)
            x = x[None] if len(shape) == 1 else x.permute(2, 0, 1)[None]
            own = 'input'
        elif op in ACTIVATIONS:
            x = ACTIVATIONS[op](x, *map(float, args))
        elif op in PAIRS:
            for y in ins[1:]:
                x = PAIRS[op](x, y)
        elif op == 'prelu':
            x = F.prelu(x, weight(key + '.weight', x.shape[1]))
        elif op == 'affine':
            x = x * weight(key + '.weight', x.shape[1]).view(1, -1, 1, 1) + bias.view(1, -1, 1, 1)
        elif op == 'constant':
            x = weight(key + '.value', *map(int, args[0].split('x'))).permute(2, 0, 1)[None]
        elif op == 'softmax':
            x = F.softmax(x, 1)
        elif op in ('conv', 'maxpool', 'avgpool'):
            k = two(args[-1])
            stride = two(given['stride']) if 'stride' in given else [1, 1] if op == 'conv' else k
            dilation = two(given.get('dilation', '1'))
            if given.get('pad') == 'same':
                (top, bottom), (left, right) = (same(x.shape[2 + a], k[a], stride[a]) for a in (0, 1))
            else:
                top, left, bottom, right = border(given.get('pad', '0'))
            if op == 'conv':
                groups = int(given.get('groups', 1))
                w = weight(key + '.weight', int(args[0]), x.shape[1] // groups, *k)
                x = F.conv2d(F.pad(x, (left, right, top, bottom)), w, bias, stride, 0, dilation, groups)
            elif op == 'maxpool':
                x = F.max_pool2d(F.pad(x, (left, right, top, bottom), value=-1e300), k, stride, 0, dilation)
            else:
                x = F.avg_pool2d(x, k, stride, (top, left), False, given.get('count_pad') == 'yes')
        elif op == 'convt':
            k, stride, groups = two(args[1]), two(given.get('stride', '1')), int(given.get('groups', 1))
            top, left, bottom, right = border(given.get('crop', '0'))
            y = F.conv_transpose2d(x, weight(key + '.weight', x.shape[1], int(args[0]) // groups, *k), bias, stride, 0, 0, groups)
            x = y[:, :, top:y.shape[2] - bottom, left:y.shape[3] - right]
        elif op == 'dense':
            x = F.linear(x, weight(key + '.weight', int(args[0]), x.shape[1]), bias)
        elif op == 'batchnorm':
            p = [weight(f'{key}.{s}', x.shape[1]) for s in ('running_mean', 'running_var', 'weight', 'bias')]
            x = F.batch_norm(x, *p, eps=float(given.get('eps', 1e-3)))
        elif op == 'layernorm':
            w, b = (weight(f'{key}.{s}', x.shape[1]).view(-1, 1, 1).expand(x.shape[1:]) for s in ('weight', 'bias'))
            x = F.layer_norm(x, x.shape[1:], w, b, 1e-3)
        elif op == 'gap':
            x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        elif op == 'gmp':
            x = F.adaptive_max_pool2d(x, 1).flatten(1)
        elif op == 'mean':
            x = x.mean(['chw'.index(a) + 1 for a in args[0]], keepdim=True)
        elif op == 'dropout':
            pass
        elif op in ('reshape', 'flatten'):
            flat = (x if x.dim() == 2 else x.permute(0, 2, 3, 1)).reshape(1, -1)
            x = flat if op == 'flatten' else flat.reshape(1, *map(int, args[0].split('x'))).permute(0, 3, 1, 2)
        elif op == 'slice':
            parts = {a: slice(*map(int, given[a].split(':'))) for a in given}
            x = x[:, parts.get('c', slice(None)), parts.get('h', slice(None)), parts.get('w', slice(None))]
        elif op == 'transpose':
            x = x.permute(0, 2, 3, 1)[0].permute(*('hwc'.index(a) for a in args[0])).permute(2, 0, 1)[None]
        elif op == 'pad':
            top, left, bottom, right = border(args[0])
            mode = {'constant': 'constant', 'edge': 'replicate', 'reflect': 'reflect'}[given.get('mode', 'constant')]
            more = {'value': float(given.get('value', 0))} if mode == 'constant' else {}
            x = F.pad(x, (left, right, top, bottom), mode, **more)
        elif op == 'upsample':
            x = F.interpolate(x, scale_factor=int(args[0]), mode='nearest')
        elif op == 'resize':
            mode = given.get('mode', 'nearest')
            more = {} if mode == 'nearest' else {'align_corners': mode == 'corners'}
            x = F.interpolate(x, two(args[0]), mode='nearest' if mode == 'nearest' else 'bilinear', **more)
        elif op == 'grid':
            ys, xs = torch.meshgrid(torch.arange(x.shape[2]) + .5, torch.arange(x.shape[3]) + .5, indexing='ij')
            x = torch.stack((xs, ys))[None]
        elif op == 'concat':
            x = torch.cat(ins, {'c': 1, 'h': 2, 'w': 3}[given.get('axis', 'c')])
        values[own] = x
    return x[0] if x.dim() == 2 else x[0].permute(1, 2, 0)


path = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'nets.tns')
with open(path, 'wb') as f:
    f.write(frame('H', 0, 'kind=golden\n'))
    for seq, (name, source) in enumerate(NETS.items()):
        y = run(name, source)
        print(name, *y.shape)
        f.write(frame('R', seq, f'key={name}\nnet={re.sub(chr(10), "%0A", source.lstrip().replace("%", "%25"))}\n', y))
    f.write(frame('E', len(NETS), ''))
