"""Exports the modules of PythonTests.fs into the current folder, and prints a line for each export that is refused."""

import json
import sys

import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, sys.argv[1])
from channel_distillation import ExportError, export_loss, export_network

IMAGE = (3, 224, 224)


class Network(nn.Module):
    def __init__(self, classes: int = 2):
        super().__init__()
        self.stage = nn.Sequential(nn.Conv2d(3, 8, 7, 16, 3), nn.BatchNorm2d(8), nn.ReLU())
        self.dropout = nn.Dropout(0.1)
        self.fc = nn.Linear(8, classes)

    def forward(self, x):
        return self.fc(self.dropout(self.stage(x).mean([2, 3])))


class Listed(Network):
    def forward(self, x):
        maps = self.stage(x)
        return [maps, self.fc(self.dropout(maps.mean([2, 3])))]


class Dictionary(Network):
    def forward(self, x):
        return {"logits": self.fc(self.stage(x).mean([2, 3]))}


class FunctionalDropout(Network):
    def forward(self, x):
        return F.dropout(super().forward(x), 0.5, self.training)


class DataDependent(Network):
    def forward(self, x):
        logits = self.fc(self.stage(x).mean([2, 3]))
        return logits if x.size(0) == 3 else -logits


class Loud(Listed):
    """Whoever runs it hears of it."""

    def forward(self, x):
        print("the module was run")
        maps = self.stage(x)
        return [maps, self.fc(self.dropout(maps.mean([2, 3])))]


class Counting(Listed):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        maps = self.stage(x)
        return [maps, self.fc(self.dropout(maps.mean([2, 3])))]


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.second = nn.Linear(8, 8)
        self.second.weight = self.first.weight

    def forward(self, student):
        return self.second(self.first(student)).mean()


class Difference(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, student, teacher, labels, indices, epoch: int, margin: float):
        return F.mse_loss(student * self.scale, teacher) * (margin + 0.0 * epoch) + 0.0 * indices.float().mean() * labels.float().mean()


class NoScalar(nn.Module):
    def forward(self, student):
        return student.pow(2).mean(1)


class Detached(nn.Module):
    def forward(self, student):
        return student.detach().mean()


INPUTS = ["student.stage1", "teacher.stage1", "labels", "indices", "epoch"]
torch.manual_seed(0)
export_network(Network(), "teacher.pt", IMAGE, {"stage1": "stage"})
infinite = Network()
infinite.stage[1].running_var[3] = float("inf")
export_network(infinite, "infinite.pt", IMAGE, {"stage1": "stage"})
export_network(Listed(), "student-0.pt", IMAGE, ["stage1", "logits"], train=True)
export_loss(Tied(), "tied.pt", ["student.embedding"])
difference = Difference()
state = torch.random.get_rng_state()
export_loss(difference, "difference.pt", INPUTS, {"margin": 1.0})
print(f"random state kept: {torch.equal(state, torch.random.get_rng_state())}")
torch.jit.save(torch.jit.script(Dictionary()), "dictionary.pt")
torch.jit.save(torch.jit.script(Network(3)), "three-classes.pt")
torch.save(Network().state_dict(), "weights.pt")
# With a description that states no shapes of its outputs.
described = json.dumps({"kind": "network", "image": IMAGE, "outputs": ["stage1", "logits"]})
torch.jit.save(torch.jit.script(Loud()), "loud.pt", _extra_files={"channel_distillation.json": described})


def refused(name, export):
    try:
        export()
        print(f"{name}: exported")
    except ExportError as error:
        print(f"{name}: {error}")


refused("dictionary", lambda: export_network(Dictionary(), "x.pt", IMAGE))
refused("dropout", lambda: export_network(FunctionalDropout(), "x.pt", IMAGE))
refused("control flow", lambda: export_network(DataDependent(), "x.pt", IMAGE))
refused("attribute", lambda: export_network(Counting(), "x.pt", IMAGE, ["stage1", "logits"], train=True))
refused("tap", lambda: export_network(Network(), "x.pt", IMAGE, {"stage1": "layer1"}))
refused("scalar", lambda: export_loss(NoScalar(), "x.pt", ["student.logits"]))
refused("gradient", lambda: export_loss(Detached(), "x.pt", ["student.logits"]))
refused("input", lambda: export_loss(Detached(), "x.pt", ["student.logit"]))
refused("epoch", lambda: export_loss(Detached(), "x.pt", ["epoch"]))
