module ChannelDistillation.Tests.Runtime.Training.DamageTests

open System
open System.Collections.Generic
open System.IO
open Expecto
open ChannelDistillation.Checkpoints
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Training.TinyTraining

let private variant = "student", spec null (train 3 0.05) [ loss "ce" 1.0 always ]
let private steps = 15

let private cutShort (path: string) = File.WriteAllBytes(path, (File.ReadAllBytes path)[..1000])

/// Two epochs and two steps of three epochs with five steps each.
let private interrupted (folder: TemporaryFolder) place =
    let run = lane folder place variant
    trainUntil 12 folder [ run ] |> ignore
    run

let private copy (source: string) (target: string) =
    for file in Directory.GetFiles(source, "*", SearchOption.AllDirectories) do
        let there = Path.Combine(target, Path.GetRelativePath(source, file))
        Directory.CreateDirectory(Path.GetDirectoryName there |> nonNull) |> ignore
        File.Copy(file, there)

/// Makes a tensor of a file of ours infinite, with a valid checksum.
let private makeInfinite (path: string) (name: string) =
    use _ = torch.NewDisposeScope()
    let file = SafetensorsFile.Read path
    file.Tensors[name].fill_((infinity: float).ToScalar()) |> ignore
    SafetensorsFile.Write(path, Array.ofSeq file.Tensors, file.Metadata |> Seq.filter (fun entry -> entry.Key <> "xxh128") |> Dictionary)

/// The messages, without the folder.
let private said (run: LaneSpec) (watcher: Watcher) = [ for line in watcher.Said -> line.Replace(run.Folder, "FOLDER") ]

