module ChannelDistillation.Tests.Lab.Runs.OutdatedTests

open System.IO
open System.Text.Json.Nodes
open Expecto
open ChannelDistillation
open ChannelDistillation.Core
open ChannelDistillation.Data
open ChannelDistillation.Runs
open ChannelDistillation.Teachers
open ChannelDistillation.Training
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Training

let private images (seed: int) =
    new Data.Dataset(DatasetCatalog.Get "fashion-mnist-mini", TinyTraining.images 8 seed, TinyTraining.images 4 2)

/// A plan with completed runs, trained by the present code on the images of seed 1.
let private withRuns (work: Workspace -> Plan -> string -> string -> unit) =
    use folder = new TemporaryFolder()
    let workspace = Workspace folder.Path
    let plan = Base.plan Base.text []
    let teacher = Path.Combine(folder.Path, "pretrain", "teacher.pth")
    Directory.CreateDirectory(folder.File "pretrain") |> ignore
    File.WriteAllText(teacher, "first")
    let weights = TeacherStore(workspace).ContentHash((Teachers.ofPlan plan).Head.Spec, (Teachers.ofPlan plan).Head.Dataset)
    let out = folder.File "runs/example"
    use dataset = images 1

    for run in plan.Runs do
        let made = RunFolder(Path.Combine(out, RunFolder.NameOf(run.Name, run.Spec)))

        let origins =
            RunOrigins(
                (if isNull run.Spec.Teacher then null else weights),
                dataset.Fingerprint(),
                dataset.LabelFingerprint(),
                Code = TrainingCode.Of run.Spec
            )

        made.WriteStart(run.Name, run.Spec, "cpu", struct (1, 0), origins)
        made.WriteResult(RunResult(RunStatus.Completed, EpochErrors(1, 1.0, 1.0), EpochErrors(1, 1.0, 1.0)))

    work workspace plan out teacher

/// Changes the recorded hash of a part of the code in every run that has it.
let private changeCode (part: string) (out: string) =
    for file in Directory.GetFiles(out, "run.json", SearchOption.AllDirectories) do
        let run = JsonNode.Parse(File.ReadAllText file) |> nonNull
        let session = (nonNull run["sessions"])[0] |> nonNull
        let code = (nonNull session["software"])["code"] |> nonNull

        if not (isNull code[part]) then
            code[part] <- JsonValue.Create "0123456789abcdef"
            // The day is asserted.
            run["ended"] <- JsonValue.Create "2026-11-23T10:00:00Z"
            File.WriteAllText(file, run.ToJsonString())

let private warnings (workspace: Workspace) (plan: Plan) (seed: int) (out: string) =
    Job.ofPlan out plan |> Outdated.ofJobs workspace (fun _ -> images seed) |> List.map snd |> Outdated.warnings

[<Tests>]
let tests =
    testList
        "outdated runs"
        [ test "Runs of the present code, images and teacher cause no warning" {
              withRuns (fun workspace plan out _ -> Expect.isEmpty (warnings workspace plan 1 out) "nothing has changed")
          }

          test "Runs whose loss was edited are named with the loss and the day" {
              withRuns (fun workspace plan out _ ->
                  changeCode "loss kd" out

                  Expect.equal
                      (warnings workspace plan 1 out)
                      [ "2 completed runs of `kd` were trained with different code (loss kd has changed), the last on 2026-11-23. "
                        + "`sweep --retrain kd` trains them again and keeps the old ones." ]
                      "kd only")
          }

          test "A table without a plan also names runs whose code has changed" {
              withRuns (fun workspace plan out _ ->
                  changeCode "training" out
                  let layout = Layouts.ofPlan Layouts.knownCost plan (Job.ofPlan out plan) (Layouts.known None)

                  Expect.equal
                      (Outdated.warnings (Outdated.ofTable out layout))
                      [ "6 completed runs of `student`, `kd` and `cd` were trained with different code (training has changed), "
                        + "the last on 2026-11-23. `sweep --retrain PATTERN` trains them again and keeps the old ones." ]
                      "all runs"

                  Expect.equal
                      (ResultTables.collect out layout |> ResultTables.noting (Outdated.ofTable out layout)).Provenance.Outdated.Length
                      1
                      "in the caption")
          }

          test "Runs whose images have changed are named" {
              withRuns (fun workspace plan out _ ->
                  match warnings workspace plan 3 out with
                  | [ one ] ->
                      Expect.stringStarts
                          one
                          "6 completed runs of `student`, `kd` and `cd` were trained with different images (fashion-mnist-mini has changed), the last on "
                          "all runs"
                  | other -> failtest $"one warning, not {other}")
          }

          test "Runs of earlier versions, which recorded the labels only, count as those of today's images" {
              withRuns (fun workspace plan out _ ->
                  use today = images 1

                  for file in Directory.GetFiles(out, "run.json", SearchOption.AllDirectories) do
                      let run = JsonNode.Parse(File.ReadAllText file) |> nonNull
                      run["images_xxh3"] <- JsonValue.Create(today.LabelFingerprint())
                      File.WriteAllText(file, run.ToJsonString())

                  Expect.isEmpty (warnings workspace plan 1 out) "the same labels")
          }

          test "Missing images cause no warning" {
              withRuns (fun workspace plan out _ ->
                  Expect.isEmpty
                      (Job.ofPlan out plan |> Outdated.ofJobs workspace (fun _ -> raise (MissingException "no such dataset")))
                      "nothing to compare")
          }

          test "Runs whose teacher file was replaced are named" {
              withRuns (fun workspace plan out teacher ->
                  File.WriteAllText(teacher, "another")

                  match warnings workspace plan 1 out with
                  | [ one ] ->
                      Expect.stringStarts
                          one
                          $"4 completed runs of `kd` and `cd` were trained with different teacher weights ({teacher} has changed), the last on "
                          "all runs with a teacher"
                  | other -> failtest $"one warning, not {other}")
          } ]
