"""Exports the modules of `bench torchscript` into a folder: python3 torchscript.py FOLDER PATH-OF-channel_distillation.py"""

import os
import sys

import torch
import torch.nn.functional as F
from torch import nn

folder, library = sys.argv[1:]
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), library]
from channel_distillation import export_loss, export_network  # noqa: E402
from training_step import torchvision_resnet  # noqa: E402

TAPS = {f"stage{stage}": f"layer{stage}" for stage in (1, 2, 3, 4)}


class SoftLabels(nn.Module):
    def forward(self, student, teacher, temperature: float):
        log_p = F.log_softmax(student / temperature, 1)
        return F.kl_div(log_p, F.softmax(teacher / temperature, 1), reduction="batchmean") * temperature * temperature


torch.manual_seed(0)
export_network(torchvision_resnet("resnet34"), os.path.join(folder, "teacher.pt"), (3, 32, 32), TAPS)
export_network(torchvision_resnet("resnet18"), os.path.join(folder, "student.pt"), (3, 32, 32), TAPS, train=True)
export_loss(SoftLabels(), os.path.join(folder, "kd.pt"), ["student.logits", "teacher.logits"], {"temperature": 4.0})
