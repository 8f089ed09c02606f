#!/usr/bin/env python3
"""weights.py: makes weights/*, the same tensors of random numbers in each form that wgt2tns reads, as PyTorch and NumPy write them.

Run by hand, with PyTorch: python3 tests/golden/weights.py. `plain.npz` is what the others must equal. tied.pth holds views of one storage, transposed and
offset; nested.pth a checkpoint with its state_dict inside; module.pth names of DataParallel; keras.npz Keras' names and order of axes; half.safetensors
f16 and bf16; fortran.npz Fortran order and big-endian numbers."""
import json
import os
import struct
from collections import OrderedDict

import numpy as np
import torch

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'weights')


def safetensors(path, tensors):
    head, data = {'__metadata__': {'format': 'pt'}}, b''
    for name, (kind, shape, raw) in tensors.items():
        head[name] = {'dtype': kind, 'shape': list(shape), 'data_offsets': [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(head).encode()
    text += b' ' * (-len(text) % 8)
    open(path, 'wb').write(struct.pack('<Q', len(text)) + text + data)


def main():
    os.makedirs(HERE, exist_ok=True)
    os.chdir(HERE)
    torch.manual_seed(2)
    net = torch.nn.Sequential(OrderedDict(c=torch.nn.Conv2d(3, 4, 3), b=torch.nn.BatchNorm2d(4), f=torch.nn.Flatten(), d=torch.nn.Linear(16, 2)))
    net.b.running_mean.normal_(), net.b.running_var.uniform_(.5, 2)
    state = net.state_dict()
    arrays = {k: v.numpy() for k, v in state.items() if 'num' not in k}
    np.savez('plain.npz', **arrays)
    np.savez_compressed('packed.npz', **arrays)
    torch.save(state, 'zip.pth')
    torch.save(state, 'old.pth', _use_new_zipfile_serialization=False)
    torch.save({'epoch': 3, 'state_dict': state, 'optimizer': {'lr': 1e-3, 'betas': (.9, .999)}}, 'nested.pth')
    torch.save(OrderedDict(('module.' + k, v) for k, v in state.items()), 'module.pth')
    base = torch.arange(24.)
    torch.save({'whole': base, 'part': base[6:18].view(3, 4), 'turned': base.view(4, 6).t(), 'odd': base[1::2], 'half': base.half(), 'one': torch.tensor(7)}, 'tied.pth')
    torch.save({'whole': base, 'part': base[6:18].view(3, 4), 'turned': base.view(4, 6).t()}, 'tied-old.pth', _use_new_zipfile_serialization=False)
    torch.save(net, 'object.pth')
    safetensors('plain.safetensors', {k: ('F32', v.shape, v.tobytes()) for k, v in arrays.items()})
    safetensors('half.safetensors', {'h': ('F16', (4,), struct.pack('<4e', 1, -2, .5, 65504)), 'b': ('BF16', (2,), struct.pack('<2H', 0x3f80, 0xc000)),
                                     'i': ('I64', (), struct.pack('<q', 9)), 'd': ('F64', (1,), struct.pack('<d', .25))})
    np.savez('fortran.npz', f=np.asfortranarray(np.arange(6, dtype='<f4').reshape(2, 3)), b=np.arange(3, dtype='>f4'), s=np.float32(5))
    k = {'c/kernel': arrays['c.weight'].transpose(2, 3, 1, 0), 'c/bias:0': arrays['c.bias'], 'b/b/gamma:0': arrays['b.weight'], 'b/b/beta:0': arrays['b.bias'],
         'b/moving_mean': arrays['b.running_mean'], 'b/moving_variance': arrays['b.running_var'], 'd/kernel:0': arrays['d.weight'].T, 'd/bias': arrays['d.bias']}
    np.savez('keras.npz', **{n: np.ascontiguousarray(v) for n, v in k.items()})
    # what a hostile file would like to run
    for name, body in {'system': b'cos\nsystem\n(X\x04\x00\x00\x00trueRq\x00.', 'eval': b'c__builtin__\neval\n(X\x01\x00\x00\x001tR.', 'inst': b'(ios\nsystem\n.',
                       'stack': b'\x8c\x02os\x8c\x06system\x93)R.', 'newobj': b'ccollections\nOrderedDict\n)\x81.', 'ext': b'\x82\x01.', 'persid': b'P1\n.',
                       'build': b'K\x01}b.', 'memo': b'K\x01r\xff\xff\xff\x7f.', 'call': b'K\x01)R.', 'endless': b'(' * 3000 + b'.', 'empty': b'.'}.items():
        open('hostile-%s.pkl' % name, 'wb').write(b'\x80\x02' + body)


if __name__ == '__main__':
    main()
