"""Images of several shapes, of which one is faint and in training never without its bright companion; in the test it is.

Four classes, of which several can be true. The square is faint. In training it is there exactly where the disc is, so the
disc tells. Each class has a mask of its own: the box of its shape where that is there, or else the boxes of all shapes.
The settings of an arm: `company` ('always' or 'at random'), `masks` ('one': the boxes of all shapes as the mask of the
image), `outside`, a way of `OutsideSwap`, `objects` (whether `ObjectSwap` exchanges objects), `deep` (six convolutions,
whose cells see 43 pixels, instead of three, whose cells see 15), and `crowded` (shapes lie anywhere and hide each other,
instead of one in each quarter).
"""
from functools import lru_cache

import numpy as np
import torch
from fastai.learner import Learner
from fastai.losses import BCEWithLogitsLossFlat
from fastai.metrics import accuracy_multi
from fastai.torch_core import set_seed
from torch import nn

from heatcam.masks import ImageMaskSet, image_mask_dls, united
from heatcam.study.trials import Arm
from heatcam.swap import ObjectSwap, OutsideSwap

endpoints = 'square_accuracy', 'test_accuracy'
epochs, draws, lr_range, max_trials = 30, 10, (2e-3, 2e-2), 1
CLASSES, SIDE, REACH = ['disc', 'ring', 'square', 'cross'], 64, 9
arms = [Arm('cross-entropy', 20), Arm('ceiling', 20, settings=dict(company='at random')),
        Arm('heatmap loss, a mask for each class', 20, {}), Arm('heatmap loss, one mask', 20, {}, dict(masks='one')),
        Arm('swap', 20, settings=dict(outside='other')), Arm('object swap', 20, settings=dict(objects=True))]
DEEP, CROWDED = dict(deep=True), dict(crowded=True)
arms += [Arm('ceiling, deep', 20, settings=DEEP | dict(company='at random')),
         Arm('heatmap loss, a mask for each class, deep', 20, {}, DEEP), Arm('object swap, deep', 20, settings=DEEP | dict(objects=True)),
         Arm('cross-entropy, crowded', 20, settings=CROWDED), Arm('ceiling, crowded', 20, settings=CROWDED | dict(company='at random')),
         Arm('heatmap loss, a mask for each class, crowded', 20, {}, CROWDED),
         Arm('object swap, crowded', 20, settings=CROWDED | dict(objects=True))]


def shape(k, dy, dx):
    "Where the shape `k` is bright, and how bright."
    d, far = np.hypot(dy, dx), np.maximum(abs(dy), abs(dx))
    return [(d <= 6)*90, ((d <= 7) & (d >= 4))*90, (far <= 6)*22, ((np.minimum(abs(dy), abs(dx)) <= 1.5) & (far <= 7))*90][k]


def picture(y, rng, crowded=False):
    "An image with the shapes that `y` says, one per quarter or anywhere, and the masks of the classes."
    t = np.arange(SIDE)
    image, boxes = rng.normal(90, 18, (SIDE, SIDE)), np.zeros((len(y), SIDE, SIDE), bool)
    for k, quarter in zip(range(len(y)), rng.permutation(len(y))):
        cy, cx = rng.uniform(10, SIDE - 10, 2) if crowded else rng.uniform(11, 21, 2) + SIDE//2*np.array(divmod(quarter, 2))
        dy, dx = (t - cy)[:, None], (t - cx)[None]
        if not y[k]: continue
        image += shape(k, dy, dx)
        boxes[k] = np.maximum(abs(dy), abs(dx)) <= REACH
    return image.clip(0, 255).astype(np.uint8), np.where(np.array(y, bool)[:, None, None], boxes, boxes.any(0)).astype(np.uint8)


@lru_cache(6)
def pictures(draw, split, n, company='always', crowded=False):
    "Images (n, 64, 64), classes (n, 4) of 0 and 1, and masks (n, 4, 64, 64)."
    rng = np.random.default_rng([draw, ['train', 'valid', 'test'].index(split)])
    y = rng.integers(0, 2, (n, len(CLASSES)))
    if company == 'always': y[:, 2] = y[:, 0]
    x, masks = zip(*(picture(o, rng, crowded) for o in y))
    return ImageMaskSet(np.stack(x), y, np.stack(masks), CLASSES, dims=2)


def network(deep=False):
    "Convolutions (the last map has 8 × 8 cells) and a mean over the cells."
    c = lambda i, o, s: (nn.Conv2d(i, o, 3, s, 1), nn.BatchNorm2d(o), nn.ReLU())
    block = lambda i, o: nn.Sequential(*c(i, o, 2), *(c(o, o, 1) if deep else ()))
    return nn.Sequential(block(1, 16), block(16, 32), block(32, 64), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, len(CLASSES)))


def learner(cb, seed, arm, draw):
    s, kw = arm.settings, {k: arm.settings[k] for k in ('company', 'crowded') if k in arm.settings}
    sets = [pictures(draw, k, n, **kw) for k, n in (('train', 1600), ('valid', 300))]
    if s.get('masks') == 'one' or 'outside' in s: sets = [ImageMaskSet(o.images, o.y, united(o.masks), CLASSES) for o in sets]
    set_seed(seed)
    dls = image_mask_dls(*sets, bs=64, device='cpu')
    cbs = [cb, *([OutsideSwap(s['outside'])] if 'outside' in s else []), *([ObjectSwap()] if 'objects' in s else [])]
    return Learner(dls, network(s.get('deep')), loss_func=BCEWithLogitsLossFlat(), metrics=accuracy_multi, cbs=cbs)


def measure(learn, arm, draw):
    "On images in which the square comes and goes as it likes."
    test = pictures(draw, 'test', 600, 'at random', arm.settings.get('crowded', False))
    with torch.no_grad(): said = torch.cat([learn.model.eval()(b.float()/255) > 0 for b in test.images.split(100)])
    right, apart = (said == (test.y > .5)).float(), test.y[:, 2] != test.y[:, 0]
    return dict(square_accuracy=float(right[:, 2].mean()), apart_accuracy=float(right[apart, 2].mean()), test_accuracy=float(right.mean()))
