module ChannelDistillation.Tests.Lab.Tables.TableTests

open System
open Expecto
open ChannelDistillation.Specs
open ChannelDistillation.Runs
open ChannelDistillation.Dsl
open ChannelDistillation.Lab.Tables

let private completed top1 top5 best : RunRecord =
    { Result = Some(RunResult(RunStatus.Completed, EpochErrors(10, top1, top5), EpochErrors(7, best, top5 - 0.5)))
      Seconds = Some(90.0 + top1) }

let private ended result : RunRecord = { Result = Some result; Seconds = None }

let private cost parameters multiplyAdds : Cost option = Some { Parameters = parameters; MultiplyAdds = Some multiplyAdds }

/// A published row of the paper's table.
let private published top1 top5 =
    Some
        { Top1Error = Some top1
          Top5Error = top5
          Source = Some "arXiv 2006.01683, Table \"CIFAR100\""
          Protocol = Some "best epoch of one run" }

let private row variant axes folders published : LayoutRow =
    { TinyLayout.row variant axes (cost 23_705_252L 1_298_000_000L) with
        Folders = folders
        Seeds = folders |> List.mapi (fun seed _ -> int64 seed)
        Published = published }

let layout: TableLayout =
    { TinyLayout.layout
          [ row "student" [] [ "s0"; "s1"; "s2" ] (published 22.02 None)
            row "cd" [ "losses.cd.weight", "1" ] [ "a0"; "a1"; "a2" ] None
            row "cd" [ "losses.cd.weight", "3" ] [ "b0"; "b1"; "b2" ] None
            row "cd" [ "losses.cd.weight", "6" ] [ "c0"; "c1"; "c2" ] None ] with
        Experiment = "cd-weight"
        Description = "How much weight does CD bear?"
        Student = "resnet50"
        Epochs = [ 10 ]
        Caches = [ None ]
        Command = Some "dotnet fsi build.fsx sweep cd-weight.yaml"
        Teachers =
            [ { Model = "resnet152"
                Axes = []
                Key = "key"
                Cost = cost 58_341_028L 3_726_000_000L
                Errors = Some(EpochErrors(200, 19.0625, 4.5))
                Published = published 19.09 (Some 4.45) } ] }

let private trained: Provenance =
    { Trained =
        [ { Version = "0.1.0+c4b51ec4"
            Libraries = "TorchSharp 0.107.0, .NET 10.0.1"
            Machine = "cpu (Xeon)"
            Layout = "" },
          4 ]
      Period = Some(DateTime(2026, 11, 23, 4, 26, 0), DateTime(2026, 11, 23, 16, 7, 0))
      Outdated = [] }

let private results =
    let resultOf =
        function
        | "s0" -> completed 22.0 5.5 21.75
        | "s1" -> completed 23.0 6.0 22.0
        | "s2" -> completed 24.0 6.5 22.25
        | "a0" -> completed 20.25 4.75 20.0
        | "a1" -> ended (RunResult(RunStatus.Interrupted, null, null))
        | "b1" -> ended (RunResult(RunStatus.Diverged, null, null, "the loss is not a number"))
        | _ -> RunRecord.Nothing

    Results.collect resultOf trained layout

let private same (actual: string) (expected: string) = Expect.equal actual (expected.TrimStart '\n') "whole text"

