"""Makes photo_student.pt, the student of tests/Cli/KillTests.fs: three small stages for images of 224 pixels, two classes.

    python3 tests/Golden/make_photo_student.py
"""

import pathlib
import sys

import torch
import torch.nn.functional as F
from torch import nn

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "python"))
from channel_distillation import export_network  # noqa: E402


class Student(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = nn.Sequential(nn.Conv2d(3, 8, 7, 8, bias=False), nn.BatchNorm2d(8))
        self.layer2 = nn.Sequential(nn.Conv2d(8, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16))
        self.layer3 = nn.Sequential(nn.Conv2d(16, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16))
        self.dropout = nn.Dropout(0.1)
        self.fc = nn.Linear(16, 2)

    def forward(self, x):
        stage1 = F.relu(self.layer1(x))
        stage2 = F.relu(self.layer2(stage1))
        stage3 = F.relu(self.layer3(stage2))
        embedding = stage3.mean([2, 3])
        return [stage1, stage2, stage3, embedding, self.fc(self.dropout(embedding))]


torch.manual_seed(0)
export_network(
    Student(),
    HERE / "photo_student.pt",
    image=(3, 224, 224),
    taps=["stage1", "stage2", "stage3", "embedding", "logits"],
    train=True,
)
