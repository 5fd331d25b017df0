"""Makes methods.json: losses with layers of their own, in PyTorch, written out as plainly as their papers.

Inputs and weights are the formula of README.md: student's stage i at `offset` + i (an assistant's stages are listed after it), the teacher's at `offset` + 10 + i, embeddings at + 20
and + 30, the layers' state (in PyTorch's order) at + 100.
"""
import json
import math
import pathlib

import torch
from torch.nn import functional as F


def noise(count, offset):
    wave = 43758.5453 * torch.sin(12.9898 * torch.arange(count, dtype=torch.float64) + offset)
    return 2 * (wave - wave.floor()) - 1


def tensor(shape, offset):
    return noise(math.prod(shape), offset).float().reshape(shape)


def scaled(name, shape, w):
    if name.endswith("running_var"):
        return 1 + 0.2 * w.abs()
    if name.endswith("running_mean"):
        return 0.05 * w
    if len(shape) == 1:
        return 0.4 + 0.1 * w if name.endswith("weight") else 0.1 * w
    return math.sqrt(6 / (math.prod(shape) / shape[0])) * w


def state(shapes, offset):
    """shapes: (name, shape) in order; integers (None) count, but have no values."""
    filled = {}
    for k, (name, shape) in enumerate(shapes):
        if shape is not None:
            filled[name] = scaled(name, shape, noise(math.prod(shape), offset + k)).float().reshape(shape)
    return filled


def norm_shapes(name, channels):
    """A BatchNorm's state."""
    return [(f"{name}.{part}", [channels]) for part in ("weight", "bias", "running_mean", "running_var")] + [(f"{name}.num_batches_tracked", None)]


def batch_norm(weights, name, x):
    return F.batch_norm(x, None, None, weights[f"{name}.weight"], weights[f"{name}.bias"], training=True)


def residual(weights, stages, targets, pooled):
    half = len(stages) // 2
    total = 0
    for i, (s, a, t) in enumerate(zip(stages[:half], stages[half:], targets)):
        if s.shape[2] > t.shape[2]:
            s, a = F.adaptive_avg_pool2d(s, t.shape[2:]), F.adaptive_avg_pool2d(a, t.shape[2:])
        s, a = F.conv2d(s, weights[f"{i}.weight"]), F.conv2d(a, weights[f"{i}.weight"])
        total = total + ((s - t) ** 2).mean() + ((a - (t - s.detach())) ** 2).mean()
    return total


def leaf_inputs(student, teacher, embeddings, offset):
    stages = [tensor(shape, offset + i).requires_grad_() for i, shape in enumerate(student)]
    targets = [tensor(shape, offset + 10 + i) for i, shape in enumerate(teacher)]
    pooled = [tensor(shape, offset + at) for shape, at in zip(embeddings, (20, 30))] if embeddings else [None, None]
    if pooled[0] is not None:
        pooled[0].requires_grad_()
    return stages, targets, pooled


def entry(name, method, parameters, student, teacher, embeddings, offset, shapes, loss):
    stages, targets, pooled = leaf_inputs(student, teacher, embeddings, offset)
    weights = state(shapes, offset + 100)
    trained = [n for n, s in shapes if s is not None and "running" not in n]
    for n in trained:
        weights[n].requires_grad_()
    value = loss(weights, stages, targets, pooled)
    value.backward()
    leaves = stages + ([pooled[0]] if pooled[0] is not None else [])
    return {
        "name": name, "method": method, "params": parameters, "offset": offset,
        "student": student, "teacher": teacher, "embeddings": embeddings or [],
        "value": value.item(),
        "grads": [[] if x.grad is None else x.grad.flatten().tolist() for x in leaves],
        "parameters": {n: ([] if weights[n].grad is None else weights[n].grad.flatten().tolist()) for n in trained},
    }


def cd(weights, stages, targets, pooled):
    total = 0
    for i, (s, t) in enumerate(zip(stages, targets)):
        connected = F.relu(batch_norm(weights, f"connectors.{i}.1", F.conv2d(s, weights[f"connectors.{i}.0.weight"])))
        total = total + ((connected.mean((2, 3)) - t.mean((2, 3))) ** 2).mean()
    return total


def fitnets(transposed, stride, padding):
    def loss(weights, stages, targets, pooled):
        convolve = F.conv_transpose2d if transposed else F.conv2d
        x = convolve(stages[1], weights["0.weight"], weights["0.bias"], stride=stride, padding=padding)
        return ((F.relu(batch_norm(weights, "1", x)) - targets[1]) ** 2).mean()
    return loss


