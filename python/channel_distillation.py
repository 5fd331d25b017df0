"""Exports PyTorch modules for ChannelDistillation: teachers, students and losses as TorchScript files.

Needs PyTorch 1.13 or newer and nothing else; copy this file, or import it from here.

    export_network(model, "teacher.pt", taps={"stage1": "layer1", "stage2": "layer2", "embedding": "avgpool"})
    export_network(model, "student.pt", taps={...}, train=True)
    export_loss(module, "loss.pt", inputs=["student.logits", "teacher.logits"], parameters={"temperature": 4.0})

In an experiment: `teacher: { torchscript: teacher.pt }`, `student: { torchscript: student.pt }`,
`losses: { mine: { torchscript: loss.pt, weight: 1, temperature: 2 } }`. docs/python.md has the whole path.
"""

import copy
import functools
import json
import os
import re
import tempfile
import warnings

import torch
from torch import nn

__all__ = ["ExportError", "export_loss", "export_network"]

METADATA = "channel_distillation.json"
BATCH = 3
RESERVED = ("torchscript", "sha256", "weight", "start_after", "stop_after", "warmup", "decay", "weight_decay_at_zero")


class ExportError(Exception):
    """The module cannot be exported as it is; the message says why and what to do."""


def _with_own_random_state(export):
    """The checks of an export draw random numbers; the caller's generator stays where it was."""

    @functools.wraps(export)
    def wrapped(*args, **kwargs):
        with torch.random.fork_rng(devices=[]):
            return export(*args, **kwargs)

    return wrapped


@_with_own_random_state
def export_network(module, path, image=(3, 32, 32), taps=None, logits=None, train=False):
    """Saves a network as a TorchScript file.

    module: returns the logits [batch, classes]; or, with train=True and taps=None, also a list or tuple of tensors.
    image: channels, height and width of its images.
    taps: output name to submodule name. Names are `stage1`, `stage2`, ... from shallow to deep, and `embedding`.
        A stage is [batch, channels, height, width]; an embedding may have trailing dimensions of size 1.
        With train=True and a module that returns its outputs itself: a list of names in their order, `logits` included.
    logits: the submodule whose output are the logits; None: the module's own output.
    train: False for a frozen teacher, which is traced; True for a student, which is scripted.

    The file is run on random images in evaluation and in training mode, and refused where it differs from the module.
    The module itself is not changed.
    """
    image = tuple(int(size) for size in image)
    if len(image) != 3:
        raise ExportError("`image` is (channels, height, width), for instance (3, 32, 32).")
    names = _output_names(taps)
    source = copy.deepcopy(module).cpu().float()
    if isinstance(taps, dict):
        taps = {name: taps[name] for name in names if name != "logits"}
        _check_submodules(source, [*taps.values(), *([logits] if logits else [])])
    reference = _Reference(copy.deepcopy(source), taps, logits, names)
    examples = torch.randn(BATCH, *image)
    expected = _run(reference, examples, train=False)
    shapes = [_shape(name, tensor) for name, tensor in zip(names, expected)]
    exported = _script(source, taps, logits, names) if train else _trace(source, taps, logits, names, examples)
    _compare(reference, exported, names, image, train)
    metadata = {"kind": "network", "image": list(image), "outputs": names, "shapes": shapes}
    _save(exported, path, metadata)


@_with_own_random_state
def export_loss(module, path, inputs, parameters=None, title=None, source=None, formula=None):
    """Saves a loss as a TorchScript file.

    module: `forward` takes the inputs in their order, then the parameters in theirs; annotate parameters with
        `float` and `epoch` with `int`. It returns a scalar tensor. Its own parameters are trained with the student,
        its buffers saved with it.
    inputs: of `student.X` and `teacher.X`, X one of `stageN`, `embedding`, `logits`, `channel_means.N`; and `labels`
        (int64 [batch]), `indices` (int64 [batch], positions in the training set), `epoch` (int, from 1).
    parameters: names and defaults; YAML sets them, and grids vary them.
    title, source, formula: for tables and documentation.

    The file is run on random tensors, and refused where it gives no scalar with a gradient.
    """
    inputs = list(inputs)
    parameters = {name: float(value) for name, value in (parameters or {}).items()}
    for name in inputs:
        if not _is_input(name):
            raise ExportError(
                f"There is no input `{name}`. Inputs are student.X and teacher.X with X one of stageN, embedding, logits, "
                "channel_means.N; and labels, indices, epoch."
            )
    for name in parameters:
        if name in RESERVED or not name.isidentifier():
            raise ExportError(f"`{name}` is a setting of every loss; rename the parameter." if name in RESERVED else f"The parameter `{name}` is not a Python identifier.")
    exported = _compiled(copy.deepcopy(module).cpu().float(), "loss")
    arguments = [node for node in exported.forward.schema.arguments][1:]
    wanted = len(inputs) + len(parameters)
    if len(arguments) != wanted:
        raise ExportError(f"`forward` takes {len(arguments)} arguments, but {len(inputs)} inputs and {len(parameters)} parameters are given.")
    for argument, name in zip(arguments, [*inputs, *parameters]):
        kind = str(argument.type)
        expected = "int" if name == "epoch" else "float" if name in parameters and name not in inputs else "Tensor"
        if kind != expected:
            raise ExportError(f"`forward` takes `{name}` as {kind}; annotate `{argument.name}: {'torch.Tensor' if expected == 'Tensor' else expected}`.")
    _check_loss(exported, inputs, list(parameters.values()))
    metadata = {"kind": "loss", "inputs": inputs, "parameters": parameters}
    metadata.update({key: value for key, value in (("title", title), ("source", source), ("formula", formula)) if value})
    _save(exported, path, metadata)


