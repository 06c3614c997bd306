"""The same with three times as many images, and so three times as many steps: does the picture change?

See pretrained.py, beside which this file lies.
"""
from dataclasses import replace

from heatcam.heart.arms import AT_RANDOM, SWAP
import pretrained
from pretrained import endpoints, fit, head_and_body  # noqa: F401

epochs, draws, lr_range = pretrained.epochs, 10, pretrained.lr_range
arms = [dict(name='cross-entropy', n=5), dict(name='ceiling', n=5, settings=AT_RANDOM), dict(name='swap', n=5, settings=SWAP)]
task = replace(pretrained.task, n_train=1920, seed=2000)


def learner(cb, seed, arm, draw):
    learn = task.learner(cb, seed, arm, draw)
    learn.splitter = head_and_body
    return learn


def measure(learn, arm, draw): return task.measure(learn, arm, draw)
