"""Makes crd_models.json: networks of the CRD benchmark (arXiv 1910.10699), and MobileNet, in PyTorch, their states, tapped features and logits.

Run with Python 3 and PyTorch 1.13: python3 crd_models.py > crd_models.json
"""

import json
import math

import torch
from torch import nn
from torch.nn import functional as F


def conv(inputs, outputs, size, stride=1, groups=1, bias=False):
    return nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=bias)


def pooled(x):
    return x.mean((2, 3))


class WideBlock(nn.Module):
    def __init__(self, inputs, width, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = conv(inputs, width, 3, stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = conv(width, width, 3)
        if inputs != width:
            self.convShortcut = conv(inputs, width, 1, stride)

    def forward(self, x):
        a = F.relu(self.bn1(x))
        shortcut = self.convShortcut(a) if hasattr(self, "convShortcut") else x
        return shortcut + self.conv2(F.relu(self.bn2(self.conv1(a))))


class Wide(nn.Module):
    def __init__(self, depth, factor, classes):
        super().__init__()
        widths = [16, 16 * factor, 32 * factor, 64 * factor]
        blocks = (depth - 4) // 6
        self.conv1 = conv(3, 16, 3)
        for i in (1, 2, 3):
            layer = [WideBlock(widths[i - 1] if b == 0 else widths[i], widths[i], 2 if b == 0 and i > 1 else 1) for b in range(blocks)]
            stage = nn.Module()
            stage.layer = nn.Sequential(*layer)
            setattr(self, f"block{i}", stage)
        self.bn1 = nn.BatchNorm2d(widths[3])
        self.fc = nn.Linear(widths[3], classes)

    def taps(self, x):
        f1 = self.block1.layer(self.conv1(x))
        f2 = self.block2.layer(f1)
        f3 = self.block3.layer(f2)
        before = [self.block2.layer[0].bn1(f1), self.block3.layer[0].bn1(f2), self.bn1(f3)]
        embedding = pooled(F.relu(before[2]))
        return [f1, f2, f3], before, embedding, self.fc(embedding)


class Vgg(nn.Module):
    def __init__(self, depths, classes):
        super().__init__()
        inputs = 3
        for i, (width, depth) in enumerate(zip((64, 128, 256, 512, 512), depths)):
            layers = []
            for _ in range(depth):
                layers += [conv(inputs, width, 3, bias=True), nn.BatchNorm2d(width), nn.ReLU()]
                inputs = width
            setattr(self, f"block{i}", nn.Sequential(*layers[:-1]))
        self.classifier = nn.Linear(512, classes)

    def taps(self, x):
        large = x.shape[2] == 64
        x = F.relu(self.block0(x))
        features, before = [], []
        for i in (1, 2, 3, 4):
            if i < 4 or large:
                x = F.max_pool2d(x, 2)
            before.append(getattr(self, f"block{i}")(x))
            x = F.relu(before[-1])
            features.append(x)
        embedding = pooled(x)
        return features, before, embedding, self.classifier(embedding)


class Inverted(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        wide = inputs * expansion
        self.conv = nn.Sequential(
            conv(inputs, wide, 1), nn.BatchNorm2d(wide), nn.ReLU(),
            conv(wide, wide, 3, stride, groups=wide), nn.BatchNorm2d(wide), nn.ReLU(),
            conv(wide, outputs, 1), nn.BatchNorm2d(outputs),
        )  # fmt: skip
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.conv(x) if self.shortcut else self.conv(x)


class Mobile(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1 = nn.Sequential(conv(3, 16, 3, 2), nn.BatchNorm2d(16), nn.ReLU())
        groups, inputs = [], 16
        for expansion, width, depth, stride in [(1, 8, 1, 1), (6, 12, 2, 1), (6, 16, 3, 2), (6, 32, 4, 2), (6, 48, 3, 1), (6, 80, 3, 2), (6, 160, 1, 1)]:
            blocks = []
            for b in range(depth):
                blocks.append(Inverted(inputs, width, stride if b == 0 else 1, expansion))
                inputs = width
            groups.append(nn.Sequential(*blocks))
        self.blocks = nn.ModuleList(groups)
        self.conv2 = nn.Sequential(conv(160, 1280, 1), nn.BatchNorm2d(1280), nn.ReLU())
        self.classifier = nn.Sequential(nn.Linear(1280, classes))

    def taps(self, x):
        x = self.conv1(x)
        features = []
        for i, group in enumerate(self.blocks):
            x = group(x)
            if i in (1, 2, 4, 6):
                features.append(x)
        embedding = pooled(self.conv2(x))
        return features, features, embedding, self.classifier(embedding)


def separable(inputs, outputs, stride):
    return nn.Sequential(
        conv(inputs, inputs, 3, stride, groups=inputs), nn.BatchNorm2d(inputs), nn.ReLU(),
        conv(inputs, outputs, 1), nn.BatchNorm2d(outputs), nn.ReLU(),
    )  # fmt: skip


class Mobile1(nn.Module):
    def __init__(self, classes):
        super().__init__()
        blocks, inputs = [nn.Sequential(conv(3, 32, 3, 2), nn.BatchNorm2d(32), nn.ReLU())], 32
        for width, stride in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]:
            blocks.append(separable(inputs, width, stride))
            inputs = width
        self.model = nn.Sequential(*blocks)
        self.fc = nn.Linear(1024, classes)

    def taps(self, x):
        features, before = [], []
        for i, block in enumerate(self.model):
            y = block[:-1](x)
            x = F.relu(y)
            if i in (3, 5, 11, 13):
                features.append(x)
                before.append(y)
        embedding = pooled(x)
        return features, before, embedding, self.fc(embedding)


def shuffle(x, groups):
    n, c, h, w = x.shape
    return x.reshape(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)


class Unit1(nn.Module):
    def __init__(self, inputs, outputs, stride, first):
        super().__init__()
        self.halves, self.first = stride == 2, first
        made = outputs - inputs if self.halves else outputs
        self.conv1 = conv(inputs, made // 4, 1, groups=first)
        self.bn1 = nn.BatchNorm2d(made // 4)
        self.conv2 = conv(made // 4, made // 4, 3, stride, groups=made // 4)
        self.bn2 = nn.BatchNorm2d(made // 4)
        self.conv3 = conv(made // 4, made, 1, groups=3)
        self.bn3 = nn.BatchNorm2d(made)

    def before(self, x):
        y = shuffle(F.relu(self.bn1(self.conv1(x))), self.first)
        y = self.bn3(self.conv3(F.relu(self.bn2(self.conv2(y)))))
        return torch.cat([y, F.avg_pool2d(x, 3, 2, 1)], 1) if self.halves else y + x


class Shuffle1(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1 = conv(3, 24, 1)
        self.bn1 = nn.BatchNorm2d(24)
        inputs = 24
        for i, (width, depth) in enumerate([(240, 4), (480, 8), (960, 4)]):
            units = [Unit1(inputs, width, 2, 1 if i == 0 else 3)] + [Unit1(width, width, 1, 3) for _ in range(depth - 1)]
            setattr(self, f"layer{i + 1}", nn.Sequential(*units))
            inputs = width
        self.linear = nn.Linear(960, classes)

    def taps(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        features, before = [], []
        for layer in (self.layer1, self.layer2, self.layer3):
            for unit in layer:
                y = unit.before(x)
                x = F.relu(y)
            features.append(x)
            before.append(y)
        embedding = pooled(x)
        return features, before, embedding, self.linear(embedding)


class Halving(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        half = outputs // 2
        for i, (a, b, size) in enumerate([(inputs, inputs, 3), (inputs, half, 1), (inputs, half, 1), (half, half, 3), (half, half, 1)]):
            setattr(self, f"conv{i + 1}", conv(a, b, size, 2 if size == 3 else 1, groups=a if size == 3 else 1))
            setattr(self, f"bn{i + 1}", nn.BatchNorm2d(b))

    def forward(self, x):
        left = F.relu(self.bn2(self.conv2(self.bn1(self.conv1(x)))))
        right = self.bn4(self.conv4(F.relu(self.bn3(self.conv3(x)))))
        right = F.relu(self.bn5(self.conv5(right)))
        return shuffle(torch.cat([left, right], 1), 2)


class Split(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.half = half = width // 2
        for i, size in enumerate([1, 3, 1]):
            setattr(self, f"conv{i + 1}", conv(half, half, size, groups=half if size == 3 else 1))
            setattr(self, f"bn{i + 1}", nn.BatchNorm2d(half))

    def taps(self, x):
        same, other = x[:, : self.half], x[:, self.half :]
        other = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(other)))))
        other = self.bn3(self.conv3(other))
        return shuffle(torch.cat([same, F.relu(other)], 1), 2), torch.cat([same, other], 1)


class Shuffle2(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1 = conv(3, 24, 1)
        self.bn1 = nn.BatchNorm2d(24)
        inputs = 24
        for i, (width, depth) in enumerate([(116, 3), (232, 7), (464, 3)]):
            setattr(self, f"layer{i + 1}", nn.Sequential(Halving(inputs, width), *[Split(width) for _ in range(depth)]))
            inputs = width
        self.conv2 = conv(464, 1024, 1)
        self.bn2 = nn.BatchNorm2d(1024)
        self.linear = nn.Linear(1024, classes)

    def taps(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        features, before = [], []
        for layer in (self.layer1, self.layer2, self.layer3):
            x = layer[0](x)
            for unit in layer[1:]:
                x, y = unit.taps(x)
            features.append(x)
            before.append(y)
        embedding = pooled(F.relu(self.bn2(self.conv2(x))))
        return features, before, embedding, self.linear(embedding)


def noise(count, offset):
    wave = 43758.5453 * torch.sin(12.9898 * torch.arange(count, dtype=torch.float64) + offset)
    return 2 * (wave - wave.floor()) - 1


def fill(model, offset):
    """The weights of the golden files: entry k of the state is noise of offset + k, scaled by what it is."""
    for k, (name, target) in enumerate(model.state_dict().items()):
        if not target.is_floating_point():
            continue
        w = noise(target.numel(), offset + k)
        if name.endswith("running_var"):
            w = 1 + 0.2 * w.abs()
        elif name.endswith("running_mean"):
            w = 0.05 * w
        elif target.dim() == 1:
            w = 0.4 + 0.1 * w if name.endswith("weight") else 0.1 * w
        else:
            w = math.sqrt(6 * target.shape[0] / target.numel()) * w
        target.copy_(w.reshape(target.shape))


def numbers(tensor):
    return {"shape": list(tensor.shape), "data": [float(f"{value:.7g}") for value in tensor.flatten().tolist()]}


def channel_means(features):
    """Of the first eight channels."""
    return [numbers(pooled(feature)[:, :8]) for feature in features]


def entry(name, model, size, offset):
    fill(model, offset)
    model.eval()
    features, before, embedding, logits = model.taps(noise(2 * 3 * size * size, offset).float().reshape(2, 3, size, size))
    return {
        "arch": name,
        "stem": "cifar",
        "classes": logits.shape[1],
        "input_size": size,
        "offset": offset,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "state_dict": [[key, list(value.shape)] for key, value in model.state_dict().items()],
        "tap_shapes": [list(feature.shape) for feature in features],
        "tap_channel_means": channel_means(features),
        "pre_activation_channel_means": channel_means(before),
        "embedding": numbers(embedding[:, :8]),
        "logits": numbers(logits),
    }


def models():
    yield "wrn16-2", Wide(16, 2, 100), 32
    yield "wrn40-1", Wide(40, 1, 100), 32
    yield "vgg8", Vgg([1, 1, 1, 1, 1], 100), 32
    yield "vgg8", Vgg([1, 1, 1, 1, 1], 10), 64
    yield "vgg13", Vgg([2, 2, 2, 2, 2], 100), 32
    yield "mobilenetv2", Mobile(100), 32
    yield "shufflenetv1", Shuffle1(100), 32
    yield "shufflenetv2", Shuffle2(100), 32
    yield "mobilenetv1", Mobile1(100), 32


if __name__ == "__main__":
    with torch.no_grad():
        entries = [entry(name, model, size, 20 + i / 10) for i, (name, model, size) in enumerate(models())]
    print("[\n" + ",\n".join(json.dumps(item, separators=(",", ":")) for item in entries) + "\n]")