# ---- outputs ---------------------------------------------------------------------------------------------------


def _output_names(taps):
    """Stages from shallow to deep, the embedding, the logits; of a list, its own order."""
    if taps is not None and not isinstance(taps, dict):
        names = list(taps)
        if names.count("logits") != 1 or len(set(names)) != len(names):
            raise ExportError("A list of outputs has every name once, `logits` among them.")
    else:
        names = sorted((name for name in (taps or {}) if name != "logits"), key=lambda name: (name == "embedding", name[:5], len(name), name))
        names.append("logits")
    stages = [name for name in names if name.startswith("stage")]
    if stages != [f"stage{number + 1}" for number in range(len(stages))]:
        raise ExportError(f"Stages are numbered from shallow to deep without gaps: stage1, stage2, ...; these are {', '.join(stages)}.")
    unknown = [name for name in names if not name.startswith("stage") and name not in ("embedding", "logits")]
    if unknown:
        raise ExportError(f"There is no output `{unknown[0]}`. Outputs are stage1, stage2, ..., embedding, and logits.")
    return names


def _check_submodules(module, names):
    known = dict(module.named_modules())
    for name in names:
        if name not in known:
            near = [other for other in known if other and "." not in other]
            raise ExportError(f"The module has no submodule `{name}`. It has {', '.join(near[:20])}; deeper ones are written with dots, `layer1.0`.")


def _shape(name, tensor):
    """The shape without the batch; refused where it is not that of such an output."""
    size = list(tensor.shape)
    wanted = 4 if name.startswith("stage") else 2
    if len(size) != wanted or size[0] != BATCH:
        kind = "[batch, channels, height, width]" if wanted == 4 else "[batch, width]"
        hint = " A tap on tokens [batch, tokens, width] is no stage: leave it out, or reshape it in a module of your own." if len(size) == 3 else ""
        raise ExportError(f"`{name}` is {size} for {BATCH} images; it must be {kind}.{hint}")
    if tensor.dtype != torch.float32:
        raise ExportError(f"`{name}` is {tensor.dtype}; it must be torch.float32.")
    return size[1:]


def _flat(name, tensor):
    """Embeddings often come out of a pooling layer as [batch, width, 1, 1]."""
    if name == "embedding" and tensor.dim() == 4 and tensor.size(2) == 1 and tensor.size(3) == 1:
        return tensor.flatten(1)
    return tensor


def _listed(outputs, names):
    if isinstance(outputs, torch.Tensor):
        outputs = [outputs]
    if isinstance(outputs, dict):
        raise ExportError("The module returns a dictionary, which cannot be read. Return a list or a tuple of tensors, and give their names as `taps`.")
    if not isinstance(outputs, (list, tuple)) or not all(isinstance(output, torch.Tensor) for output in outputs):
        raise ExportError(f"The module returns {type(outputs).__name__}; it must return a tensor, or a list or tuple of tensors.")
    if len(outputs) != len(names):
        raise ExportError(f"The module returns {len(outputs)} tensors, and {len(names)} are named: {', '.join(names)}.")
    return list(outputs)


