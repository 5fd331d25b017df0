/// The real program on small trainings: the output of `sweep` as described in docs/results.md.
module ChannelDistillation.Tests.Cli.SweepTests

open System
open System.Diagnostics
open System.IO
open System.Text.Json.Nodes
open System.Threading
open Expecto
open ChannelDistillation.Checkpoints
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Cli.Running

let private experiment =
    "experiment: small
dataset: fashion-mnist-mini
teacher: none
student: { model: resnet8 }
train:
  epochs: 1
  batch: 250
  optimizer: { sgd: { lr: 0.05 } }
  lr_schedule: constant
losses:
  ce: { weight: 1 }
variants:
  plain: [ce]
seeds: [0]
"

let private sweepArguments = [ "sweep"; "small.yaml"; "--out"; "runs"; "--threads"; "1" ]

// ---- what lies in a folder -------------------------------------------------------------------------------------------

let private withExperiment (folder: TemporaryFolder) (text: string) = File.WriteAllText(folder.File "small.yaml", text)

let private outOf (folder: TemporaryFolder) = folder.File "runs/small"

let private runFolders folder =
    if Directory.Exists(outOf folder) then
        List.ofArray (Directory.GetDirectories(outOf folder, "plain-seed0-*"))
    else
        []

let private runFolder folder =
    match runFolders folder with
    | [ only ] -> only
    | several -> failtest $"one run folder was expected; there are {several.Length}"

let private json (parts: string list) = JsonNode.Parse(File.ReadAllText(Path.Combine(List.toArray parts)))

let private results folder = json [ outOf folder; "results.json" ]

/// The only row of the table.
let private rowOf folder =
    let rows = results(folder)["rows"]
    Expect.wantSome (Seq.tryExactlyOne (rows.AsArray())) "one row"

let private resultOfRun folder = json [ runFolder folder; "result.json" ]

/// The lines of metrics.jsonl.
let private metrics folder =
    File.ReadAllLines(Path.Combine(runFolder folder, "metrics.jsonl"))
    |> Array.map (fun line -> JsonNode.Parse line)
    |> List.ofArray

let private expectKeys (expected: string list) (node: JsonNode) what =
    let actual = [ for entry in node.AsObject() -> entry.Key ]
    Expect.equal (List.sort actual) (List.sort expected) $"keys of {what}"

let private text (node: JsonNode) (key: string) = node[key].GetValue<string>()

let private whole (node: JsonNode) (key: string) = node[key].GetValue<int>()

let private number (node: JsonNode) (key: string) = node[key].GetValue<float>()

/// The numbers of an epoch that do not depend on the speed of the machine, as written.
let private reproducible (epoch: JsonNode) =
    [ for entry in epoch.AsObject() do
          if entry.Key <> "seconds" && entry.Key <> "images_per_second" then
              entry.Key, entry.Value.ToJsonString() ]

// ---- one sweep that several tests look at ----------------------------------------------------------------------------

let private completed =
    lazy
        (let folder = new TemporaryFolder()
         AppDomain.CurrentDomain.ProcessExit.Add(fun _ -> (folder :> IDisposable).Dispose())
         withExperiment folder experiment
         let ended = run folder.Path sweepArguments
         expectExit 0 ended
         folder)

/// Waits for an event in the program, and fails if the program ends before. The limit only prevents a hanging test.
let private waitUntil (started: Started) what condition =
    let clock = Stopwatch.StartNew()

    while not (condition ()) do
        if started.HasEnded then
            let code, output, errors = started.End()
            failtest $"it ended with {code} before {what}:\n{output}{errors}"

        if clock.Elapsed > TimeSpan.FromMinutes 5.0 then
            failtest $"five minutes went by before {what}"

        Thread.Sleep 50

