"""Volumes with a heart of two spheres, and a cube in a corner that names the class in training, and any in the test.

Three classes: normal, a thick wall, a wide cavity. A mask is a ball around the heart. The settings of an arm: `cube`
('tells' or 'at random'), and `outside`, a way of `OutsideSwap`.
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
from heatcam.swap import OutsideSwap

endpoints = 'test_accuracy', 'flips'
epochs, draws, lr_range, max_trials = 8, 10, (2e-3, 2e-2), 1
CLASSES, SIDE, CUBE = ['normal', 'thick', 'wide'], 32, 5
LEVELS = 60, 130, 200
arms = [Arm('cross-entropy', 20), Arm('ceiling', 20, settings=dict(cube='at random')), Arm('heatmap loss', 20, {}),
        Arm('swap', 20, settings=dict(outside='other'))]


def heart(label, rng):
    "A volume in bytes, and its mask."
    at = np.stack(np.meshgrid(*[np.arange(SIDE)]*3, indexing='ij')).astype(np.float32)
    centre = rng.uniform(13, 19, 3)
    cavity, wall = rng.normal((4., 4., 5.)[label], .3), rng.normal((2., 3., 2.)[label], .2)
    d = np.sqrt(((at - centre[:, None, None, None])**2).sum(0))
    x = rng.normal(80, 22, d.shape) + 70*(d < cavity + wall) - 60*(d < cavity)
    right = centre + rng.normal(0, 1, 3) + (0, 0, 8)
    x += 40*(np.sqrt(((at - right[:, None, None, None])**2).sum(0)) < 3)
    return x.clip(0, 255).astype(np.uint8), (d < cavity + wall + 2).astype(np.uint8)


def with_cube(volumes, names):
    "The volumes, each with the cube of the class that is named."
    res = volumes.copy()
    res[:, :CUBE, :CUBE, :CUBE] = np.array(LEVELS)[names][:, None, None, None]
    return res


@lru_cache(4)
def hearts(draw, split, n):
    "Volumes (n, 32, 32, 32), classes and masks."
    rng = np.random.default_rng([draw, ['train', 'valid', 'test'].index(split)])
    y = rng.permutation(np.arange(n) % 3)
    x, masks = zip(*(heart(k, rng) for k in y))
    return np.stack(x), y, np.stack(masks)


def volume_set(draw, split, n, cube='tells'):
    x, y, masks = hearts(draw, split, n)
    names = y if cube == 'tells' else np.random.default_rng([draw, 7]).integers(0, 3, n)
    return ImageMaskSet(with_cube(x, names)[:, None], y, masks, CLASSES)


def network():
    "Three convolutions (the last map has 4 × 4 × 4 cells) and a dense layer."
    c = lambda i, o: nn.Sequential(nn.Conv3d(i, o, 3, 2, 1), nn.BatchNorm3d(o), nn.ReLU())
    return nn.Sequential(c(1, 8), c(8, 16), c(16, 32), nn.Flatten(), nn.Linear(32*4**3, 3))


def learner(cb, seed, arm, draw):
    told = arm.settings.get('cube', 'tells')
    set_seed(seed)
    dls = image_mask_dls(volume_set(draw, 'train', 600, told), volume_set(draw, 'valid', 150, told), bs=32, device='cpu')
    cbs = [cb, OutsideSwap(arm.settings['outside'])] if 'outside' in arm.settings else [cb]
    return Learner(dls, network(), loss_func=CrossEntropyLossFlat(), metrics=accuracy, cbs=cbs)


def answers(model, x):
    with torch.no_grad(): return torch.cat([model.eval()(b.float()/255).argmax(1) for b in torch.tensor(x)[:, None].split(50)])


def measure(learn, arm, draw):
    "Over all three cubes of each test volume."
    x, y, _ = hearts(draw, 'test', 150)
    said = torch.stack([answers(learn.model, with_cube(x, np.full(len(y), k))) for k in range(3)])
    return dict(test_accuracy=float((said == torch.tensor(y)).float().mean()), flips=float((said != said[:1]).any(0).float().mean()))