[<Tests>]
let tests =
    testList
        "tables"
        [ test "Markdown shows mean and standard deviation, missing runs, and published numbers" {
              same
                  (Markdown.render TableOptions.Default results)
                  "
# cd-weight

How much weight does CD bear?

| variant | cd.weight |  top-1 error | top-5 error |   best top-1 |    seeds |    time | published top-1 / top-5 |
|---------|----------:|-------------:|------------:|-------------:|---------:|--------:|------------------------:|
| teacher |           |        19.06 |        4.50 |              |          |         |            19.09 / 4.45 |
| student |           | 23.00 ± 1.00 | 6.00 ± 0.50 | 22.00 ± 0.25 |        3 | 1.9 min |               22.02 / – |
| cd      |         1 |        20.25 |        4.75 |        20.00 |   1 of 3 | 1.8 min |                         |
| cd      |         3 |            – |           – |            – | diverged |         |                         |
| cd      |         6 |            – |           – |            – |  missing |         |                         |

Trained on cifar100 (teacher resnet152, student resnet50) for 10 epochs with seeds 0, 1, 2.
Errors are in percent on the validation set after the last epoch (mean ± sample standard deviation over the seeds). `best top-1` is the lowest error of all epochs, selected on the same validation set and therefore optimistic.
Selecting a point of the grid by its error is selection on the official validation set, and therefore optimistic; `dataset.validation` holds out training images for selection.
Teacher: 58.3 M parameters, 3.73 G multiply-accumulates (MACs) per image; student: 23.7 M parameters, 1.30 G multiply-accumulates (MACs) per image.
`time` is the mean wall-clock time of a run; runs of the same cohort share it.
Published numbers: arXiv 2006.01683, Table \"CIFAR100\"; best epoch of one run.
cd, cd.weight 1: 1 of 3 seeds; 1 interrupted (a1), 1 not trained yet.
cd, cd.weight 3: 0 of 3 seeds; 1 diverged (b1: the loss is not a number), 2 not trained yet.
Trained with channel-distillation 0.1.0+c4b51ec4, TorchSharp 0.107.0, .NET 10.0.1 on cpu (Xeon).
Runs from 2026-11-23 04:26 to 2026-11-23 16:07 UTC.
Command: `dotnet fsi build.fsx sweep cd-weight.yaml`
"
          }

          test "The caption uses the singular for one epoch and one seed" {
              let single = { results with Layout = { layout with Epochs = [ 1 ]; Seeds = [ 0L ] } }

              Expect.stringContains
                  (Markdown.render TableOptions.Default single)
                  "Trained on cifar100 (teacher resnet152, student resnet50) for 1 epoch with seed 0."
                  "caption"
          }

          test "With a hold-out split, tables show errors on the official validation set, and the caption says so" {
              let result =
                  RunResult(
                      RunStatus.Completed,
                      EpochErrors(10, 30.0, 6.0),
                      EpochErrors(7, 29.0, 5.0),
                      Test = TestErrors(EpochErrors(10, 33.0, 7.0), EpochErrors(7, 32.0, 8.0))
                  )

              let layout = { layout with HoldOut = [ Some 0.1 ]; Rows = [ row "student" [] [ "s0" ] None ]; Teachers = [] }
              let results = Results.collect (fun _ -> ended result) Provenance.nothing layout
              let row = List.head results.Rows
              Expect.equal (row.Top1Error.Mean, row.Top5Error.Mean, row.BestTop1Error.Mean) (Some 33.0, Some 7.0, Some 32.0) "errors"

              Expect.equal
                  (Caption.lines TableOptions.Default results |> List.item 1)
                  "Errors are in percent on the validation set after the last epoch (mean ± sample standard deviation over the seeds). `best top-1` is the error at the epoch selected on images held out of the training set (10 %); the validation set was not used for the selection."
                  "caption"

              let mixed = { results with Layout = { layout with HoldOut = [ None; Some 0.25 ] } }

              Expect.stringEnds
                  (Caption.lines TableOptions.Default mixed |> List.item 1)
                  "For all others it is the lowest error of all epochs, selected on the same validation set and therefore optimistic."
                  "both"
          }

          test "The caption states which networks computed in bfloat16" {
              let captions precisions = Caption.lines TableOptions.Default { results with Layout = { layout with Precisions = precisions } }
              let added precisions = captions precisions |> List.except (captions [ Precision.Float32 ])

              Expect.equal
                  (added [ Precision.BFloat16 ])
                  [ "Convolutions and linear layers were computed in bfloat16 (`train.precision`), everything else in float32." ]
                  "all runs"

              Expect.equal
                  (added [ Precision.Float32; Precision.BFloat16 ])
                  [ "Convolutions and linear layers of some runs were computed in bfloat16 (`train.precision`), everything else in float32." ]
                  "some runs"
          }

          test "The caption states how teacher outputs were cached" {
              let captions caches = Caption.lines TableOptions.Default { results with Layout = { layout with Caches = caches } }
              let added caches = captions caches |> List.except (captions [ None ])
              Expect.isEmpty (added []) "no teacher"

              for caches, note in
                  [ [ Some { Views = None } ], "Teacher outputs were cached (`teacher.cache`): computed once for each training image."
                    [ Some { Views = Some 4 } ],
                    "Teacher outputs were cached (`teacher.cache`): computed once for each of 4 fixed augmented views of each training image."
                    [ None; Some { Views = None } ],
                    "Teacher outputs of some runs were cached (`teacher.cache`): computed once for each training image." ] do
                  Expect.equal (added caches) [ note ] "note"
          }

          test "The caption states that a row with an assistant is twice the size" {
              let published = Some { PublishedRow.empty with Top1Error = Some 28.46 }
              let assisted = { row "residual-kd" [] [ "a0" ] published with Assisted = true }
              let layout = { layout with Rows = [ row "student" [] [ "s0" ] None; assisted ] }

              Expect.equal
                  (Caption.lines TableOptions.Default { results with Layout = layout } |> List.item 2)
                  "† residual-kd: residual knowledge distillation (arXiv 2002.09168), not relational knowledge distillation. Its model combines two students, with twice the parameters and cost of the other rows. The published number is for a single network divided into two parts."
                  "caption"
          }

          test "A TorchScript network has parameters but no multiply-accumulates in every table" {
              let unknown (cost: Cost option) = cost |> Option.map (fun cost -> { cost with MultiplyAdds = None })

              let scripted =
                  { layout with
                      Teachers = [ for teacher in layout.Teachers -> { teacher with Cost = unknown teacher.Cost } ]
                      Rows = [ for row in layout.Rows -> { row with Cost = unknown row.Cost } ] }
                  |> Results.collect (fun _ -> RunRecord.Nothing) Provenance.nothing

              Expect.contains (Caption.lines TableOptions.Default scripted) "Teacher: 58.3 M parameters; student: 23.7 M parameters." "caption"

              let cells = (Csv.render TableOptions.Default scripted).Split('\n')[..1] |> Array.map (fun line -> line.Split ',')
              let column name = Array.findIndex ((=) name) cells[0]
              Expect.equal (cells[1][column "parameters"], cells[1][column "macs"]) ("58341028", "") "CSV"
              Expect.stringContains (Json.render TableOptions.Default scripted) "\"macs\": null" "JSON"
          }

          test "Without published top-5 errors, the column has only top-1 errors" {
              let published = Some { PublishedRow.empty with Top1Error = Some 22.02 }
              let layout = { layout with Teachers = []; Rows = [ row "student" [] [ "s0" ] published; row "kd" [] [ "k0" ] None ] }

              same
                  (Markdown.tables TableOptions.Default (Results.collect (fun _ -> RunRecord.Nothing) Provenance.nothing layout))
                  "
| variant | top-1 error | top-5 error | best top-1 |   seeds | published top-1 |
|---------|------------:|------------:|-----------:|--------:|----------------:|
| student |           – |           – |          – | missing |           22.02 |
| kd      |           – |           – |          – | missing |                 |
"
          }

          test "CSV has a column for each axis and full precision" {
              same
                  (Csv.render TableOptions.Default results)
                  "
experiment,variant,losses.cd.weight,seeds,status,top1_error_mean,top1_error_std,top1_error_values,top5_error_mean,top5_error_std,top5_error_values,best_top1_error_mean,best_top1_error_std,best_top1_error_values,best_top5_error_mean,best_top5_error_std,best_top5_error_values,published_top1_error,published_top5_error,parameters,macs,seconds_mean
cd-weight,teacher,,1,completed,19.0625,,19.0625,4.5,,4.5,,,,,,,19.09,4.45,58341028,3726000000,
cd-weight,student,,3,completed,23,1,22;23;24,6,0.5,5.5;6;6.5,22,0.25,21.75;22;22.25,5.5,0.5,5;5.5;6,22.02,,23705252,1298000000,113
cd-weight,cd,1,1,partial,20.25,,20.25,4.75,,4.75,20,,20,4.25,,4.25,,,23705252,1298000000,110.25
cd-weight,cd,3,0,diverged,,,,,,,,,,,,,,,23705252,1298000000,
cd-weight,cd,6,0,missing,,,,,,,,,,,,,,,23705252,1298000000,
"
          }

          test "JSON has the teacher first, numbers for numeric axes, and null for missing values" {
              let two = { results with Rows = [ results.Rows[0]; results.Rows[2] ] }

              same
                  (Json.render TableOptions.Default two)
                  """
{
  "experiment": "cd-weight",
  "rows": [
    {
      "variant": "teacher",
      "axes": {},
      "seeds": 1,
      "top1_error": {
        "mean": 19.0625,
        "std": null,
        "values": [
          19.0625
        ]
      },
      "top5_error": {
        "mean": 4.5,
        "std": null,
        "values": [
          4.5
        ]
      },
      "best_top1_error": {
        "mean": null,
        "std": null,
        "values": []
      },
      "published": {
        "top1_error": 19.09,
        "top5_error": 4.45,
        "source": "arXiv 2006.01683, Table \"CIFAR100\"",
        "protocol": "best epoch of one run"
      },
      "status": "completed",
      "cost": {
        "parameters": 58341028,
        "macs": 3726000000
      },
      "seconds": {
        "mean": null,
        "std": null,
        "values": []
      },
      "unfinished": {}
    },
    {
      "variant": "cd",
      "axes": {
        "losses.cd.weight": 1
      },
      "seeds": 1,
      "top1_error": {
        "mean": 20.25,
        "std": null,
        "values": [
          20.25
        ]
      },
      "top5_error": {
        "mean": 4.75,
        "std": null,
        "values": [
          4.75
        ]
      },
      "best_top1_error": {
        "mean": 20,
        "std": null,
        "values": [
          20
        ]
      },
      "published": null,
      "status": "partial",
      "cost": {
        "parameters": 23705252,
        "macs": 1298000000
      },
      "seconds": {
        "mean": 110.25,
        "std": null,
        "values": [
          110.25
        ]
      },
      "unfinished": {
        "interrupted": [
          "a1"
        ],
        "missing": [
          "a2"
        ]
      }
    }
  ],
  "provenance": {
    "command": "dotnet fsi build.fsx sweep cd-weight.yaml",
    "started": "2026-11-23T04:26:00Z",
    "ended": "2026-11-23T16:07:00Z",
    "trained_with": [
      {
        "channel_distillation": "0.1.0+c4b51ec4",
        "libraries": "TorchSharp 0.107.0, .NET 10.0.1",
        "machine": "cpu (Xeon)",
        "runs": 4
      }
    ]
  }
}
"""
          }

          test "A variant's name with a comma or a bar breaks no table" {
              let odd =
                  Results.collect (fun _ -> RunRecord.Nothing) Provenance.nothing { layout with Teachers = []; Rows = [ row "a,|b" [] [ "x" ] None ] }

              Expect.stringContains (Csv.render TableOptions.Default odd) "\ncd-weight,\"a,|b\",0,missing," "quoted"
              Expect.stringContains (Markdown.tables TableOptions.Default odd) "| a,\\|b   |" "escaped"
          }

          test "CSV cells that a spreadsheet would evaluate start with an apostrophe, and numbers are unchanged" {
              let odd =
                  { layout with
                      Experiment = "+1+cmd|' /C calc'!A0"
                      Teachers = []
                      Rows =
                          [ row "=HYPERLINK(\"http://x\")" [ "@axis", "-1e-3" ] [ "x" ] None
                            row "a;=1+1" [ "@axis", "-x" ] [ "y" ] None
                            row "a+b" [ "@axis", "＝1" ] [ "z" ] None ] }
                  |> Results.collect (fun _ -> RunRecord.Nothing) Provenance.nothing

              let cells =
                  (Csv.render TableOptions.Default odd).Split '\n' |> Array.map (fun line -> (line.Split(",0,")[0]).Split(",seeds,")[0])

              Expect.equal
                  cells
                  [| "experiment,variant,'@axis"
                     "'+1+cmd|' /C calc'!A0,\"'=HYPERLINK(\"\"http://x\"\")\",-1e-3"
                     "'+1+cmd|' /C calc'!A0,a;'=1+1,'-x"
                     "'+1+cmd|' /C calc'!A0,a+b,'＝1"
                     "" |]
                  "beginnings of lines"
          }

          test "A line break in an untrusted name does not end a comment or a cell of a LaTeX file" {
              let broken = "\r\n\\immediate\\write18{touch owned}\n%\u2028\\input{|ls}"

              let odd =
                  Results.collect
                      (fun _ -> completed 20.0 5.0 19.0)
                      { trained with Trained = [ { Version = "1"; Libraries = "2"; Machine = "cpu" + broken; Layout = "" }, 1 ] }
                      { layout with
                          Experiment = "x" + broken
                          Command = Some("sweep" + broken)
                          Teachers = []
                          Rows =
                              [ row
                                    ("a" + broken)
                                    [ "axis" + broken, "b" + broken ]
                                    [ "x"; "y" ]
                                    (Some { PublishedRow.empty with Top1Error = Some 1.0; Source = Some("arXiv" + broken) }) ] }

              let latex = Latex.render TableOptions.Default odd

              for line in latex.Split([| '\n'; '\r'; '\u2028' |]) do
                  for command in [ "\\immediate"; "\\input" ] do
                      Expect.isFalse (line.Contains command && not (line.StartsWith "% ")) $"no command: {line}"

              let markdown = Markdown.tables TableOptions.Default odd
              Expect.equal (markdown.Trim().Split('\n', '\r', '\u2028')).Length 3 $"a heading, a rule and a row:\n{markdown}"
          } ]
