module ChannelDistillation.Tests.Lab.Runs.SharedRunsTests

open System.IO
open Expecto
open ChannelDistillation.Runs
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Tests

/// Another experiment with the runs of `TinySweep.studentAndKd` under other names, and one more.
let private renamed =
    (TinySweep.experiment "kd: { weight: 1, temperature: 4 }" [ "baseline: [ce]"; "hinton: [ce, kd]"; "half: [ce, kd: { weight: 0.5 }]" ])
        .Replace("experiment: small", "experiment: other")

/// A completed sweep of the first experiment, and the plan of the other one.
let private afterwards (work: TemporaryFolder -> SweepOptions -> Plan -> unit) =
    use folder = new TemporaryFolder()
    let options = TinySweep.optionsIn (TinySweep.workspaceIn folder) (folder.File "runs")
    TinySweep.sweep options (TinySweep.plan folder "small.yaml" TinySweep.studentAndKd) |> ignore
    work folder options (TinySweep.plan folder "other.yaml" renamed)

let private origins (jobs: Job list) = [ for job in jobs -> job.Run.Variant, job.State, job.SharedFrom ]

[<Tests>]
let tests =
    testSequenced
    <| testList
        "shared runs"
        [ test "Completed runs of another experiment are used where they are, and cited" {
              afterwards (fun folder options plan ->
                  let other = folder.File "runs/other"

                  Expect.equal
                      (origins (Job.ofPlan other plan))
                      [ "baseline", Done, Some "small"; "hinton", Done, Some "small"; "half", New, None ]
                      "planned"

                  let outcome = TinySweep.sweep options plan

                  Expect.equal (origins outcome.Jobs) [ "baseline", Done, Some "small"; "hinton", Done, Some "small"; "half", Done, None ] "swept"

                  Expect.equal (Directory.GetDirectories other |> Array.length) 1 "only one run was trained"

                  let caption = Caption.lines TableOptions.Default outcome.Results
                  Expect.contains caption "2 runs (baseline, hinton) are from the experiment small." "cited"

                  // plan.json alone is enough for a table.
                  let layout = PlanReader.read other |> Option.get
                  let rows = (ResultTables.collect other layout).Rows
                  Expect.all (rows |> List.filter _.IsTrained) _.IsComplete "all rows have results")
          }

          test "With --no-share every run is trained, and then belongs to the experiment" {
              afterwards (fun folder options plan ->
                  let outcome = TinySweep.sweep { options with Share = false } plan
                  let own = [ "baseline", Done, None; "hinton", Done, None; "half", Done, None ]
                  Expect.equal (origins outcome.Jobs) own "trained"
                  Expect.equal (origins (Job.ofPlan (folder.File "runs/other") plan)) own "also for the next command")
          }

          test "A run whose other experiment is removed is trained" {
              afterwards (fun folder options plan ->
                  TinySweep.sweep options plan |> ignore
                  Directory.Delete(folder.File "runs/small", true)
                  let outcome = TinySweep.sweep options plan
                  Expect.equal (origins outcome.Jobs |> List.map (fun (_, state, from) -> state, from)) (List.replicate 3 (Done, None)) "trained")
          }

          test "Unfinished, damaged and different runs of another experiment are not used" {
              afterwards (fun folder _ plan ->
                  let folderOf (run: PlannedRun) =
                      Directory.GetDirectories(folder.File "runs/small")
                      |> Array.find (fun path -> path.EndsWith((RunFolder.NameOf("", run.Spec)).Substring 1))

                  File.Delete(Path.Combine(folderOf plan.Runs[0], "result.json"))
                  let hinton = Path.Combine(folderOf plan.Runs[1], "run.json")
                  let hash = ChannelDistillation.Specs.SpecJson.Hash plan.Runs[1].Spec
                  File.WriteAllText(hinton, File.ReadAllText(hinton).Replace(hash, hash.Substring(0, 8) + String.replicate (hash.Length - 8) "0"))

                  Expect.equal
                      (origins (Job.ofPlan (folder.File "runs/other") plan))
                      [ "baseline", New, None; "hinton", New, None; "half", New, None ]
                      "all are trained")
          } ]
