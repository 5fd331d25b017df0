/// Unexpected kinds of files on the command line; none may block the program.
module ChannelDistillation.Tests.Cli.UnexpectedFileTests

open System.IO
open Expecto
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Cli.Running
open ChannelDistillation.Tests.Runtime.Core

/// The exit code and all output, without the folder's path.
let private runIn (folder: TemporaryFolder) (arguments: string list) =
    use started = new Started(folder.Path, arguments)

    let code, output, errors = started.End()
    code, (output + errors).Replace(folder.Path + "/", "").Trim()

let private experiment (teacher: string) =
    $"experiment: strange
dataset: fashion-mnist-mini
teacher: {{ model: resnet8, checkpoint: {teacher} }}
student: {{ model: resnet8 }}
train: {{ epochs: 1, batch: 64, optimizer: {{ sgd: {{ lr: 0.1 }} }} }}
losses:
  ce: {{ weight: 1 }}
  kd: {{ weight: 1, temperature: 4 }}
variants:
  kd: [ce, kd]
seeds: [0]
"

[<Tests>]
let tests =
    testList
        "strange files on the command line"
        [ test "A pipe or a device in place of an experiment is refused" {
              use folder = new TemporaryFolder()
              SpecialFiles.pipe (folder.File "pipe.yaml")

              for file, kind in [ "pipe.yaml", "a pipe"; "/dev/zero", "a device" ] do
                  for verb in [ "plan"; "sweep"; "table" ] do
                      let code, text = runIn folder [ verb; file ]
                      Expect.equal code 2 text
                      Expect.stringContains text $"This file cannot be read: it is {kind}, not a file." $"{verb} {file}"
          }

          test "An experiment cannot extend a pipe" {
              use folder = new TemporaryFolder()
              SpecialFiles.pipe (folder.File "pipe.yaml")
              File.WriteAllText(folder.File "a.yaml", "extends: pipe.yaml\nexperiment: a\n")
              let code, text = runIn folder [ "plan"; "a.yaml" ]
              Expect.equal code 2 text
              Expect.stringContains text "This file cannot be read: it is a pipe, not a file." "plan"
          }

          test "A pipe in place of a record is ignored without waiting" {
              use folder = new TemporaryFolder()
              Directory.CreateDirectory(folder.File "runs") |> ignore
              SpecialFiles.pipe (folder.File "runs/plan.json")
              let code, text = runIn folder [ "table"; "runs" ]
              Expect.equal code 3 text
              Expect.stringContains text "runs/plan.json is damaged: it is a pipe, not a file." "table"
          }

          test "A pipe or a device in place of a checkpoint is refused" {
              use folder = new TemporaryFolder()
              SpecialFiles.pipe (folder.File "pipe.pth")

              for file, kind in [ "pipe.pth", "a pipe"; "/dev/zero", "a device" ] do
                  for verb in [ [ "evaluate" ]; [ "teacher"; "inspect" ] ] do
                      Expect.equal (runIn folder (verb @ [ file ])) (3, $"{file} cannot be read: it is {kind}, not a file.") $"{verb} {file}"

              File.WriteAllText(folder.File "a.yaml", experiment (folder.File "pipe.pth"))
              let code, text = runIn folder [ "sweep"; "a.yaml"; "--out"; "runs"; "--device"; "cpu" ]
              Expect.equal code 3 text
              Expect.stringContains text "pipe.pth cannot be read: it is a pipe, not a file." "sweep"
          } ]
