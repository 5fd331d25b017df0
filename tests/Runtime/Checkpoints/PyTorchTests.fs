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
        [ test "A student of ours produces the same logits in torchvision" {
              use _ = torch.NewDisposeScope()
              use folder = new TemporaryFolder()
              let student = build "resnet18" Stem.Cifar 10
              Golden.fill 3.0 (student.state_dict ())
              let path = folder.File "best.safetensors"
              SafetensorsFile.Write(path, student.state_dict (), readOnlyDict [ "format", "pt" ])
              let file, images = images folder

              let script =
                  snippets.Value
                  + answers
                  + """
import sys
model = resnet18_for_small_images(10)
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
              } ]
