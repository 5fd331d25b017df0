module ChannelDistillation.Tests.Launch.ManyRunsTests

open System.Collections.Generic
open System.IO
open System.Text.Json.Nodes
open Expecto
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Launch
open ChannelDistillation.Records
open ChannelDistillation.Tests

/// 38 weights of five seeds each for `plain`; the other variants have weights of their own, and so five runs each.
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

/// Something that each of five runs cannot be written over.
let private spoil (folder: string) (kind: int) =
    let at (name: string) = Path.Combine(folder, name)

    match kind with
    | 0 -> File.WriteAllText(folder, "")
    | 1 ->
        Directory.CreateDirectory folder |> ignore
        File.WriteAllText(at "checkpoints", "")
    | 2 -> Directory.CreateDirectory(at "metrics.jsonl/inside") |> ignore
    | 3 -> Directory.CreateDirectory(at "run.json/inside") |> ignore
    | _ -> Directory.CreateDirectory(at "checkpoints/latest.safetensors/inside") |> ignore

let private folderOf out (run: PlannedRun) = Path.Combine(out, "many", RunFolder.NameOf(run.Name, run.Spec))

let private rowsOf (out: string) =
    let results = JsonNode.Parse(File.ReadAllText(Path.Combine(out, "many", "results.json")))

    [ for row in results["rows"].AsArray() do
          if string row["variant"] = "plain" then
              row.ToJsonString() ]

[<Tests>]
let tests =
    testSequenced
    <| testList
        "a sweep of many runs"
        [ test "of 200 of which 5 diverge and 5 throw completes the other 190 as if these had never been" {
              use folder = new TemporaryFolder()
              let workspace = Tiny.workspaceIn folder
              let out, cleanOut = folder.File "runs", folder.File "clean"
              let plan = Tiny.plan folder "many.yaml" (experiment [ "  wild: [ce: { weight: 1e30 }]"; "  spoilt: [ce: { weight: 7 }]" ])
              let cleanPlan = Tiny.plan folder "clean.yaml" (experiment [])
              Expect.equal (plan.Runs.Length, cleanPlan.Runs.Length) (200, 190) "runs"
              let ofVariant name = plan.Runs |> List.filter (fun run -> run.Variant = name)
              Directory.CreateDirectory(Path.Combine(out, "many")) |> ignore
              ofVariant "spoilt" |> List.iteri (fun kind run -> spoil (folderOf out run) kind)

              let outcome = Tiny.sweep (Tiny.optionsIn workspace out) plan
              let clean = Tiny.sweep (Tiny.optionsIn workspace cleanOut) cleanPlan
              Expect.all clean.Jobs (fun job -> job.State = Done) "the clean sweep"

              let states =
                  outcome.Jobs |> List.countBy (fun job -> job.Run.Variant, (if job.Run.Variant = "spoilt" then "" else string job.State))

              Expect.equal (set states) (set [ ("plain", "done"), 190; ("wild", "diverged"), 5; ("spoilt", ""), 5 ]) "how they ended"

              Expect.isTrue
                  (ofVariant "spoilt"
                   |> List.forall (fun run -> not (List.exists (fun job -> job.Run = run && job.State = Done) outcome.Jobs)))
                  "none of the spoilt"

              for job in outcome.Jobs |> List.filter (fun job -> job.Run.Variant = "wild") do
                  let reason = Expect.wantSome (Job.reason job) job.Run.Name
                  Expect.isMatch reason "^In epoch 1, step [12], ce became infinite or not a number\\." job.Run.Name

              Expect.isNonEmpty outcome.Missing "what could not be written is said"

              for run in ofVariant "plain" do
                  Expect.equal (Outcome.ofFolder (folderOf out run)) (Outcome.ofFolder (folderOf cleanOut run)) run.Name

              Expect.equal (rowsOf out) (rowsOf cleanOut) "rows of the table"
              Expect.hasLength (rowsOf out) 38 "a row for each weight"
          } ]
