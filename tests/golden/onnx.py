#!/usr/bin/env python3
"""onnx.py: makes onnx/*.onnx, small networks of seeded random weights as exporters write them, and onnx/*.tns, their inputs and what PyTorch
makes of them (channels last, as netrun gives them).

Run by hand, with PyTorch 1.13: python3 tests/golden/onnx.py. The tests need only its output. Between them they have every operator that onnx2tns knows
and PyTorch exports, in opsets 11 to 17; what PyTorch can't be made to write (a graph with its channels last, asymmetric padding, auto_pad) is encoded here
by hand, and its outputs are PyTorch's of the same arithmetic."""
import os
import struct
import sys
import warnings

import torch
import torch.nn as nn
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'formats'))
import tns

warnings.filterwarnings('ignore')
torch.set_num_threads(1)


def last(t):
    """Channels last, without the batch."""
    t = t[0]
    if t.dim() == 3: return t.permute(1, 2, 0)
    if t.dim() == 2: return t.permute(1, 0)[:, None, :]
    return t


def store(name, x, outputs):
    w = tns.Writer(open(os.path.join(HERE, 'onnx', name + '.tns'), 'wb'))
    w.head(kind='features')
    for i, t in enumerate([x] + outputs):
        t = t.detach().contiguous().float()
        w.record('input' if i == 0 else 'output%d' % i, 'f32', tuple(t.shape), t.numpy().tobytes())
    w.end()


def export(name, module, x, opset, nhwc=False, **more):
    module = module.eval()
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean.normal_(0, .2), m.running_var.uniform_(.5, 1.5), m.weight.data.uniform_(.5, 1.5), m.bias.data.normal_(0, .2)
    with torch.no_grad():
        y = module(x)
        torch.onnx.export(module, x, os.path.join(HERE, 'onnx', name + '.onnx'), opset_version=opset, input_names=['input'], **more)
    y = list(y) if isinstance(y, (tuple, list)) else [y]
    store(name, last(x), [last(t) for t in y])


class Classifier(nn.Module):
    """Convolutions of every kind, normalisation, pooling, a residual, a gate, dense layers."""
    def __init__(s):
        super().__init__()
        s.stem = nn.Sequential(nn.Conv2d(3, 8, 5, 2, 2, bias=False), nn.BatchNorm2d(8), nn.ReLU6())
        s.deep = nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1, groups=8), nn.Hardswish(), nn.Conv2d(8, 12, 1, groups=4), nn.LeakyReLU(.1))
        s.wide = nn.Sequential(nn.Conv2d(12, 12, (1, 7), padding=(0, 3)), nn.ELU(.7), nn.Conv2d(12, 12, (3, 1), (2, 1), (2, 0), (2, 1)), nn.SiLU())
        s.same = nn.Sequential(nn.Conv2d(12, 12, 3, 1, 1), nn.BatchNorm2d(12))
        s.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(12, 4, 1), nn.ReLU(), nn.Conv2d(4, 12, 1), nn.Hardsigmoid())
        s.head = nn.Sequential(nn.Flatten(), nn.Linear(12 * 2 * 7, 10), nn.Tanh(), nn.Dropout(.5), nn.Linear(10, 5), nn.Softmax(1))

    def forward(s, x):
        y = s.wide(s.deep(s.stem(x)))
        y = F.relu(y + s.same(y))
        y = F.max_pool2d(y * s.gate(y), 3, 2, ceil_mode=True)
        return s.head(F.avg_pool2d(y, 2, 1, 0)), y.mean((2, 3)), F.avg_pool2d(y, 3, 1, 1, count_include_pad=False)


class Maps(nn.Module):
    """What decoders do: transposed convolution, resizing, shuffling, padding, slicing, odd activations."""
    def __init__(s, mode, corners):
        super().__init__()
        s.a, s.b, s.t = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 1, 2, 2), nn.ConvTranspose2d(8, 4, 4, 2, 1)
        s.u, s.p, s.mode, s.corners = nn.ConvTranspose2d(8, 4, 3, 2, 1, 1, groups=2), nn.PReLU(8), mode, corners

    def forward(s, x):
        y = s.p(s.a(x))
        z = F.gelu(s.b(y))
        u = F.interpolate(z, scale_factor=2, mode=s.mode, align_corners=s.corners)
        v = F.interpolate(z, size=x.shape[2:], mode=s.mode, align_corners=s.corners)
        q = F.pixel_shuffle(z, 2)
        return (torch.cat((u, v, s.t(y), s.u(y), q, q * q.mean((2, 3), keepdim=True)), 1), F.pad(y, (1, 2, 0, 3), mode='reflect'),
                F.pad(y, (2, 0, 1, 1), mode='replicate'), F.pad(y, (1, 1, 1, 0), value=.5), y.flatten(1).softmax(1), F.mish(z).permute(0, 2, 3, 1).reshape(1, -1, 4),
                (z[:, ::2, 1:3, ::3] ** 2 / 3 - 1).abs().sqrt(), F.softplus(z).transpose(2, 3).contiguous().view(1, 16, -1), torch.exp(-z).clamp(.5, 2),
                torch.minimum(z, y * .5) - torch.maximum(z, 1 - y), (z.mean(1) + y.amax((2, 3), keepdim=True).mean(1)) * 2)


