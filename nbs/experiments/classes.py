"""Pictures of a pattern that names one of two to a thousand classes, and a strip at the rim that names it more clearly.

A class is a code of 16 bits. The pattern in the middle says it by 4 × 4 blocks, faintly; the strip along the top says it in
training by 16 bright and dark blocks, and in the test it says the code of any class. A mask is the pattern, a pixel wider
all around. The settings of an arm: `classes` (how many), and `strip` ('tells' or 'at random').
"""
from functools import lru_cache

import numpy as np
import torch
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from fastai.metrics import accuracy
from fastai.torch_core import set_seed
from torch import nn

from heatcam.masks import ImageMaskSet, image_mask_dls
from heatcam.study.trials import Arm

endpoints = 'test_accuracy',
epochs, draws, lr_range, max_trials = 10, 3, (3e-3, 6e-3), 1
CLASSES, WEIGHTS, SIDE = (2, 10, 100, 1000), (.1, .3, 1, 3, 10, 30), 32
arms = [Arm(f'{k} classes, {name}', 3, loss, dict(classes=k) | more) for k in CLASSES for name, loss, more in (
    ('cross-entropy', None, {}), ('ceiling', None, dict(strip='at random')), *((f'weight {w:g}', dict(weight=w), {}) for w in WEIGHTS))]


@lru_cache(8)
def pictures(draw, split, n, k, strip='tells'):
    "Images (n, 32, 32), classes and masks."
    codes = np.random.default_rng([draw, k]).permutation(2**16)[:k, None] >> np.arange(16) & 1
    rng = np.random.default_rng([draw, k, ['train', 'valid', 'test'].index(split)])
    y = rng.permutation(np.arange(n) % k)
    says = y if strip == 'tells' else rng.integers(0, k, n)
    x = rng.normal(100, 25, (n, SIDE, SIDE))
    blocks = codes[y].reshape(n, 4, 4).repeat(4, 1).repeat(4, 2)
    x[:, 10:26, 8:24] += 40*(2*blocks - 1)
    x[:, 1:4] = np.where(codes[says].repeat(2, 1), 220, 30)[:, None]
    masks = np.zeros((n, SIDE, SIDE), np.uint8)
    masks[:, 9:27, 7:25] = 1
    return ImageMaskSet(x.clip(0, 255).astype(np.uint8), y, masks, [str(i) for i in range(k)])


def learner(cb, seed, arm, draw):
    k, told = arm.settings['classes'], arm.settings.get('strip', 'tells')
    set_seed(seed)
    c = lambda i, o, s: nn.Sequential(nn.Conv2d(i, o, 3, s, 1), nn.BatchNorm2d(o), nn.ReLU())
    net = nn.Sequential(c(1, 8, 2), c(8, 16, 2), c(16, 16, 1), nn.Flatten(), nn.Linear(16*8*8, k))
    dls = image_mask_dls(pictures(draw, 'train', 4000, k, told), pictures(draw, 'valid', 1000, k, told), bs=64, device='cpu')
    return Learner(dls, net, loss_func=CrossEntropyLossFlat(), metrics=accuracy, cbs=cb)


def measure(learn, arm, draw):
    "On images whose strip names any class."
    test = pictures(draw, 'test', 2000, arm.settings['classes'], 'at random')
    with torch.no_grad(): said = torch.cat([learn.model.eval()(b.float()/255).argmax(1) for b in test.images.split(250)])
    return dict(test_accuracy=float((said == test.y).float().mean()))
