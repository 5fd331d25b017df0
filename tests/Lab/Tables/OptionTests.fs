/// The options of `table`: baselines, pivots, accuracies, LaTeX, and comparisons.
module ChannelDistillation.Tests.Lab.Tables.OptionTests

open System
open System.IO
open Expecto
open ChannelDistillation.Specs
open ChannelDistillation.Runs
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Tests

let private record top1 : RunRecord =
    { Result = Some(RunResult(RunStatus.Completed, EpochErrors(2, top1, top1 / 4.0), EpochErrors(1, top1 - 0.5, top1 / 5.0)))
      Seconds = Some 60.0 }

let private row variant axes (errors: float list) : LayoutRow * (string * RunRecord) list =
    let folder index = String.Join("-", variant :: [ for _, value in axes -> value ]) + $"-{index}"

    { TinyLayout.row variant axes (Some { Parameters = 78_042L; MultiplyAdds = Some 12_345_678L }) with
        Folders = errors |> List.mapi (fun index _ -> folder index)
        Seeds = errors |> List.mapi (fun index _ -> int64 index) },
    errors |> List.mapi (fun index error -> folder index, record error)

let private resultsOf name rows : Results =
    let records = rows |> List.collect snd |> dict

    let layout = { TinyLayout.layout (List.map fst rows) with Experiment = name; Seeds = [ 0L; 1L; 2L ] }

    Results.collect (fun folder -> records[folder]) Provenance.nothing layout

let private plain =
    resultsOf "plain" [ row "student" [] [ 24.0; 25.0; 26.0 ]; row "kd" [] [ 23.0; 23.5; 25.5 ]; row "cd" [] [ 22.0; 22.5 ] ]

let private weight value = [ "losses.cd.weight", value ]

let private grid =
    resultsOf
        "grid"
        [ row "student" [] [ 24.0; 26.0 ]
          row "cd" (weight "1") [ 23.0; 24.0 ]
          row "cd" (weight "3") [ 22.0; 22.5 ] ]

let private batches =
    resultsOf
        "batches"
        [ for batch in [ "64"; "128" ] do
              row "student" [ "train.batch", batch ] [ 24.0; 26.0 ]
          for batch in [ "64"; "128" ] do
              row "cd" [ "train.batch", batch; "losses.cd.weight", "1" ] [ 23.0; 24.0 ]
              row "cd" [ "train.batch", batch; "losses.cd.weight", "3" ] [ 22.0; 22.5 ] ]

let private baseline variant point : Baseline = { Variant = variant; Point = point }

let private same (actual: string) (expected: string) = Expect.equal actual (expected.TrimStart '\n') "whole text"

