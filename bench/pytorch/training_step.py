"""PyTorch's side of the training-step benchmark: distils one CIFAR-stem ResNet into another, as many steps at a time as it is told.

Reads a number of steps per line from standard input, does them, and answers with the seconds they took.
    python3 training_step.py TEACHER STUDENT BATCH THREADS
"""
import sys
import time

import torch
from torch import nn
import torch.nn.functional as F
import torchvision

CLASSES = 100


class Staged(nn.Module):
    """A torchvision ResNet with a 3x3 stem that also returns its stage outputs."""

    def __init__(self, name):
        super().__init__()
        self.net = getattr(torchvision.models, name)(num_classes=CLASSES)
        self.net.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        self.channels = [list(stage.children())[-1] for stage in (self.net.layer1, self.net.layer2, self.net.layer3, self.net.layer4)]
        self.channels = [(block.conv3 if hasattr(block, "conv3") else block.conv2).out_channels for block in self.channels]

    def forward(self, x):
        n = self.net
        x = n.relu(n.bn1(n.conv1(x)))
        features = []
        for stage in (n.layer1, n.layer2, n.layer3, n.layer4):
            x = stage(x)
            features.append(x)
        return n.fc(x.mean((2, 3))), features


def main():
    teacher_name, student_name, batch, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    teacher, student = Staged(teacher_name).eval(), Staged(student_name).train()
    connectors = nn.ModuleList(
        nn.Sequential(nn.Conv2d(s, t, 1, bias=False), nn.BatchNorm2d(t), nn.ReLU()) for s, t in zip(student.channels, teacher.channels)
    )
    optimizer = torch.optim.SGD([*student.parameters(), *connectors.parameters()], lr=0.1, momentum=0.9, weight_decay=5e-4)
    images, labels = torch.randn(batch, 3, 32, 32), torch.randint(0, CLASSES, (batch,))
    print(torch.__version__, flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            with torch.no_grad():
                _, teacher_features = teacher(images)
            logits, features = student(images)
            loss = F.cross_entropy(logits, labels)
            for connector, s, t in zip(connectors, features, teacher_features):
                loss = loss + 6 * ((connector(s).mean((2, 3)) - t.mean((2, 3))) ** 2).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            loss.item()
        print(time.perf_counter() - start, flush=True)


main()
