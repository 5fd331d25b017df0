/// Exchanges checkpoints with PyTorch and compares the outputs. Needs a Python with PyTorch and torchvision; without it the tests are skipped.
module ChannelDistillation.Tests.Runtime.Checkpoints.PyTorchTests

open System.IO
open System.Text.Json
open System.Text.RegularExpressions
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.TorchScript
open ChannelDistillation.Models
open ChannelDistillation.Checkpoints
open ChannelDistillation.Teachers
open ChannelDistillation.Tests

/// The Python code of docs/checkpoints.md.
let private snippets =
    lazy
        (let text = File.ReadAllText(Path.Combine(Repository.root, "docs/checkpoints.md"))
         String.concat "\n" [ for snippet in Regex.Matches(text, "```python\n(.*?)```", RegexOptions.Singleline) -> snippet.Groups[1].Value ])

let private answers =
    """
def say(model, values):
    torch.set_num_threads(1)
    images = torch.tensor(json.load(open(values)))
    with torch.no_grad():
        print(json.dumps(model.eval()(images).flatten().tolist()))
"""

let private shape = [| 2L; 3L; 32L; 32L |]

/// The input images of both sides, and where they are written.
let private images (folder: TemporaryFolder) =
    let values = Golden.noise (Array.fold (*) 1L shape) 1.0
    let path = folder.File "images.json"
    let nested = values |> Array.chunkBySize 32 |> Array.chunkBySize 32 |> Array.chunkBySize 3
    File.WriteAllText(path, JsonSerializer.Serialize nested)
    path, Golden.toTensor (Array.map float32 values) shape

let private logits (model: Network) (images: torch.Tensor) =
    use _ = torch.no_grad ()
    model.eval ()
    Golden.toArray (model.forward images)

let private build name stem classes = ModelCatalog.Get(name).Create.Invoke(BackboneOptions(stem, 3, classes))
let private numbers (output: string) = JsonSerializer.Deserialize<float[]> output

