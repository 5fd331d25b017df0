/// From a Python module to a table, if Python has PyTorch.
module ChannelDistillation.Tests.Cli.PythonTests

open System.IO
open Expecto
open ChannelDistillation.TorchScript
open ChannelDistillation.Runs
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Cli.Running
open ChannelDistillation.Tests.Runtime.Data.ImageFolders

/// Debian's packages are for its own interpreter, which may not be the first on the PATH.
let private python =
    lazy
        ([ "/usr/bin/python3"; "python3" ]
         |> List.filter ChildProcess.Exists
         |> List.tryFind (fun program ->
             let code, _, _ = ChildProcess.Run(program, [ "-c"; "import torch" ])
             code = 0))

let private exported () =
    match python.Value with
    | None -> skiptest "Python has no PyTorch here: apt install python3-torch"
    | Some python ->
        let folder = new TemporaryFolder()
        let script = Path.Combine(Repository.root, "tests", "Cli", "python_modules.py")
        let code, output, errors = ChildProcess.Run(python, [ script; Path.Combine(Repository.root, "python") ], folder.Path)
        Expect.equal code 0 errors
        folder, output

let private experiment =
    "experiment: from-python
dataset: { image_folder: photos, classes: 2 }
teacher: { torchscript: teacher.pt }
student: { torchscript: 'student-{seed}.pt' }
train:
  epochs: 2
  batch: 2
  optimizer: { sgd: { lr: 0.01, momentum: 0.9 } }
  lr_schedule: constant
losses:
  ce: {}
  mine: { torchscript: difference.pt, weight: 2 }
variants:
  mine: [ce, mine]
grid: { product: { losses.mine.margin: [1, 3] } }
"

/// The message of `plan` for the experiment with a setting, without the place.
let private planned (folder: TemporaryFolder) setting = run folder.Path [ "plan"; "from-python.yaml"; "--set"; setting ]

