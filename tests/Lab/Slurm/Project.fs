/// A project with a few images, for sweeps on a cluster and on this machine.
module ChannelDistillation.Tests.Lab.Slurm.Project

open System.IO
open Expecto
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Data.ImageFolders

let private program = Path.Combine(Repository.root, "dsl/Cli/bin/Release/net10.0/channel-distillation.dll")

/// Two classes, each with four training images and two validation images.
let make (folder: TemporaryFolder) = TestImages.folder (folder.File "data/tiny") [ "cat"; "dog" ] 4 2 |> ignore

/// An experiment on these images, with further lines. An epoch of a run takes about half a second.
let experiment (name: string) (teacher: string) (variants: string list) (epochs: int) (seeds: string) (more: string list) =
    String.concat
        "\n"
        [ $"experiment: {name}"
          "dataset: { image_folder: data/tiny, classes: 2 }"
          $"teacher: {teacher}"
          "student: { model: resnet8 }"
          "train:"
          $"  epochs: {epochs}"
          "  batch: 4"
          "  optimizer: { sgd: { lr: 0.05, momentum: 0.9 } }"
          "  lr_schedule: constant"
          (if teacher = "none" then "losses: { ce: {} }" else "losses: { ce: {}, kd: {} }")
          "variants:"
          for variant in variants do
              "  " + variant
          $"seeds: {seeds}"
          yield! more
          "" ]

/// Runs a command in a project's folder with environment variables. Returns the exit code and all output.
let command (root: TemporaryFolder) (variables: (string * string) list) (program: string) (arguments: string list) =
    let code, output, errors =
        ChildProcess.Run(program, arguments, root.Path, ("CHANNEL_DISTILLATION_ROOT", root.Path) :: variables)

    code, output + errors

/// Runs the program with environment variables.
let runWith root variables (arguments: string list) = command root variables "dotnet" (program :: arguments)

let run root arguments = runWith root [] arguments

let must root arguments =
    let code, text = run root arguments
    Expect.equal code 0 $"exit code; it wrote:\n{text}"
    text

/// The results of a sweep, without the files of cluster jobs and plan.json, which has the command.
let outcome (root: TemporaryFolder) (experiment: string) =
    Outcome.ofFolder (root.File("runs/" + experiment))
    |> List.filter (fun (name, _) -> not (name.StartsWith "slurm/" || name = "plan.json"))

let expectSame (expected: (string * string) list) (actual: (string * string) list) =
    Expect.equal (List.map fst actual) (List.map fst expected) "the same files"

    for (name, expected), (_, actual) in List.zip expected actual do
        Expect.equal actual expected name