[<Tests>]
let tests =
    testSequenced
    <| testList
        "a damaged run"
        [ test "A damaged run falls back on the previous checkpoint, then on its start, and reports why" {
              use folder = new TemporaryFolder()
              let whole = lane folder "whole" variant
              trainLanes folder [ whole ] |> ignore

              let cases =
                  [ "latest",
                    (fun (run: RunFolder) -> cutShort run.State),
                    5,
                    "student resumes from the checkpoint before its latest, epoch 3: FOLDER/checkpoints/latest.state.safetensors is not a complete safetensors file: "
                    "moved", (fun (run: RunFolder) -> File.Delete run.State), 5, ""
                    "both",
                    (fun (run: RunFolder) ->
                        cutShort run.State
                        cutShort run.PreviousState),
                    steps,
                    "student restarts from scratch: FOLDER/checkpoints/latest.state.safetensors is not a complete safetensors file: "
                    "infinite",
                    (fun (run: RunFolder) -> makeInfinite run.State "student.bn1.running_var"),
                    5,
                    "student resumes from the checkpoint before its latest, epoch 3: FOLDER/checkpoints/latest.state.safetensors contains infinite or NaN values in `student.bn1.running_var`."
                    "metrics",
                    (fun (run: RunFolder) -> File.WriteAllText(Path.Combine(run.Path, "metrics.jsonl"), "{\n")),
                    steps,
                    "student restarts from scratch: the metrics of the epochs before its checkpoints are damaged."
                    "digit",
                    (fun (run: RunFolder) ->
                        let metrics = Path.Combine(run.Path, "metrics.jsonl")
                        File.WriteAllText(metrics, File.ReadAllText(metrics).Replace("\"top1_error\":", "\"top1_error\":1"))),
                    steps,
                    "student restarts from scratch: the metrics of the epochs before its checkpoints are damaged."
                    "foreign",
                    (fun (run: RunFolder) ->
                        for state in [ run.State; run.PreviousState ] do
                            File.Copy(run.BestWeights, state, true)),
                    steps,
                    "student restarts from scratch: FOLDER/checkpoints/latest.state.safetensors was written by another version or for another run." ]

              for name, damage, left, reason in cases do
                  let run = interrupted folder name
                  damage (RunFolder run.Folder)
                  let watcher = trainLanes folder [ run ]
                  Expect.equal watcher.Steps left $"{name}: steps that are trained again"

                  match said run watcher with
                  | [] -> Expect.equal reason "" $"{name}: nothing was said"
                  | [ line ] -> Expect.stringStarts line reason $"{name}: why"
                  | lines -> failtest $"{name}: {lines}"

                  Expect.equal (outcome run) (outcome whole) $"{name}: the same numbers"
          }

          test "A run that lost its best weights is trained again from before them" {
              use folder = new TemporaryFolder()
              let whole = lane folder "whole" variant
              trainLanes folder [ whole ] |> ignore
              let run = interrupted folder "runs"
              let best = (RunFolder(run.Folder).ReadMetrics() |> Seq.minBy _.Top1Error).Epoch
              cutShort (RunFolder run.Folder).BestWeights
              let watcher = trainLanes folder [ run ]

              // The state at the end of epoch 2 still has the weights of epoch 2; no state has those of epoch 1.
              let expected =
                  if best = 2 then
                      "student resumes from the checkpoint before its latest, epoch 3: FOLDER/checkpoints/best.safetensors does not contain the weights of the best epoch, 2."
                  else
                      "student restarts from scratch: FOLDER/checkpoints/best.safetensors does not contain the weights of the best epoch, 1."

              Expect.equal (said run watcher) [ expected ] "said"
              Expect.equal (outcome run) (outcome whole) "the same numbers"
          }

          test "A run with a flipped bit, an overwritten range or a truncated file anywhere ends with identical results" {
              use folder = new TemporaryFolder()
              let whole = lane folder "whole" variant
              trainLanes folder [ whole ] |> ignore
              let before = interrupted folder "before"
              let random = Random 5

              for trial in 1..24 do
                  let run = lane folder $"damaged-{trial}" variant
                  copy before.Folder run.Folder
                  let files = Directory.GetFiles(run.Folder, "*", SearchOption.AllDirectories) |> Array.sort
                  let file = files[random.Next files.Length]
                  let bytes = File.ReadAllBytes file
                  let place = random.Next bytes.Length

                  match random.Next 3 with
                  | 0 -> File.WriteAllBytes(file, bytes[.. place - 1])
                  | 1 ->
                      bytes[place] <- bytes[place] ^^^ (1uy <<< random.Next 8)
                      File.WriteAllBytes(file, bytes)
                  | _ ->
                      for i in place .. min (bytes.Length - 1) (place + random.Next 5000) do
                          bytes[i] <- ~~~bytes[i]

                      File.WriteAllBytes(file, bytes)

                  let watcher = trainLanes folder [ run ]
                  let what = Path.GetRelativePath(run.Folder, file)

                  match Path.GetFileName file, said run watcher with
                  | "latest.state.safetensors", lines ->
                      let line = Expect.wantSome (List.tryExactlyOne lines) $"{what}, byte {place}: one line"
                      Expect.stringStarts line $"student resumes from the checkpoint before its latest, epoch 3: FOLDER/{what} " "the fallback"
                  | "previous.state.safetensors", lines -> Expect.isEmpty lines "the latest is good"
                  | _ -> ()

                  Expect.equal (outcome run) (outcome whole) $"{what}, byte {place}"
                  Expect.equal (RunFolder(run.Folder).ReadResult() |> nonNull).Status RunStatus.Completed what
          }

          test "A run keeps the good checkpoint that it fell back on until there are two good ones again" {
              use folder = new TemporaryFolder()
              let run = interrupted folder "runs"
              let files = RunFolder run.Folder
              let good = File.ReadAllBytes files.PreviousState
              cutShort files.State
              // Saved once, a step later.
              trainUntil 1 folder [ run ] |> ignore
              Expect.equal (File.ReadAllBytes files.PreviousState) good "the one before"
              cutShort files.State
              Expect.equal (trainLanes folder [ run ]).Steps 5 "still there to go on from"
          }

          test "Temporary files of a killed process are removed" {
              use folder = new TemporaryFolder()
              let run = interrupted folder "runs"
              File.WriteAllText(Path.Combine(run.Folder, "checkpoints", "latest.state.safetensors.abc.tmp"), "half")
              trainLanes folder [ run ] |> ignore
              Expect.isEmpty (Directory.GetFiles(run.Folder, "*.tmp", SearchOption.AllDirectories)) "leftovers"
          }

          test "State is saved within long epochs, so that a kill loses little" {
              use folder = new TemporaryFolder()
              let whole = lane folder "whole" variant
              trainLanes folder [ whole ] |> ignore
              let run = lane folder "killed" variant
              // The files after each step are those that a kill at that point would leave.
              let watcher =
                  Watcher(fun step ->
                      if step = 9 then
                          copy run.Folder (Path.Combine(folder.Path, "left")))

              let often =
                  TrainingOptions(Workspace folder.Path, "cpu", OpenDataset = (options folder).OpenDataset, SaveEvery = TimeSpan.Zero)

              CohortTrainer.Train([| run |], often, watcher.On, Threading.CancellationToken.None)
              let left = LaneSpec("student", snd variant, Path.Combine(folder.Path, "left"))
              let rest = trainLanes folder [ left ]
              Expect.equal rest.Steps 7 "the steps after the eighth, saved after the eighth"
              Expect.equal (outcome left) (outcome whole) "the same numbers"
          } ]
