#!/usr/bin/env python3
"""cls.py: makes cls.tns, what PyTorch in float64 makes of ten training steps of the study's classifiers 3 and 5 (pipelines/nets), narrow and on small photos.

Run by hand, with PyTorch: python3 tests/golden/cls.py. The tests need only its output. Nothing that goes in is stored: initial
weights and photos are a formula of integers, `number` in formula.py, which tests/c/golden.c repeats. Dropout is off.

cls.tns holds, for each of model3, model5:
    MODEL/losses        [10, 2]: cross-entropy and penalty before each step
    MODEL/grad/KEY      the first step's gradient of a parameter, penalty included
    MODEL/end/KEY       parameters and running statistics after the last step
    cam/z, cam/LAYER    Grad-CAM of c2 (after its ReLU) and bn3 of model3 for the first two photos of step 0, in inference, with the initial weights and other
                        running statistics
The two also differ in all else that has two forms: see `forms`.
"""
import math
import os

import torch
import torch.nn as nn
import torch.nn.functional as F

from formula import centred, frame, number

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

STEPS, BATCH, SIDE, WIDTH, DENSE, DENSE2 = 10, 6, 32, 4, 12, 8

forms = {
    # Keras' Adam, a rate that falls by .9 in 3 steps, all samples alike
    'model3': dict(l2=0, lr=3e-3, rate=lambda t: .9 ** (t / 3), adam=True, weights=(1, 1)),
    # stochastic gradient descent with momentum, a cosine over 8 steps, the positive class weighs more
    'model5': dict(l2=.01, lr=3e-2, rate=lambda t: (1 + math.cos(math.pi * min(t / 8, 1))) / 2, adam=False, weights=(.8, 1.5)),
}


def initial(key, shape):
    v = centred(key, *shape)
    if len(shape) > 1:
        return v * (4 / math.sqrt(math.prod(shape[1:])))
    return v * .2 + (1 if key.endswith('.weight') else 0)  # batch norm's scale; biases


class KerasNorm(nn.Module):
    """Batch norm whose running variance is the batch's biased one, as Keras has it."""

    def __init__(self, c):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(c)), nn.Parameter(torch.zeros(c))
        self.register_buffer('running_mean', torch.zeros(c))
        self.register_buffer('running_var', torch.ones(c))

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
            self.running_mean = (.99 * self.running_mean + .01 * mean).detach()
            self.running_var = (.99 * self.running_var + .01 * var).detach()
        return F.batch_norm(x, mean, var, self.weight, self.bias, False, 0, 1e-3) if not self.training else (
            (x - mean[:, None, None]) / (var[:, None, None] + 1e-3).sqrt() * self.weight[:, None, None] + self.bias[:, None, None])


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.maps = {}
        channels, side = 3, SIDE
        for i in 1, 2, 3:
            out = WIDTH << (i - 1)
            setattr(self, f'c{i}', nn.Conv2d(channels, out, 3))
            setattr(self, f'bn{i}', KerasNorm(out))
            channels, side = out, (side - 2) // 2
        self.fc1, self.fc2, self.out = nn.Linear(side * side * channels, DENSE), nn.Linear(DENSE, DENSE2), nn.Linear(DENSE2, 1)

    def forward(self, x):
        for i in 1, 2, 3:
            x = getattr(self, f'c{i}')(x).relu()
            if i == 2:
                self.maps['c2'] = x
            x = getattr(self, f'bn{i}')(x)
            if i == 3:
                self.maps['bn3'] = x
            x = F.max_pool2d(x, 2)
        x = x.permute(0, 2, 3, 1).flatten(1)  # Facade flattens NHWC
        return self.out(self.fc2(self.fc1(x).relu()).relu()).flatten()


def photos(t):
    pixels = (number(f'photo {t}', BATCH * SIDE * SIDE * 3) >> 24).reshape(BATCH, SIDE, SIDE, 3)
    return (pixels.double() / 255).permute(0, 3, 1, 2)


def train(name, o):
    """Yields (key, tensor)."""
    net = Model()
    with torch.no_grad():
        for key, p in net.named_parameters():
            p.copy_(initial(f'{name}/{key}', p.shape))
    if name == 'model3':
        fresh = {key: v.clone() for key, v in net.named_buffers()}
        for key, v in net.named_buffers():
            v.copy_(centred(f'cam/{key}', *v.shape) + (1 if key.endswith('var') else 0))
        net.eval()
        z = net(photos(0)[:2])
        yield 'cam/z', z
        for layer, map in net.maps.items():
            g, = torch.autograd.grad(z.sum(), map, retain_graph=True)
            yield f'cam/{layer}', (g.mean((2, 3), keepdim=True) * map).sum(1).relu()
        net.train()
        for key, v in net.named_buffers():
            v.copy_(fresh[key])
    params = list(net.parameters())
    kernels = [p for key, p in net.named_parameters() if p.dim() > 1 and not key.startswith('out')]
    first, second = ([torch.zeros_like(p) for p in params] for _ in range(2))
    rows = []
    for t in range(STEPS):
        target = (torch.arange(BATCH) % 3 == t % 3).double()
        weight = torch.where(target > 0, o['weights'][1], o['weights'][0])
        z = net(photos(t))
        loss = F.binary_cross_entropy_with_logits(z, target)
        penalty = o['l2'] * sum((p * p).sum() for p in kernels)
        gradients = torch.autograd.grad(F.binary_cross_entropy_with_logits(z, target, weight) + penalty, params)
        rows.append([loss.item(), float(penalty)])
        print(name, t, rows[-1])
        if t == 0:
            for (key, _), g in zip(net.named_parameters(), gradients):
                yield f'{name}/grad/{key}', g
        lr = o['lr'] * o['rate'](t)
        with torch.no_grad():
            for p, g, m, v in zip(params, gradients, first, second):
                if o['adam']:
                    m.copy_(.9 * m + .1 * g)
                    v.copy_(.999 * v + .001 * g * g)
                    p -= lr * math.sqrt(1 - .999 ** (t + 1)) / (1 - .9 ** (t + 1)) * m / (v.sqrt() + 1e-7)
                else:
                    m.copy_(.9 * m + g)
                    p -= lr * m
    yield f'{name}/losses', torch.tensor(rows)
    for key, v in net.state_dict().items():
        yield f'{name}/end/{key}', v


path = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'cls.tns')
with open(path, 'wb') as f:
    f.write(frame('H', 0, 'kind=golden\n'))
    seq = 0
    for name, o in forms.items():
        for key, tensor in train(name, o):
            f.write(frame('R', seq, f'key={key}\n', tensor))
            seq += 1
    f.write(frame('E', seq, ''))
