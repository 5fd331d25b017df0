/// A sweep of hundreds of runs with nothing left to train.
module ChannelDistillation.Tests.Cli.ManyFinishedRunsTests

open System
open System.IO
open Expecto
open ChannelDistillation.Runs
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Cli.Running

let private experiment =
    "experiment: many
dataset: fashion-mnist-mini
teacher: none
student: { model: resnet8 }
train: { epochs: 1, batch: 64, optimizer: { sgd: { lr: 0.1 } }, lr_schedule: constant }
losses: { ce: { weight: 1 } }
variants: { student: [ce] }
seeds: [0, 1, 2, 3, 4, 5]
grid: { product: { losses.ce.weight: { from: 0.1, to: 10, count: 100 } } }
"

/// Sets the times of all files back. Files newer than the resolution of the file system's clock are read again by every command.
let private age (folder: string) (seconds: float) =
    for file in Directory.GetFiles folder do
        File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddSeconds -seconds)

/// Completes a run some seconds ago.
let private finish (folder: string) (error: float) (seconds: float) =
    let errors = EpochErrors(1, error, 0.0)
    (RunFolder folder).WriteResult(RunResult(RunStatus.Completed, errors, errors))
    age folder seconds

let private written (folder: TemporaryFolder) (name: string) = File.GetLastWriteTimeUtc(folder.File $"runs/many/{name}")
let private tables = [ "plan.json"; "results.md"; "results.csv"; "results.json"; "results.tex"; "report.html" ]

[<Tests>]
let tests =
    testSequenced
    <| test "A sweep with nothing to train reads and writes only changed files, and prints the same as when it reads everything" {
        use folder = new TemporaryFolder()
        File.WriteAllText(folder.File "many.yaml", experiment)

        let runs =
            [ for run in (Base.plan experiment []).Runs ->
                  let path = folder.File $"runs/many/{RunFolder.NameOf(run.Name, run.Spec)}"
                  let record = RunFolder path
                  record.WriteStart(run.Name, run.Spec, "cpu", struct (1, 0))

                  for weights in [ record.LatestWeights; record.BestWeights ] do
                      Directory.CreateDirectory(nonNull (Path.GetDirectoryName weights)) |> ignore
                      File.WriteAllText(weights, "")

                  finish path 20.0 60.0
                  path ]

        let sweep () =
            let code, output, errors = run folder.Path [ "sweep"; "many.yaml"; "--out"; "runs" ]
            expectExit 0 (code, output, errors)
            Expect.equal errors "" "nothing went wrong"
            output.Split '\n' |> Array.filter (fun line -> not (line.Contains "runs completed, in")) |> List.ofArray

        let results () = File.ReadAllText(folder.File "runs/many/results.csv")
        let first = sweep ()
        let before = tables |> List.map (written folder)
        let content = results ()
        Expect.equal (sweep ()) first "the second says the same"
        Expect.equal (tables |> List.map (written folder)) before "and writes nothing"

        File.Delete(folder.File "runs/many/results.csv")
        Expect.equal (sweep ()) first "with a table removed, too"
        Expect.equal (results ()) content "rewritten"

        let kept = folder.File "runs/many/.summaries"
        let summaries = File.ReadAllText kept

        for damaged in [ ""; "null"; summaries.Replace(":20,", ":10,"); summaries[..5000] ] do
            File.WriteAllText(kept, damaged)
            Expect.equal (sweep ()) first "with the kept summaries damaged, too"

        finish runs[0] 80.0 30.0
        let changed = sweep ()
        Expect.notEqual changed first "a run that ended otherwise is read"
        Expect.notEqual (results ()) content "and the tables are written"

        finish runs[1] 70.0 0.0
        let young = sweep ()
        Expect.notEqual young changed "one that ended this moment is read"
        File.Delete kept
        Expect.equal (sweep ()) young "as when everything is read"
    }
