module ChannelDistillation.Tests.Cli.KillTests

open System
open System.IO
open System.Threading
open Expecto
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Cli.Running

/// A checkpoint after every step, so that many a kill comes while one is written.
let private experiment =
    "experiment: killed
dataset: fashion-mnist-mini
teacher: none
student: { model: resnet8 }
checkpoint_minutes: 0.00001
train:
  epochs: 2
  batch: 500
  optimizer: { sgd: { lr: 0.1, momentum: 0.9 } }
  lr_schedule: { step: { at: [1], factor: 0.1 } }
losses:
  ce: { weight: 1 }
variants:
  plain: [ce]
  heavy: [ce: { weight: 2 }]
seeds: [0]
"

let private kills = 30

let private arguments = [ "sweep"; "killed.yaml"; "--out"; "runs"; "--threads"; "1" ]

let private outcome (folder: TemporaryFolder) = Outcome.ofFolder (folder.File "runs/killed")

[<Tests>]
let tests =
    test "a sweep that is killed thirty times leaves every file as an undisturbed one does" {
        let undisturbed = new TemporaryFolder()
        use _ = undisturbed
        File.WriteAllText(undisturbed.File "killed.yaml", experiment)
        run undisturbed.Path arguments |> expectExit 0
        use folder = new TemporaryFolder()
        File.WriteAllText(folder.File "killed.yaml", experiment)
        let random = Random 11
        let mutable killed = 0

        // From before it has read the file to within its training: a start takes about a second.
        while killed < kills && not (File.Exists(folder.File "runs/killed/ended")) do
            use started = new Started(folder.Path, arguments)
            Thread.Sleep(500 + random.Next 2000)

            if started.HasEnded then
                File.WriteAllText(folder.File "runs/killed/ended", "")
            else
                started.Kill()
                killed <- killed + 1

        File.Delete(folder.File "runs/killed/ended")
        run folder.Path arguments |> expectExit 0
        Expect.isGreaterThan killed 3 "kills before it was through"

        let expected, actual = outcome undisturbed, outcome folder
        Expect.equal (List.map fst actual) (List.map fst expected) "the same files"

        for (name, expected), (_, actual) in List.zip expected actual do
            Expect.equal actual expected name
    }
