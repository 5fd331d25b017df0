/// The experiments in experiments/.
module ChannelDistillation.Tests.ShippedTests

open System
open System.IO
open Expecto
open ChannelDistillation.Schedules
open ChannelDistillation.Losses
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Messages
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Tests.Runtime.Schedules

let names =
    [ "quickstart"
      "cifar100-ablation"
      "imagenet-ablation"
      "imagenet-comparison"
      "imagenet-r34-r18"
      "imagenet-r50-mobilenetv1"
      "crd-benchmark"
      "fashion-mnist-ablation"
      "fashion-mnist-methods"
      "fashion-mnist-results"
      "python-modules" ]

let plan (name: string) =
    Repository.inRoot (fun () ->
        match Experiments.load $"experiments/{name}.yaml" [] false with
        | Ok(plan, warnings) ->
            Expect.isEmpty warnings (Render.text false warnings)
            plan
        | Error problems -> failtest (Render.text false problems))

/// Factors on the weight of a loss by epoch, from the published code; None: the code has no such loss. Its row without EDT uses `lrdv1`, in
/// which cd has the factor 1 with cross-entropy alone and 0.9 with gkd.
let private publishedFactors (dataset: string) (variant: string) (loss: string) : Map<int, float> option =
    let mode = if variant.EndsWith "edt" then "lrdv2" else "lrdv1"

    match loss with
    | "cd" -> Some("feature", (if variant = "cd" then 1.0 else 0.9))
    | "ce" -> Some("label", 1.0)
    | "kd"
    | "gkd" -> Some("logit", 1.0)
    | _ -> None
    |> Option.map (fun (family, factor) ->
        Map
            [ for key, (epoch, value) in LossWeightScheduleTests.rows do
                  match key with
                  | ofDataset, ofMode, ofFamily, weight, ofFactor when (ofDataset, ofMode, ofFamily, ofFactor) = (dataset, mode, family, factor) ->
                      epoch, value / weight
                  | _ -> () ])

let private ablation = [ "student"; "kd"; "cd"; "cd+gkd"; "cd+gkd+edt" ]

/// Controls for Early Decay Teacher, which are not in the paper.
let private controls = [ "late-ce"; "cd-stops" ]

let private rows name =
    match name with
    | "imagenet-comparison" -> [ "student"; "kd"; "fitnets"; "at"; "residual-kd"; "cd"; "cd+gkd"; "cd+gkd+edt" ]
    | "fashion-mnist-results" -> [ "student"; "kd"; "fitnets"; "at"; "rkd"; "cd"; "cd+gkd"; "cd+gkd+edt"; "late-ce"; "cd-stops" ]
    | "imagenet-r34-r18"
    | "imagenet-r50-mobilenetv1" ->
        [ "student"
          "kd"
          "kd+ls"
          "dkd"
          "dist"
          "reviewkd"
          "nkd"
          "wttm"
          "rld"
          "wkd"
          "sd-kd"
          "sd-dkd"
          "sd-nkd" ]
        @ [ "cd"; "cd+gkd"; "cd+gkd+edt" ]
    | "python-modules" -> [ "student"; "kd"; "soft-labels"; "hint" ]
    | "cifar100-ablation" -> ablation @ controls
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
        @ [ "dkd"; "dist"; "nkd"; "ttm"; "wttm"; "rld"; "skd" ]
        @ [ "mlld"; "wkd"; "sd-kd"; "sd-dkd"; "sd-nkd"; "kd-standardized"; "kd-trained-temperature" ]
        @ [ "reviewkd"; "residual-kd"; "cd"; "cd+gkd+edt" ]
    // Thirteen pairs but nine students, since a student without a teacher is the same run in several pairs.
    | "crd-benchmark" ->
        List.replicate 9 "student"
        @ ([ "kd"
             "fitnets"
             "at"
             "sp"
             "cc"
             "vid"
             "rkd"
             "pkt"
             "nst"
             "crd"
             "dkd"
             "dist"
             "reviewkd"
             "ttm"
             "wttm"
             "rld"
             "kd+ls"
             "dkd+ls"
             "ctkd"
             "sd-kd"
             "sd-dkd" ]
           |> List.collect (List.replicate 13))
        @ [ "wkd"; "wkd" ]
    | _ -> ablation

/// The output of all scripts, run in one F# Interactive process with the assemblies of these tests.
let private printed () =
    use folder = new TemporaryFolder()

    for name in names do
        File.Copy(Path.Combine(Repository.root, "experiments", name + ".fsx"), folder.File(name + ".fsx"))

    let reference (file: string) =
        let path = Path.Combine(AppContext.BaseDirectory, file)
        $"#r @\"{path}\"\n"

    File.WriteAllText(folder.File "dsl.fsx", reference "ChannelDistillation.Runtime.dll" + reference "ChannelDistillation.Dsl.dll")

    File.WriteAllText(folder.File "all.fsx", String.Join("\n", [ for name in names -> $"#load \"{name}.fsx\"" ]))

    let _, output, _ = ChildProcess.Run("dotnet", [ "fsi"; "--quiet"; "--nologo"; folder.File "all.fsx" ])
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

          test "The scripts are equivalent to the YAML files" {
              let scripts = printed ()
              Expect.equal scripts.Length names.Length "one experiment for each script"

              for name, text in Seq.zip names scripts do
                  match Repository.inRoot (fun () -> Experiments.ofSource (Source($"experiments/{name}.fsx", text)) []) with
                  | Ok(twin, _) -> Expect.equal twin.Experiment (plan name).Experiment name
                  | Error problems -> failtest (Render.text false problems)
          }

          test "Every loss is in a row of fashion-mnist-methods" {
              let used =
                  [ for row in (plan "fashion-mnist-methods").Rows do
                        for loss in row.Runs.Head.Spec.Losses -> loss.Name ]
                  |> Set.ofList

              Expect.equal used (Set.ofSeq (LossCatalog.All |> Seq.map _.Name)) "losses"
          }

          for name in [ "cifar100-ablation"; "imagenet-ablation"; "imagenet-comparison" ] do
              test $"{name} has the published loss weights in every row and epoch" {
                  let dataset = name.Substring(0, name.IndexOfAny [| '1'; '-' |])

                  for row in (plan name).Rows |> List.filter (fun row -> not (List.contains row.Variant controls)) do
                      let spec = row.Runs.Head.Spec

                      for loss in spec.Losses do
                          match publishedFactors dataset row.Variant loss.Name with
                          | None -> Expect.equal loss.Schedule LossWeightSchedule.Constant $"{row.Variant}: {loss.Name} is not in the published code"
                          | Some published ->
                              Golden.closeWith
                                  0.0
                                  1e-9
                                  [| for epoch in 1 .. spec.Train.Epochs -> loss.Weight * published[epoch] |]
                                  [| for epoch in 1 .. spec.Train.Epochs -> loss.WeightAt epoch |]
                                  $"{row.Variant}: {loss.Name}"
              }

          test "With Early Decay Teacher, weight decay acts on all weights in every epoch, as in the published code" {
              for name in [ "cifar100-ablation"; "imagenet-ablation"; "imagenet-comparison" ] do
                  for row in (plan name).Rows |> List.filter (fun row -> row.Variant <> "late-ce") do
                      let waiting = [ for loss in row.Runs.Head.Spec.Losses -> loss.WeightAt 1 = 0.0 ]
                      let decays = [ for loss in row.Runs.Head.Spec.Losses -> loss.Schedule.DecaysAtZero ]
                      Expect.equal decays waiting $"{name}: {row.Variant}"
          } ]
