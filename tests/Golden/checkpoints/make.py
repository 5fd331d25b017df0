"""Writes the checkpoints of this folder that values.json says nothing of: python3 make.py FOLDER. Made with PyTorch 1.13."""

import argparse
import collections
import datetime
import pathlib
import sys

import numpy
import torch
from torch import nn

folder = sys.argv[1] + "/"
torch.manual_seed(0)


def save(name, value, **options):
    torch.save(value, folder + name, **options)


def network():
    return nn.Sequential(collections.OrderedDict(conv1=nn.Conv2d(3, 4, 3, bias=False), fc=nn.Linear(4, 5)))


def training_checkpoint():
    """What a training script leaves, with plain values of every kind."""
    model = nn.DataParallel(network())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [30, 60])  # keeps a collections.Counter
    return {
        "epoch": 90,
        "arch": "resnet34",
        "best_acc1": torch.tensor(73.3),
        "acc": numpy.float64(71.5),
        "when": numpy.int64(3),
        "size": torch.Size([1, 2]),
        "raw": b"abc",
        "set": {1, 2},
        "state_dict": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "rng": torch.get_rng_state(),
        "device": torch.device("cuda:0"),
        "dtype": torch.float32,
    }


save("training.pth", training_checkpoint())
save("training-legacy.pth", training_checkpoint(), _use_new_zipfile_serialization=False)
types = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]
types = [getattr(torch, name) for name in types]
save("types.pth", {str(kind): torch.arange(-2, 4).to(kind) for kind in types}, pickle_protocol=4)
save("two.pth", {"model": {"a.weight": torch.ones(2)}, "ema": {"a.weight": torch.zeros(2)}})

# Classes of Python beside weights, around them, and in place of them.
save("namespace.pth", {"args": argparse.Namespace(lr=0.1), "state_dict": network().state_dict()})
save("whole.pth", nn.DataParallel(network()))


class Config(dict):
    """A configuration object, which is a dict of its own kind."""


def objects():
    """What training scripts and libraries leave beside weights."""
    config = Config(lr=0.1, shadow=torch.ones(2))
    config.frozen = True
    return {
        "epoch": 7,
        "args": argparse.Namespace(data=pathlib.PurePosixPath("/data"), lr=0.1, initial=torch.zeros(2)),
        "config": config,
        "callbacks": {nn.Identity: {"best": torch.ones(1)}},
        "when": datetime.datetime(2026, 1, 2),
        "labels": numpy.arange(3),
        "text": numpy.str_("a"),
        "state_dict": network().state_dict(),
    }


save("objects.pth", objects())
save("objects-legacy.pth", objects(), _use_new_zipfile_serialization=False)
save("objects-protocol4.pth", objects(), pickle_protocol=4)
save("dict-subclass.pth", Config(network().state_dict()))
save("arrays.pth", {name: value.numpy() for name, value in network().state_dict().items()})
save("quantized.pth", {"weight": torch.quantize_per_tensor(torch.ones(2, 3), 0.1, 0, torch.qint8)})

# Refused: no names, a program.
save("tensor.pth", torch.ones(3))
torch.jit.save(torch.jit.script(network()), folder + "script.pt")

# As PyTorch 0.x pickled parameters and tensors.
nn.Parameter.__reduce_ex__ = lambda self, protocol: (
    nn.Parameter,
    (self.data,),
    (self.requires_grad, False, collections.OrderedDict()),
)
torch.Tensor.__reduce_ex__ = lambda self, protocol: (
    torch._utils._rebuild_tensor,
    (self.storage(), self.storage_offset(), tuple(self.size()), self.stride()),
)
save(
    "parameters.pth",
    collections.OrderedDict(
        [("conv1.weight", nn.Parameter(torch.randn(4, 3, 3, 3))), ("bn1.running_mean", torch.arange(4.0))]
    ),
    _use_new_zipfile_serialization=False,
)