[<Tests>]
let tests =
    testSequenced
    <| testList
        "real sweeps"
        [ test "An experiment without a teacher is trained, and results.json has exactly the specified keys" {
              let results = results completed.Value
              expectKeys [ "experiment"; "rows"; "provenance" ] results "results.json"
              Expect.equal (text results "experiment") "small" "experiment"
              let row = rowOf completed.Value

              expectKeys
                  [ "variant"
                    "axes"
                    "seeds"
                    "top1_error"
                    "top5_error"
                    "best_top1_error"
                    "published"
                    "status"
                    "cost"
                    "seconds"
                    "unfinished" ]
                  row
                  "a row"

              for statistic in [ "top1_error"; "top5_error"; "best_top1_error" ] do
                  expectKeys [ "mean"; "std"; "values" ] row[statistic] statistic
          }

          test "Evaluating a run's checkpoint or a copy of it gives the recorded errors" {
              let folder = completed.Value
              let weights = Path.Combine(runFolder folder, "checkpoints", "best.safetensors")
              File.Copy(weights, folder.File "copy.safetensors", overwrite = true)
              let recorded = (resultOfRun folder)["best"]

              for path, logits in [ weights, "logits.npy"; "copy.safetensors", "logits.safetensors" ] do
                  let code, output, errors = run folder.Path [ "evaluate"; path; "--json"; "--threads"; "1"; "--logits"; logits ]
                  Expect.equal code 0 errors
                  let evaluated = JsonNode.Parse output

                  Expect.equal
                      (text evaluated "model", text evaluated "stem", text evaluated "dataset")
                      ("resnet8", "cifar", "fashion-mnist-mini")
                      "what"

                  Expect.equal (whole evaluated "images", whole evaluated "epoch") (2000, 1) "images and epoch"

                  for error in [ "top1_error"; "top5_error" ] do
                      Expect.floatClose Accuracy.high (number evaluated error) (number recorded error) error

                  let normalization = nonNull evaluated["normalization"]
                  Expect.equal (text normalization "source") "default of fashion-mnist-mini" "normalisation"
                  Expect.equal (text evaluated "logits") logits "logits"

              use _ = TorchSharp.torch.NewDisposeScope()
              let file = SafetensorsFile.Read(folder.File "logits.safetensors")
              let logits, labels = file.Tensors["logits"], file.Tensors["labels"]
              let wrong = logits.argmax(1L).ne(labels).``to``(TorchSharp.torch.float64).mean().item<float>()
              Expect.floatClose Accuracy.high (100.0 * wrong) (number recorded "top1_error") "the error of the logits"
              let bytes = File.ReadAllBytes(folder.File "logits.npy")
              let header = System.Text.Encoding.Latin1.GetString(bytes, 0, 128)

              Expect.equal
                  header
                  ("\u0093NUMPY\u0001\u0000v\u0000" + "{'descr': '<f4', 'fortran_order': False, 'shape': (2000, 10), }".PadRight 117 + "\n")
                  "numpy's header"

              Expect.equal bytes[128..] (logits.bytes.ToArray()) "numpy's values"
          }

          test "The table has the error of the run's last epoch" {
              let row = rowOf completed.Value
              let last = List.last (metrics completed.Value)
              Expect.equal (text row "variant", text row "status") ("plain", "completed") "variant and status"
              Expect.equal (whole row "seeds") 1 "seeds"
              Expect.isNull row["published"] "nothing is published"

              for error in [ "top1_error"; "top5_error" ] do
                  Expect.equal (number row[error] "mean") (number last error) error
                  Expect.isNull (row[error]["std"]) "one seed has no standard deviation"

              // With ten classes, guessing is wrong in 90 of 100 cases.
              Expect.isLessThan (number last "top1_error") 85.0 "it learned something"
          }

          test "metrics.jsonl has an object for each epoch with exactly the specified keys" {
              let epoch = Expect.wantSome (List.tryExactlyOne (metrics completed.Value)) "one epoch"

              expectKeys
                  [ "epoch"
                    "learning_rate"
                    "loss"
                    "losses"
                    "loss_weights"
                    "train_top1_error"
                    "train_top5_error"
                    "top1_error"
                    "top5_error"
                    "images_per_second"
                    "seconds" ]
                  epoch
                  "an epoch"

              expectKeys [ "ce" ] epoch["losses"] "losses"
              expectKeys [ "ce" ] epoch["loss_weights"] "loss_weights"
              Expect.equal (whole epoch "epoch") 1 "epochs are counted from 1"
              Expect.equal (number epoch "learning_rate", number epoch["loss_weights"] "ce") (0.05, 1.0) "learning rate and weight"
          }

          test "result.json of a trained run has the status completed, and its last and best epoch" {
              let result = resultOfRun completed.Value
              expectKeys [ "status"; "last"; "best"; "message" ] result "result.json"
              Expect.equal (text result "status") "completed" "status"

              for which in [ "last"; "best" ] do
                  expectKeys [ "epoch"; "top1_error"; "top5_error" ] result[which] which
                  Expect.equal (whole result[which] "epoch") 1 which
          }

          test "Repeating a completed command trains nothing" {
              let folder = completed.Value

              let content () =
                  [ for file in Directory.GetFiles(runFolder folder, "*", SearchOption.AllDirectories) |> Array.sort -> file, File.ReadAllBytes file ]

              let before = content ()
              let ended = run folder.Path sweepArguments
              expectExit 0 ended
              let after = content ()
              Expect.equal (List.map fst after) (List.map fst before) "files of the run"

              for (file, now), (_, earlier) in List.zip after before do
                  Expect.isTrue (now.AsSpan().SequenceEqual(ReadOnlySpan earlier)) $"{Path.GetFileName file} is unchanged"
          }

          test "The table of a folder as JSON equals its results.json" {
              let folder = completed.Value
              let code, output, errors = run folder.Path [ "table"; "runs/small"; "--format"; "json" ]
              expectExit 0 (code, output, errors)
              Expect.equal output (File.ReadAllText(Path.Combine(outOf folder, "results.json"))) "whole text"
          }

          test "SIGTERM saves the state and exits with 130, and the printed command resumes with identical results" {
              if OperatingSystem.IsWindows() then
                  skiptest "Windows has no SIGTERM"

              use folder = new TemporaryFolder()
              withExperiment folder experiment
              use started = new Started(folder.Path, sweepArguments)

              waitUntil started "its run had a run.json" (fun () ->
                  runFolders folder |> List.exists (fun run -> File.Exists(Path.Combine(run, "run.json"))))

              // Within the epoch, which takes several times as long. The exact moment does not matter.
              Thread.Sleep 2000
              started.Terminate()
              let code, output, errors = started.End()
              expectExit 130 (code, output, errors)
              let command = String.Join(' ', sweepArguments)
              Expect.stringContains output $"dotnet fsi build.fsx {command}" "the command that resumes"
              Expect.equal (text (resultOfRun folder) "status") "interrupted" "status of the run"

              let goneOn = run folder.Path sweepArguments
              expectExit 0 goneOn
              Expect.equal (text (resultOfRun folder) "status") "completed" "status of the run"

              Expect.equal
                  (List.map reproducible (metrics folder))
                  (List.map reproducible (metrics completed.Value))
                  "metrics of a run that nothing interrupted"
          }

          test "Two simultaneous sweeps of one file train each run once" {
              use folder = new TemporaryFolder()
              withExperiment folder (experiment.Replace("seeds: [0]", "seeds: [0, 1]"))
              use first = new Started(folder.Path, sweepArguments)
              use second = new Started(folder.Path, sweepArguments)
              let ended = [ first.End(); second.End() ]
              List.iter (expectExit 0) ended

              let linesWith (text: string) =
                  ended |> List.sumBy (fun (_, output, _) -> output.Split('\n') |> Array.filter _.Contains(text) |> Array.length)

              // One line at the end of each run's only epoch, whichever sweep trained it.
              for seed in 0..1 do
                  Expect.equal (linesWith $"  plain-seed{seed}  top-1 error") 1 $"seed {seed}"

              Expect.isGreaterThan (linesWith "waiting for it." + linesWith "2 of 2 runs completed") 1 "one waited, or found everything done"
              Expect.equal (text (rowOf folder) "status") "completed" "the table"
              Expect.isEmpty (Directory.GetFiles(folder.Path, ".owner", SearchOption.AllDirectories)) "nothing is left behind"
          }

          test "A failed run ends the sweep with exit code 1 and the reason, until --retry-failed retries it" {
              use folder = new TemporaryFolder()
              withExperiment folder experiment
              let made = runFolder completed.Value
              let home = Path.Combine(outOf folder, nonNull (Path.GetFileName made))
              Directory.CreateDirectory home |> ignore

              File.WriteAllText(
                  Path.Combine(home, "result.json"),
                  """{"status":"failed","last":null,"best":null,"message":"InvalidOperationException: a mistake of ours"}"""
              )

              let code, output, errors = run folder.Path sweepArguments
              expectExit 1 (code, output, errors)
              Expect.stringContains output "  plain-seed0 failed: InvalidOperationException: a mistake of ours (" "the reason"
              Expect.equal (text (rowOf folder) "status") "failed" "the row"
              run folder.Path (sweepArguments @ [ "--retry-failed" ]) |> expectExit 0
              Expect.equal (List.map reproducible (metrics folder)) (List.map reproducible (metrics completed.Value)) "the numbers"
          }

          test "A run whose loss becomes NaN diverges with exit code 1, and the table is written" {
              use folder = new TemporaryFolder()
              withExperiment folder (experiment.Replace("lr: 0.05", "lr: 1e30"))
              let code, output, errors = run folder.Path sweepArguments
              expectExit 1 (code, output, errors)
              let result = resultOfRun folder
              expectKeys [ "status"; "last"; "best"; "message" ] result "result.json"
              Expect.equal (text result "status") "diverged" "status of the run"
              Expect.isNotEmpty (text result "message") "why"

              let row = rowOf folder
              Expect.equal (text row "variant", text row "status") ("plain", "diverged") "the row"
              Expect.equal (whole row "seeds") 0 "no seed counts"

              for file in [ "results.md"; "results.csv" ] do
                  Expect.stringContains (File.ReadAllText(Path.Combine(outOf folder, file))) "diverged" file
          } ]
