"""Makes bfloat16.json: six SGD steps ResNet-14 -> ResNet-8 under PyTorch's autocast to bfloat16, and in float32 beside them.

The networks run under autocast; what they give is cast to float32, and losses, connectors, gradients and updates are float32. Weights and
images are the formula of README.md: the student's at `offset`, the teacher's at + 1, the connectors' at + 2, images of step i at + 10 + i.
`first_logits` are the student's before the first step, [batch, classes] in a row.
Run with Python 3, PyTorch 1.13 and torchvision: python3 make_bfloat16.py > bfloat16.json
"""
import json
import math

import torch
import torchvision
from torch import nn
from torch.nn import functional as F

CLASSES, BATCH, STEPS, WIDTHS = 10, 8, 6, [16, 16, 32, 64]
OPTIMIZER = {"lr": 0.01, "momentum": 0.9, "weight_decay": 5e-4}


def noise(count, offset):
    wave = 43758.5453 * torch.sin(12.9898 * torch.arange(count, dtype=torch.float64) + offset)
    return 2 * (wave - wave.floor()) - 1


def scaled(name, shape, w):
    if name.endswith("running_var"):
        return 1 + 0.2 * w.abs()
    if name.endswith("running_mean"):
        return 0.05 * w
    if len(shape) == 1:
        return 0.4 + 0.1 * w if name.endswith("weight") else 0.1 * w
    return math.sqrt(6 / (math.prod(shape) / shape[0])) * w


def fill(module, offset):
    for k, (name, tensor) in enumerate(module.state_dict().items()):
        if tensor.is_floating_point():
            tensor.copy_(scaled(name, tensor.shape, noise(tensor.numel(), offset + k)).float().reshape(tensor.shape))


class Thin(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        block = torchvision.models.resnet.BasicBlock
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        for stage, (before, width) in enumerate(zip(WIDTHS, WIDTHS[1:]), 1):
            stride = 1 if stage == 1 else 2
            changes = before != width or stride != 1
            shortcut = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width)) if changes else None
            rest = [block(width, width) for _ in range(blocks - 1)]
            setattr(self, f"layer{stage}", nn.Sequential(block(before, width, stride, shortcut), *rest))
        self.fc = nn.Linear(WIDTHS[-1], CLASSES)

    def taps(self, images, narrow):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=narrow):
            x = F.relu(self.bn1(self.conv1(images)))
            features = []
            for stage in (self.layer1, self.layer2, self.layer3):
                x = stage(x)
                features.append(x)
            logits = self.fc(x.mean((2, 3)))
        return logits.float(), [feature.float() for feature in features]


def kd(student, teacher):
    return F.kl_div(F.log_softmax(student, 1), F.softmax(teacher, 1), reduction="batchmean")


def train(weights, teacher_batch_norm, offset, narrow):
    student, teacher = Thin(1), Thin(2)
    connectors = nn.Sequential(*[nn.Sequential(nn.Conv2d(w, w, 1, bias=False), nn.BatchNorm2d(w), nn.ReLU()) for w in WIDTHS[1:]])
    with torch.no_grad():
        fill(student, offset)
        fill(teacher, offset + 1)
        fill(connectors, offset + 2)
    student.train()
    teacher.train(teacher_batch_norm == "batch_stats")
    learned = [*student.parameters(), *(connectors.parameters() if "cd" in weights else [])]
    optimizer = torch.optim.SGD(learned, **OPTIMIZER)
    steps = []
    for step in range(STEPS):
        images = noise(BATCH * 3 * 32 * 32, offset + 10 + step).float().reshape(BATCH, 3, 32, 32)
        labels = torch.tensor([(3 * row + step) % CLASSES for row in range(BATCH)])
        with torch.no_grad():
            teacher_logits, targets = teacher.taps(images, narrow)
        logits, features = student.taps(images, narrow)
        first = logits.flatten().tolist() if step == 0 else first
        parts = {
            "ce": lambda: F.cross_entropy(logits, labels),
            "kd": lambda: kd(logits, teacher_logits),
            "cd": lambda: sum(F.mse_loss(c(s).mean((2, 3)), t.mean((2, 3))) for c, s, t in zip(connectors, features, targets)),
        }
        values = {name: parts[name]() for name in weights}
        loss = sum(weight * values[name] for name, weight in weights.items())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        steps.append({"labels": labels.tolist(), "loss": loss.item(), "parts": {name: value.item() for name, value in values.items()}})
    norms = {f"{name}_weight_norm": getattr(student, name).weight.norm().item() for name in ("fc", "conv1")}
    return {"first_logits": first, "steps": steps, **norms}


def main():
    entries = []
    cases = [
        ("ce", {"ce": 1.0}, "running_stats", 3.3),
        ("ce+kd", {"ce": 1.0, "kd": 1.0}, "running_stats", 4.3),
        ("ce+kd+cd", {"ce": 1.0, "kd": 1.0, "cd": 6.0}, "running_stats", 5.3),
        ("ce+cd", {"ce": 1.0, "cd": 6.0}, "batch_stats", 6.3),
    ]
    for name, weights, batch_norm, offset in cases:
        for precision in ("float32", "bfloat16"):
            entries.append(
                {
                    "name": name,
                    "precision": precision,
                    "teacher": "resnet14",
                    "student": "resnet8",
                    "classes": CLASSES,
                    "weights": weights,
                    "teacher_batch_norm": batch_norm,
                    "offset": offset,
                    "optimizer": OPTIMIZER,
                    "batch": BATCH,
                    **train(weights, batch_norm, offset, precision == "bfloat16"),
                }
            )
    print(json.dumps(entries))


main()