class Detector(nn.Module):
    """A head as YOLOv8's: split, boxes from bins, anchors and strides as constants, rows of candidates."""
    def __init__(s):
        super().__init__()
        s.c, s.m, s.o = nn.Conv2d(3, 16, 3, 2, 1), nn.Conv2d(8, 8, 3, 1, 1), nn.Conv2d(24, 16 + 1 + 6, 1)
        s.dfl = nn.Conv2d(4, 1, 1, bias=False)
        s.dfl.weight.data[:] = torch.arange(4.).view(1, 4, 1, 1)

    def forward(s, x):
        a, b = F.silu(s.c(x)).chunk(2, 1)
        y = s.o(torch.cat((a, b, b + F.silu(s.m(b))), 1))
        maps = [y, F.max_pool2d(y, 2)]
        rows = torch.cat([m.view(1, 23, -1) for m in maps], 2)
        grid = torch.cat([torch.stack(torch.meshgrid(torch.arange(m.shape[2]) + .5, torch.arange(m.shape[3]) + .5, indexing='ij')[::-1]).view(2, -1) for m in maps], 1)
        stride = torch.cat([torch.full((1, m.shape[2] * m.shape[3]), 2. * (i + 1)) for i, m in enumerate(maps)], 1)
        box, score, marks = rows.split((16, 1, 6), 1)
        sides = s.dfl(box.view(1, 4, 4, -1).transpose(2, 1).softmax(1)).view(1, 4, -1)
        lt, rb = sides.chunk(2, 1)
        lo, hi = grid[None] - lt, grid[None] + rb
        marks = marks.view(1, 2, 3, -1)
        points = (marks[:, :, :2] * 2 + (grid - .5)) * stride
        return torch.cat((torch.cat(((lo + hi) / 2, hi - lo), 1) * stride, score.sigmoid(), torch.cat((points, marks[:, :, 2:].sigmoid()), 2).view(1, 6, -1)), 1)


class Shuffle(nn.Module):
    """ShuffleNet's: channels change places before convolutions of one pixel, depthwise ones, scales, and a dense layer."""
    def __init__(s):
        super().__init__()
        s.a, s.b, s.n, s.c, s.d = nn.Conv2d(3, 12, 3, 2, 1), nn.Conv2d(12, 8, 1), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3, 1, 1, groups=8), nn.Linear(8 * 4 * 3, 5)

    def forward(s, x):
        def shuffle(t, g):
            n, c, h, w = t.shape
            return t.view(n, g, c // g, h, w).transpose(1, 2).contiguous().view(n, c, h, w)
        y = shuffle(F.relu(s.b(shuffle(s.a(x), 3))), 2)
        z = s.c(shuffle(s.n(y) * torch.arange(1., 9).view(1, 8, 1, 1), 4))
        return s.d(shuffle(z, 2).flatten(1)), torch.cat((shuffle(z, 2)[:, :4], z[:, 4:]), 1)


# ---- by hand: protobuf, a field at a time ----

def field(number, data):
    def varint(n):
        out = b''
        while n > 127: out, n = out + bytes([n & 127 | 128]), n >> 7
        return out + bytes([n])
    if isinstance(data, int): return varint(number << 3) + varint(data & (1 << 64) - 1)
    if isinstance(data, float): return varint(number << 3 | 5) + struct.pack('<f', data)
    data = data.encode() if isinstance(data, str) else data
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor(name, t):
    kind, form = (7, 'q') if t.dtype == torch.int64 else (1, 'f')
    return b''.join(field(1, d) for d in t.shape) + field(2, kind) + field(8, name) + field(9, struct.pack('<%d%s' % (t.numel(), form), *t.flatten().tolist()))


def node(op, ins, outs, **attributes):
    out = b''.join(field(1, i) for i in ins) + b''.join(field(2, o) for o in outs) + field(3, op + '_' + outs[0]) + field(4, op)
    for name, v in attributes.items():
        a = field(1, name)
        if isinstance(v, float): a += field(2, v) + field(20, 1)
        elif isinstance(v, int): a += field(3, v) + field(20, 2)
        elif isinstance(v, str): a += field(4, v) + field(20, 3)
        else: a += b''.join(field(8, i) for i in v) + field(20, 7)
        out += field(5, a)
    return out


def info(name, shape):
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, b''.join(field(1, field(1, d)) for d in shape))))


