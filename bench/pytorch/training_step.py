"""PyTorch's side of the training-step benchmark: distils one CIFAR-stem ResNet into another, as many steps at a time as it is told.

Reads a number of steps per line from standard input, does them, and answers with the seconds they took.
    python3 training_step.py TEACHER STUDENT BATCH THREADS [DEVICE [float32|tf32|bfloat16 [eager|compile [channels-last|contiguous]]]]
"""
import sys
import time

import torch
from torch import nn
import torch.nn.functional as F
import torchvision

CLASSES = 100


# Thin ResNets of the CIFAR experiments: channels of stem and stages, blocks per stage.
THIN = {
    "resnet8": ([16, 16, 32, 64], 1),
    "resnet20": ([16, 16, 32, 64], 3),
    "resnet8x4": ([32, 64, 128, 256], 1),
    "resnet32x4": ([32, 64, 128, 256], 5),
}


class ThinResNet(nn.Module):
    """Three stages of basic blocks behind a 3x3 stem."""

    def __init__(self, name):
        super().__init__()
        widths, blocks = THIN[name]
        self.conv1 = nn.Conv2d(3, widths[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.relu = nn.ReLU(inplace=True)
        self.channels = widths[1:]
        for stage, (before, width) in enumerate(zip(widths, self.channels)):
            stride = 1 if stage == 0 else 2
            first = torchvision.models.resnet.BasicBlock(before, width, stride, self.shortcut(before, width, stride))
            rest = [torchvision.models.resnet.BasicBlock(width, width) for _ in range(blocks - 1)]
            setattr(self, f"layer{stage + 1}", nn.Sequential(first, *rest))
        self.fc = nn.Linear(widths[-1], CLASSES)

    @staticmethod
    def shortcut(before, width, stride):
        if before == width and stride == 1:
            return None
        return nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))


def torchvision_resnet(name):
    """With a 3x3 stem without pooling, for 32x32 images."""
    net = getattr(torchvision.models, name)(num_classes=CLASSES)
    net.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    net.maxpool = nn.Identity()
    last = [list(stage.children())[-1] for stage in (net.layer1, net.layer2, net.layer3, net.layer4)]
    net.channels = [(block.conv3 if hasattr(block, "conv3") else block.conv2).out_channels for block in last]
    return net


class Staged(nn.Module):
    """A ResNet that also returns its stage outputs."""

    def __init__(self, name):
        super().__init__()
        self.net = ThinResNet(name) if name in THIN else torchvision_resnet(name)
        self.channels = self.net.channels

    def forward(self, x):
        n = self.net
        x = n.relu(n.bn1(n.conv1(x)))
        features = []
        for stage in range(len(self.channels)):
            x = getattr(n, f"layer{stage + 1}")(x)
            features.append(x)
        return n.fc(x.mean((2, 3))), features


def main():
    teacher_name, student_name, batch, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    device, precision, how, layout = (sys.argv[5:9] + ["cpu", "float32", "eager", "channels-last"][len(sys.argv[5:9]) :])
    on_gpu = device.startswith("cuda")
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    teacher, student = Staged(teacher_name).eval().to(device), Staged(student_name).train().to(device)
    connectors = nn.ModuleList(
        nn.Sequential(nn.Conv2d(s, t, 1, bias=False), nn.BatchNorm2d(t), nn.ReLU()) for s, t in zip(student.channels, teacher.channels)
    ).to(device)
    if layout == "channels-last":
        teacher, student = (net.to(memory_format=torch.channels_last) for net in (teacher, student))
    optimizer = torch.optim.SGD(
        [*student.parameters(), *connectors.parameters()], lr=0.1, momentum=0.9, weight_decay=5e-4, **({"fused": True} if on_gpu else {})
    )
    images, labels = torch.randn(batch, 3, 32, 32, device=device), torch.randint(0, CLASSES, (batch,), device=device)

    def loss_of(images, labels):
        with torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            with torch.no_grad():
                _, teacher_features = teacher(images)
            logits, features = student(images)
            loss = F.cross_entropy(logits, labels)
            for connector, s, t in zip(connectors, features, teacher_features):
                loss = loss + 6 * ((connector(s).mean((2, 3)) - t.mean((2, 3))) ** 2).mean()
        return loss

    if how == "compile":
        loss_of = torch.compile(loss_of)
    print(torch.__version__, flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            loss = loss_of(images, labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            # A GPU is waited for at the end only; on the processor reading a number is free.
            if not on_gpu:
                loss.item()
        if on_gpu:
            torch.cuda.synchronize()
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
