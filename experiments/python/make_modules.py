"""Makes the TorchScript files of ../python-modules.yaml, with nothing but PyTorch:

    python3 experiments/python/make_modules.py

The teacher is trained here, on the embedded part of Fashion-MNIST; students get their initial weights, one file for each seed.
"""

import gzip
import pathlib
import struct
import sys

import torch
import torch.nn.functional as F
from torch import nn

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "python"))
from channel_distillation import export_loss, export_network  # noqa: E402

IMAGE = (1, 32, 32)
DATA = HERE.parent.parent / "data" / "fashion-mnist-mini"
# Those of data/datasets.yaml: the lab normalises images so before a network sees them.
MEAN, STD = 0.2860, 0.3530


class Block(nn.Module):
    def __init__(self, channels: int, width: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Conv2d(channels, width, 1, stride, bias=False)

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + self.shortcut(x))


class Network(nn.Module):
    """Returns its outputs as a list; their names are given when it is exported."""

    def __init__(self, width: int, dropout: float = 0.0):
        super().__init__()
        self.stem = nn.Conv2d(1, width, 3, 2, 1)
        self.layer1 = Block(width, width, 1)
        self.layer2 = Block(width, 2 * width, 2)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(2 * width, 10)

    def forward(self, x):
        stage1 = self.layer1(F.relu(self.stem(x)))
        stage2 = self.layer2(stage1)
        embedding = stage2.mean([2, 3])
        return [stage1, stage2, embedding, self.fc(self.dropout(embedding))]


OUTPUTS = ["stage1", "stage2", "embedding", "logits"]


class SoftLabels(nn.Module):
    """Knowledge distillation, as the built-in `kd`."""

    def forward(self, student, teacher, temperature: float):
        log_p = F.log_softmax(student / temperature, 1)
        return F.kl_div(log_p, F.softmax(teacher / temperature, 1), reduction="batchmean") * temperature * temperature


class Hint(nn.Module):
    """A trained projection of the student's last stage, scaled by a running mean of the teacher's energy: parameters and a buffer of its own."""

    def __init__(self, student: int, teacher: int):
        super().__init__()
        self.projection = nn.Conv2d(student, teacher, 1)
        self.register_buffer("energy", torch.ones(1))

    def forward(self, student, teacher):
        if self.training:
            self.energy.mul_(0.9).add_(0.1 * teacher.pow(2).mean())
        return F.mse_loss(self.projection(student), teacher) / self.energy.mean()


def read(name: str):
    """An IDX file: images as [count, 1, 32, 32], normalised and padded as the lab does; or labels."""
    content = gzip.open(DATA / name).read()
    dimensions = content[3]
    shape = struct.unpack(f">{dimensions}I", content[4 : 4 + 4 * dimensions])
    values = torch.frombuffer(bytearray(content[4 + 4 * dimensions :]), dtype=torch.uint8).view(*shape)
    if dimensions == 1:
        return values.long()
    return (F.pad(values.float().unsqueeze(1) / 255, (2, 2, 2, 2)) - MEAN) / STD


def trained_teacher():
    torch.manual_seed(0)
    network = Network(16)
    images, labels = read("train-images-idx3-ubyte.gz"), read("train-labels-idx1-ubyte.gz")
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=6 * (len(images) // 64))
    for _ in range(6):
        for batch in torch.randperm(len(images))[: len(images) // 64 * 64].split(64):
            loss = F.cross_entropy(network(images[batch])[-1], labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()


class Traced(nn.Module):
    """Logits alone: the stages are tapped when it is exported, as of any module of torchvision or timm."""

    def __init__(self, network: Network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x)[-1]


if __name__ == "__main__":
    torch.use_deterministic_algorithms(True)
    taps = {"stage1": "network.layer1", "stage2": "network.layer2"}
    export_network(Traced(trained_teacher()), HERE / "teacher.pt", IMAGE, taps)
    for seed in (0, 1):
        torch.manual_seed(seed)
        export_network(Network(8, dropout=0.1), HERE / f"student-{seed}.pt", IMAGE, OUTPUTS, train=True)
    export_loss(
        SoftLabels(),
        HERE / "soft_labels.pt",
        ["student.logits", "teacher.logits"],
        {"temperature": 4.0},
        title="Soft labels",
        source="Hinton et al., arXiv 1503.02531",
        formula="T^2 x mean over samples of KL(p_t || p_s), p = softmax(logits / T)",
    )
    torch.manual_seed(0)
    export_loss(Hint(16, 32), HERE / "hint.pt", ["student.stage2", "teacher.stage2"], title="Hint with a running scale")
