#!/usr/bin/env python3
"""wgan.py: makes wgan.tns, what PyTorch in float64, by its double backward, makes of five WGAN-GP steps of a small GAN (wgan-gen.net, wgan-critic.net).

Run by hand, with PyTorch: python3 tests/golden/wgan.py. The tests need only its output. Nothing that goes in is stored: initial weights, photos,
noise and mixtures are a formula of integers, `number` in formula.py, which tests/c/golden.c repeats.

wgan.tns holds, for each run below:
    RUN/losses           [5, 5]: loss_d, loss_g, d_real, d_fake, penalty of each step (of the critic: its last)
    RUN/grad/NET/KEY     the first step's gradient of a parameter, NET being gen or critic
    RUN/end/NET/KEY      parameters and running statistics after the last step, NET also ema
"""
import os

import torch
import torch.nn as nn

from formula import centred, frame, number
from gan import bn, initial, keras_adam

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

STEPS, BATCH, Z = 5, 4, 6

runs = {
    'none': dict(norm='none', n_critic=1, lam=10, alternate=False, lr_gen=1e-3, lr_critic=2e-3, ema=0),
    'layer': dict(norm='layer', n_critic=1, lam=5, alternate=True, lr_gen=1e-3, lr_critic=1e-3, ema=0),
    'batch': dict(norm='batch', n_critic=1, lam=10, alternate=False, lr_gen=2e-3, lr_critic=1e-3, ema=0),
    'many': dict(norm='none', n_critic=3, lam=10, alternate=True, lr_gen=1e-3, lr_critic=1e-3, ema=.5),
}


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(Z, 4 * 4 * 4, bias=False)
        self.bn0, self.bn1 = bn(nn.BatchNorm1d, 64), bn(nn.BatchNorm2d, 4)
        self.up1 = nn.ConvTranspose2d(4, 4, 5, stride=2, padding=2, output_padding=1, bias=False)
        self.up2 = nn.ConvTranspose2d(4, 3, 5, stride=2, padding=2, output_padding=1)

    def forward(self, z):
        x = self.bn0(self.fc(z)).relu().reshape(-1, 4, 4, 4).permute(0, 3, 1, 2)  # Facade's vectors become images in NHWC order
        return self.up2(self.bn1(self.up1(x)).relu()).tanh()


class Critic(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.c1, self.c2, self.c3 = nn.Conv2d(3, 4, 4, 2, 1), nn.Conv2d(4, 6, 4, 2, 1), nn.Conv2d(6, 1, 4)
        if norm == 'layer':
            self.n2 = nn.GroupNorm(1, 6, eps=1e-5)  # one group: over all of a sample, scale and shift a channel
        if norm == 'batch':
            self.n2 = bn(nn.BatchNorm2d, 6)

    def forward(self, x):
        x = self.c2(nn.functional.leaky_relu(self.c1(x), .2))
        if hasattr(self, 'n2'):
            x = self.n2(x)
        return self.c3(nn.functional.leaky_relu(x, .2)).flatten()


def photos(t, k):
    pixels = (number(f'real {t} {k}', BATCH * 16 * 16 * 3) >> 24).reshape(BATCH, 16, 16, 3)
    return (pixels.double() / 127.5 - 1).permute(0, 3, 1, 2)


def train(name, o):
    """Yields (key, tensor)."""
    gen, critic = Generator(), Critic(o['norm'])
    nets = {'gen': gen, 'critic': critic}
    for net_name, net in nets.items():
        with torch.no_grad():
            for key, p in net.named_parameters():
                p.copy_(initial(f'{net_name}/{key}', p.shape))
    params = {n: list(net.parameters()) for n, net in nets.items()}
    step = {n: keras_adam(params[n], o['lr_' + n], 0, .9, 1e-7) for n in nets}
    average = {k: v.clone() for k, v in gen.state_dict().items()}
    rows = []
    for t in range(STEPS):
        gradients = {}
        for k in range(o['n_critic']):
            last = k == o['n_critic'] - 1
            real, alpha = photos(t, k), (number(f'alpha {t} {k}', BATCH).double() / 2**32).reshape(-1, 1, 1, 1)
            made = gen(3 * centred(f'z {t} {k}', BATCH, Z))
            fake = made.detach()
            f_real = critic(real)
            mixed = (alpha * real + (1 - alpha) * fake).requires_grad_()
            g, = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
            penalty = o['lam'] * ((g.flatten(1).norm(2, 1) - 1)**2).mean()
            f_fake = critic(made if last and not o['alternate'] else fake)
            loss_d = f_fake.mean() - f_real.mean() + penalty
            gradients['critic'] = torch.autograd.grad(loss_d, params['critic'], retain_graph=True)
            if last and not o['alternate']:
                loss_g = -f_fake.mean()
                gradients['gen'] = torch.autograd.grad(loss_g, params['gen'])
            step['critic'](gradients['critic'])
        if o['alternate']:
            loss_g = -critic(gen(3 * centred(f'z {t} {o["n_critic"]}', BATCH, Z))).mean()
            gradients['gen'] = torch.autograd.grad(loss_g, params['gen'])
        step['gen'](gradients['gen'])
        keep = min(o['ema'], (2 + t) / (11 + t))
        for key, v in gen.state_dict().items():
            average[key] = keep * average[key] + (1 - keep) * v
        rows.append([v.item() for v in (loss_d, loss_g, f_real.mean(), f_fake.mean(), penalty)])
        print(name, t, *(f'{v:.6f}' for v in rows[-1]))
        if t == 0:
            for n, net in nets.items():
                for (key, _), g in zip(net.named_parameters(), gradients[n]):
                    yield f'{name}/grad/{n}/{key}', g
    yield f'{name}/losses', torch.tensor(rows)
    ends = {n: net.state_dict() for n, net in nets.items()}
    if o['ema']:
        ends['ema'] = average
    for n, state in ends.items():
        for key, v in state.items():
            if not key.endswith('num_batches_tracked'):
                yield f'{name}/end/{n}/{key}', v


if __name__ == '__main__':
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'wgan.tns')
    with open(path, 'wb') as f:
        f.write(frame('H', 0, 'kind=golden\n'))
        seq = 0
        for name, o in runs.items():
            for key, tensor in train(name, o):
                f.write(frame('R', seq, f'key={key}\n', tensor))
                seq += 1
        f.write(frame('E', seq, ''))
