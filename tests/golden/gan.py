#!/usr/bin/env python3
"""gan.py: makes gan.tns, what PyTorch in float64 makes of five training steps of a small GAN (gan-gen.net, gan-critic.net).

Run by hand, with PyTorch: python3 tests/golden/gan.py. The tests need only its output. Nothing that goes in is stored: initial
weights, photos and noise are a formula of integers, `number` in formula.py, which tests/c/golden.c repeats.

gan.tns holds, for each update (simultaneous, alternate):
    UPDATE/losses           [5, 4]: loss_d, loss_g, d_real, d_fake of each step
    UPDATE/grad/NET/KEY     the first step's gradient of a parameter, NET being gen or critic
    UPDATE/end/NET/KEY      parameters and running statistics after the last step
The two also differ in all else that has two forms: see `updates`.
"""
import math
import os

import torch
import torch.nn as nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from formula import centred, frame, number

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

STEPS, BATCH, Z = 5, 4, 12

updates = {
    # Keras' Adam, and no smoothing
    'simultaneous': dict(keras_eps=True, lr_gen=1e-3, lr_critic=2e-3, beta1=.9, beta2=.999, eps=1e-7, real=1, fake=0),
    # PyTorch's own Adam, and both targets smoothed
    'alternate': dict(keras_eps=False, lr_gen=2e-3, lr_critic=1e-3, beta1=.5, beta2=.99, eps=1e-8, real=.9, fake=.1),
}


def initial(key, shape):
    v = centred(key, *shape)
    if len(shape) > 1:
        return v * (4 / math.sqrt(math.prod(shape[1:])))
    return v * .2 + (1 if key.endswith('.weight') else 0)  # batch norm's scale; biases


def bn(norm, c):
    return norm(c, eps=1e-3, momentum=.01)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(Z, 8 * 8 * 6, bias=False)
        self.bn0 = bn(nn.BatchNorm1d, 8 * 8 * 6)
        for i, (a, b) in enumerate([(6, 6), (6, 4), (4, 3)], 1):
            setattr(self, f'up{i}', nn.ConvTranspose2d(a, b, 5, stride=2, padding=2, output_padding=1, bias=i == 3))
        self.bn1, self.bn2 = bn(nn.BatchNorm2d, 6), bn(nn.BatchNorm2d, 4)

    def forward(self, z):
        x = self.bn0(self.fc(z)).relu()
        x = x.reshape(-1, 8, 8, 6).permute(0, 3, 1, 2)  # Facade's vectors become images in NHWC order
        x = self.bn1(self.up1(x)).relu()
        x = self.bn2(self.up2(x)).relu()
        return self.up3(x).tanh()


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        for i, (a, b) in enumerate([(3, 4), (4, 6), (6, 8), (8, 12)], 1):
            setattr(self, f'c{i}', nn.Conv2d(a, b, 4, stride=2, padding=1))
            if i > 1:
                setattr(self, f'bn{i}', bn(nn.BatchNorm2d, b))
        self.c5 = nn.Conv2d(12, 1, 4)

    def forward(self, x):
        x = nn.functional.leaky_relu(self.c1(x), .2)
        for i in 2, 3, 4:
            x = nn.functional.leaky_relu(getattr(self, f'bn{i}')(getattr(self, f'c{i}')(x)), .2)
        return self.c5(x).flatten()


def keras_adam(parameters, lr, beta1, beta2, eps):
    """A step function, given the gradients: w -= lr*sqrt(1-b2^t)/(1-b1^t) * m/(sqrt(v)+eps)."""
    state = [(torch.zeros_like(p), torch.zeros_like(p)) for p in parameters]
    t = 0

    def step(gradients):
        nonlocal t
        t += 1
        rate = lr * math.sqrt(1 - beta2**t) / (1 - beta1**t)
        with torch.no_grad():
            for p, g, (m, v) in zip(parameters, gradients, state):
                m.copy_(beta1 * m + (1 - beta1) * g)
                v.copy_(beta2 * v + (1 - beta2) * g * g)
                p -= rate * m / (v.sqrt() + eps)

    return step


def torch_adam(parameters, lr, beta1, beta2, eps):
    optimiser = torch.optim.Adam(parameters, lr=lr, betas=(beta1, beta2), eps=eps)

    def step(gradients):
        for p, g in zip(parameters, gradients):
            p.grad = g
        optimiser.step()

    return step


def train(name, o):
    """Yields (key, tensor)."""
    nets = {'gen': Generator(), 'critic': Critic()}
    for net_name, net in nets.items():
        with torch.no_grad():
            for key, p in net.named_parameters():
                p.copy_(initial(f'{net_name}/{key}', p.shape))
    gen, critic = nets['gen'], nets['critic']
    params = {n: list(net.parameters()) for n, net in nets.items()}
    adam = keras_adam if o['keras_eps'] else torch_adam
    step = {n: adam(params[n], o['lr_' + n], o['beta1'], o['beta2'], o['eps']) for n in nets}

    def loss(logits, target):
        return bce(logits, torch.full_like(logits, target))

    rows = []
    for t in range(STEPS):
        pixels = (number(f'real {t}', BATCH * 64 * 64 * 3) >> 24).reshape(BATCH, 64, 64, 3)
        real = pixels.double() / 127.5 - 1
        fake = gen(3 * centred(f'z {t}', BATCH, Z))
        logits_real = critic(real.permute(0, 3, 1, 2))
        gradients = {}
        if name == 'simultaneous':
            logits_fake = critic(fake)
            loss_d = loss(logits_real, o['real']) + loss(logits_fake, o['fake'])
            loss_g = loss(logits_fake, 1)
            gradients['gen'] = torch.autograd.grad(loss_g, params['gen'], retain_graph=True)
            gradients['critic'] = torch.autograd.grad(loss_d, params['critic'])
            step['critic'](gradients['critic'])
        else:
            logits_fake = critic(fake.detach())
            loss_d = loss(logits_real, o['real']) + loss(logits_fake, o['fake'])
            gradients['critic'] = torch.autograd.grad(loss_d, params['critic'])
            step['critic'](gradients['critic'])
            loss_g = loss(critic(fake), 1)
            gradients['gen'] = torch.autograd.grad(loss_g, params['gen'])
        step['gen'](gradients['gen'])
        rows.append([v.item() for v in (loss_d, loss_g, logits_real.sigmoid().mean(), logits_fake.sigmoid().mean())])
        print(name, t, *(f'{v:.6f}' for v in rows[-1]))
        if t == 0:
            for n, net in nets.items():
                for (key, _), g in zip(net.named_parameters(), gradients[n]):
                    yield f'{name}/grad/{n}/{key}', g
    yield f'{name}/losses', torch.tensor(rows)
    for n, net in nets.items():
        for key, v in net.state_dict().items():
            if not key.endswith('num_batches_tracked'):
                yield f'{name}/end/{n}/{key}', v


if __name__ == '__main__':
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'gan.tns')
    with open(path, 'wb') as f:
        f.write(frame('H', 0, 'kind=golden\n'))
        seq = 0
        for name, o in updates.items():
            for key, tensor in train(name, o):
                f.write(frame('R', seq, f'key={key}\n', tensor))
                seq += 1
        f.write(frame('E', seq, ''))
