module ChannelDistillation.Tests.Lab.Runs.FinishedRunTests

open System.IO
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Runs
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Training

let private spec = snd (List.head (TinyTraining.variants 1))
let private errors = EpochErrors(2, 40.0, 5.0)

/// A run with empty weights, and how it ended. None: it has not.
let private runIn (folder: TemporaryFolder) (status: (RunStatus * string) option) =
    let run = RunFolder(folder.File "student")
    run.WriteStart("student, seed 7", spec, "cpu", struct (1, 0))
    Directory.CreateDirectory(Path.GetDirectoryName run.LatestWeights) |> ignore
    File.WriteAllText(run.LatestWeights, "")
    File.WriteAllText(run.BestWeights, "")

    status
    |> Option.iter (fun (status, message) -> run.WriteResult(RunResult(status, errors, EpochErrors(1, 39.0, 4.0), message)))

    run

/// The message of a refused run, with `RUN` for its folder.
let private refusal status (change: RunFolder -> unit) =
    use folder = new TemporaryFolder()
    let run = runIn folder status
    change run

    try
        FinishedRun.find FinishedRun.Latest run.Path |> ignore
        "accepted"
    with :? MissingException as error ->
        error.Message.Replace(run.Path, "RUN")

let private completed = Some(RunStatus.Completed, null)
let private file (run: RunFolder) name = Path.Combine(run.Path, name)

let private kept =
    "\nTo export the weights of its last finished epoch as they are, name the file RUN/checkpoints/latest.safetensors."

[<Tests>]
let tests =
    testList
        "finished runs"
        [ test "A completed run has the weights and errors of the chosen epoch" {
              use folder = new TemporaryFolder()
              let run = runIn folder completed
              let latest = FinishedRun.find FinishedRun.Latest run.Path
              let best = FinishedRun.find FinishedRun.Best (run.Path + "/")
              Expect.equal (latest.Weights, latest.Errors.Top1Error) (run.LatestWeights, 40.0) "latest"
              Expect.equal (best.Weights, best.Errors.Top1Error) (run.BestWeights, 39.0) "best"
              Expect.equal latest.Origin [ "run", "student, seed 7"; "run_hash", run.ReadHash(); "epoch", "2" ] "origin"
          }

          test "A run with a hold-out split has the errors on the official validation set" {
              use folder = new TemporaryFolder()
              let run = runIn folder None
              let test = TestErrors(EpochErrors(2, 50.0, 6.0), EpochErrors(1, 49.0, 6.0))
              run.WriteResult(RunResult(RunStatus.Completed, errors, errors, Test = test))
              Expect.equal (FinishedRun.find FinishedRun.Best run.Path).Errors.Top1Error 49.0 "best"
          }

          for name, status, message in
              [ "unfinished", None, "RUN is not finished: it has no result.json. The same sweep resumes it." + kept
                "interrupted", Some(RunStatus.Interrupted, null), "RUN is not finished: it was interrupted. The same sweep resumes it." + kept
                "diverged", Some(RunStatus.Diverged, "In epoch 3, ce became infinite."), "RUN diverged: In epoch 3, ce became infinite." + kept
                "failed", Some(RunStatus.Failed, "The disk is full."), "RUN failed: The disk is full." + kept ] do
              test $"A run that is {name} is refused" { Expect.equal (refusal status ignore) message "message" }

          for name, change, message in
              [ "a damaged run.json",
                (fun run -> File.WriteAllText(file run "run.json", "{")),
                "RUN is damaged: run.json is not valid JSON. Repeat the sweep to restore it."
                "a changed result.json",
                (fun run -> File.AppendAllText(file run "result.json", " ")),
                "RUN is damaged: result.json was changed. Repeat the sweep to restore it."
                "no weights",
                (fun run -> File.Delete run.LatestWeights),
                "RUN/checkpoints/latest.safetensors does not exist: the weights of the run were removed."
                "no run.json", (fun run -> File.Delete(file run "run.json")), "RUN is not the folder of a run: it has no run.json." ] do
              test $"A run with {name} is refused" { Expect.equal (refusal completed change) message "message" } ]
