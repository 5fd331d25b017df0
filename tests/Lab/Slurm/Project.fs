/// A project's folder with a few pictures in it, to sweep on a cluster and on this machine.
module ChannelDistillation.Tests.Lab.Slurm.Project

open System.IO
open Expecto
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Data.ImageFolders

let private program = Path.Combine(Repository.root, "dsl/Cli/bin/Release/net10.0/channel-distillation.dll")

/// Two classes, four pictures of each to train on, two of each to validate on.
let make (folder: TemporaryFolder) = TestImages.folder (folder.File "data/tiny") [ "cat"; "dog" ] 4 2 |> ignore

/// An experiment on these pictures, with further lines. An epoch of a run takes about half a second.
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

/// A command in a project's folder, with further variables: exit code, and everything that it wrote.
let command (root: TemporaryFolder) (variables: (string * string) list) (program: string) (arguments: string list) =
    let code, output, errors =
        ChildProcess.Run(program, arguments, root.Path, ("CHANNEL_DISTILLATION_ROOT", root.Path) :: variables)

    code, output + errors

/// The program, with further variables.
let runWith root variables (arguments: string list) = command root variables "dotnet" (program :: arguments)

let run root arguments = runWith root [] arguments

let must root arguments =
    let code, text = run root arguments
    Expect.equal code 0 $"exit code; it wrote:\n{text}"
    text

/// What a sweep has left, without what the cluster's jobs leave and the plan, which tells the command.
let outcome (root: TemporaryFolder) (experiment: string) =
    Outcome.ofFolder (root.File("runs/" + experiment))
    |> List.filter (fun (name, _) -> not (name.StartsWith "slurm/" || name = "plan.json"))

let expectSame (expected: (string * string) list) (actual: (string * string) list) =
    Expect.equal (List.map fst actual) (List.map fst expected) "the same files"

    for (name, expected), (_, actual) in List.zip expected actual do
        Expect.equal actual expected name