class _Reference(nn.Module):
    """The module with its taps, by forward hooks: what the exported file is compared with."""

    def __init__(self, module, taps, logits, names):
        super().__init__()
        self.module = module
        self.names = names
        self.seen = {}
        wanted = dict(taps) if isinstance(taps, dict) else {}
        if logits:
            wanted["logits"] = logits
        self.wanted = wanted
        for name, where in wanted.items():
            module.get_submodule(where).register_forward_hook(self._hook(name))

    def _hook(self, name):
        def keep(_, __, output):
            self.seen[name] = output

        return keep

    def forward(self, images):
        self.seen.clear()
        output = self.module(images)
        if not self.wanted:
            return _listed(output, self.names)
        found = [output if name == "logits" and "logits" not in self.wanted else self.seen.get(name) for name in self.names]
        for name, tensor in zip(self.names, found):
            if not isinstance(tensor, torch.Tensor):
                where = self.wanted.get(name, "the module")
                got = "was not called" if tensor is None else f"returns {type(tensor).__name__}, not a tensor"
                raise ExportError(f"`{name}` cannot be tapped: {where} {got}.")
        return [_flat(name, tensor) for name, tensor in zip(self.names, found)]


# ---- a frozen network: traced ------------------------------------------------------------------------------------


def _trace(module, taps, logits, names, examples):
    traced = copy.deepcopy(module)
    _follow_mode(traced)
    reference = _Reference(traced, taps, logits, names)
    reference.eval()
    for parameter in reference.parameters():
        parameter.requires_grad_(False)

    class Outputs(nn.Module):
        def __init__(self):
            super().__init__()
            self.module = reference.module

        def forward(self, images):
            return tuple(reference(images))

    with torch.no_grad(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            exported = torch.jit.trace(Outputs().eval(), examples, check_trace=False)
        except ExportError:
            raise
        except Exception as error:
            raise ExportError(f"The module cannot be traced: {_first_line(error)}") from error
    # A branch that depends on the data may look constant on random images: PyTorch names its line.
    for warning in caught:
        if issubclass(warning.category, torch.jit.TracerWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return exported


class _Mode(nn.Module):
    """A layer that does something else in training, scripted: tracing would fix what it does in one of the two modes."""

    def __init__(self, layer):
        super().__init__()
        self.layer = torch.jit.script(layer)

    def forward(self, images):
        # A view: a layer that returns its input would else share the trace of what the input is.
        return self.layer(images.view_as(images))


def _follow_mode(module):
    for name, child in module.named_children():
        if isinstance(child, (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)):
            setattr(module, name, _Mode(child))
        else:
            _follow_mode(child)


# ---- a trained network: scripted ---------------------------------------------------------------------------------


def _compiled(module, what):
    try:
        compiled = torch.jit.script(module)
    except Exception as error:
        raise ExportError(
            f"This {what} cannot be scripted: {_first_line(error)} TorchScript supports only statically typed Python; see "
            "https://pytorch.org/docs/stable/jit_language_reference.html"
        ) from error
    saved = {name.split(".")[-1] for name, _ in [*compiled.named_buffers(), *compiled.named_parameters()]}
    graph = compiled.inlined_graph
    for assignment in graph.findAllNodes("prim::SetAttr", recurse=True):
        if assignment.s("name") not in saved:
            raise ExportError(
                f"`forward` of this {what} assigns `self.{assignment.s('name')}`, which checkpoints do not save. Use a buffer: register_buffer."
            )
    return compiled


def _script(module, taps, logits, names):
    module.train()
    if not isinstance(taps, dict) or not taps:
        if logits:
            raise ExportError("`logits` is a submodule of a network with `taps`.")
        return _compiled(module, "network")
    try:
        from torchvision.models.feature_extraction import create_feature_extractor
    except ImportError as error:
        raise ExportError(
            "`taps` of a student need torchvision (feature extraction). Without it, return the outputs from `forward` as a list, "
            "and give their names: taps=['stage1', ..., 'logits']."
        ) from error
    if not logits:
        logits = _last(module)
    nodes = {taps[name] if name != "logits" else logits: name for name in names}
    if len(nodes) != len(names):
        raise ExportError("Two outputs cannot be taken from the same submodule.")
    try:
        extracted = create_feature_extractor(module, return_nodes=nodes, suppress_diff_warning=True)
    except Exception as error:
        raise ExportError(
            f"torchvision cannot tap this module: {_first_line(error)} Return the outputs from `forward` as a list instead, "
            "and give their names: taps=['stage1', ..., 'logits']."
        ) from error
    return _compiled(_as_list(extracted, names), "network")


def _last(module):
    """The node whose output the module returns."""
    from torchvision.models.feature_extraction import get_graph_node_names

    return get_graph_node_names(module, suppress_diff_warning=True)[0][-1]


def _as_list(extracted, names):
    """Feature extraction returns a dictionary; the same graph module with a list keeps the names of its parameters."""
    graph = extracted.graph if hasattr(extracted, "graph") else None
    if graph is None:
        raise ExportError("torchvision gave no graph to tap. Return the outputs from `forward` as a list instead.")
    for node in graph.nodes:
        if node.op == "output":
            (found,) = node.args
            values = [found[name] for name in names]
            if "embedding" in names:
                index = names.index("embedding")
                with graph.inserting_before(node):
                    values[index] = graph.call_method("flatten", (values[index], 1))
            node.args = (values,)
    graph.lint()
    extracted.recompile()
    return extracted


# ---- checks ------------------------------------------------------------------------------------------------------


def _run(module, images, train):
    module.train(train)
    torch.manual_seed(0)
    with torch.no_grad():
        return list(module(images))


def _outputs(exported, images, names, train):
    exported.train(train)
    torch.manual_seed(0)
    with torch.no_grad():
        return _listed(exported(images), names)


def _compare(reference, exported, names, image, is_trained):
    """In both modes, on images and batch sizes that it was not traced with. Running statistics are restored afterwards."""
    kept = copy.deepcopy(exported.state_dict())
    for is_training in (False, True):
        for batch in (BATCH, 5):
            images = torch.randn(batch, *image)
            # The running statistics move in training mode: each starts from its own.
            ours, theirs = copy.deepcopy(reference.module.state_dict()), copy.deepcopy(exported.state_dict())
            try:
                expected = _run(reference, images, is_training)
                found = _outputs(exported, images, names, is_training)
            except ExportError:
                raise
            except Exception as error:
                raise ExportError(f"The exported network fails on {batch} images: {_first_line(error)}") from error
            finally:
                reference.module.load_state_dict(ours)
                exported.load_state_dict(theirs)
            for name, a, b in zip(names, expected, found):
                if a.shape != b.shape or not torch.allclose(a, b, rtol=1e-3, atol=1e-4, equal_nan=True):
                    raise ExportError(_difference(name, is_training, batch, is_trained))
    exported.load_state_dict(kept)
    exported.train(is_trained)


def _difference(name, is_training, batch, is_trained):
    mode = "training" if is_training else "evaluation"
    if is_trained:
        return f"The scripted network gives another `{name}` than the module in {mode} mode: it uses random numbers of its own, or state that scripting does not see."
    cause = (
        "tracing has fixed dropout or normalisation in evaluation mode. Use nn.Dropout and nn.BatchNorm layers instead of functions, or script it: train=True."
        if is_training
        else "tracing has fixed a decision that depends on the data. Script it: train=True."
    )
    return f"The traced network gives another `{name}` than the module in {mode} mode, on {batch} images: {cause}"


def _is_input(name):
    return name in ("labels", "indices", "epoch") or re.fullmatch(r"(student|teacher)\.(logits|embedding|(stage|channel_means\.)[1-9][0-9]?)", name) is not None


def _example(name):
    if name == "labels":
        return torch.randint(0, 10, (BATCH,))
    if name == "indices":
        return torch.arange(BATCH)
    if name == "epoch":
        return 1
    output = name.split(".")[1]
    size = {"logits": (BATCH, 10), "embedding": (BATCH, 64), "channel_means": (BATCH, 16)}.get(output, (BATCH, 16, 8, 8))
    return torch.randn(*size, requires_grad=name.startswith("student."))


def _check_loss(exported, inputs, values):
    """On tensors of made-up sizes. A loss that needs others fails in its own words, and that is no reason to refuse it."""
    kept = copy.deepcopy(exported.state_dict())
    exported.train()
    try:
        loss = exported(*[_example(name) for name in inputs], *values)
    except Exception:
        return
    finally:
        exported.load_state_dict(kept)
    if not isinstance(loss, torch.Tensor) or loss.dim() != 0 or not loss.is_floating_point():
        found = f"a tensor {list(loss.shape)}" if isinstance(loss, torch.Tensor) else type(loss).__name__
        raise ExportError(f"The loss returns {found}; it must return one number, a tensor without dimensions: end it with .mean().")
    if not loss.requires_grad:
        raise ExportError("The loss has no gradient: it depends neither on the student nor on its own parameters, or it was detached.")


def _first_line(error):
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = next((line for line in reversed(lines) if "Error: " in line), lines[0] if lines else type(error).__name__)
    return reason if reason.endswith((".", ":")) else reason + "."


def _save(exported, path, metadata):
    """Written to a temporary name and renamed: an interrupted export leaves the earlier file."""
    path = os.fspath(path)
    folder = os.path.dirname(os.path.abspath(path))
    handle, temporary = tempfile.mkstemp(suffix=".pt", dir=folder)
    os.close(handle)
    try:
        torch.jit.save(exported, temporary, _extra_files={METADATA: json.dumps(metadata)})
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
