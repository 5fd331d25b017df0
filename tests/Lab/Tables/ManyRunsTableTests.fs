module ChannelDistillation.Tests.Lab.Tables.ManyRunsTableTests

open System.IO
open Expecto
open ChannelDistillation.Specs
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Tests

let private runJson folder (seed: int) =
    "{\"run\": \"r\", \"hash\": \""
    + folder
    + "\", \"spec\": {\"seed\": "
    + string seed
    + "}, \"software\": {}, \"hardware\": {}, \"started\": \"2026-11-23T04:00:00Z\", \"ended\": \"2026-11-23T04:05:00Z\", \"sessions\": [{\"started\": \"2026-11-23T04:00:00Z\", \"ended\": \"2026-11-23T04:05:00Z\", \"epoch\": 1, \"step\": 0, \"software\": {\"channel_distillation\": \"0.1.0\", \"torchsharp\": \"0.107.0\", \"dotnet\": \"10.0.1\"}, \"hardware\": {\"device\": \"cpu\", \"processor\": \"Xeon\", \"cores\": 2, \"threads\": 2}, \"seconds\": 300.0}]}"

/// Finished runs of `values` weights with five seeds each.
let private generate (folder: string) (weights: int) : TableLayout =
    let name index = $"{index:x8}"

    for index in 0 .. 5 * weights - 1 do
        let run = Path.Combine(folder, "cd-" + name index)
        Directory.CreateDirectory run |> ignore
        File.WriteAllText(Path.Combine(run, "run.json"), runJson (name index) (index % 5))
        let errors = $"{{\"epoch\": 9, \"top1_error\": {20 + index % 7}.5, \"top5_error\": 5.0}}"

        File.WriteAllText(
            Path.Combine(run, "result.json"),
            $"{{\"status\": \"completed\", \"last\": {errors}, \"best\": {errors}, \"message\": null}}"
        )

    { TinyLayout.layout
          [ for weight in 0 .. weights - 1 ->
                { TinyLayout.row "cd" [ "losses.cd.weight", string weight ] None with
                    Folders = [ for seed in 0..4 -> "cd-" + name (5 * weight + seed) ]
                    Seeds = [ 0L .. 4L ] } ] with
        Experiment = "many"
        Epochs = [ 9 ] }

[<Tests>]
let tests =
    testSequenced
    <| testList
        "tables of many runs"
        [ test "A table of 10,000 finished runs takes at most ten seconds of CPU time" {
              use folder = new TemporaryFolder()
              let layout = generate folder.Path 2000

              let (results, text), took =
                  ProcessorTime.ofWork (fun () ->
                      let results = ResultTables.collect folder.Path layout
                      results, Markdown.render TableOptions.Default results)

              let rows = text.Split '\n' |> Array.filter _.StartsWith("| cd ") |> Array.length
              Expect.equal rows 2000 "lines"
              Expect.all results.Rows (fun row -> row.Status = Completed && row.Seconds.Mean = Some 300.0) "rows"
              Expect.isLessThan took.TotalSeconds 10.0 "CPU time"
          } ]
