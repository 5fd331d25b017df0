module ChannelDistillation.Tests.Lab.Overview.CheckpointTextTests

open System.Collections.Generic
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Models
open ChannelDistillation.Checkpoints
open ChannelDistillation.Lab.Overview
open ChannelDistillation.Tests

let private shown all (path: string) =
    use file = CheckpointFile.Open path
    (CheckpointText.render all "0123abcd" file).Replace(path, "FILE")

/// A resnet34 for CIFAR, optionally with a change.
let private resnet34 change all =
    use _ = torch.NewDisposeScope()
    use folder = new TemporaryFolder()
    let model = ModelCatalog.Get("resnet34").Create.Invoke(BackboneOptions(Stem.Cifar, 3, 100))
    let path = folder.File "a.safetensors"
    let state = model.state_dict () |> Seq.filter (fun entry -> change entry.Key) |> Array.ofSeq
    SafetensorsFile.Write(path, state, Dictionary(dict [ "epoch", "200\u001b[2J" ]))
    shown all path

[<Tests>]
let tests =
    testList
        "teacher inspect"
        [ test "A training checkpoint of a small network is shown with every tensor" {
              Expect.equal
                  (shown false (Golden.path "checkpoints/training.pth"))
                  "  file        FILE
  format      PyTorch (zip container)
  size        8.5 kB (8,482 bytes)
  sha256      0123abcd
  epoch       90
  arch        resnet34
  best_acc1   73.3
  acc         71.5
  when        3
  device      cuda:0
  other keys  size, raw, set, optimizer, scheduler, rng, dtype

`state_dict`, names without `module.`: 3 tensors, 133 parameters, float32
matches none of the built-in models; the closest is resnet8 for 5 classes:
  44 tensors are missing (`bn1.weight`, `bn1.bias`, `bn1.running_mean`, ...); `conv1.weight` is 4x3x3x3 instead of 16x3x3x3, `fc.weight` is 5x4 instead of 5x64

  conv1.weight  4x3x3x3  float32
  fc.weight     5x4      float32
  fc.bias       5        float32
"
                  "the text"
          }

          test "A large network is shown by its parts, with the matching model" {
              Expect.stringEnds
                  (resnet34 (fun _ -> true) false)
                  "  epoch   200 [2J

218 tensors, 21,328,292 parameters, float32
matches resnet34 for 100 classes, cifar stem

  conv1.weight  64x3x3x3                           float32
  bn1.*         5 tensors, 128 parameters          float32
  layer1.*      36 tensors, 221,952 parameters     float32
  layer2.*      54 tensors, 1,116,416 parameters   float32
  layer3.*      78 tensors, 6,822,400 parameters   float32
  layer4.*      42 tensors, 13,114,368 parameters  float32
  fc.weight     100x512                            float32
  fc.bias       100                                float32
  (--all lists every tensor)
"
                  "the text"
          }

          test "Every tensor is listed on request" {
              let text = resnet34 (fun _ -> true) true
              Expect.stringContains text "  layer4.2.bn2.num_batches_tracked           scalar       int64\n" "a tensor"
              Expect.isFalse (text.Contains "--all") "nothing is left out"
          }

          test "A file with unknown tensor names has no closest model, and one tensor is counted in the singular" {
              use _ = torch.NewDisposeScope()
              use folder = new TemporaryFolder()
              let path = folder.File "a.safetensors"
              SafetensorsFile.Write(path, [| KeyValuePair("scale", torch.ones 1L) |], Dictionary())
              let text = shown false path

              Expect.stringContains
                  text
                  "\n1 tensor, 1 parameter, float32\nmatches none of the built-in models: no tensor has one of their names\n"
                  "the fit"

              Expect.isFalse (text.Contains " bytes (") "a small size is shown once"
          }

          test "Objects of Python beside the weights are named" {
              Expect.stringContains
                  (shown false (Golden.path "checkpoints/objects.pth"))
                  "  epoch         7
  other keys    args, config, callbacks, when, labels, text
  not imported  argparse.Namespace, pathlib.PurePosixPath, __main__.Config, torch.nn.modules.linear.Identity, datetime.datetime, numpy.core.multiarray._reconstruct, numpy.ndarray, numpy.core.multiarray.scalar

`state_dict`: 3 tensors, 133 parameters, float32
"
                  "the text"
          }

          test "Tensors beside a model are counted and listed, with the line of Python that removes them" {
              use _ = torch.NewDisposeScope()
              use folder = new TemporaryFolder()
              let model = ModelCatalog.Get("resnet34").Create.Invoke(BackboneOptions(Stem.Cifar, 3, 100))
              let path = folder.File "a.safetensors"
              let others = [ KeyValuePair("queue", torch.zeros (2L, 3L)); KeyValuePair("ema.decay", torch.zeros 1L) ]
              SafetensorsFile.Write(path, [| yield! model.state_dict (); yield! others |], Dictionary())

              Expect.stringContains
                  ((shown false path).Replace(folder.Path, "."))
                  "220 tensors, 21,328,299 parameters, float32
contains 218 tensors of resnet34 for 100 classes, cifar stem, and 2 tensors that are not part of it (`queue`, `ema.decay`)
To remove the surplus in Python:
from safetensors.torch import load_file, save_file; save_file({name: value for name, value in load_file(\"FILE\").items() if name not in [\"queue\", \"ema.decay\"]}, \"./a-weights.safetensors\")
"
                  "the text"
          }

          test "The differences to the closest model are shown" {
              Expect.stringContains
                  (resnet34 (fun name -> name <> "layer1.0.bn1.weight") false)
                  "matches none of the built-in models; the closest is resnet34 for 100 classes, cifar stem:\n  `layer1.0.bn1.weight` is missing\n"
                  "the text"
          } ]