def model(name, opset, nodes, constants, x, y):
    graph = b''.join(field(1, n) for n in nodes) + field(2, 'graph') + b''.join(field(5, tensor(k, t)) for k, t in constants.items())
    graph += field(11, info('input', x)) + b''.join(field(12, info(n, ())) for n in y)
    open(os.path.join(HERE, 'onnx', name + '.onnx'), 'wb').write(field(1, 8) + field(2, 'by hand') + field(7, graph) + field(8, field(2, opset)))


def by_hand():
    """TensorFlow's way: channels last outside, Transpose inside, auto_pad, asymmetric pads, MatMul and Add, ReduceMean; DequantizeLinear of weights."""
    x = torch.randn(1, 9, 8, 3)
    w, v, m, k = torch.randn(6, 3, 3, 3) / 5, torch.randn(6, 6, 3, 3) / 7, torch.randn(6, 4) / 2, torch.randn(4)
    whole = torch.randint(0, 256, (6, 6, 1, 1))
    steps = torch.rand(6) / 50
    c = dict(w=w, v=v, m=m, k=k, whole=whole, steps=steps, zero=torch.full((6,), 128), row=torch.randn(1, 1, 1, 6), shape=torch.tensor([-1, 6]), six=torch.tensor(6.))
    nodes = [node('Transpose', ['input'], ['t'], perm=[0, 3, 1, 2]), node('Conv', ['t', 'w'], ['c1'], auto_pad='SAME_UPPER', strides=[2, 2]),
             node('Clip', ['c1', '', 'six'], ['r']), node('Conv', ['r', 'v'], ['c2'], pads=[0, 1, 2, 0]),
             node('DequantizeLinear', ['whole', 'steps', 'zero'], ['q'], axis=0), node('Conv', ['c2', 'q'], ['c3'], auto_pad='VALID'),
             node('Transpose', ['c3'], ['n'], perm=[0, 2, 3, 1]), node('Mul', ['n', 'row'], ['map']), node('ReduceMean', ['map'], ['mean'], axes=[1, 2], keepdims=0),
             node('MatMul', ['mean', 'm'], ['mm'], ), node('Add', ['k', 'mm'], ['score']),
             node('MatMul', ['map', 'm'], ['rows'])]
    model('channels-last', 13, nodes, c, x.shape, ['score', 'map', 'rows'])
    t = F.conv2d(F.pad(x.permute(0, 3, 1, 2), (0, 1, 1, 1)), w, None, 2)
    t = F.conv2d(F.pad(t.clamp(max=6), (1, 0, 0, 2)), v)
    t = F.conv2d(t, (whole - 128) * steps.view(6, 1, 1, 1)).permute(0, 2, 3, 1) * c['row']
    store('channels-last', x[0], [(t.mean((1, 2)) @ m + k)[0], t[0], (t @ m)[0]])


if __name__ == '__main__':
    torch.manual_seed(1)
    os.makedirs(os.path.join(HERE, 'onnx'), exist_ok=True)
    export('classifier-11', Classifier(), torch.randn(1, 3, 21, 33), 11)
    export('classifier-16', Classifier(), torch.randn(1, 3, 21, 33), 16, dynamic_axes={'input': {0: 'batch'}})
    export('maps-nearest-12', Maps('nearest', None), torch.randn(1, 3, 10, 12), 12)
    export('maps-bilinear-13', Maps('bilinear', False), torch.randn(1, 3, 10, 12), 13)
    export('maps-corners-15', Maps('bilinear', True), torch.randn(1, 3, 10, 12), 15)
    export('detector-12', Detector(), torch.randn(1, 3, 16, 24), 12)
    export('shuffle-13', Shuffle(), torch.randn(1, 3, 8, 6), 13)
    export('detector-16', Detector(), torch.randn(1, 3, 16, 24), 16)
    by_hand()
