/// `export` and `table --deploy` as a user runs them.
module ChannelDistillation.Tests.Cli.ExportVerbTests

open System.IO
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Models
open ChannelDistillation.Checkpoints
open ChannelDistillation.Runs
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Cli.CommandLine
open ChannelDistillation.Tests.Runtime.Training

let private spec = snd (List.head (TinyTraining.variants 1))

/// The folder of a run of a resnet8 with random weights.
/// <param name="end'">How it ended. None: it has not.</param>
let private runIn (folder: TemporaryFolder) (end': RunResult option) =
    use _ = torch.NewDisposeScope()
    let run = RunFolder(folder.File "small/student-seed7-abc")
    run.WriteStart("student, seed 7", spec, "cpu", struct (1, 0))
    use network = (ModelCatalog.Get "resnet8").Build(ModelSpec "resnet8", ImageShape(1, 32, 32), 10)
    Golden.fill 5.0 (network.state_dict ())

    for file in [ run.LatestWeights; run.BestWeights ] do
        SafetensorsFile.Write(file, network.state_dict (), readOnlyDict [ "epoch", "2" ])

    end' |> Option.iter (fun result -> run.WriteResult result)
    run

let private ended status message =
    let errors = EpochErrors(2, 40.0, 5.0)
    Some(RunResult(status, errors, errors, message))

let private export (folder: TemporaryFolder) (arguments: string list) = run folder.Path ("export" :: "small/student-seed7-abc" :: arguments)

/// Exports a run as .pth, which needs no dataset.
let private exported result change =
    use folder = new TemporaryFolder()
    let run = runIn folder result
    change run
    let code, text = export folder [ "--out"; "a.pth" ]
    Expect.equal (File.Exists(folder.File "a.pth")) (code = 0) "the file"
    code, text

[<Tests>]
let tests =
    testList
        "command line, export"
        [ test "A finished run is exported as .pth and as safetensors" {
              use folder = new TemporaryFolder()
              runIn folder (ended RunStatus.Completed null) |> ignore
              let code, text = export folder [ "--out"; "a.pth"; "--weights"; "best" ]
              Expect.equal (code, text) (0, "a.pth: resnet8, 0.33 MB\nRead back: every tensor is equal.\n") "pth"
              let code, text = export folder [ "--out"; "a.weights"; "--format"; "safetensors" ]

              Expect.equal
                  (code, text)
                  (0, "a.weights: resnet8, 0.32 MB, 10 class names (T-shirt/top, Trouser, Pullover, ...)\nRead back: every tensor is equal.\n")
                  "safetensors"

              use file = CheckpointFile.Open(folder.File "a.weights")
              let entry key = file.Metadata[key]
              Expect.equal (entry "run", entry "run_hash", entry "epoch") ("student, seed 7", spec.Hash(), "2") "metadata"
          }

          test "The metadata of a checkpoint in the folder of a run names the run" {
              use folder = new TemporaryFolder()
              let weights = (runIn folder None).LatestWeights
              let code, text = run folder.Path [ "export"; weights; "--out"; "a.safetensors" ]
              Expect.equal code 0 text
              use file = CheckpointFile.Open(folder.File "a.safetensors")
              Expect.equal (file.Metadata["run"], file.Metadata["run_hash"]) ("student, seed 7", spec.Hash()) "an unfinished run"
          }

          test "The checkpoints of runs cannot be replaced, whatever is exported" {
              use folder = new TemporaryFolder()
              let weights = (runIn folder (ended RunStatus.Completed null)).LatestWeights
              File.Copy(weights, folder.File "copy.safetensors")
              let out = "small/student-seed7-abc/checkpoints/best.safetensors"
              let refused = 2, $"--out {out} is among the checkpoints of a run, which only training writes. Name another folder.\n"
              Expect.equal (export folder [ "--out"; out ]) refused "a run"
              Expect.equal (run folder.Path [ "export"; "copy.safetensors"; "--out"; out ]) refused "a checkpoint"
          }

          test "An ONNX file whose errors are not those of the run is removed" {
              Runtime.Export.OnnxTests.requireRuntime ()
              use folder = new TemporaryFolder()
              runIn folder (ended RunStatus.Completed null) |> ignore
              let code, text = export folder [ "--out"; "a.onnx"; "--threads"; "1" ]
              Expect.equal code 1 text
              Expect.stringContains text "but its run recorded 40.00: the images, their classes or their normalisation are not those" "message"
              Expect.isFalse (File.Exists(folder.File "a.onnx")) "no file"
          }

          test "An ONNX file of a checkpoint is checked, and the errors of both are printed" {
              Runtime.Export.OnnxTests.requireRuntime ()
              use folder = new TemporaryFolder()
              let weights = (runIn folder None).LatestWeights
              let code, text = run folder.Path [ "export"; weights; "--out"; "a.onnx"; "--with-normalization" ]
              Expect.equal code 0 text
              let lines = text.Split '\n'
              Expect.equal lines[0] "a.onnx: resnet8, 0.31 MB, 10 class names (T-shirt/top, Trouser, Pullover, ...)" "file"
              Expect.stringStarts lines[1] "Logits of 256 images differ by at most " "difference"
              Expect.stringStarts lines[2] "Top-1 error on 2000 images: " "errors"
              Expect.equal lines[3] "Input `images`: float32, pixel values in 0..1." "input"
          }

          test "A diverged run and damaged weights are refused" {
              Expect.equal
                  (exported (ended RunStatus.Diverged "In epoch 3, ce became infinite.") ignore)
                  (3,
                   "small/student-seed7-abc diverged: In epoch 3, ce became infinite.\nTo export the weights of its last finished epoch as they are, "
                   + "name the file small/student-seed7-abc/checkpoints/latest.safetensors.\n")
                  "diverged"

              let damage (run: RunFolder) =
                  let bytes = File.ReadAllBytes run.LatestWeights
                  bytes[bytes.Length - 1] <- bytes[bytes.Length - 1] ^^^ 1uy
                  File.WriteAllBytes(run.LatestWeights, bytes)

              exported (ended RunStatus.Completed null) damage
              |> refused 3 [ "latest.safetensors does not match its checksum: it is damaged" ]
          }

          test "A TorchScript student leaves as safetensors, and the message says why not as ONNX" {
              use folder = new TemporaryFolder()
              let script = Path.Combine(Repository.root, "experiments/python/student-0.pt")
              let archive = (ChannelDistillation.TorchScript.Archive.Read script).File

              do
                  use _ = torch.NewDisposeScope()
                  use network = (ScriptedNetwork.Describe archive).Build(ModelSpec.Of archive, ImageShape(1, 32, 32), 10)
                  SafetensorsFile.Write(folder.File "weights.safetensors", network.state_dict (), readOnlyDict [])

              let export arguments =
                  run folder.Path ([ "export"; "weights.safetensors"; "--torchscript"; script; "--dataset"; "fashion-mnist-mini" ] @ arguments)

              Expect.equal
                  (export [ "--out"; "a.onnx" ])
                  (2,
                   "student-0.pt is a TorchScript network: its layers are PyTorch code, which only PyTorch can convert (torch.onnx.export).\n"
                   + "Its weights can be exported: --format safetensors or pth.\n")
                  "ONNX"

              let code, text = export [ "--out"; "a.safetensors" ]
              Expect.equal code 0 text
          }

          for arguments, message in
              [ [], "`export` needs --out FILE, for example --out student.onnx.\n"
                [ "--out"; "a.tflite" ], "The format of a.tflite is unknown: add --format onnx, safetensors or pth.\n"
                [ "--out"; "a.onnx"; "--format"; "pth" ], "--format pth does not match --out a.onnx. Change one of them.\n"
                [ "--out"; "a"; "--format"; "tflite" ], "Unknown format `tflite`. Use --format onnx, safetensors or pth.\n"
                [ "--out"; "a.pth"; "--features" ], "--features is only for --format onnx: the other formats contain only weights.\n"
                [ "--out"; "a.pth"; "--weights"; "last" ], "Unknown weights `last`. Use --weights latest or best.\n"
                [ "--out"; "a.pth"; "--dataset"; "cifar10" ], "--dataset is for checkpoints; a run records its own.\n"
                [ "--out"; "small"; "--format"; "pth" ], "--out small is a folder. Name a file in it.\n" ] do
              test $"export RUN {arguments} is refused" {
                  use folder = new TemporaryFolder()
                  Directory.CreateDirectory(folder.File "small/student-seed7-abc") |> ignore
                  Expect.equal (export folder arguments) (2, message) "message"
              }

          test "A folder that is not that of a run is refused" {
              use folder = new TemporaryFolder()
              Directory.CreateDirectory(folder.File "small/student-seed7-abc") |> ignore

              Expect.equal
                  (export folder [ "--out"; "a.pth" ])
                  (3, "small/student-seed7-abc is not the folder of a run: it has no run.json.\n")
                  "message"
          }

          test "table --deploy cannot be combined with a pivot or a second result" {
              let table arguments = inNowhere ("table" :: arguments)

              Expect.equal
                  (table [ "a"; "--deploy"; "--pivot"; "x" ])
                  (2, "--pivot and --deploy cannot be combined: the cells of a pivot table show only errors.\n")
                  "pivot"

              Expect.equal (table [ "a"; "b"; "--deploy" ]) (2, "--deploy needs a single result; two results are compared row by row.\n") "two"
              Expect.equal (table [ "a"; "--threads"; "2" ]) (2, "--threads applies only with --deploy.\n") "threads"
          } ]