def cc(weights, stages, targets, pooled):
    s = F.linear(pooled[0], weights["student.weight"], weights["student.bias"])
    t = F.linear(pooled[1], weights["teacher.weight"], weights["teacher.bias"])
    difference = (s - t).abs()
    return torch.stack([(difference[i] * difference[i + 1]).sum() for i in range(len(difference) - 1)]).mean()


def vid(weights, stages, targets, pooled):
    total = 0
    for i, (s, t) in enumerate(zip(stages, targets)):
        if s.shape[2] > t.shape[2]:
            s = F.adaptive_avg_pool2d(s, t.shape[2:])
        elif s.shape[2] < t.shape[2]:
            t = F.adaptive_avg_pool2d(t, s.shape[2:])
        x = F.relu(F.conv2d(s, weights[f"{i}.regressor0.weight"]))
        x = F.relu(F.conv2d(x, weights[f"{i}.regressor1.weight"]))
        mean = F.conv2d(x, weights[f"{i}.regressor2.weight"])
        variance = (torch.log(1 + torch.exp(weights[f"{i}.log_scale"])) + 1e-5).view(1, -1, 1, 1)
        total = total + 0.5 * ((mean - t) ** 2 / variance + torch.log(variance)).mean()
    return total


def hcl(s, t):
    total, weight, loss = 1.0, 1.0, F.mse_loss(s, t)
    for size in (4, 2, 1):
        if size < s.shape[2]:
            weight /= 2
            total += weight
            loss = loss + weight * F.mse_loss(F.adaptive_avg_pool2d(s, size), F.adaptive_avg_pool2d(t, size))
    return loss / total


def reviewkd(weights, stages, targets, pooled):
    mine = stages + [pooled[0][:, :, None, None]]
    theirs = targets + [pooled[1][:, :, None, None]]
    carried, total = None, 0
    for level in reversed(range(len(mine))):
        x = batch_norm(weights, f"{level}.0.1", F.conv2d(mine[level], weights[f"{level}.0.0.weight"]))
        if carried is not None:
            y = F.interpolate(carried, size=x.shape[2:], mode="nearest")
            both = torch.cat([x, y], 1)
            z = torch.sigmoid(F.conv2d(both, weights[f"{level}.2.weight"], weights[f"{level}.2.bias"]))
            x = x * z[:, :1] + y * z[:, 1:]
        if x.shape[2:] != theirs[level].shape[2:]:
            x = F.interpolate(x, size=theirs[level].shape[2:], mode="nearest")
        carried = x
        out = batch_norm(weights, f"{level}.1.1", F.conv2d(x, weights[f"{level}.1.0.weight"], padding=1))
        total = total + hcl(out, theirs[level])
    return total


def crd(images, count, temperature, momentum, batches):
    """Two steps: the second meets what the first has left in memory. `images`: [steps, batch, 1 + negatives]."""
    def loss(weights, stages, targets, pooled):
        total, partitions = 0, [None, None]
        for step, index in enumerate(torch.tensor(images)):
            rows = slice(step * batches, (step + 1) * batches)
            embedded = []
            for who, x in zip(("student", "teacher"), pooled):
                e = F.linear(x[rows], weights[f"embeddings.{who}.weight"], weights[f"embeddings.{who}.bias"])
                embedded.append(e / e.pow(2).sum(1, keepdim=True).sqrt())
            for i, bank in enumerate(("teacher_bank", "student_bank")):
                chosen = weights[bank].detach()[index]
                scores = torch.exp((chosen * embedded[i][:, None, :]).sum(2) / temperature)
                if partitions[i] is None:
                    partitions[i] = scores.mean().item() * count
                scores = scores / partitions[i]
                m = scores.shape[1] - 1
                right = torch.log(scores[:, 0] / (scores[:, 0] + m / count + 1e-7)).sum()
                wrong = torch.log((m / count) / (scores[:, 1:] + m / count + 1e-7)).sum()
                total = total - (right + wrong) / len(index)
            with torch.no_grad():
                for bank, e in zip(("student_bank", "teacher_bank"), embedded):
                    mixed = momentum * weights[bank][index[:, 0]] + (1 - momentum) * e
                    weights[bank].data[index[:, 0]] = mixed / mixed.pow(2).sum(1, keepdim=True).sqrt()
        return total
    return loss


