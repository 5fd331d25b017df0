module ChannelDistillation.Tests.Cli.CheckpointVerbTests

open System.Collections.Generic
open System.IO
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Models
open ChannelDistillation.Checkpoints
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Cli.CommandLine

/// A resnet8 for 10 classes of colour images, without metadata.
let private weightsWith (metadata: (string * string) list) (folder: TemporaryFolder) =
    use _ = torch.NewDisposeScope()
    let model = ModelCatalog.Get("resnet8").Create.Invoke(BackboneOptions(Stem.Cifar, 3, 10))
    SafetensorsFile.Write(folder.File "a.safetensors", model.state_dict (), Dictionary(dict metadata))

let private weights = weightsWith []

let private withWeights arguments =
    use folder = new TemporaryFolder()
    weights folder
    run folder.Path arguments

let private golden name = Golden.path (Path.Combine("checkpoints", name))

[<Tests>]
let tests =
    testList
        "command line, checkpoints"
        [ test "teacher inspect shows a checkpoint" {
              let code, text = withWeights [ "teacher"; "inspect"; "a.safetensors" ]
              Expect.equal code 0 text
              Expect.stringContains text "matches resnet8 for 10 classes\n" "the model"
          }

          test "teacher inspect shows weights that are not finite, and ends with exit code 3" {
              use _ = torch.NewDisposeScope()
              use folder = new TemporaryFolder()
              let broken = torch.ones (2L, 2L)
              broken[0] <- torch.tensor infinityf
              SafetensorsFile.Write(folder.File "a.safetensors", [| KeyValuePair("fc.weight", broken) |], Dictionary())
              let code, text = run folder.Path [ "teacher"; "inspect"; "a.safetensors" ]
              Expect.equal code 3 text
              Expect.stringContains text "1 tensor, 4 parameters, float32\n" "the content"

              Expect.stringEnds
                  text
                  "a.safetensors contains infinite or NaN values in `fc.weight`. Training may have diverged before it was written.\n"
                  "the message"
          }

          test "A file that is not a checkpoint ends with exit code 3" {
              for verb in [ [ "teacher"; "inspect" ]; [ "evaluate" ] ] do
                  Expect.equal (inNowhere (verb @ [ "nothere.pth" ])) (3, "nothere.pth cannot be read: it does not exist.\n") "absent"
                  inNowhere (verb @ [ golden "malicious.pth" ]) |> refused 3 [ "Objects of Python are not read: `posix.system`." ]
          }

          test "The classes of a folder must match those of the weights" {
              use folder = new TemporaryFolder()
              weights folder
              let evaluate () = run folder.Path [ "evaluate"; "a.safetensors"; "--dataset"; "birds" ]
              Directory.CreateDirectory(folder.File "birds/train/crow") |> ignore
              let path = folder.File "birds"

              Expect.equal
                  (evaluate ())
                  (3, $"{path} is not an image folder: for evaluation it must contain val/ with one folder of images per class.\n")
                  "half a dataset"

              Directory.CreateDirectory(folder.File "birds/val/crow") |> ignore
              evaluate () |> refused 3 [ "its classifier has 10 classes, the dataset has 1." ]
          }

          test "Unknown metadata are accepted" {
              for dataset in [ "imagenet"; "{}"; """{"name":"a","name":"b"}"""; """{"name":"birds"}"""; """{"name":"image_folder"}""" ] do
                  use folder = new TemporaryFolder()
                  weightsWith [ "dataset", dataset; "model", "ours" ] folder
                  run folder.Path [ "evaluate"; "a.safetensors" ] |> refused 2 [ "is not in the folder of a run" ]
          }

          for code, arguments, message in
              [ 2, [], "a.safetensors is not in the folder of a run, so its dataset is unknown. Name one, for example --dataset imagenet.\n"
                3,
                [ "--dataset"; "fashion-mnist-mini" ],
                "a.safetensors does not contain the weights of this model (resnet8): its first layer takes images of 3 channels, the dataset has 1. "
                + "They are the weights of resnet8 for 10 classes.\n"
                3,
                [ "--dataset"; "cifar100"; "--model"; "resnet8" ],
                "a.safetensors does not contain the weights of this model (resnet8): its classifier has 10 classes, the dataset has 100. "
                + "They are the weights of resnet8 for 10 classes.\n"
                2, [ "--dataset"; "cifar10"; "--model"; "resnet7" ], "Unknown model `resnet7`.\nHint: did you mean `resnet8`?\n"
                2, [ "--dataset"; "cifar1000" ], "Unknown dataset or folder `cifar1000`.\nHint: did you mean `cifar100`?\n"
                2, [ "--dataset"; "cifar10"; "--logits"; "a.csv" ], "--logits writes .npy or .safetensors files, and `a.csv` is neither.\n"
                2,
                [ "--dataset"; "cifar10"; "--logits"; "a.safetensors" ],
                "a.safetensors exists already and is not overwritten. Remove it, or give --logits another name.\n"
                2, [ "--dataset"; "cifar10"; "--stem"; "small" ], "Unknown stem `small`. Use --stem cifar or imagenet.\n" ] do
              test $"evaluate a.safetensors {arguments}" {
                  let exit, text = withWeights ("evaluate" :: "a.safetensors" :: arguments)
                  Expect.equal exit code text
                  Expect.stringStarts text message "message"
              } ]
