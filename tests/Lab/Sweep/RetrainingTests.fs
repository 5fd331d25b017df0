module ChannelDistillation.Tests.Lab.Sweep.RetrainingTests

open System.IO
open System.Text.Json.Nodes
open Expecto
open ChannelDistillation.Runs
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Lab.Runs

/// A completed sweep of `student` and `kd`.
let private afterwards (work: Plan -> SweepOptions -> unit) =
    use folder = new TemporaryFolder()
    let options = TinySweep.optionsIn (TinySweep.workspaceIn folder) (folder.File "runs")
    let plan = TinySweep.plan folder "small.yaml" TinySweep.studentAndKd
    TinySweep.sweep options plan |> ignore
    work plan options

let private folderOf (options: SweepOptions) (run: PlannedRun) = Path.Combine(options.Out, "small", RunFolder.NameOf(run.Name, run.Spec))

/// Edits the code that is recorded for a run.
let private edit (change: JsonObject -> unit) (folder: string) =
    let file = Path.Combine(folder, "run.json")
    let run = JsonNode.Parse(File.ReadAllText file) |> nonNull
    change (((nonNull run["sessions"])[0] |> nonNull)["software"] |> nonNull |> _.AsObject())
    File.WriteAllText(file, run.ToJsonString())

let private edited = edit (fun software -> (nonNull software["code"])["loss kd"] <- JsonValue.Create "0123456789abcdef")

let private kept (options: SweepOptions) =
    let folder = Path.Combine(options.Out, "small", "replaced")

    if Directory.Exists folder then
        List.ofArray (Directory.GetDirectories folder)
    else
        []

let private trained (outcome: Outcome) = outcome.Jobs |> List.forall (fun job -> job.State = Done)

[<Tests>]
let tests =
    testSequenced
    <| testList
        "retraining"
        [ test "A run of other code is kept with a warning, and trained again with --retrain" {
              afterwards (fun plan options ->
                  let kd = folderOf options plan.Runs[1]
                  edited kd
                  let before = File.ReadAllText(Path.Combine(kd, "metrics.jsonl"))
                  let outcome = TinySweep.sweep options plan
                  Expect.hasLength (outcome.Warnings |> List.filter (fun warning -> warning.Contains "loss kd has changed")) 1 "a warning"
                  Expect.equal (outcome.Results.Provenance.Outdated, kept options) (outcome.Warnings, []) "in the caption, and nothing moved"

                  let outcome = TinySweep.sweep { options with Retrain = Some "*" } plan
                  Expect.isTrue (trained outcome) "trained"
                  Expect.equal (outcome.Warnings, outcome.Results.Provenance.Outdated) ([], []) "no longer outdated"

                  match kept options with
                  | [ old ] ->
                      Expect.stringStarts (string (Path.GetFileName old)) (string (Path.GetFileName kd) + "-") "the old run"
                      Expect.equal (File.ReadAllText(Path.Combine(old, "metrics.jsonl"))) before "as it was"
                  | other -> failtest $"one old run, not {other}"

                  let again = TinySweep.sweep { options with Retrain = Some "*" } plan

                  Expect.equal
                      (again.Warnings, (kept options).Length)
                      ([ "No completed run that matches --retrain * is outdated. To train a run again anyway, remove its folder." ], 1)
                      "the same command trains nothing twice")
          }

          test "--retrain leaves runs alone that do not match or have not changed" {
              afterwards (fun plan options ->
                  let student, kd = folderOf options plan.Runs[0], folderOf options plan.Runs[1]
                  edited kd
                  let before = Outcome.ofFolder student
                  TinySweep.sweep { options with Retrain = Some "student" } plan |> ignore
                  Expect.isEmpty (kept options) "student has not changed, and kd does not match"

                  TinySweep.sweep { options with Retrain = Some "kd*" } plan |> ignore
                  Expect.equal ((kept options).Length, Outcome.ofFolder student) (1, before) "only kd"

                  Expect.throwsC (fun () -> TinySweep.sweep { options with Retrain = Some "dk" } plan |> ignore) (function
                      | UsageError message -> Expect.equal message "No run matches --retrain dk. Runs: student-seed0, kd-seed0" "a misspelling"
                      | error -> failtest $"{error}"))
          }

          test "Runs of earlier versions, whose code is unknown, cause no warning and are retrained on request" {
              afterwards (fun plan options ->
                  edit (fun software -> software.Remove "code" |> ignore) (folderOf options plan.Runs[0])
                  Expect.isEmpty (TinySweep.sweep options plan).Warnings "unknown is not changed"
                  Expect.isTrue (trained (TinySweep.sweep { options with Retrain = Some "student" } plan)) "trained"
                  Expect.hasLength (kept options) 1 "the old one is kept")
          }

          test "A retraining whose data are missing leaves the old runs where they are" {
              afterwards (fun plan options ->
                  edited (folderOf options plan.Runs[1])
                  let data = Path.Combine(options.Workspace.Data, "fashion-mnist-mini")
                  Directory.Delete data
                  let before = Outcome.ofFolder (folderOf options plan.Runs[1])

                  Expect.throwsT<ChannelDistillation.Core.MissingException>
                      (fun () -> TinySweep.sweep { options with Retrain = Some "*" } plan |> ignore)
                      "no images"

                  Expect.equal (kept options, Outcome.ofFolder (folderOf options plan.Runs[1])) ([], before) "nothing is moved")
          } ]
