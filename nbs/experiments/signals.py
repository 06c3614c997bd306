"""Traces like those of a heart's currents, with a spike between the beats that names the class in training, and any in the test.

Three classes: normal, a raised segment behind the beat, a flat wave after it. A mask is the beat, from shortly before its
peak to the end of its wave. The settings of an arm: `spike` ('tells' or 'at random'), and `outside`, a way of
`OutsideSwap`.
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
epochs, draws, lr_range, max_trials = 10, 10, (2e-3, 2e-2), 1
CLASSES, LENGTH = ['normal', 'raised', 'flat'], 512
arms = [Arm('cross-entropy', 20), Arm('ceiling', 20, settings=dict(spike='at random')), Arm('heatmap loss', 20, {}),
        Arm('swap', 20, settings=dict(outside='other'))]


def bump(t, at, height, width): return height*np.exp(-((t - at)/width)**2/2)


def trace(label, says, rng):
    "A trace, and its mask; `says` is the class that its spikes name: up, down, or none."
    t, x, mask = np.arange(LENGTH), rng.normal(0, .06, LENGTH), np.zeros(LENGTH, np.uint8)
    raised, wave = (.1 if label == 1 else 0.), rng.normal(.2 if label == 2 else .3, .03)
    at = rng.integers(20, 60)
    while at < LENGTH:
        for place, height, width in ((-22, .12, 4), (-4, -.12, 1.5), (0, 1., 2), (4, -.2, 1.5), (34, wave, 7)):
            x += bump(t, at + place, height*rng.normal(1, .05), width)
        x += raised/(1 + np.exp(-(t - at - 8)))/(1 + np.exp(t - at - 24))
        mask[max(0, at - 8):at + 54] = 1
        spike = at + rng.integers(62, 68)
        x += bump(t, spike, (0, .5, -.5)[says], 1.2)
        at += rng.integers(100, 116)
    return x.astype(np.float32), mask


@lru_cache(8)
def traces(draw, split, n, spike='tells'):
    "Traces (n, 1, 512), classes and masks."
    rng = np.random.default_rng([draw, ['train', 'valid', 'test'].index(split)])
    y = rng.permutation(np.arange(n) % 3)
    says = y if spike == 'tells' else rng.integers(0, 3, n)
    x, masks = zip(*(trace(*o, rng) for o in zip(y, says)))
    return ImageMaskSet(np.stack(x)[:, None], y, np.stack(masks), CLASSES)


def network():
    "Three convolutions (the last map has 64 cells of 8 samples) and a mean over the cells."
    c = lambda i, o, s: nn.Sequential(nn.Conv1d(i, o, 7, s, 3), nn.BatchNorm1d(o), nn.ReLU())
    return nn.Sequential(c(1, 8, 2), c(8, 16, 2), c(16, 32, 2), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(32, 3))


def learner(cb, seed, arm, draw):
    told = arm.settings.get('spike', 'tells')
    set_seed(seed)
    dls = image_mask_dls(traces(draw, 'train', 1200, told), traces(draw, 'valid', 300, told), bs=32, device='cpu')
    cbs = [cb, OutsideSwap(arm.settings['outside'])] if 'outside' in arm.settings else [cb]
    return Learner(dls, network(), loss_func=CrossEntropyLossFlat(), metrics=accuracy, cbs=cbs)


def measure(learn, arm, draw):
    "Over test traces whose spikes say nothing; and how many answers change when they say something else."
    said = []
    for k in range(3):
        rng = np.random.default_rng([draw, 9])
        y = np.arange(300) % 3
        x = np.stack([trace(c, (c + k) % 3, np.random.default_rng([draw, 9, i]))[0] for i, c in enumerate(y)])[:, None]
        with torch.no_grad(): said.append(learn.model.eval()(torch.tensor(x)).argmax(1).numpy())
    said = np.stack(said)
    return dict(test_accuracy=float((said == y).mean()), flips=float((said != said[:1]).any(0).mean()))
