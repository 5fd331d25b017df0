/// PyTorch loads exported .pth files. Needs a Python with PyTorch and torchvision; without it the tests are skipped.
module ChannelDistillation.Tests.Runtime.Export.PyTorchExportTests

open System.Text.Json
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Models
open ChannelDistillation.Checkpoints
open ChannelDistillation.Tests

/// Loads FILE into the network NAME with `weights_only=True`, and prints its logits for the images of the golden files.
let private script =
    """
import json, sys, torch, torchvision
sys.path.insert(0, sys.argv[1])
import crd_models
torch.set_num_threads(1)
own = {name: model for name, model, size in crd_models.models() if size == 32}
for name, path in zip(sys.argv[2::2], sys.argv[3::2]):
    model = own[name] if name in own else torchvision.models.__dict__[name](num_classes=100)
    model.load_state_dict(torch.load(path, weights_only=True))
    model.eval()
    images = crd_models.noise(2 * 3 * 32 * 32, 1.0).float().reshape(2, 3, 32, 32)
    with torch.no_grad():
        logits = model.taps(images)[3] if name in own else model(images)
    print(json.dumps(logits.flatten().tolist()))
"""

let private networks =
    [ "resnet50", Stem.ImageNet
      for name in [ "wrn16-2"; "vgg8"; "mobilenetv1"; "mobilenetv2"; "shufflenetv1"; "shufflenetv2" ] do
          name, Stem.Cifar ]

[<Tests>]
let tests =
    testList
        "export: PyTorch"
        [ test "torch.load reads the .pth of torchvision's ResNets and the CRD benchmark's networks, which compute the same logits" {
              use _ = torch.NewDisposeScope()
              use _ = torch.no_grad ()
              use folder = new TemporaryFolder()

              let written =
                  [ for name, stem in networks do
                        let network = ModelCatalog.Get(name).Create.Invoke(BackboneOptions(stem, 3, 100))
                        Golden.fill 3.0 (network.state_dict ())
                        let path = folder.File $"{name}.pth"
                        PyTorchStateFile.Write(path, network.state_dict ())
                        network.eval ()
                        let logits = Golden.toArray (network.forward (Golden.images [| 2L; 3L; 32L; 32L |] 1.0))
                        name, path, logits ]

              let output = PyTorch.run script (Golden.path "." :: (written |> List.collect (fun (name, path, _) -> [ name; path ])))

              for (name, _, logits), line in List.zip written (List.ofArray (output.TrimEnd().Split '\n')) do
                  Golden.closeWith 1.0 1e-4 logits (JsonSerializer.Deserialize<float[]> line) name
          } ]
