module ChannelDistillation.Tests.EmitTests

open Expecto
open FsCheck
open FsCheck.FSharp
open ChannelDistillation.Specs
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Dsl.Messages
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Dsl.Builders

let private pick values = Gen.elements values

let private schedules: Gen<Recipe list> =
    gen {
        let! shape = pick [ constant; step [ 2; 5 ] 0.1; cosine; cosine_to 0.25 ]
        let! more = Gen.subListOf [ warmup (2, 0.05); precision bfloat16; data_seed 5L ]
        return shape :: more
    }

let private terms: Gen<Term> =
    gen {
        let! term = pick [ ce; kd; gkd; cd ]

        let! settings =
            Gen.subListOf
                [ weight 2.5
                  start_after 3
                  warmup 2
                  decay_step [ 1; 4 ] 0.9
                  decay_every 3 0.5
                  decay_linear 5 0.1
                  decay_cosine 5 0.0
                  decay_none ]

        return (term, settings) ||> List.fold (fun term setting -> setting term)
    }

let private experiments: Gen<Described> =
    gen {
        let! common = schedules
        let! recipe = schedules
        let! declared = Gen.listOfLength 6 terms |> Gen.map (List.distinctBy fst)

        let! own =
            Gen.listOfLength 3 terms
            |> Gen.map (List.distinctBy fst >> List.filter (fun (name, _) -> List.exists (fst >> (=) name) declared))

        let! preset = pick [ cifar; imagenet ]

        let! text =
            pick
                [ ""
                  "plain"
                  "with: colon"
                  "# no comment"
                  "\"quoted\" and 'so'"
                  "ends with a colon:"
                  "- dash"
                  "äöü → ∞"
                  "two\nlines\tand a tab"
                  "{ a: b }"
                  "yes" ]

        let! source =
            pick
                [ checkpoint "resnet20" "a b/c#d.pth"
                  train ("resnet14", [])
                  train ("resnet56", (epochs 7 :: recipe)) |> seed 3L
                  checkpoint "resnet20" "x" |> batch_norm batch_stats
                  known "resnet152-cifar100"
                  known "resnet152-cifar100" |> batch_norm batch_stats
                  known "resnet152-cifar100" |> cache (views = 3)
                  no_teacher ]

        let! images =
            pick
                [ dataset ("cifar10", [ validation (0.1, 3L); normalize ([ 0.5; 0.4; 0.3 ], [ 0.2; 0.2; 0.2 ]) ])
                  dataset (image_folder "data/some folder" 12 |> validation 0.2)
                  dataset ("cifar100", [ augment 4 PaddingMode.Reflect true; normalize "crd" ]) ]

        let draft =
            experiment "generated" {
                description text
                images
                teacher source
                student (network "resnet8" |> stem ChannelDistillation.Core.Stem.Cifar)
                train ([ epochs 9; batch 32; sgd 0.1 [ momentum 0.9; weight_decay 5e-4; nesterov ] ] @ common)
                losses declared
                variant "one" (if own.IsEmpty then List.truncate 1 declared |> List.map (fst >> loss) else own)
                variant "two + more" (declared |> List.map (fst >> loss)) |> edt preset
                seeds [ 0L; 9L ]
                checkpoint_minutes 2.5
                product "train.batch" (numbers [ 32.0; 64.0 ])
                product (axis ("weight", [ "losses.kd.weight"; "losses.cd.weight" ], (numbers [ 1.0; 1e9 ])))

                zip
                    [ axis "student.model" (words [ "resnet8"; "resnet14" ])
                      axis "train.optimizer.sgd.lr" (log_range 0.01 0.1 2)
                      axis ("both", [ "losses.kd.start_after"; "losses.cd.start_after" ], (numbers [ 1.0; 2.0 ])) ]

                exclude [ "one" ] [ "train.batch", number 64.0 ]
                grid_include [] [ "train.epochs", number 3.0 ]
                published "somewhere" [ errors "one" 1.5 0.25 ]
                published_at [ "train.batch", number 64.0; "student.model", word "resnet14" ] [ top1_error "one" 0.5 ]
            }

        return draft
    }

[<Tests>]
let tests =
    testList
        "emit"
        [ testPropertyWithConfig
              { FsCheckConfig.defaultConfig with maxTest = 300 }
              "An emitted experiment is read as the same experiment"
              (Prop.forAll (Arb.fromGen experiments) (fun experiment ->
                  let reader = Reader()

                  match Yaml.parse (Source("emitted", yaml experiment)) with
                  | Error problems -> failtest (Render.text false problems)
                  | Ok root ->
                      let read = ExperimentCodec.codec.Read reader [] root
                      let known = reader.Problems |> List.filter (fun problem -> not problem.IsWarning)
                      Expect.isEmpty known (Render.text false known + "\n" + yaml experiment)
                      Expect.equal read (Some experiment.Experiment) (yaml experiment)))

          test "Long mappings are written over several lines" {
              Expect.equal
                  (yaml (experiment "short" { student "resnet8" }) |> fun text -> text.Split '\n')
                  [| "experiment: short"; "student:"; "  model: resnet8"; "" |]
                  "whole text"
          }

          test "A required key that a script omits is reported" {
              let missed described =
                  match Experiments.ofSource (Source("script", yaml described)) [] with
                  | Ok _ -> []
                  | Error problems ->
                      [ for problem in problems do
                            match problem.Diagnostic with
                            | MissingKey(key, inside, _) -> String.concat "." (inside @ [ key ])
                            | other -> failtest $"{other}" ]

              let recipe = [ epochs 2; batch 8; sgd 0.1 []; constant ]

              let script without trainWith =
                  let all =
                      [ "dataset", dataset "fashion-mnist"
                        "student", student "resnet8"
                        "train", train trainWith
                        "teacher", teacher (train ("resnet14", []))
                        "losses", losses [ ce ]
                        "variants", variant "student" [ ce ] ]

                  experiment "script" {
                      for key, line in all do
                          if key <> without then
                              line
                  }

              Expect.isEmpty (missed (script "" recipe)) "nothing is missed of the whole"

              for section in [ "dataset"; "student"; "train"; "teacher"; "losses"; "variants" ] do
                  Expect.equal (missed (script section recipe)) [ section ] section

              Expect.equal (missed (script "" (List.tail recipe))) [ "train.epochs" ] "epochs"
              Expect.equal (missed (script "" [ epochs 2; sgd 0.1 [] ])) [ "train.batch" ] "batch"
              Expect.equal (missed (script "" [ epochs 2; batch 8 ])) [ "train.optimizer" ] "optimizer"
              Expect.equal (missed (script "" [ constant ])) [ "train.epochs"; "train.batch"; "train.optimizer" ] "all of them"
          } ]
