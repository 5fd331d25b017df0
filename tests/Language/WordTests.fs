/// The F# words of experiments are the keys of YAML.
module ChannelDistillation.Tests.WordTests

open System
open System.Reflection
open Expecto
open ChannelDistillation.Losses
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Dsl.Builders

/// The public words with the names of their parameters.
let private words: (string * string list) list =
    [ for holder in typeof<Described>.Assembly.GetExportedTypes() do
          if holder.Namespace = typeof<Described>.Namespace && holder.IsAbstract && holder.IsSealed then
              let flags = BindingFlags.Public ||| BindingFlags.Static ||| BindingFlags.DeclaredOnly

              for method in holder.GetMethods flags do
                  if not method.IsSpecialName then
                      method.Name,
                      [ for parameter in method.GetParameters() do
                            // A pair is compiled to two parameters.
                            (string parameter.Name).Replace("_0", "") ]

              for property in holder.GetProperties flags do
                  property.Name, [] ]

/// All keys below a shape. The parameters of losses have none of their own: `parameter` takes their names.
let rec private keys (shape: Shape) : string list =
    let ofFields (fields: FieldShape list) = fields |> List.collect (fun field -> field.Key :: keys field.Shape)

    match shape with
    | RecordShape fields -> ofFields fields
    | OpenShape(first :: _, others) -> keys first.Shape @ keys others
    | OpenShape([], others) -> keys others
    | ChoiceShape(cases, beside) -> (cases |> List.collect (fun case -> case.Name :: keys case.Inside)) @ ofFields beside
    | ListShape(inside, _)
    | NamedShape(inside, _) -> keys inside
    | EitherShape shapes -> List.collect keys shapes
    | _ -> []

/// Keys whose parts are words of their own.
let private sections = [ "optimizer"; "lr_schedule"; "grid"; "variants"; "points"; "scale" ]

[<Tests>]
let tests =
    testList
        "F# words"
        [ test "Every key of YAML is a word, the end of a word such as `decay_step`, or a parameter of one" {
              let slurm =
                  set
                      [ for field in Reflection.FSharpType.GetRecordFields typeof<SlurmSettings> ->
                            Text.RegularExpressions.Regex.Replace(field.Name, "(?<=.)([A-Z])", "_$1").ToLowerInvariant() ]

              let isWord (key: string) =
                  words |> List.exists (fun (word, parameters) -> word = key || word.EndsWith("_" + key) || List.contains key parameters)

              let missing =
                  keys ExperimentCodec.codec.Shape
                  |> List.distinct
                  |> List.filter (fun key -> not (isWord key || slurm.Contains key || List.contains key sections))

              Expect.equal missing [] "keys without a word"
          }

          test "Every loss is a word" {
              let missing =
                  [ for loss in LossCatalog.All do
                        let word = loss.Name.Replace('-', '_')

                        if not (words |> List.exists (fst >> (=) word)) then
                            loss.Name ]

              Expect.equal missing [] "losses without a word"
          }

          test "Every word is a key, a loss, a value of a key, or one of the few helpers" {
              let known =
                  set
                      [ yield! keys ExperimentCodec.codec.Shape
                        for loss in LossCatalog.All do
                            yield loss.Name.Replace('-', '_')
                        // A row, and values of keys.
                        yield! [ "variant"; "no_teacher"; "float32"; "bfloat16"; "running_stats"; "batch_stats"; "cifar"; "imagenet" ]
                        // Values and names that YAML needs no word for.
                        yield! [ "experiment"; "emit"; "yaml"; "loss"; "network"; "parameter"; "temperature" ]
                        yield! [ "axis"; "number"; "numbers"; "word"; "words"; "range"; "log_range"; "errors"; "numbers_of"; "any_of" ] ]

              let isKnown (word: string) = known.Contains word || known |> Set.exists (fun key -> word.EndsWith("_" + key))

              Expect.equal (words |> List.map fst |> List.distinct |> List.filter (isKnown >> not)) [] "words that are nothing in YAML"
          }

          test "A word that has several meanings in YAML takes the arguments of each" {
              let described =
                  experiment "words" {
                      dataset "fashion-mnist-mini"
                      teacher (train ("resnet20", [ warmup (2, 0.5) ]))
                      student "resnet8"
                      train [ epochs 4; batch 64; sgd 0.1 []; warmup (1, 0.25) ]
                      losses [ ce; kd |> warmup 3; sp |> parameter ("stages", "all"); fitnets |> parameter "stage" 2 ]
                      variant "plain" [ ce; sp; fitnets ]
                      variant "early" [ ce; kd ] |> edt cifar
                      variant "last" [ ce ]
                      product (axis ("w", paths = [ "losses.kd.weight"; "losses.sp.weight" ], values = numbers [ 1.0; 2.0 ]))
                      product "train.epochs" (numbers [ 4.0; 5.0 ])
                  }

              let read = (Base.plan (yaml described) []).Experiment
              Expect.equal read.Train.Schedule.Warmup (Some { Epochs = 1; From = 0.25 }) "learning rate"

              match read.Teacher with
              | Some { Source = Trained(train, _) } -> Expect.equal train.Schedule.Warmup (Some { Epochs = 2; From = 0.5 }) "teacher"
              | other -> failtest $"{other}"

              Expect.equal [ for _, settings in read.Losses -> settings.Warmup ] [ None; Some 3; None; None ] "loss"
              Expect.equal [ for variant in read.Variants -> variant.Edt ] [ None; Some CifarEdt; None ] "preset"
              Expect.equal [ for axis in read.Grid.Product -> axis.Name, axis.Paths.Length ] [ "w", 2; "train.epochs", 1 ] "axes"
          } ]
