/// Properties of all grids.
module ChannelDistillation.Tests.GridPropertyTests

open System
open Expecto
open FsCheck.FSharp
open ChannelDistillation.Specs
open ChannelDistillation.Dsl.Planning

let private runNames (plan: Plan) = plan.Runs |> List.map _.Name
let private hashes (plan: Plan) = plan.Runs |> List.map (fun run -> SpecJson.Hash run.Spec)

/// Axes of generated grids, with their possible values.
let private candidates =
    [ "losses.cd.weight", [ "1"; "3"; "6" ]
      "losses.kd.temperature", [ "1"; "4" ]
      "losses.kd.start_after", [ "0"; "5" ]
      "losses.ce.weight", [ "1"; "0.5" ]
      "train.batch", [ "32"; "64" ]
      "train.optimizer.sgd.lr", [ "0.05"; "0.1" ]
      "train.lr_schedule", [ "constant"; "{ cosine: { to: 0.1 } }" ]
      "student.model", [ "resnet8"; "resnet14" ]
      "teacher.batch_norm", [ "running_stats"; "batch_stats" ]
      "dataset", [ "fashion-mnist-mini"; "cifar10" ]
      "variants.cd.losses", [ "[ce, cd]"; "[ce, cd, kd]" ]
      "variants.kd.kd.weight", [ "1"; "2" ] ]

let private grids =
    gen {
        let! axes = Gen.subListOf candidates |> Gen.map (List.truncate 4)

        let! values =
            axes
            |> List.map (fun (_, values) -> Gen.nonEmptyListOf (Gen.elements values) |> Gen.map List.distinct)
            |> Gen.sequenceToList

        return List.zip (List.map fst axes) values
    }
    |> Arb.fromGen

let rec private points (axes: (string * string list) list) =
    match axes with
    | [] -> [ [] ]
    | (path, values) :: rest ->
        [ for value in values do
              for point in points rest -> (path, value) :: point ]

let private product (axes: (string * string list) list) =
    match axes with
    | [] -> Base.text
    | _ ->
        Base.withGrid
            [ yield "product:"
              for path, values in axes do
                  yield $"""  {path}: [{String.Join(", ", values)}]""" ]

[<Tests>]
let tests =
    testList
        "every grid"
        [ testPropertyWithConfig
              { FsCheckConfig.defaultConfig with maxTest = 60 }
              "A grid plans the same runs as `--set` for each of its points"
              (Prop.forAll grids (fun axes ->
                  let together = Base.plan (product axes) [] |> hashes

                  let oneByOne = points axes |> List.collect (fun point -> Base.plan Base.text point |> hashes) |> List.distinct

                  (set together = set oneByOne) && together.Length = oneByOne.Length))

          testPropertyWithConfig
              { FsCheckConfig.defaultConfig with maxTest = 30 }
              "Names of runs are unique and reproducible"
              (Prop.forAll grids (fun axes ->
                  let names = Base.plan (product axes) [] |> runNames
                  (List.distinct names).Length = names.Length && names = (Base.plan (product axes) [] |> runNames))) ]
