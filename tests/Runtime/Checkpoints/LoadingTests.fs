module ChannelDistillation.Tests.Runtime.Checkpoints.LoadingTests

open System
open System.Collections.Generic
open System.IO
open System.Text.RegularExpressions
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Models
open ChannelDistillation.Checkpoints
open ChannelDistillation.Teachers
open ChannelDistillation.Tests

let private build name channels classes = ModelCatalog.Get(name).Create.Invoke(BackboneOptions(Stem.Cifar, channels, classes))

let private filled name channels classes seed =
    let model = build name channels classes
    Initialisation.Initialise(model, seed, "test")
    model

let private write path (tensors: (string * torch.Tensor) seq) =
    SafetensorsFile.Write(path, [| for name, tensor in tensors -> KeyValuePair(name, tensor) |], Dictionary())

let private state (model: Network) = [ for entry in model.state_dict () -> entry.Key, entry.Value ]
let private numbers (model: Network) = [ for name, tensor in state model -> name, Golden.toArray tensor ]

/// Writes a modified state of a resnet8 for 10 classes, and loads it into another model; returns the message.
let private refused change (into: Network) =
    use _ = torch.NewDisposeScope()
    use folder = new TemporaryFolder()
    let path = folder.File "a.safetensors"
    write path (change (state (filled "resnet8" 3 10 1L)))
    let before = numbers into

    try
        Checkpoint.LoadInto(into, path)
        "loaded without complaint"
    with :? InvalidDataException as error ->
        Expect.equal (numbers into) before "the model is as it was"
        error.Message.Replace(path, "FILE").Replace(Path.ChangeExtension(path, null), "NAME")

let private start = "FILE does not contain the weights of this model (resnet8): "

