module ChannelDistillation.Tests.Runtime.Checkpoints.ReadingTests

open System.IO
open System.Text.Json
open Expecto
open TorchSharp
open ChannelDistillation.Checkpoints
open ChannelDistillation.Tests

let private golden name = Golden.path (Path.Combine("checkpoints", name))
let private values = lazy (Golden.json "checkpoints/values.json")

let private expectState (name: string) (expected: JsonElement) (set: WeightSet) (file: CheckpointFile) =
    use _ = torch.NewDisposeScope()
    let names = [ for entry in expected.EnumerateObject() -> entry.Name ]
    Expect.equal [ for tensor in set.Tensors -> tensor.Name ] names $"{name}: names, in order"

    for tensor in set.Tensors do
        let expected = expected.GetProperty tensor.Name
        let read = file.Read tensor
        Expect.sequenceEqual read.shape (Golden.longs (expected.GetProperty "shape")) $"{name}: shape of {tensor.Name}"
        Expect.equal (Golden.toArray read) (Golden.doubles (expected.GetProperty "data")) $"{name}: numbers of {tensor.Name}"

let private places (file: CheckpointFile) = [ for set in file.Sets -> set.Where, set.Prefix, set.Tensors.Count ]

[<Tests>]
let tests =
    testList
        "reading checkpoints"
        [ for name, format in
              [ "zip.pth", CheckpointFormat.PyTorchZip
                "legacy.pth", CheckpointFormat.PyTorchLegacy
                "sample.safetensors", CheckpointFormat.Safetensors ] do
              test $"Reading {name} gives the values that PyTorch wrote" {
                  use file = CheckpointFile.Open(golden name)
                  Expect.equal file.Format format "format"
                  Expect.equal (places file) [ "", "", 8 ] "where"
                  expectState name (values.Value.GetProperty "state") file.Sets[0] file
              }

          test "A training checkpoint of DataParallel contains a student and its teacher" {
              use file = CheckpointFile.Open(golden "nested_dataparallel.pth")

              Expect.equal
                  (places file)
                  [ "model_state_dict", "module.student.", 8; "model_state_dict", "module.teacher.", 8 ]
                  "the student comes first"

              expectState "teacher" (values.Value.GetProperty "state") file.Sets[1] file

              Expect.equal
                  (List.ofSeq file.Metadata |> List.map (|KeyValue|))
                  [ "epoch", "12"; "acc", "71.5"; "loss", "1.25"; "lr", "0.004" ]
                  "metadata"

              Expect.equal (List.ofSeq file.Others) [ "optimizer_state_dict" ] "what else is in it"
          }

          test "Views, shared storages and 16-bit floats have the values that they have in PyTorch" {
              use file = CheckpointFile.Open(golden "views.pth")
              expectState "views" (values.Value.GetProperty "views") file.Sets[0] file
              let entry name = file.Sets[0].Tensors |> Seq.find (fun tensor -> tensor.Name = name)

              Expect.equal
                  ((entry "transposed").Position, (entry "transposed").Extent)
                  ((entry "shared_a").Position, 20L)
                  "a view lies in what it views"

              Expect.equal ((entry "half").Type.Name, (entry "bf16").Type.Name) ("float16", "bfloat16") "types"
          }

          for name in [ "training.pth"; "training-legacy.pth" ] do
              test $"Plain values of every kind beside the weights are read from {name}" {
                  use file = CheckpointFile.Open(golden name)
                  Expect.equal (places file) [ "state_dict", "module.", 3 ] "where"

                  Expect.equal
                      (List.ofSeq file.Metadata |> List.map (|KeyValue|))
                      [ "epoch", "90"; "arch", "resnet34"; "best_acc1", "73.3"; "acc", "71.5"; "when", "3"; "device", "cuda:0" ]
                      "metadata"

                  Expect.equal (List.ofSeq file.Others) [ "size"; "raw"; "set"; "optimizer"; "scheduler"; "rng"; "dtype" ] "what else is in it"
              }

          for name in [ "objects.pth"; "objects-legacy.pth"; "objects-protocol4.pth" ] do
              test $"Weights beside objects of Python are read from {name}, and the classes of the objects are listed" {
                  use file = CheckpointFile.Open(golden name)
                  Expect.equal (places file) [ "state_dict", "", 3 ] "only the weights, no tensors of the objects"
                  Expect.equal (List.ofSeq file.Metadata |> List.map (|KeyValue|)) [ "epoch", "7" ] "metadata"
                  Expect.equal (List.ofSeq file.Others) [ "args"; "config"; "callbacks"; "when"; "labels"; "text" ] "what else is in it"

                  Expect.equal
                      (List.ofSeq file.Unlisted)
                      [ "argparse.Namespace"
                        "pathlib.PurePosixPath"
                        "__main__.Config"
                        "torch.nn.modules.linear.Identity"
                        "datetime.datetime"
                        "numpy.core.multiarray._reconstruct"
                        "numpy.ndarray"
                        "numpy.core.multiarray.scalar" ]
                      "the classes"

                  Expect.isNull file.Extraction "nothing is left to extract"
              }

          test "Quantized weights are described, but not read" {
              use file = CheckpointFile.Open(golden "quantized.pth")
              let weight = file.Sets[0].Tensors[0]
              Expect.equal (weight.Name, weight.ShapeText, weight.Type.Name) ("weight", "2x3", "qint8") "the tensor"

              Expect.throwsC (fun () -> file.Read weight |> ignore) (fun error ->
                  Expect.equal error.Message $"{file.Path} contains `weight` of type qint8, which is not supported." "the message")
          }

          test "Every type of number keeps its type" {
              use _ = torch.NewDisposeScope()
              use file = CheckpointFile.Open(golden "types.pth")

              for tensor in file.Sets[0].Tensors do
                  let read = file.Read tensor
                  Expect.equal ("torch." + tensor.Type.Name) tensor.Name "type"

                  let expected =
                      match tensor.Type.Name with
                      | "uint8" -> [ 254.0; 255.0; 0.0; 1.0; 2.0; 3.0 ]
                      | "bool" -> [ 1.0; 1.0; 0.0; 1.0; 1.0; 1.0 ]
                      | _ -> [ -2.0; -1.0; 0.0; 1.0; 2.0; 3.0 ]

                  Expect.equal (List.ofArray (Golden.toArray read)) expected tensor.Name
          }

          test "Parameters in a file of PyTorch 0.x are read as tensors" {
              use _ = torch.NewDisposeScope()
              use file = CheckpointFile.Open(golden "parameters.pth")
              let tensors = file.Sets[0].Tensors
              Expect.equal [ for tensor in tensors -> tensor.Name, tensor.ShapeText ] [ "conv1.weight", "4x3x3x3"; "bn1.running_mean", "4" ] "tensors"
              Expect.equal (Golden.toArray (file.Read tensors[1])) [| 0.0; 1.0; 2.0; 3.0 |] "numbers"
          }

          test "An average of the weights comes after the weights" {
              use file = CheckpointFile.Open(golden "two.pth")
              Expect.equal (places file) [ "model", "", 1; "ema", "", 1 ] "where"
          } ]