[<Tests>]
let tests =
    testList
        "checkpoints between here and PyTorch"
        [ for name, code in
              [ "resnet18", "resnet18_for_small_images(10)"
                "resnet14", "ThinResNet(14, 10)"
                "resnet8x4", "ThinResNet(8, 10, wide=True)" ] do
              test $"A {name} of ours produces the same logits in the definition of docs/checkpoints.md" {
                  use _ = torch.NewDisposeScope()
                  use folder = new TemporaryFolder()
                  let student = build name Stem.Cifar 10
                  Golden.fill 3.0 (student.state_dict ())
                  let path = folder.File "best.safetensors"
                  SafetensorsFile.Write(path, student.state_dict (), readOnlyDict [ "format", "pt" ])
                  let file, images = images folder

                  let script =
                      snippets.Value
                      + answers
                      + $"""
import sys
model = {code}
model.load_state_dict(load_file(sys.argv[1]))
say(model, sys.argv[2])
"""

                  let theirs = numbers (PyTorch.run script [ path; file ])
                  Golden.closeWith 1.0 1e-4 theirs (logits student images) "logits"
              }

          test "A network scripted in Python with weights of ours produces our features and logits" {
              use _ = torch.NewDisposeScope()
              use folder = new TemporaryFolder()
              let ours = build "resnet18" Stem.Cifar 10
              Golden.fill 3.0 (ours.state_dict ())
              let path, exported = folder.File "best.safetensors", folder.File "scripted.pt"
              SafetensorsFile.Write(path, ours.state_dict (), readOnlyDict [ "format", "pt" ])

              let script =
                  snippets.Value
                  + $"""
import sys
sys.path.insert(0, "{Path.Combine(Repository.root, "python")}")
from channel_distillation import export_network
model = resnet18_for_small_images(10)
model.load_state_dict(load_file(sys.argv[1]))
taps = {{"stage1": "layer1", "stage2": "layer2", "stage3": "layer3", "stage4": "layer4", "embedding": "avgpool"}}
export_network(model, sys.argv[2], image=(3, 32, 32), taps=taps, train=True)
"""

              PyTorch.run script [ path; exported ] |> ignore
              let file = Archive.Read(exported).File
              let scripted = (ScriptedNetwork.Describe file).Build(ModelSpec.Of file, ImageShape(3, 32, 32), 10)
              let _, images = images folder

              let outputs (model: Network) =
                  use _ = torch.no_grad ()
                  model.eval ()
                  let output = model.Run(images, Taps.Stages 4 ||| Taps.Logits ||| Taps.Embedding)
                  [ yield! output.Features; output.Embedding; output.Logits ]

              for index, (expected, actual) in List.indexed (List.zip (outputs ours) (outputs scripted)) do
                  Golden.closeWith 1.0 1e-4 (Golden.toArray expected) (Golden.toArray actual) $"output {index}"
          }

          for kind, options in [ "zip", ""; "legacy", ", _use_new_zipfile_serialization=False" ] do
              test $"A torchvision model in a {kind} file produces the same logits here" {
                  use _ = torch.NewDisposeScope()
                  use folder = new TemporaryFolder()
                  let path = folder.File "resnet34.pth"
                  let file, images = images folder

                  let script =
                      "import json, sys, torch, torchvision\n"
                      + answers
                      + $"""
torch.manual_seed(0)
model = torchvision.models.resnet34(num_classes=7)
model(torch.randn(4, 3, 64, 64))
torch.save({{"epoch": 3, "state_dict": torch.nn.DataParallel(model).state_dict()}}, sys.argv[1]{options})
say(model, sys.argv[2])
"""

                  let theirs = numbers (PyTorch.run script [ path; file ])
                  let ours = build "resnet34" Stem.ImageNet 7
                  Checkpoint.LoadInto(ours, path)
                  Golden.closeWith 1.0 1e-4 theirs (logits ours images) "logits"
              }

          test "The Python line for each unreadable file makes a readable one" {
              use folder = new TemporaryFolder()

              let made =
                  """

import argparse, pickle, sys, zipfile
from torch import nn
folder = sys.argv[1] + "/"
torch.manual_seed(0)
network = ThinResNet(8, 10)
state = network.state_dict()

class Config(dict):
    pass

torch.save(network, folder + "whole.pth")
torch.save(nn.DataParallel(network), folder + "legacy.pth", _use_new_zipfile_serialization=False)
torch.save({"epoch": 3, "args": argparse.Namespace(lr=0.1), "it's \"the\" modèl\n": network}, folder + "dict \"quoted\" é.pth")
torch.save([argparse.Namespace(trainer=argparse.Namespace(network=network)), 3], folder + "attributes.pth")
torch.save({"optimizer": network, "weights": Config(state)}, folder + "subclass.pth")
torch.save({"model": {name: value.numpy() for name, value in state.items()}}, folder + "arrays.pth")
torch.save({"state.dict": {"module." + name: value for name, value in state.items()} | {"module.queue": torch.ones(2)}}, folder + "surplus.pth")
torch.save({name: (torch.quantize_per_tensor(value, 0.1, 0, torch.qint8) if value.dim() == 4 else value) for name, value in state.items()}, folder + "quantized.pth")
torch.save({name: (value.to(torch.complex64) if name == "fc.bias" else value) for name, value in state.items()}, folder + "complex.pth")
torch.jit.save(torch.jit.trace(network.eval(), torch.zeros(1, 3, 32, 32)), folder + "script.pt")
torch.save(state, folder + "stored.pth")
with open(folder + "pickled.pkl", "wb") as file:
    pickle.dump({"state_dict": state}, file)
with zipfile.ZipFile(folder + "stored.pth") as stored, zipfile.ZipFile(folder + "repacked.pth", "w", zipfile.ZIP_DEFLATED) as packed:
    for name in stored.namelist():
        packed.writestr(name, stored.read(name))
"""

              PyTorch.run (snippets.Value + made) [ folder.Path ] |> ignore
              use model = build "resnet8" Stem.Cifar 10

              let lines =
                  [ for path in Directory.GetFiles folder.Path |> Array.sort do
                        if Path.GetFileName path <> "stored.pth" then
                            let message =
                                try
                                    Checkpoint.LoadInto(model, path)
                                    failtest $"{path} is readable"
                                with :? InvalidDataException as error ->
                                    error.Message

                            let line = message.Split '\n' |> Array.last
                            Expect.isLessThanOrEqual (message.Split('\n').Length) 3 message
                            Expect.stringContains line "import" message
                            line ]

              Expect.equal lines.Length 12 "files"
              let before = Directory.GetFiles folder.Path |> set
              PyTorch.run (String.concat "\n" (snippets.Value :: "class Config(dict):\n    pass\n" :: lines)) [] |> ignore
              let saved = set (Directory.GetFiles folder.Path) - before |> Set.toList
              Expect.equal saved.Length lines.Length "each line saves a file beside its own"
              use expected = build "resnet8" Stem.Cifar 10
              Checkpoint.LoadInto(expected, folder.File "stored.pth")
              let numbers (network: Network) = [ for entry in network.state_dict () -> Golden.toArray entry.Value ]

              for path in saved do
                  Checkpoint.LoadInto(model, path)

                  if not (path.Contains "quantized") then
                      Expect.equal (numbers model) (numbers expected) path
          }

          test "Checkpoints as timm and Lightning save them are read" {
              use folder = new TemporaryFolder()

              let made =
                  """
import argparse, sys
import torch, torchvision
from torch.optim.swa_utils import AveragedModel
folder = sys.argv[1] + "/"
network = torchvision.models.resnet18(num_classes=10)
state = network.state_dict()
average = {name: value / 2 for name, value in state.items()}
args = argparse.Namespace(model="resnet18", num_classes=10)
torch.save({"epoch": 3, "arch": "resnet18", "state_dict": state, "optimizer": {}, "version": 2, "args": args, "amp_scaler": {}, "state_dict_ema": average, "metric": 71.5}, folder + "timm.pth.tar")
torch.save({"epoch": 3, "state_dict_ema": average}, folder + "average.pth")
torch.save(AveragedModel(network).state_dict(), folder + "swa.pth")

class ModelCheckpoint:
    pass

lightning = {"epoch": 3, "global_step": 30, "pytorch-lightning_version": "1.0", "callbacks": {ModelCheckpoint: {"best_model_score": torch.ones(1)}}, "hyper_parameters": args}
torch.save(lightning | {"state_dict": {"model." + name: value for name, value in state.items()} | {"criterion.weight": torch.ones(10)}}, folder + "lightning.ckpt")
"""

              PyTorch.run made [ folder.Path ] |> ignore

              let placed (name: string) =
                  use model = build "resnet18" Stem.ImageNet 10
                  use file = CheckpointFile.Open(folder.File name)
                  let set = Checkpoint.LoadInto(model, file)
                  Expect.equal set.Tensors.Count 122 "the whole network"
                  set.Place, List.ofSeq file.Unlisted, file.Sets.Count

              let average = "an average of the weights over training steps"
              Expect.equal (placed "timm.pth.tar") ("`state_dict`", [ "argparse.Namespace" ], 2) "timm"
              Expect.equal (placed "average.pth") ($"`state_dict_ema`, {average}", [], 1) "the average alone"
              Expect.equal (placed "swa.pth") ($"names without `module.`, {average}", [], 2) "AveragedModel"

              Expect.equal
                  (placed "lightning.ckpt")
                  ("`state_dict`, names without `model.`", [ "__main__.ModelCheckpoint"; "argparse.Namespace" ], 2)
                  "Lightning"
          }

          test "Weights in a list, and sparse weights, are extracted by the line of Python that the message names" {
              use folder = new TemporaryFolder()

              let make =
                  "import sys, torch; t = torch.ones(2, 2); torch.save([{'fc.weight': t}], sys.argv[1]); torch.save({'fc.weight': t.to_sparse()}, sys.argv[2])"

              PyTorch.run make [ folder.File "list.pth"; folder.File "sparse.pth" ] |> ignore

              for name in [ "list"; "sparse" ] do
                  let message =
                      try
                          use file = CheckpointFile.Open(folder.File $"{name}.pth")
                          failtest $"{file.Path} was read"
                      with :? System.IO.InvalidDataException as error ->
                          error.Message

                  Expect.stringContains message "If you trust the file, whose code Python runs, extract its weights in Python:" name
                  PyTorch.run (Array.last (message.Split '\n')) [] |> ignore
                  use rescued = CheckpointFile.Open(folder.File $"{name}-weights.pth")
                  Expect.equal [ for tensor in rescued.Sets[0].Tensors -> tensor.Name ] [ "fc.weight" ] name
          } ]
