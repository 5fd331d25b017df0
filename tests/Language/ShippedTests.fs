/// The experiments that come with the project.
module ChannelDistillation.Tests.ShippedTests

open System
open System.Collections.Generic
open System.Diagnostics
open System.IO
open Expecto
open ChannelDistillation.Dsl
open ChannelDistillation.Losses
open ChannelDistillation.Dsl.Launch
open ChannelDistillation.Dsl.Report

let names =
    [ "quickstart"
      "cifar100-ablation"
      "imagenet-ablation"
      "imagenet-comparison"
      "crd-benchmark"
      "fashion-mnist-ablation"
      "fashion-mnist-methods"
      "fashion-mnist-results" ]

let plan (name: string) =
    Repository.inRoot (fun () ->
        match Experiments.load $"experiments/{name}.yaml" [] false with
        | Ok(plan, warnings) ->
            Expect.isEmpty warnings (Render.text false warnings)
            plan
        | Error problems -> failtest (Render.text false problems))

let private ablation = [ "student"; "kd"; "cd"; "cd+gkd"; "cd+gkd+edt" ]

let private rows name =
    match name with
    | "imagenet-comparison" -> [ "student"; "kd"; "fitnets"; "at"; "residual-kd"; "cd"; "cd+gkd"; "cd+gkd+edt" ]
    | "fashion-mnist-results" -> [ "student"; "kd"; "fitnets"; "at"; "rkd"; "cd"; "cd+gkd"; "cd+gkd+edt" ]
    | "fashion-mnist-methods" ->
        [ "student"
          "kd"
          "fitnets"
          "fitnets-two-stages"
          "at"
          "sp"
          "cc"
          "vid"
          "rkd"
          "pkt"
          "nst"
          "crd"
          "crd+kd" ]
        @ [ "dkd"; "dist"; "reviewkd"; "residual-kd"; "cd"; "cd+gkd+edt" ]
    // Thirteen pairs, but nine students: without a teacher, a student is the same in every pair.
    | "crd-benchmark" ->
        List.replicate 9 "student"
        @ ([ "kd"; "fitnets"; "at"; "sp"; "cc"; "vid"; "rkd"; "pkt"; "nst"; "crd" ] |> List.collect (List.replicate 13))
    | _ -> ablation

/// What the scripts print, one after the other, in one run of F# Interactive; with the language that these tests are made with.
let private printed () =
    use folder = new TemporaryFolder()

    for name in names do
        File.Copy(Path.Combine(Repository.root, "experiments", name + ".fsx"), folder.File(name + ".fsx"))

    let reference (file: string) =
        let path = Path.Combine(AppContext.BaseDirectory, file)
        $"#r @\"{path}\"\n"

    File.WriteAllText(folder.File "dsl.fsx", reference "ChannelDistillation.Runtime.dll" + reference "ChannelDistillation.Dsl.dll")

    File.WriteAllText(folder.File "all.fsx", String.Join("\n", [ for name in names -> $"#load \"{name}.fsx\"" ]))

    let start =
        ProcessStartInfo("dotnet", [ "fsi"; "--quiet"; "--nologo"; folder.File "all.fsx" ], RedirectStandardOutput = true)

    use fsi = Process.Start start
    let output = fsi.StandardOutput.ReadToEnd()
    fsi.WaitForExit()
    output.Split("experiment: ", StringSplitOptions.RemoveEmptyEntries) |> Array.map (fun text -> "experiment: " + text)

[<Tests>]
let tests =
    testList
        "shipped experiments"
        [ for name in names do
              test $"{name} has the rows of the paper's tables, in their order" {
                  let plan = plan name
                  Expect.equal plan.Experiment.Name name "named like its file"
                  Expect.equal (plan.Rows |> List.map _.Variant) (rows name) "rows"
                  Expect.equal plan.Runs.Length ((rows name).Length * plan.Experiment.Seeds.Length) "one run for each row and seed"
              }

          test "the scripts give the same experiments as the YAML files" {
              let scripts = printed ()
              Expect.equal scripts.Length names.Length "one experiment for each script"

              for name, text in Seq.zip names scripts do
                  match Experiments.ofSource (Source(name + ".fsx", text)) [] with
                  | Ok(twin, _) -> Expect.equal twin.Experiment (plan name).Experiment name
                  | Error problems -> failtest (Render.text false problems)
          }

          test "every loss is a row of fashion-mnist-methods" {
              let used =
                  [ for row in (plan "fashion-mnist-methods").Rows do
                        for loss in row.Runs.Head.Spec.Losses -> loss.Name ]
                  |> Set.ofList

              Expect.equal used (Set.ofSeq (LossCatalog.All |> Seq.map _.Name)) "losses"
          }

          test "the presets of Early Decay Teacher are those of the paper's code" {
              let losses name =
                  let row = (plan name).Rows |> List.find (fun row -> row.Variant = "cd+gkd+edt")
                  [ for loss in row.Runs.Head.Spec.Losses -> loss.Name, loss ] |> Map.ofList

              let cifar = losses "cifar100-ablation"
              Expect.equal [ for epoch in [ 59; 60; 159; 160 ] -> cifar["cd"].WeightAt epoch ] [ 6.0; 5.4; 5.4; 6.0 * (0.9 ** 2.0) ] "cd on CIFAR"
              Expect.equal [ for epoch in [ 1; 60; 61 ] -> cifar["ce"].WeightAt epoch ] [ 0.0; 0.0; 1.0 ] "ce on CIFAR"
              Expect.equal [ for epoch in [ 60; 61 ] -> cifar["gkd"].WeightAt epoch ] [ 0.0; 0.1 ] "gkd on CIFAR"
              let imagenet = losses "imagenet-ablation"
              Expect.equal [ for epoch in [ 29; 30; 60 ] -> imagenet["cd"].WeightAt epoch ] [ 6.0; 5.4; 6.0 * (0.9 ** 2.0) ] "cd on ImageNet"
              Expect.equal [ for epoch in [ 30; 31 ] -> imagenet["gkd"].WeightAt epoch ] [ 0.0; 1.0 ] "gkd on ImageNet"
          } ]