def main():
    student = [[4, 3, 8, 8], [4, 4, 4, 4], [4, 6, 2, 2]]
    teacher = [[4, 5, 8, 8], [4, 6, 4, 4], [4, 7, 2, 2]]
    larger = [[4, 5, 16, 16], [4, 6, 8, 8], [4, 7, 4, 4]]
    smaller = [[4, 5, 4, 4], [4, 6, 2, 2], [4, 7, 1, 1]]
    odd = [[4, 5, 6, 6], [4, 6, 3, 3], [4, 7, 1, 1]]
    embeddings = [[4, 6], [4, 7]]

    def hint(kernel, transposed):
        shape = [4, 6, kernel, kernel] if transposed else [6, 4, kernel, kernel]
        return [("0.weight", shape), ("0.bias", [6])] + norm_shapes("1", 6)

    def fusion(to):
        middle, shapes = 6, []
        channels = [3, 4, 6, 6]
        for level, (source, target) in enumerate(zip(channels, to)):
            shapes += [(f"{level}.0.0.weight", [middle, source, 1, 1])] + norm_shapes(f"{level}.0.1", middle)
            shapes += [(f"{level}.1.0.weight", [target, middle, 3, 3])] + norm_shapes(f"{level}.1.1", target)
            if level < 3:
                shapes += [(f"{level}.2.weight", [2, 2 * middle, 1, 1]), (f"{level}.2.bias", [2])]
        return shapes

    connectors = [x for i, (s, t) in enumerate(zip(student, teacher))
                  for x in [(f"connectors.{i}.0.weight", [t[1], s[1], 1, 1])] + norm_shapes(f"connectors.{i}.1", t[1])]
    linear = [("student.weight", [5, 6]), ("student.bias", [5]), ("teacher.weight", [5, 7]), ("teacher.bias", [5])]
    predictions = [x for i, (s, t) in enumerate(zip(student, teacher))
                   for x in [(f"{i}.log_scale", [t[1]])] + [(f"{i}.regressor{k}.weight", [t[1], s[1] if k == 0 else t[1], 1, 1]) for k in range(3)]]
    count = 12
    images = [[[0, 3, 4, 9], [1, 6, 11, 8], [2, 0, 3, 7], [5, 1, 2, 10]], [[2, 10, 9, 4], [0, 5, 7, 8], [6, 1, 0, 2], [3, 11, 5, 9]]]
    contrast = [("student_bank", [count, 5]), ("teacher_bank", [count, 5]), ("student_partition", None), ("teacher_partition", None)]
    contrast += [(f"embeddings.{n}", s) for n, s in linear]

    same = [[4, 3, 8, 8], [4, 4, 4, 4], [4, 6, 2, 2]]
    entries = [
        entry("residual-kd, same channels", "residual-kd", {}, student + student, same, None, 13,
              [(f"{i}.weight", [s[1], s[1], 1, 1]) for i, s in enumerate(student)], residual),
        entry("residual-kd, teacher wider and smaller", "residual-kd", {}, student + student, smaller, None, 14,
              [(f"{i}.weight", [t[1], s[1], 1, 1]) for i, (s, t) in enumerate(zip(student, teacher))], residual),
        entry("cd", "cd", {}, student, teacher, None, 1, connectors, cd),
        entry("fitnets, same size", "fitnets", {"stage": 2}, student, teacher, None, 2, hint(1, False), fitnets(False, 1, 0)),
        entry("fitnets, teacher half the size", "fitnets", {"stage": 2}, student, smaller, None, 3, hint(3, False), fitnets(False, 2, 1)),
        entry("fitnets, teacher twice the size", "fitnets", {"stage": 2}, student, larger, None, 4, hint(4, True), fitnets(True, 2, 1)),
        entry("fitnets, teacher a little smaller", "fitnets", {"stage": 2}, student, odd, None, 5, hint(2, False), fitnets(False, 1, 0)),
        entry("cc", "cc", {"dimension": 5}, [], [], embeddings, 6, linear, cc),
        entry("vid", "vid", {}, student, teacher, None, 7, predictions, vid),
        entry("vid, teacher larger", "vid", {}, student, larger, None, 8, predictions, vid),
        entry("vid, teacher smaller", "vid", {}, student, smaller, None, 9, predictions, vid),
        entry("reviewkd", "reviewkd", {}, student, teacher, embeddings, 10, fusion([5, 6, 7, 7]), reviewkd),
        entry("reviewkd, teacher larger", "reviewkd", {}, student, larger, embeddings, 11, fusion([5, 6, 7, 7]), reviewkd),
        entry("crd, two steps", "crd", {"dimension": 5, "negatives": 3, "temperature": 0.5, "momentum": 0.5}, [], [], [[8, 6], [8, 7]], 12,
              contrast, crd(images, count, 0.5, 0.5, 4)) | {"images": images, "count": count},
    ]
    for e in entries:
        e["parameters"].pop("student_bank", None)
        e["parameters"].pop("teacher_bank", None)
    text = json.dumps(entries, indent=0, separators=(",", ":")).replace(",\n", ",")
    rounded = json.loads(text, parse_float=lambda x: float(f"{float(x):.8g}"))
    pathlib.Path(__file__).with_name("methods.json").write_text(json.dumps(rounded, separators=(",", ":")) + "\n")


main()
