module ChannelDistillation.Tests.Cli.KillTests

open System
open System.Diagnostics
open System.IO
open System.Threading
open Expecto
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Cli.Running
open ChannelDistillation.Tests.Runtime.Data.ImageFolders

/// A checkpoint after every step, a teacher trained on the way, connectors trained with the student, a TorchScript student and loss, and a hold-out split. The
/// steps are small, and many more than the kills: half of the kills let one or two pass.
let private experiment =
    "experiment: killed
dataset: { image_folder: photos, classes: 2, validation: 0.25 }
teacher: { model: resnet8, train: { epochs: 1 } }
student: { torchscript: student.pt }
checkpoint_minutes: 0.00001
train:
  epochs: 6
  batch: 2
  optimizer: { sgd: { lr: 0.01, momentum: 0.9 } }
  lr_schedule: { step: { at: [2], factor: 0.1 } }
losses:
  ce: { weight: 1 }
  cd: { weight: 6 }
  soft-labels: { torchscript: soft_labels.pt }
variants:
  cd: [ce, cd, soft-labels]
seeds: [0]
"

let private kills = 30

/// At least so many kills must leave a checkpoint partly written or not yet renamed.
let private intoWriting = 5

/// In one process, so that the kill hits the one that trains.
let private arguments = [ "sweep"; "killed.yaml"; "--out"; "runs"; "--threads"; "1"; "--no-worker" ]

let private files (folder: TemporaryFolder) (pattern: string) =
    [ "runs"; "pretrain" ]
    |> Seq.map folder.File
    |> Seq.filter Directory.Exists
    |> Seq.collect (fun place -> Directory.EnumerateFiles(place, pattern, SearchOption.AllDirectories))

/// A checkpoint that the process is writing, under its temporary name.
let private unfinished folder (child: Started) = files folder $"*.safetensors.*-{child.Id}-*.tmp"

/// Writing a checkpoint takes milliseconds. Files may disappear while the folder is read.
let private waitFor (child: Started) what condition =
    let clock = Stopwatch.StartNew()

    let isSo () =
        try
            condition ()
        with
        | :? FileNotFoundException
        | :? DirectoryNotFoundException -> false

    while not (isSo ()) do
        if child.HasEnded then
            failtest $"it ended before {what}: {child.End()}"

        if clock.Elapsed > TimeSpan.FromMinutes 2.0 then
            failtest $"two minutes went by before {what}"

        Thread.Sleep 1

/// The files in the folder, without `pretrain/hashes`, which has paths and times of files.
let private outcome (folder: TemporaryFolder) =
    Outcome.ofFolder (folder.File "runs/killed")
    @ (Outcome.ofFolder (folder.File "pretrain") |> List.filter (fun (name, _) -> not (name.StartsWith "hashes")))

let private prepared () =
    let folder = new TemporaryFolder()
    TestImages.folder (folder.File "photos") [ "cat"; "dog" ] 16 1 |> ignore
    File.WriteAllText(folder.File "killed.yaml", experiment)
    File.Copy(Path.Combine(Repository.root, "experiments/python/soft_labels.pt"), folder.File "soft_labels.pt")
    File.Copy(Golden.path "photo_student.pt", folder.File "student.pt")
    folder

[<Tests>]
let tests =
    testSequenced
    <| test "A sweep that is killed thirty times produces the files of an undisturbed one" {
        use undisturbed = prepared ()
        use folder = prepared ()
        // In parallel: each uses one of two cores.
        use whole = new Started(undisturbed.Path, arguments, undisturbed.Path)
        let random = Random 11
        let mutable torn = 0

        for kill in 1..kills do
            use child = new Started(folder.Path, arguments, folder.Path)
            let started = DateTime.UtcNow

            if kill % 2 = 0 then
                waitFor child $"kill {kill}, into a checkpoint" (fun () -> not (Seq.isEmpty (unfinished folder child)))
            else
                waitFor child $"kill {kill}, after a checkpoint of its own" (fun () ->
                    files folder "*.state.safetensors" |> Seq.exists (fun file -> File.GetLastWriteTimeUtc file > started))

                Thread.Sleep(random.Next 60)

            Expect.isFalse child.HasEnded $"kill {kill}: it was alive"
            child.Kill()
            let code, _, _ = child.End()
            Expect.equal code 137 $"kill {kill}: SIGKILL ended it"

            if not (Seq.isEmpty (unfinished folder child)) then
                torn <- torn + 1

        Expect.isGreaterThanOrEqual torn intoWriting "kills that a checkpoint was being written in"
        use last = new Started(folder.Path, arguments, folder.Path)
        last.End() |> expectExit 0
        whole.End() |> expectExit 0
        let expected, actual = outcome undisturbed, outcome folder
        Expect.equal (List.map fst actual) (List.map fst expected) "the same files"

        for (name, expected), (_, actual) in List.zip expected actual do
            Expect.equal actual expected name
    }