[<Tests>]
let tests =
    testList
        "options of tables"
        [ test "A baseline adds paired differences, with a t-test for at least three seeds" {
              same
                  (Markdown.tables { TableOptions.Default with Baseline = Some(baseline "student" []) } plain)
                  "
| variant |      top-1 error |     top-5 error |       best top-1 | seeds |         top-1 vs student | time |
|---------|-----------------:|----------------:|-----------------:|------:|-------------------------:|-----:|
| student |     25.00 ± 1.00 |     6.25 ± 0.25 |     24.50 ± 1.00 |     3 |                 baseline | 60 s |
| kd      |     24.00 ± 1.32 |     6.00 ± 0.33 |     23.50 ± 1.32 |     3 | −1.00 ± 0.50 (p = 0.074) | 60 s |
| cd      | **22.25 ± 0.35** | **5.56 ± 0.09** | **21.75 ± 0.35** |     2 |             −2.25 ± 0.35 | 60 s |
"
          }

          test "The paired t-test agrees with published values" {
              // Student's sleep data (Biometrika 6, 1908): t = 4.0621 with 9 degrees of freedom, p = 0.002833, as computed by R's t.test.
              let first = [ 0.7; -1.6; -0.2; -1.2; -0.1; 3.4; 3.7; 0.8; 0.0; 2.0 ] |> List.mapi (fun seed value -> int64 seed, value)
              let second = [ 1.9; 0.8; 1.1; 0.1; -0.1; 4.4; 5.5; 1.6; 4.6; 3.4 ] |> List.mapi (fun seed value -> int64 seed, value)
              let difference = Expect.wantSome (Difference.between first second) "common seeds"
              Expect.floatClose Accuracy.high (Expect.wantSome difference.Values.Mean "mean") -1.58 "mean"
              Expect.floatClose Accuracy.medium (Expect.wantSome difference.PValue "p") 0.00283289 "p"
              // From R: t.test(x, y, paired = TRUE)$conf.int, and t.test(x, y)$p.value with 17.776 degrees of freedom.
              let low, high = Expect.wantSome difference.Interval "interval"
              Expect.floatClose Accuracy.medium low -2.4598858 "lower end"
              Expect.floatClose Accuracy.medium high -0.7001142 "upper end"
              Expect.floatClose Accuracy.medium (Expect.wantSome difference.WelchPValue "Welch") 0.07939414 "Welch"
          }

          test "Holm's correction multiplies the i-th smallest of m p-values by m - i + 1 and keeps their order" {
              Expect.equal
                  (Difference.holm [ Some 0.25; None; Some 0.125; Some 0.03125; Some 0.0625 ])
                  [ Some 0.25; None; Some 0.25; Some 0.125; Some 0.1875 ]
                  "corrected"

              Expect.equal (Difference.holm [ Some 0.5; Some 0.6; None ]) [ Some 1.0; Some 1.0; None ] "at most 1"
              Expect.equal (Difference.holm [ None ]) [ None ] "no test"
          }

          test "Two seeds give a difference without p-value and interval" {
              let difference = Expect.wantSome (Difference.between [ 0L, 1.0; 1L, 2.0 ] [ 0L, 3.0; 1L, 5.0 ]) "common seeds"

              Expect.equal
                  (difference.Values.Mean, difference.PValue, difference.Interval, difference.WelchPValue)
                  (Some -2.5, None, None, None)
                  "difference"
          }

          test "A table shows the requested difference columns, and its caption explains them" {
              let options =
                  { TableOptions.Default with
                      Baseline = Some(baseline "student" [])
                      Differences = [ DifferenceColumn.Interval; DifferenceColumn.Welch; DifferenceColumn.Holm ] }

              let sheet = Sheets.ofResults options plain |> List.exactlyOne
              let column heading = sheet.Columns |> List.findIndex (fun column -> column.Heading = heading)
              let cells heading = sheet.Rows |> List.map (fun row -> row[column heading].Text)
              Expect.equal (cells "95 % CI") [ ""; "[−2.24, +0.24]"; "" ] "interval"
              Expect.equal (cells "Welch") [ ""; "p = 0.359"; "" ] "Welch"
              Expect.equal (cells "Holm") [ ""; "p = 0.074"; "" ] "Holm"

              Expect.equal
                  (Caption.lines options plain |> List.skip 3 |> List.truncate 3)
                  [ "95 % CI: confidence interval of the mean difference (Student's t over the common seeds)."
                    "Welch: p-value of a two-sided Welch's t-test, which does not pair the seeds."
                    "Holm: p-value of the paired t-test with Holm's correction for the comparisons in this table." ]
                  "caption"
          }

          test "A bold value needs two complete seeds and a lead of more than the standard error of the difference" {
              let best rows = Sheet.bestOf false rows
              let values list : Statistic = { Values = list }
              let clear = Some(true, values [ 20.0; 21.0 ])
              let behind = Some(true, values [ 24.0; 25.0 ])
              Expect.equal (best [ behind; clear; None ]) [ false; true; false ] "clear"
              Expect.equal (best [ Some(true, values [ 21.5; 22.5 ]); clear ]) [ false; true ] "by twice the error"
              Expect.equal (best [ Some(true, values [ 20.5; 21.5 ]); clear ]) [ false; false ] "by less than the error"
              Expect.equal (best [ behind; Some(false, values [ 20.0; 21.0 ]) ]) [ false; false ] "seeds are missing"
              Expect.equal (best [ Some(true, values [ 24.0 ]); Some(true, values [ 20.0 ]) ]) [ false; false ] "one seed"
              Expect.equal (best [ clear ]) [ false ] "alone"
              Expect.equal (Sheet.bestOf true [ behind; clear ]) [ true; false ] "accuracies"
          }

          test "A named axis is one column and one pivot across methods; an axis with one value is in the caption" {
              let temperatures =
                  let results =
                      resultsOf
                          "temperatures"
                          [ row "student" [ "train.batch", "1e9" ] [ 25.0; 26.0 ]
                            for method in [ "kd"; "dkd" ] do
                                for value, error in [ "1", 24.0; "4", 23.0 ] do
                                    row method [ "T", value; "train.batch", "1e9" ] [ error; error + 1.0 ] ]

                  let named = Map [ "T", [ "losses.kd.temperature"; "losses.dkd.temperature" ] ]
                  { results with Layout = { results.Layout with Named = named } }

              same
                  (Markdown.tables TableOptions.Default temperatures)
                  "
| variant |   T |  top-1 error | top-5 error |   best top-1 | seeds | time |
|---------|----:|-------------:|------------:|-------------:|------:|-----:|
| student |     | 25.50 ± 0.71 | 6.38 ± 0.18 | 25.00 ± 0.71 |     2 | 60 s |
| kd      |   1 | 24.50 ± 0.71 | 6.12 ± 0.18 | 24.00 ± 0.71 |     2 | 60 s |
| kd      |   4 | 23.50 ± 0.71 | 5.88 ± 0.18 | 23.00 ± 0.71 |     2 | 60 s |
| dkd     |   1 | 24.50 ± 0.71 | 6.12 ± 0.18 | 24.00 ± 0.71 |     2 | 60 s |
| dkd     |   4 | 23.50 ± 0.71 | 5.88 ± 0.18 | 23.00 ± 0.71 |     2 | 60 s |
"

              same
                  (Markdown.tables { TableOptions.Default with Pivot = Some "T" } temperatures)
                  "
| variant |    without T |          T 1 |          T 4 |
|---------|-------------:|-------------:|-------------:|
| student | 25.50 ± 0.71 |              |              |
| kd      |              | 24.50 ± 0.71 | 23.50 ± 0.71 |
| dkd     |              | 24.50 ± 0.71 | 23.50 ± 0.71 |
"

              let caption = Caption.lines TableOptions.Default temperatures

              Expect.containsAll
                  caption
                  [ "Same in all rows that depend on it: batch 1e9."; "`T` sets `kd.temperature` and `dkd.temperature`." ]
                  "caption"

              Expect.stringContains (Csv.render TableOptions.Default temperatures) "experiment,variant,train.batch,T,seeds" "CSV has every axis"
          }

          test "A grid evaluated on the official validation set warns about selection on that set" {
              let rows = [ for value in [ "1"; "3" ] -> "cd", weight value ]
              let warning = Selection.warning [ None ] rows
              Expect.isSome warning "a choice"
              Expect.contains (Caption.lines TableOptions.Default grid) warning.Value "caption"
              Expect.isNone (Selection.warning [ Some 0.1 ] rows) "images are held out"
              let pairs = [ for student in [ "resnet8"; "resnet14" ] -> "cd", [ "student.model", student; "losses.cd.weight", student ] ]
              Expect.isNone (Selection.warning [ None ] pairs) "pairs of networks are compared, not chosen"
          }

          test "Constant differences have no p-value, and rows without a common seed have no difference" {
              let ofSeeds values = values |> List.map (fun (seed, value) -> seed, value)
              let constant = Difference.between (ofSeeds [ 0L, 1.0; 1L, 2.0; 2L, 3.0 ]) (ofSeeds [ 0L, 2.0; 1L, 3.0; 2L, 4.0 ])
              Expect.equal (Expect.wantSome constant "common seeds").PValue None "p"
              // In binary, these differences are only nearly 0.2.
              let nearly = Difference.between (ofSeeds [ 0L, 15.3; 1L, 16.3; 2L, 14.05 ]) (ofSeeds [ 0L, 15.1; 1L, 16.1; 2L, 13.85 ])
              Expect.equal (Expect.wantSome nearly "common seeds").PValue None "p of differences that are equal but for rounding"
              Expect.isNone (Difference.between (ofSeeds [ 0L, 1.0 ]) (ofSeeds [ 1L, 1.0 ])) "other seeds"
          }

          test "A pivot shows the values of an axis as columns, after the rows that do not depend on it" {
              same
                  (Markdown.tables { TableOptions.Default with Pivot = Some "losses.cd.weight" } grid)
                  "
| variant | without cd.weight |  cd.weight 1 |      cd.weight 3 |
|---------|------------------:|-------------:|-----------------:|
| student |      25.00 ± 1.41 |              |                  |
| cd      |                   | 23.50 ± 0.71 | **22.25 ± 0.35** |
"
          }

          test "A pivot on an axis of all rows has a best value in each column" {
              same
                  (Markdown.tables { TableOptions.Default with Pivot = Some "train.batch" } batches)
                  "
| variant | cd.weight |         batch 64 |        batch 128 |
|---------|----------:|-----------------:|-----------------:|
| student |           |     25.00 ± 1.41 |     25.00 ± 1.41 |
| cd      |         1 |     23.50 ± 0.71 |     23.50 ± 0.71 |
| cd      |         3 | **22.25 ± 0.35** | **22.25 ± 0.35** |
"
          }

          test "A pivot as CSV is one table with a column for each other axis" {
              same
                  (TableFormat.render Csv { TableOptions.Default with Pivot = Some "losses.cd.weight" } batches)
                  "
variant,batch,without cd.weight,cd.weight 1,cd.weight 3
student,64,25.00 ± 1.41,,
student,128,25.00 ± 1.41,,
cd,64,,23.50 ± 0.71,22.25 ± 0.35
cd,128,,23.50 ± 0.71,22.25 ± 0.35
"
          }

          test "The caption states that a baseline with its own axis matches several rows" {
              Expect.contains
                  (Caption.lines { TableOptions.Default with Baseline = Some(baseline "cd" []) } grid)
                  "Rows without a difference match several rows of cd, which differ in cd.weight. To compare all with one row: --baseline 'cd[cd.weight=1]'."
                  "caption"

              Expect.isFalse
                  (Caption.lines { TableOptions.Default with Baseline = Some(baseline "student" []) } grid
                   |> List.exists _.StartsWith("Rows without"))
                  "one row of the student fits every other row"
          }

          test "A row at a point is the baseline of all rows, which a variant at other points is not" {
              let zipped =
                  resultsOf
                      "zipped"
                      [ row "kd" [ "losses.kd.temperature", "1" ] [ 24.0; 26.0 ]
                        row "kd" [ "losses.kd.temperature", "4" ] [ 23.0; 24.0 ]
                        row "dkd" [ "losses.dkd.temperature", "1" ] [ 22.0; 22.5 ]
                        row "other" [ "losses.kd.temperature", "8" ] [ 21.0; 21.5 ] ]

              let cells chosen =
                  let options = { TableOptions.Default with Baseline = Some chosen }
                  let sheet = Sheets.ofResults options zipped |> List.exactlyOne
                  let column = sheet.Columns |> List.findIndex (fun column -> column.Heading = $"top-1 vs {chosen}")
                  [ for row in sheet.Rows -> row[column].Text ]

              Expect.equal
                  (cells (baseline "kd" [ "losses.kd.temperature", "4" ]))
                  [ "+1.50 ± 0.71"; "baseline"; "−1.25 ± 0.35"; "−2.25 ± 0.35" ]
                  "one row"

              Expect.equal (cells (baseline "kd" [])) [ "baseline"; "baseline"; ""; "" ] "the variant"

              Expect.contains
                  (Caption.lines
                      { TableOptions.Default with Baseline = Some(baseline "kd" []) }
                      (resultsOf "untrained" [ fst (row "kd" [] [ 24.0 ]), [ "kd-0", RunRecord.Nothing ]; row "cd" [] [ 24.0 ] ]))
                  "kd has no completed run, so there are no differences."
                  "caption of a baseline without results"

              Expect.contains
                  (Caption.lines { TableOptions.Default with Baseline = Some(baseline "kd" []) } zipped)
                  "Rows without a difference match several rows of kd, which differ in kd.temperature. To compare all with one row: --baseline 'kd[kd.temperature=1]'."
                  "caption"

              Expect.contains
                  (Caption.lines { TableOptions.Default with Baseline = Some(baseline "other" []) } zipped)
                  "No row of other is at the grid point of the rows without a difference. To compare all with one row: --baseline 'other[kd.temperature=8]'."
                  "caption of a single row at another point"
          }

          test "The rows of a baseline are selected by the last segments of a path" {
              Expect.equal (Baseline.split "kd[temperature=4, train.batch=64]") ("kd", [ "temperature", "4"; "train.batch", "64" ]) "split"
              Expect.equal (Baseline.split "kd+at") ("kd+at", []) "a variant alone"
              let schedule = "{ step: { at: [1, 2], factor: 0.5 } }"
              Expect.equal (Baseline.split $"kd[lr_schedule={schedule}, T=1]") ("kd", [ "lr_schedule", schedule; "T", "1" ]) "a value with commas"
              let axes = [ "losses.kd.temperature", "4"; "train.batch", "64" ]
              Expect.equal (Baseline.selected [ "temperature", "4" ] axes) (Some [ "losses.kd.temperature", "4" ]) "shortened"

              Expect.equal
                  (Baseline.selected [ "temperature", "4.0"; "temperature", "4.0" ] axes)
                  (Some [ "losses.kd.temperature", "4" ])
                  "an equal number"

              Expect.equal (Baseline.selected [ "temperature", "1" ] axes) None "another value"
              Expect.equal (Baseline.selected [ "rature", "4" ] axes) None "part of a segment"
              Expect.equal (string (baseline "kd" axes)) "kd[kd.temperature=4, batch=64]" "as text"
          }

          test "An axis that all variants depend on gives a table per value; other axes remain columns" {
              let text = Markdown.tables TableOptions.Default batches
              let titles = text.Split '\n' |> Array.filter _.StartsWith("**batch") |> List.ofArray
              Expect.equal titles [ "**batch 64**"; "**batch 128**" ] "titles"

              let rows =
                  text.Split '\n'
                  |> Array.filter (fun line -> line.StartsWith "| cd ")
                  |> Array.map (fun line -> line.Split('|').[2].Trim())

              Expect.equal rows [| "1"; "3"; "1"; "3" |] "weights"
          }

          test "With accuracies, the highest value is the best and differences change their sign" {
              let text = Markdown.tables { TableOptions.Default with Accuracy = true; Baseline = Some(baseline "student" []) } plain
              Expect.stringContains text " top-1 accuracy |" "heading"
              Expect.stringContains text "| **77.75 ± 0.35** |" "the best"
              Expect.stringContains text "+1.00 ± 0.50 (p = 0.074)" "difference"
          }

          test "Two results are shown side by side, with differences paired over their seeds" {
              let other = resultsOf "other" [ row "student" [] [ 24.5; 25.0; 27.0 ]; row "at" [] [ 23.0 ] ]

              same
                  (Markdown.sheet (ComparisonSheet.ofResults TableOptions.Default ("plain", plain) ("other", other)))
                  "
| variant | top-1 error, plain | top-1 error, other |         other less plain | seeds |
|---------|-------------------:|-------------------:|-------------------------:|------:|
| student |       25.00 ± 1.00 |       25.50 ± 1.32 | +0.50 ± 0.50 (p = 0.225) | 3 / 3 |
| kd      |       24.00 ± 1.32 |                  – |                          | 3 / – |
| cd      |       22.25 ± 0.35 |                  – |                          | 2 / – |
| at      |                  – |              23.00 |                          | – / 1 |
"
          }

          test "The caption states that runs are from several versions and machines" {
              let on version machine : TrainedOn = { Version = version; Libraries = "TorchSharp 0.107.0"; Machine = machine; Layout = "" }

              Expect.equal
                  (Provenance.lines { Trained = [ on "0.1.0" "cpu", 2; on "0.2.0" "cpu", 1 ]; Period = None; Outdated = [] })
                  [ "Trained with channel-distillation 0.1.0, TorchSharp 0.107.0 on cpu: 2 runs."
                    "Trained with channel-distillation 0.2.0, TorchSharp 0.107.0 on cpu: 1 run."
                    "The runs differ in software or hardware (2 versions of channel-distillation); compare them with care." ]
                  "lines"
          }

          test "LaTeX has booktabs' rules, bold numbers, and every special character escaped" {
              let odd = resultsOf "odd_name" [ row "a_b & 5%" [] [ 24.0; 25.0 ]; row "cd" [] [ 22.0; 22.5 ] ]
              let text = Latex.render TableOptions.Default odd

              for part in
                  [ "\\begin{tabular}{lrrrrr}"
                    "\\toprule"
                    "a\\_b \\& 5\\% & 24.50 $\\pm$ 0.71"
                    "cd & \\textbf{22.25 $\\pm$ 0.35}"
                    "\\bottomrule"
                    "\\label{tab:odd-name}"
                    "\\resizebox{\\ifdim\\width>\\linewidth" ] do
                  Expect.stringContains text part part

              Expect.equal (Latex.escaped "Table \"5\" (\"CIFAR\"), 5\"") "Table ``5'' (``CIFAR''), 5''" "quotation marks open and close"
          }

          test "LaTeX compiles" {
              if not (ChildProcess.Exists "pdflatex") then
                  skiptest "pdflatex is not here (Debian: texlive-latex-base)"

              use folder = new TemporaryFolder()

              let tables =
                  Latex.render { TableOptions.Default with Baseline = Some(baseline "student" []) } plain
                  + Latex.render TableOptions.Default batches

              File.WriteAllText(
                  folder.File "paper.tex",
                  "\\documentclass{article}\n\\usepackage{booktabs,graphicx}\n\\begin{document}\n" + tables + "\\end{document}\n"
              )

              let code, output, _ = ChildProcess.Run("pdflatex", [ "-halt-on-error"; "-interaction=batchmode"; "paper.tex" ], folder.Path)
              Expect.equal code 0 output
              Expect.isFalse ((File.ReadAllText(folder.File "paper.log")).Contains "Overfull") "no table is wider than the text"
          }

          test "Counts and times are shown with three digits" {
              Expect.equal
                  ([ 999L; 78_042L; 11_220_132L; 99_960_000L; 3_726_000_000L ] |> List.map TableText.count)
                  [ "999"; "78.0 k"; "11.2 M"; "100 M"; "3.73 G" ]
                  "counts"

              Expect.equal ([ 45.2; 210.0; 43_560.0 ] |> List.map TableText.time) [ "45 s"; "3.5 min"; "12.1 h" ] "times"
          } ]
