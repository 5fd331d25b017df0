/// Tables, reports and plans of result files in which one value differs from what a sweep writes.
module ChannelDistillation.Tests.Lab.Runs.ForeignFoldersTests

open System.IO
open System.Text.Json.Nodes
open Expecto
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Lab.Overview
open ChannelDistillation.Tests

let private experiment =
    TinySweep.experiment "kd: { weight: 1, temperature: 4 }" [ "kd: [ce, kd]" ]
    + "grid: { product: { losses.kd.weight: [1, 2] } }
published: { source: a paper, rows: { kd: { top1_error: 1, top5_error: 2 }, teacher: { top1_error: 3 } } }
"

let private values =
    [ "null"
      "true"
      "-1"
      "1.5"
      "1e400"
      "99999999999999999999"
      "\"x\""
      "\"teacher\""
      "\"../..\""
      "\"\\ud800\""
      "[]"
      "[null]"
      "{}"
      "{\"a\":1,\"a\":2}" ]

let private marker = "the value that is another"

/// All variations of a JSON text in one value, with the place of the change.
let private variations (text: string) : (string * string) list =
    let root = nonNull (JsonNode.Parse text)
    let places = ResizeArray<string * (JsonNode -> unit) * JsonNode>()

    let rec visit (node: JsonNode) =
        match node with
        | :? JsonObject as entries ->
            for name in [ for entry in entries -> entry.Key ] do
                places.Add((name, (fun value -> entries[name] <- value), entries[name]))

                if not (isNull entries[name]) then
                    visit entries[name]
        | :? JsonArray as items ->
            for index in 0 .. items.Count - 1 do
                places.Add((string index, (fun value -> items[index] <- value), items[index]))

                if not (isNull items[index]) then
                    visit items[index]
        | _ -> ()

    visit root

    [ for name, set, own in List.ofSeq places do
          set (JsonValue.Create marker)
          let marked = root.ToJsonString()
          set own

          for value in values do
              $"{name}: {value}", marked.Replace($"\"{marker}\"", value) ]

let private show (plan: Plan) (folder: string) (layout: TableLayout) =
    let results = ResultTables.collect folder layout

    for format in [ Md; Csv; Json; Latex ] do
        TableFormat.render format TableOptions.Default results |> ignore
        TableFormat.compare format TableOptions.Default ("a", results) ("b", results) |> ignore

    Reports.render TableOptions.Default folder results |> ignore
    let jobs = Job.ofPlan folder plan
    Estimate.fromRecords jobs |> ignore
    Layouts.ofPlan Layouts.knownCost plan jobs (Layouts.known (Some layout)) |> ignore

[<Tests>]
let tests =
    testSequenced
    <| test "Tables, reports and plans accept any value in the files of a folder, or report the file as damaged" {
        use folder = new TemporaryFolder()
        let plan = TinySweep.plan folder "small.yaml" experiment
        let options = TinySweep.optionsIn (TinySweep.workspaceIn folder) (folder.File "runs")
        TinySweep.sweep options plan |> ignore
        let results = Path.Combine(options.Out, "small")
        let layout = Expect.wantSome (PlanReader.read results) "plan.json"
        let run = Path.Combine(results, layout.Rows.Head.Folders.Head)
        let mutable tried = 0

        for file in
            [ PlanFile.fileOf results
              Path.Combine(run, "run.json")
              Path.Combine(run, "result.json")
              Path.Combine(run, "metrics.jsonl") ] do
            let before = File.ReadAllText file

            for what, text in variations before do
                File.WriteAllText(file, text)
                tried <- tried + 1

                try
                    match PlanReader.tryRead results with
                    | Ok(Some read) -> show plan results read
                    | Ok None -> failtest "it is there"
                    | Error reason -> Expect.stringContains reason "plan.json is damaged: " "in words"
                with error ->
                    failtest $"{Path.GetFileName file}, {what}: {error}"

            File.WriteAllText(file, before)

        Expect.isGreaterThan tried 1000 "variations"
        File.WriteAllText(PlanFile.fileOf results, """{"epochs": [1], "seeds": [1.5]}""")
        TinySweep.sweep options plan |> ignore
        Expect.equal (PlanReader.read results) (Some layout) "a sweep writes a damaged plan.json again"
    }