[<Tests>]
let tests =
    testSequenced
    <| testList
        "python"
        [ test "Modules that cannot be exported are refused with the reason" {
              let folder, output = exported ()
              use folder = folder

              Expect.equal
                  (output.Replace("\r\n", "\n"))
                  "random state kept: True
dictionary: The module returns a dictionary, which cannot be read. Return a list or a tuple of tensors, and give their names as `taps`.
dropout: The traced network gives another `logits` than the module in training mode, on 3 images: tracing has fixed dropout or normalisation in evaluation mode. Use nn.Dropout and nn.BatchNorm layers instead of functions, or script it: train=True.
control flow: The traced network gives another `logits` than the module in evaluation mode, on 5 images: tracing has fixed a decision that depends on the data. Script it: train=True.
attribute: `forward` of this network assigns `self.calls`, which checkpoints do not save. Use a buffer: register_buffer.
tap: The module has no submodule `layer1`. It has stage, dropout, fc; deeper ones are written with dots, `layer1.0`.
scalar: The loss returns a tensor [3]; it must return one number, a tensor without dimensions: end it with .mean().
gradient: The loss has no gradient: it depends neither on the student nor on its own parameters, or it was detached.
input: There is no input `student.logit`. Inputs are student.X and teacher.X with X one of stageN, embedding, logits, channel_means.N; and labels, indices, epoch.
epoch: `forward` takes `epoch` as Tensor; annotate `student: int`.
"
                  "refusals"
          }

          test "A teacher, a student and a loss exported from Python are planned, trained and evaluated" {
              let folder, _ = exported ()
              use folder = folder
              TestImages.folder (folder.File "photos") [ "cat"; "dog" ] 4 2 |> ignore
              File.WriteAllText(folder.File "from-python.yaml", experiment)
              use sweep = new Started(folder.Path, [ "sweep"; "from-python.yaml"; "--out"; "runs" ], folder.Path)
              sweep.End() |> expectExit 0
              let runs = Directory.GetDirectories(folder.File "runs/from-python", "mine-*")
              Expect.equal runs.Length 2 "one run for each margin"

              for run in runs do
                  let last = (RunFolder run).ReadResult().Last
                  let weights = Path.Combine(run, "checkpoints", "latest.safetensors")
                  use evaluate = new Started(folder.Path, [ "evaluate"; weights; "--json" ], folder.Path)
                  let code, output, errors = evaluate.End()
                  Expect.equal code 0 errors
                  let json = System.Text.Json.JsonDocument.Parse(output).RootElement
                  Expect.equal (json.GetProperty("top1_error").GetDouble()) last.Top1Error "the errors of the run"
          }

          test "Plans and tables execute no file that an experiment names, not even for output shapes; training does" {
              let folder, _ = exported ()
              use folder = folder
              TestImages.folder (folder.File "photos") [ "cat"; "dog" ] 4 2 |> ignore
              let cached = "teacher: { torchscript: loud.pt, cache: true }\n"

              File.WriteAllText(
                  folder.File "loud.yaml",
                  experiment
                      .Replace("from-python", "loud")
                      .Replace("teacher: { torchscript: teacher.pt }\n", cached)
                      .Replace("student-{seed}.pt", "loud.pt")
                      .Replace("classes: 2 }", "classes: 2, augment: { resized_crop: none, flip: false } }")
                      .Replace("mine: { torchscript: difference.pt, weight: 2 }", "kd: {}")
                      .Replace("mine: [ce, mine]", "kd: [ce, kd]")
                      .Replace("losses.mine.margin", "losses.kd.temperature")
              )

              for command in [ [ "plan"; "loud.yaml" ]; [ "plan"; "loud.yaml"; "--json" ]; [ "table"; "loud.yaml" ] ] do
                  let code, output, errors = run folder.Path command
                  expectExit 0 (code, output, errors)
                  Expect.isFalse ((output + errors).Contains "the module was run") $"{command}"

              use sweep = new Started(folder.Path, [ "sweep"; "loud.yaml"; "--out"; "runs"; "--no-worker" ], folder.Path)
              let code, output, errors = sweep.End()
              expectExit 0 (code, output, errors)
              Expect.stringContains (output + errors) "the module was run" "sweep"
          }

          test "A parameter with two names is trained once and saved under both" {
              let folder, _ = exported ()
              use folder = folder
              use tied = LoadedModule.Load(Archive.Read(folder.File "tied.pt").File)
              Expect.equal [ for struct (name, _) in tied.named_parameters () -> name ] [ "first.weight"; "first.bias"; "second.bias" ] "trained"
              Expect.containsAll (tied.state_dict().Keys) [ "first.weight"; "second.weight" ] "saved"
          }

          test "Unusable files have one message each" {
              let folder, _ = exported ()
              use folder = folder
              TestImages.folder (folder.File "photos") [ "cat"; "dog" ] 4 2 |> ignore
              File.WriteAllText(folder.File "from-python.yaml", experiment)
              let bytes = File.ReadAllBytes(folder.File "teacher.pt")
              File.WriteAllBytes(folder.File "cut.pt", bytes[.. bytes.Length / 2])

              for setting, exit, message in
                  [ "teacher.torchscript=cut.pt", 2, "cut.pt cannot be used. It is not a TorchScript archive, or is damaged"
                    "teacher.torchscript=weights.pt", 2, "weights.pt cannot be used. It contains weights (`torch.save`), not a TorchScript module."
                    "teacher.torchscript=difference.pt", 2, "difference.pt is a loss, not a network."
                    "losses.mine.torchscript=teacher.pt", 2, "teacher.pt is a network, not a loss." ] do
                  let code, output, errors = planned folder setting
                  Expect.equal code exit setting
                  let printed = (output + errors).ReplaceLineEndings(" ")
                  Expect.stringContains printed message setting
                  Expect.stringContains printed "1 problem in" setting

              for setting, message in
                  [ "teacher.torchscript=dictionary.pt", "dictionary.pt returns something other than a tensor, or a list or tuple of tensors."
                    "teacher.torchscript=infinite.pt", "infinite.pt contains infinite or NaN values in `module.stage.1.layer.running_var`."
                    "teacher.torchscript=three-classes.pt", "three-classes.pt has 3 logits, but the dataset has 2 classes. Export it with 2 outputs." ] do
                  use sweep =
                      new Started(
                          folder.Path,
                          [ "sweep"
                            "from-python.yaml"
                            "--out"
                            "runs"
                            "--set"
                            setting
                            "--set"
                            "losses={ ce: {}, kd: {} }"
                            "--set"
                            "variants={ kd: [ce, kd] }"
                            "--set"
                            "grid=null" ],
                          folder.Path
                      )

                  let code, output, errors = sweep.End()
                  Expect.equal code 3 $"{setting}: {output}{errors}"
                  Expect.stringContains (output + errors) message setting
          } ]
