module ChannelDistillation.Tests.Lab.Runs.ManyRunsTests

open System.IO
open System.Text.Json.Nodes
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Runs
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Tests

/// 38 weights with five seeds each for `plain`; the other variants have their own weights, and so five runs each.
let private experiment (others: string list) =
    String.concat
        "\n"
        [ "experiment: many"
          "dataset: fashion-mnist-mini"
          "teacher: none"
          "student: { model: resnet8 }"
          "train:"
          "  epochs: 1"
          "  batch: 4"
          "  data_seed: 0"
          "  optimizer: { sgd: { lr: 0.05, momentum: 0.9 } }"
          "  lr_schedule: constant"
          "losses:"
          "  ce: { weight: 1 }"
          "variants:"
          "  plain: [ce]"
          yield! others
          "seeds: [0, 1, 2, 3, 4]"
          "grid:"
          "  product: { losses.ce.weight: { from: 0.1, to: 3.8, count: 38 } }"
          "" ]

/// Blocks the folder of a run, without a fault of the run.
let private block (folder: string) (kind: int) =
    if kind = 0 then
        File.WriteAllText(folder, "")
    else
        Directory.CreateDirectory(Path.Combine(folder, "metrics.jsonl/inside")) |> ignore

/// Until disposed, the runs in these folders throw when they save their state.
let private throwing (folders: string list) =
    AtomicFile.Writing <-
        fun path ->
            if path.EndsWith "latest.state.safetensors" && folders |> List.exists (fun folder -> path.StartsWith(folder + "/")) then
                invalidOp "a mistake of ours"

    { new System.IDisposable with
        member _.Dispose() = AtomicFile.Writing <- null }

let private folderOf out (run: PlannedRun) = Path.Combine(out, "many", RunFolder.NameOf(run.Name, run.Spec))

let private rowsOf (out: string) =
    let results = JsonNode.Parse(File.ReadAllText(Path.Combine(out, "many", "results.json")))

    [ for row in results["rows"].AsArray() do
          if string row["variant"] = "plain" then
              // Times are not compared.
              row.AsObject().Remove "seconds" |> ignore
              row.ToJsonString() ]

[<Tests>]
let tests =
    testSequenced
    <| testList
        "a sweep of many runs"
        [ test "A sweep of 200 runs of which 5 diverge, 3 throw and 2 cannot be written completes the other 190 unaffected" {
              use folder = new TemporaryFolder()
              let workspace = TinySweep.workspaceIn folder
              let out, cleanOut = folder.File "runs", folder.File "clean"

              let plan =
                  experiment [ "  wild: [ce: { weight: 1e30 }]"; "  thrown: [ce: { weight: 7 }]" ] |> TinySweep.plan folder "many.yaml"

              let cleanPlan = TinySweep.plan folder "clean.yaml" (experiment [])
              Expect.equal (plan.Runs.Length, cleanPlan.Runs.Length) (200, 190) "runs"
              let ofVariant name = plan.Runs |> List.filter (fun run -> run.Variant = name)
              let blocked, thrown = ofVariant "thrown" |> List.map (folderOf out) |> List.splitAt 2
              Directory.CreateDirectory(Path.Combine(out, "many")) |> ignore
              blocked |> List.iteri (fun kind run -> block run kind)
              let options = TinySweep.optionsIn workspace out

              let outcome =
                  use _ = throwing thrown
                  TinySweep.sweep options plan

              let clean = TinySweep.sweep (TinySweep.optionsIn workspace cleanOut) cleanPlan
              Expect.all clean.Jobs (fun job -> job.State = Done) "the clean sweep"

              /// The states of the runs, without the two that cannot be written.
              let states (outcome: Outcome) =
                  outcome.Jobs
                  |> List.filter (fun job -> not (List.contains job.Folder blocked))
                  |> List.countBy (fun job -> job.Run.Variant, string job.State)
                  |> set

              let expected = set [ ("plain", "done"), 190; ("wild", "diverged"), 5; ("thrown", "failed"), 3 ]
              Expect.equal (states outcome) expected "how they ended"

              for job in outcome.Jobs do
                  match job.State with
                  | GaveUp RunStatus.Diverged ->
                      let reason = Expect.wantSome (Job.reason job) job.Run.Name
                      Expect.isMatch reason "^In epoch 1, step [12], ce became infinite or NaN\\." job.Run.Name
                  | GaveUp _ -> Expect.equal (Job.reason job) (Some "InvalidOperationException: a mistake of ours") job.Run.Name
                  | state -> Expect.equal (state = Done) (not (List.contains job.Folder blocked)) job.Run.Name

              Expect.isNonEmpty outcome.Missing "what could not be written is reported"

              for run in ofVariant "plain" do
                  Expect.equal (Outcome.ofFolder (folderOf out run)) (Outcome.ofFolder (folderOf cleanOut run)) run.Name

              Expect.equal (rowsOf out) (rowsOf cleanOut) "rows of the table"
              Expect.hasLength (rowsOf out) 38 "a row for each weight"

              // A restarted run has a second session in its run.json.
              let starts () = [ for run in ofVariant "plain" -> File.ReadAllText(Path.Combine(folderOf out run, "run.json")) ]
              let before = starts ()
              Expect.equal (TinySweep.sweep options plan |> states) expected "they are not tried again unasked"
              let retried = TinySweep.sweep { options with RetryFailed = true } plan

              Expect.equal
                  (states retried)
                  (set [ ("plain", "done"), 190; ("wild", "diverged"), 5; ("thrown", "done"), 3 ])
                  "those that failed are done with --retry-failed"

              Expect.equal (starts ()) before "the completed ones were left alone"
          } ]