[<Tests>]
let tests =
    testList
        "loading a checkpoint"
        [ test "A model gets the file's numbers, whatever prefix and type they have in it" {
              use _ = torch.NewDisposeScope()
              use folder = new TemporaryFolder()
              let saved = filled "resnet8" 3 10 1L

              for prefix, kind, tolerance in
                  [ "", torch.float32, 0.0
                    "module.", torch.float32, 0.0
                    "_orig_mod.model.", torch.float64, 0.0
                    "module.student.", torch.float16, 1e-3
                    "teacher.", torch.bfloat16, 1e-2 ] do
                  let path = folder.File "a.safetensors"

                  write
                      path
                      [ for name, tensor in state saved ->
                            prefix + name, (if tensor.is_floating_point () then tensor.detach().``to`` kind else tensor) ]

                  let loaded = build "resnet8" 3 10
                  Checkpoint.LoadInto(loaded, path)

                  for (name, expected), (_, actual) in List.zip (numbers saved) (numbers loaded) do
                      Golden.closeWith 1e-2 tolerance expected actual $"{prefix}{name}"
          }

          test "The network that fits is loaded from a file with several networks" {
              use _ = torch.NewDisposeScope()
              use folder = new TemporaryFolder()
              let path = folder.File "a.safetensors"
              let student = filled "resnet8" 3 10 1L
              let teacher = filled "resnet14" 3 10 2L

              write
                  path
                  [ for name, tensor in state teacher do
                        "module.teacher." + name, tensor
                    for name, tensor in state student do
                        "module.student." + name, tensor
                    "module.connectors.0.weight", torch.zeros 3L ]

              use file = CheckpointFile.Open path

              for saved, prefix in [ student, "module.student."; teacher, "module.teacher." ] do
                  let loaded = build (saved.GetName()) 3 10
                  Expect.equal (Checkpoint.LoadInto(loaded, file)).Prefix prefix "which"
                  Expect.equal (numbers loaded) (numbers saved) "numbers"
          }

          test "Infinite and NaN values are refused, with the name of their tensor" {
              use _ = torch.NewDisposeScope()
              use folder = new TemporaryFolder()
              let path = folder.File "a.safetensors"

              for name, value in [ "bn1.running_var", infinity; "fc.weight", nan ] do
                  let broken (tensor: torch.Tensor) = tensor.detach().clone().fill_((value: float).ToScalar())

                  write path [ for key, tensor in state (filled "resnet8" 3 10 1L) -> key, (if key = name then broken tensor else tensor) ]

                  Expect.throwsC (fun () -> Checkpoint.LoadInto(build "resnet8" 3 10, path)) (fun error ->
                      Expect.equal
                          error.Message
                          $"{path} contains infinite or NaN values in `{name}`. Training may have diverged before it was written."
                          "message")

                  use file = CheckpointFile.Open path
                  Expect.equal (nonNull (file.FirstNonFinite file.Sets[0])).Name name "inspection"
          }

          test "A float64 value that float32 cannot hold is refused" {
              use _ = torch.NewDisposeScope()
              use folder = new TemporaryFolder()
              let path = folder.File "a.safetensors"
              let wide (tensor: torch.Tensor) = tensor.detach().``to``(torch.float64).fill_((1e300: float).ToScalar())

              write path [ for key, tensor in state (filled "resnet8" 3 10 1L) -> key, (if key = "bn1.running_var" then wide tensor else tensor) ]

              Expect.throwsC (fun () -> Checkpoint.LoadInto(build "resnet8" 3 10, path)) (fun error ->
                  Expect.equal
                      error.Message
                      ($"{path} contains infinite or NaN values in `bn1.running_var`, or too large ones for float32. "
                       + "Training may have diverged before it was written.")
                      "message")
          }

          test "The network that the CRD benchmark saves under `model`, beside its epoch and best accuracy, is found" {
              use _ = torch.NewDisposeScope()
              use folder = new TemporaryFolder()
              let path = folder.File "ckpt_epoch_240.pth"
              let saved = filled "wrn16-2" 3 100 1L

              let tensors =
                  [ for index, (name, tensor) in List.indexed (state saved) ->
                        let bytes = tensor.contiguous().bytes.ToArray()
                        let kind = if tensor.dtype = torch.int64 then "LongStorage" else "FloatStorage"
                        let shape = [ for size in tensor.shape -> int size ]
                        let strides = List.tail (List.scanBack (*) shape 1)
                        let storage = PickleWriter.storage kind (string index) (int (tensor.numel ()))
                        (name, PickleWriter.tensorOf storage 0 shape strides), (string index, bytes) ]

              let best =
                  PickleWriter.tensorOf
                      (Array.append
                          (PickleWriter.tuple
                              [ PickleWriter.word "storage"
                                PickleWriter.global_ "torch" "FloatStorage"
                                PickleWriter.word "best"
                                PickleWriter.word "cuda:0"
                                PickleWriter.whole 1 ])
                          (PickleWriter.op 'Q'))
                      0
                      [ 1 ]
                      [ 1 ]

              let content =
                  PickleWriter.dict [ "epoch", PickleWriter.whole 240; "model", PickleWriter.dict (List.map fst tensors); "best_acc", best ]

              File.WriteAllBytes(path, PickleWriter.checkpoint content (("best", BitConverter.GetBytes 75.61f) :: List.map snd tensors))
              let loaded = build "wrn16-2" 3 100
              use file = CheckpointFile.Open path
              Expect.equal (Checkpoint.LoadInto(loaded, file)).Place "`model`" "place"
              Expect.equal (numbers loaded) (numbers saved) "numbers"
          }

          test "A file without num_batches_tracked, which older PyTorch did not write, is loaded" {
              use _ = torch.NewDisposeScope()
              use folder = new TemporaryFolder()
              let path = folder.File "a.safetensors"
              let saved = filled "resnet8" 3 10 1L
              write path (state saved |> List.filter (fun (name, _) -> not (name.EndsWith "num_batches_tracked")))
              let loaded = build "resnet8" 3 10
              Checkpoint.LoadInto(loaded, path)
              Expect.equal (numbers loaded) (numbers saved) "numbers"
          }

          test "A ResNet with layers named `shortcut` and `linear` is loaded, and the renaming is reported" {
              use _ = torch.NewDisposeScope()
              use folder = new TemporaryFolder()
              let path = folder.File "a.safetensors"
              let saved = filled "resnet18" 3 10 1L
              let theirs (name: string) = name.Replace(".downsample.", ".shortcut.").Replace("fc.", "linear.")
              write path [ for name, tensor in state saved -> "module." + theirs name, tensor ]
              use file = CheckpointFile.Open path
              let loaded = build "resnet18" 3 10

              Expect.equal
                  (Checkpoint.LoadInto(loaded, file)).Place
                  "names without `module.`, `linear` read as `fc`, `shortcut` as `downsample`"
                  "place"

              Expect.equal (numbers loaded) (numbers saved) "numbers"
          }

          for basic, stages, blocks in [ "resnet8", 3, 2; "resnet50", 4, 3 ] do
              test $"A {basic} under the names of Hugging Face's ResNet is loaded from a sorted file" {
                  use _ = torch.NewDisposeScope()
                  use folder = new TemporaryFolder()
                  let path = folder.File "model.safetensors"
                  let saved = filled basic 3 10 1L
                  let replace (pattern: string) (into: string) (name: string) = Regex.Replace(name, pattern, into)
                  let layer = "resnet.encoder.stages.$1.layers.$2"

                  let theirs =
                      replace @"^conv1\." "resnet.embedder.embedder.convolution."
                      >> replace @"^bn1\." "resnet.embedder.embedder.normalization."
                      >> replace @"^layer(\d)\.(\d+)\.conv(\d)\." $"{layer}.layer.$3.convolution."
                      >> replace @"^layer(\d)\.(\d+)\.bn(\d)\." $"{layer}.layer.$3.normalization."
                      >> replace @"^layer(\d)\.(\d+)\.downsample\.0\." $"{layer}.shortcut.convolution."
                      >> replace @"^layer(\d)\.(\d+)\.downsample\.1\." $"{layer}.shortcut.normalization."
                      >> replace @"^fc\." "classifier.1."

                  // Theirs count from 0. Downwards, so that no number is counted twice.
                  let fromZero (name: string) =
                      Regex.Replace(name, @"(stages|layer)\.(\d)", fun found -> $"{found.Groups[1].Value}.{int found.Groups[2].Value - 1}")

                  write path (List.sortBy fst [ for name, tensor in state saved -> fromZero (theirs name), tensor ])
                  use file = CheckpointFile.Open path
                  let names = [ for tensor in file.Sets[0].Tensors -> tensor.Key ]
                  Expect.contains names $"resnet.encoder.stages.{stages - 1}.layers.0.layer.{blocks - 1}.normalization.weight" "the last stage"
                  Expect.contains names $"resnet.encoder.stages.{stages - 1}.layers.0.shortcut.convolution.weight" "a shortcut"
                  let loaded = build basic 3 10
                  Expect.equal (Checkpoint.LoadInto(loaded, file)).Place "names of Hugging Face's ResNet" "place"
                  Expect.equal (numbers loaded) (numbers saved) "numbers"
                  let ranked = ModelFit.Rank file.Sets[0]
                  Expect.isTrue ranked[0].IsExact "recognised"
              }

          test "A ResNet under the names of OpenMMLab is loaded" {
              use _ = torch.NewDisposeScope()
              use folder = new TemporaryFolder()
              let path = folder.File "a.safetensors"
              let saved = filled "resnet18" 3 10 1L
              let theirs (name: string) = if name.StartsWith "fc." then "head." + name else "backbone." + name
              write path [ for name, tensor in state saved -> theirs name, tensor ]
              use file = CheckpointFile.Open path
              let loaded = build "resnet18" 3 10

              Expect.equal (Checkpoint.LoadInto(loaded, file)).Place "names of OpenMMLab: without `backbone.` and `head.`" "place"

              Expect.equal (numbers loaded) (numbers saved) "numbers"
          }

          test "A file with a tensor under the names of two libraries is not renamed" {
              use _ = torch.NewDisposeScope()
              use folder = new TemporaryFolder()
              let path = folder.File "a.safetensors"

              write
                  path
                  [ "linear.weight", torch.zeros (2L, 2L)
                    "fc.weight", torch.zeros (2L, 2L)
                    "layer1.0.shortcut.0.weight", torch.zeros (2L, 2L) ]

              use file = CheckpointFile.Open path
              Expect.isNull file.Sets[0].Renaming "renaming"
          }

          for name, prefixes in
              [ "resnet8", [ "encoder."; "module._orig_mod.model."; "_orig_mod.module."; "learner.0.net." ]
                for name in [ "wrn16-2"; "vgg8"; "mobilenetv1"; "mobilenetv2"; "shufflenetv1"; "shufflenetv2"; "resnet8-assisted" ] do
                    name, [ "timm_model." ] ] do
              test $"A {name} is found under any prefix, with other tensors beside it" {
                  use _ = torch.NewDisposeScope()
                  use folder = new TemporaryFolder()
                  let path = folder.File "a.safetensors"

                  let build () =
                      match name with
                      | "resnet8-assisted" -> AssistedNetwork.Describe(ModelCatalog.Get "resnet8").Create.Invoke(BackboneOptions(Stem.Cifar, 3, 10))
                      | _ -> build name 3 10

                  use saved = build ()
                  Initialisation.Initialise(saved, 1L, "test")

                  for prefix in prefixes do
                      let others = [ "criterion.centers", torch.zeros (10L, 2L); "queue", torch.zeros (2L, 4L) ]

                      for beside in [ []; others ] do
                          write path (beside @ [ for key, tensor in state saved -> prefix + key, tensor ])
                          use file = CheckpointFile.Open path
                          use loaded = build ()
                          let set = Checkpoint.LoadInto(loaded, file)
                          Expect.equal (set.Prefix, set.Tensors.Count) (prefix, (state saved).Length) "the network"
                          Expect.equal (numbers loaded) (numbers saved) "numbers"
                          Expect.equal (List.sum [ for set in file.Sets -> set.Tensors.Count ]) ((state saved).Length + beside.Length) "all tensors"
              }

          test "An average of weights is recognised by the names around it, and comes after the weights and before the teacher" {
              use _ = torch.NewDisposeScope()
              use folder = new TemporaryFolder()
              let path = folder.File "a.safetensors"
              let saved = state (filled "resnet8" 3 10 1L)
              let under prefix = [ for name, tensor in saved -> prefix + name, tensor ]

              let sets (tensors: (string * torch.Tensor) list) =
                  write path tensors
                  use file = CheckpointFile.Open path
                  [ for set in file.Sets -> set.Prefix, set.IsAverage ]

              Expect.equal (sets (under "ema_model.module.")) [ "ema_model.module.", true ] "alone"
              Expect.equal (sets (under "swa." @ under "")) [ "", false; "swa.", true ] "beside the weights"
              Expect.equal (sets (("n_averaged", torch.zeros 1L) :: under "module.")) [ "module.", true; "", false ] "PyTorch's AveragedModel"

              Expect.equal (sets (under "teacher." @ under "ema." @ under "student.")) [ "student.", false; "ema.", true; "teacher.", false ] "order"

              Expect.equal (sets (under "schema.")) [ "schema.", false ] "other words"
          }

          for name in [ "resnet8"; "resnet50"; "wrn16-2"; "vgg8"; "mobilenetv1"; "mobilenetv2"; "shufflenetv1"; "shufflenetv2" ] do
              test $"The names of {name} are not changed" {
                  use _ = torch.NewDisposeScope()
                  use folder = new TemporaryFolder()
                  let path = folder.File "a.safetensors"
                  let saved = build name 3 10
                  write path (state saved)
                  use file = CheckpointFile.Open path
                  let set = Checkpoint.LoadInto(build name 3 10, file)
                  Expect.isNull set.Renaming "renamed"
                  Expect.equal [ for tensor in set.Tensors -> tensor.Name ] (List.map fst (state saved)) "names"
              }

          test "A single changed bit in a file of ours is detected, whatever the file's name" {
              use _ = torch.NewDisposeScope()
              use folder = new TemporaryFolder()
              let path = folder.File "a.safetensors"
              write path (state (filled "resnet8" 3 10 1L))
              let bytes = File.ReadAllBytes path
              bytes[bytes.Length - 1000] <- bytes[bytes.Length - 1000] ^^^ 1uy
              File.WriteAllBytes(path, bytes)
              let into = build "resnet8" 3 10
              let before = numbers into

              Expect.throwsC (fun () -> Checkpoint.LoadInto(into, path)) (fun error ->
                  Expect.equal
                      error.Message
                      ($"{path} does not match its checksum: it is damaged, or another program has changed it and kept its metadata. "
                       + "To use a changed file, save it without the metadata entry `xxh128`.")
                      "the message")

              Expect.equal (numbers into) before "the model is as it was"
          }

          for what, change, channels, classes, message in
              [ "another number of classes",
                id,
                3,
                100,
                "its classifier has 10 classes, the dataset has 100. They are the weights of resnet8 for 10 classes."
                "images of other channels",
                id,
                1,
                10,
                "its first layer takes images of 3 channels, the dataset has 1. They are the weights of resnet8 for 10 classes."
                "a missing tensor", List.filter (fun (name, _) -> name <> "bn1.weight"), 3, 10, "`bn1.weight` is missing."
                "tensors that are not the model's",
                (fun state -> ("ema.decay", torch.zeros 1L) :: ("queue", torch.zeros 1L) :: state),
                3,
                10,
                "2 tensors are not part of the model (`ema.decay`, `queue`).\nTo remove the surplus in Python:\n"
                + "from safetensors.torch import load_file, save_file; save_file({name: value for name, value in load_file(\"FILE\").items() "
                + "if name not in [\"ema.decay\", \"queue\"]}, \"NAME-weights.safetensors\")"
                "tensors that are not the model's, and another number of classes",
                (fun state -> ("queue", torch.zeros (7L, 9L)) :: state),
                3,
                100,
                "its classifier has 10 classes, the dataset has 100; `queue` is not part of the model. "
                + "They are the weights of resnet8 for 10 classes, and `queue`, which is not part of it."
                "whole numbers for weights",
                List.map (fun (name: string, tensor: torch.Tensor) -> name, (if name = "bn1.bias" then tensor.``to`` torch.int8 else tensor)),
                3,
                10,
                "`bn1.bias` is int8 instead of float32.\nTo convert them in Python:\n"
                + "from safetensors.torch import load_file, save_file; save_file({name: value.float() for name, value in load_file(\"FILE\").items()}, "
                + "\"NAME-float32.safetensors\")"
                "other shapes, and many missing tensors",
                List.map (fun (name: string, tensor: torch.Tensor) -> name, (if name.StartsWith "layer1" then tensor.unsqueeze 0L else tensor))
                >> List.filter (fun (name, _) -> not (name.StartsWith "layer3")),
                3,
                10,
                "18 tensors are missing (`layer3.0.conv1.weight`, `layer3.0.bn1.weight`, `layer3.0.bn1.bias`, ...); "
                + "`layer1.0.conv1.weight` is 1x16x16x3x3 instead of 16x16x3x3, `layer1.0.bn1.weight` is 1x16 instead of 16, "
                + "`layer1.0.bn1.bias` is 1x16 instead of 16, and 9 more differ." ] do
              test $"A file with {what} is refused with the differences" {
                  use model = build "resnet8" channels classes
                  Expect.equal (refused change model) (start + message) "the message"
              }

          test "A difference in the stem is reported as such" {
              use _ = torch.NewDisposeScope()
              use folder = new TemporaryFolder()
              let path = folder.File "a.safetensors"
              let build stem = ModelCatalog.Get("resnet18").Create.Invoke(BackboneOptions(stem, 3, 10))
              write path (state (build Stem.ImageNet))

              let message =
                  try
                      Checkpoint.LoadInto(build Stem.Cifar, path)
                      "loaded"
                  with :? InvalidDataException as error ->
                      error.Message.Replace(path, "FILE")

              Expect.equal
                  message
                  ("FILE does not contain the weights of this model (resnet18): its stem begins with a 7x7 convolution, the model's with 3x3. "
                   + "They are the weights of resnet18 for 10 classes, imagenet stem.")
                  "the message"
          } ]
