/// Image folders on the command line of the real program.
module ChannelDistillation.Tests.Cli.FolderTests

open System
open System.IO
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Models
open ChannelDistillation.Checkpoints
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Cli.Running
open ChannelDistillation.Tests.Runtime.Data.ImageFolders

let private experiment =
    "experiment: photos
dataset: { image_folder: birds, classes: 2 }
teacher: none
student: { model: resnet18 }
train: { epochs: 1, batch: 4, optimizer: { sgd: { lr: 0.1 } } }
losses:
  ce: { weight: 1 }
variants:
  plain: [ce]
seeds: [0]
"

/// A folder `birds` of two classes, with an experiment and a checkpoint.
let private withBirds act =
    use folder = new TemporaryFolder()
    TestImages.folder (folder.File "birds") TestImages.cats 2 1 |> ignore
    File.WriteAllText(folder.File "a.yaml", experiment)
    use _ = torch.NewDisposeScope()
    let model = ModelCatalog.Get("resnet8").Create.Invoke(BackboneOptions(Stem.Cifar, 3, 2))
    SafetensorsFile.Write(folder.File "a.safetensors", model.state_dict (), readOnlyDict [])
    act folder

let private runAs user (folder: TemporaryFolder) (arguments: string list) =
    use started = new Started(folder.Path, arguments, root = folder.Path, ?user = user)
    let code, output, errors = started.End()
    code, (output + errors).Replace(folder.Path, "ROOT")

let private run = runAs None
let private plan = [ "plan"; "a.yaml" ]

/// All commands that read an image folder.
let private all =
    [ plan
      [ "plan"; "a.yaml"; "--json" ]
      [ "sweep"; "a.yaml"; "--device"; "cpu" ]
      [ "data"; "pack"; "./birds"; "--jpeg" ]
      [ "evaluate"; "a.safetensors"; "--dataset"; "birds"; "--device"; "cpu" ] ]

[<Tests>]
let tests =
    testList
        "folders of images on the command line"
        [ test "A plan ends with exit code 3 for an unusable dataset, and with 0 for a missing one" {
              withBirds (fun folder ->
                  let code, text = run folder plan
                  Expect.equal code 0 text
                  Expect.stringContains text "Dataset birds: 4 training images and 2 validation images." "usable"
                  Directory.Move(folder.File "birds/val/dog", folder.File "birds/val/Dog")

                  let reason = "In ROOT/birds, train/ has the class `dog` and val/ has `Dog`: they differ in case. Give both the same name."

                  let code, text = run folder plan
                  Expect.equal code 3 text
                  Expect.stringContains text $"Dataset birds: unusable. {reason}\n" "what is wrong"
                  Expect.stringContains text "Cohort 1: 1 run" "the rest of the plan"
                  let code, text = run folder [ "plan"; "a.yaml"; "--json" ]
                  Expect.equal code 3 text
                  Expect.stringContains text $"{reason}\n" "as JSON"
                  Directory.Delete(folder.File "birds/val", true)
                  let code, text = run folder plan
                  Expect.equal code 3 text
                  Expect.stringContains text "Dataset birds: unusable. The folder birds has no val/." "half of it"
                  Directory.Delete(folder.File "birds", true)
                  let code, text = run folder plan
                  Expect.equal code 0 text
                  Expect.stringContains text "Dataset birds: not on this machine." "none of it")
          }

          test "A folder without read permission is named, with the fix" {
              if not (OperatingSystem.IsLinux()) then
                  skiptest "for Linux, where another user can be played"

              let nobody = if Environment.IsPrivilegedProcess then Some 65534 else None

              if nobody.IsSome && not (File.Exists "/usr/bin/setpriv") then
                  skiptest "a process runs as another user with util-linux' setpriv only"

              withBirds (fun folder ->
                  File.SetUnixFileMode(folder.Path, enum<UnixFileMode> 0o777)

                  for closed in [ "birds/val/dog"; "birds/val"; "birds" ] do
                      File.SetUnixFileMode(folder.File closed, UnixFileMode.None)

                      try
                          for arguments in all do
                              let code, text = runAs nobody folder arguments

                              if nobody.IsSome && text.Contains "does not exist" then
                                  skiptest "other users cannot reach this folder"

                              Expect.equal code 3 $"{closed}, {arguments}: {text}"

                              Expect.stringContains
                                  text
                                  ($"The folder ROOT/{closed} cannot be read: permission denied. Allow this account to list and enter it "
                                   + "(chmod u+rx).")
                                  $"{closed}, {arguments}"
                      finally
                          File.SetUnixFileMode(folder.File closed, enum<UnixFileMode> 0o755))
          }

          test "Every command reports the unused files of a folder" {
              withBirds (fun folder ->
                  File.WriteAllText(folder.File "birds/val/cat/._cat_0.JPEG", "")

                  for arguments in all do
                      let code, text = run folder arguments
                      Expect.equal code 0 $"{arguments}: {text}"

                      if not (List.contains "--json" arguments) then
                          Expect.stringContains text "In ROOT/birds/val, 1 entry is not used: 1 hidden (cat/._cat_0.JPEG)." $"{arguments}"

                      // The copy would be used instead of the folder.
                      if Directory.Exists(folder.File "birds-packed-jpeg") then
                          Directory.Delete(folder.File "birds-packed-jpeg", true))
          } ]
