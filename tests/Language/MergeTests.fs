module ChannelDistillation.Tests.MergeTests

open System.IO
open Expecto
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Dsl.Messages
open ChannelDistillation.Dsl.Planning

let private experiment settings = (Base.plan Base.text settings).Experiment

/// Writes files to one folder and plans the last of them.
let private files (texts: (string * string) list) =
    use folder = new TemporaryFolder()

    for name, text in texts do
        File.WriteAllText(folder.File name, text)

    match Experiments.load (folder.File(fst (List.last texts))) [] false with
    | Ok(plan, _) -> plan.Experiment
    | Error problems -> failtest (Render.text false problems)

[<Tests>]
let tests =
    testList
        "settings and extends"
        [ test "`--set` acts as if the file contained the setting" {
              let changed = experiment [ "train.epochs", "2"; "seeds", "[7]"; "train.optimizer.sgd.momentum", ".9" ]
              Expect.equal changed.Train.Epochs 2 "epochs"
              Expect.equal changed.Seeds [ 7L ] "seeds"
              Expect.equal changed.Train.Optimizer.Momentum 0.9 "a key that the file leaves out"
          }

          test "Setting one alternative replaces another" {
              Expect.equal (experiment [ "train.lr_schedule", "cosine" ]).Train.Schedule.Shape (Cosine 0.0) "a word"
              Expect.equal (experiment [ "train.lr_schedule.cosine.to", "0.1" ]).Train.Schedule.Shape (Cosine 0.1) "a part"

              match (experiment [ "teacher.train.epochs", "5" ]).Teacher with
              | Some { Source = Trained(train, 0L) } -> Expect.equal (train.Epochs, train.Batch) (5, 64) "recipe in place of checkpoint"
              | other -> failtest $"{other}"
          }

          test "Removing an alternative leaves the others, for every alternative of the language" {
              let teacher settings = (experiment settings).Teacher |> Option.map _.Source
              let checkpoint = teacher []

              for path in [ "teacher.train"; "teacher.train.epochs"; "teacher.seed"; "teacher.known"; "teacher.torchscript" ] do
                  Expect.equal (teacher [ path, "null" ]) checkpoint path

              let shape settings = (experiment settings).Train.Schedule.Shape

              for path in [ "train.lr_schedule.cosine"; "train.lr_schedule.cosine.to"; "train.lr_schedule.constant" ] do
                  Expect.equal (shape [ path, "null" ]) (Step([ 10; 20 ], 0.1)) path

              let source settings = (experiment settings).Dataset.Source

              for path in [ "dataset.image_folder"; "dataset.classes" ] do
                  Expect.equal (source [ path, "null" ]) (Named "fashion-mnist-mini") path

              let decay settings = (experiment settings).Variants |> List.last |> _.Losses |> List.last |> snd |> _.Decay

              for name in [ "none"; "step"; "linear"; "cosine"; "linear.until" ] do
                  Expect.equal (decay [ $"variants.cd.cd.decay.{name}", "null" ]) (Some(EveryDecay(10, 0.9))) name
          }

          test "A key without a value in a file removes what it extends, and nothing else" {
              let trained = Base.text.Replace("checkpoint: pretrain/teacher.pth", "train: { epochs: 3 }")
              let own line = $"extends: base.yaml\n{line}\n"
              let teacher first line = (files [ "base.yaml", first; "own.yaml", own line ]).Teacher |> Option.map _.Source

              match teacher trained "teacher: { train: , checkpoint: x.pth }" with
              | Some(Checkpoint _) -> ()
              | other -> failtest $"beside another alternative: {other}"

              match teacher Base.text "teacher: { checkpoint: , train: { epochs: 2 } }" with
              | Some(Trained(train, _)) -> Expect.equal train.Epochs 2 "the other way round"
              | other -> failtest $"{other}"
          }

          test "Removing what is not there has no effect in a file that extends another, as in `--set`; an unknown key is a mistake" {
              let own =
                  "extends: base.yaml\ngrid:\ntrain: { precision: , optimizer: { sgd: { nesterov: } } }\nteacher: { cache: }\nlosses: { at: }\n"

              let made = files [ "base.yaml", Base.text; "own.yaml", own ]
              Expect.equal (made.Train, made.Teacher, made.Grid) (let base' = experiment [] in base'.Train, base'.Teacher, base'.Grid) "as the base"
              Expect.equal (made.Losses |> List.map fst) [ "ce"; "kd"; "cd"; "at" ] "a loss without settings is declared"

              use folder = new TemporaryFolder()
              File.WriteAllText(folder.File "base.yaml", Base.text)
              File.WriteAllText(folder.File "own.yaml", "extends: base.yaml\ntrain: { precison: }\n")

              match Experiments.load (folder.File "own.yaml") [] false with
              | Error [ { Diagnostic = UnknownKey("precison", _, _, [ "precision" ], _) } ] -> ()
              | other -> failtest $"{other}"
          }

          test "`--set` can set a part of a short form" {
              Expect.equal
                  (experiment [ "dataset.augment.flip", "true" ]).Dataset
                  { DatasetCodec.ofSource (Named "fashion-mnist-mini") with
                      Augment = { AugmentCodec.own with Flip = Some true } }
                  "a dataset by name"

              Expect.equal
                  (experiment [ "dataset", "{ name: cifar100, augment: { flip: false } }" ]).Dataset.Augment
                  { AugmentCodec.own with Flip = Some false }
                  "what is left out stays the dataset's own"

              let kd = (experiment [ "variants.kd.edt", "cifar" ]).Variants |> List.find (fun variant -> variant.Name = "kd")
              Expect.equal (kd.Edt, List.map fst kd.Losses) (Some CifarEdt, [ "ce"; "kd" ]) "a list of losses"

              for path in [ "variants.kd.kd.weight"; "variants.kd.losses.kd.weight" ] do
                  let kd = (experiment [ path, "3" ]).Variants |> List.find (fun variant -> variant.Name = "kd")
                  Expect.equal (kd.Losses |> List.map (fun (_, settings) -> settings.Weight)) [ None; Some 3.0 ] path
          }

          test "`--set` can set keys that contain dots" {
              let text = Base.withGrid [ "product: { losses.cd.weight: [1, 3] }" ]
              let plan = Base.plan text [ "grid.product.losses.cd.weight", "[1, 2, 3]" ]
              Expect.equal plan.Rows.Length 5 "three points for cd"
          }

          test "`--set` can add an axis" {
              let added = [ "grid.product.losses.cd.weight", "[1, 2, 3]" ]
              Expect.equal (Base.plan Base.text added).Rows.Length 5 "where there is no grid"
              let text = Base.withGrid [ "product: { losses.kd.temperature: [1, 3] }" ]
              Expect.equal (Base.plan text added).Rows.Length 6 "beside another"

              let range =
                  [ "grid.product.losses.cd.weight", "{ from: 1, to: 3, count: 2 }"
                    "grid.product.losses.cd.weight.count", "4" ]

              Expect.equal (Base.plan Base.text range).Rows.Length 6 "and reaches into it"
          }

          test "Values given for a named axis replace its values and keep its paths, in `--set` and in a file that extends another" {
              let named = Base.withGrid [ "product: { w: { paths: [losses.kd.weight, losses.cd.weight], values: [1, 2] } }" ]
              let paths = [ "losses.kd.weight"; "losses.cd.weight" ]
              let axis (experiment: Experiment) = experiment.Grid.Product |> List.map (fun axis -> axis.Name, axis.Paths, axis.Values)
              let numbers values = List.map (string >> Scalar) values

              for setting, expected in
                  [ ("grid.product.w", "[3, 4, 5]"), ("w", paths, numbers [ 3; 4; 5 ])
                    ("grid.product.w.values", "[3]"), ("w", paths, numbers [ 3 ])
                    ("grid.product.w", "{ from: 1, to: 3, scale: integer }"), ("w", paths, numbers [ 1; 2; 3 ])
                    ("grid.product.w.paths", "[losses.ce.weight]"), ("w", [ "losses.ce.weight" ], numbers [ 1; 2 ])
                    ("grid.product.w", "{ paths: [losses.ce.weight], values: [7] }"), ("w", [ "losses.ce.weight" ], numbers [ 7 ]) ] do
                  Expect.equal (axis (Base.plan named [ setting ]).Experiment) [ expected ] $"{setting}"

              let extended = files [ "base.yaml", named; "own.yaml", "extends: base.yaml\ngrid: { product: { w: [8, 9] } }\n" ]
              Expect.equal (axis extended) [ "w", paths, numbers [ 8; 9 ] ] "extends"

              let zipped =
                  Base.withGrid [ "zip: [{ w: { paths: [losses.kd.weight, losses.cd.weight], values: [1, 2] }, train.batch: [32, 64] }]" ]

              let zip = (Base.plan zipped [ "grid.zip.0.w", "[3, 4]" ]).Experiment.Grid.Zip.Head
              Expect.equal (zip.Head.Paths, zip.Head.Values) (paths, numbers [ 3; 4 ]) "zip"
          }

          test "`--set` can extend points and groups of axes" {
              let text =
                  Base.withGrid [ "zip: [{ train.batch: [32, 64] }]"; "exclude: [{ variant: kd }]"; "include: [{ train.batch: 16 }]" ]

              let grid =
                  (Base.plan
                      text
                      [ "grid.zip.0.train.epochs", "[3, 4]"
                        "grid.exclude.0.train.batch", "32"
                        "grid.include.0.train.epochs", "2" ])
                      .Experiment.Grid

              Expect.equal [ for axis in grid.Zip.Head -> axis.Name ] [ "train.batch"; "train.epochs" ] "zip"
              Expect.equal grid.Exclude.Head.Values [ "train.batch", Scalar "32" ] "exclude"
              Expect.equal grid.Include.Head.Values [ "train.batch", Scalar "16"; "train.epochs", Scalar "2" ] "include"
          }

          test "Setting null removes a key" {
              let text = Base.withGrid [ "product: { losses.cd.weight: [1, 3] }" ]
              Expect.equal (Base.plan text [ "grid", "null" ]).Rows.Length 3 "no grid"
              Expect.equal (Base.plan text [ "variants.kd", "null" ]).Experiment.Variants.Length 2 "no kd"
          }

          test "Later settings override earlier ones" {
              Expect.equal (experiment [ "train.epochs", "2"; "train.epochs", "3" ]).Train.Epochs 3 "epochs"
          }

          test "A file with `extends` inherits from another file" {
              let made =
                  files
                      [ "base.yaml", Base.text
                        "middle.yaml", "extends: base.yaml\nexperiment: middle\ntrain: { epochs: 5, lr_schedule: { cosine: { to: 0.1 } } }\n"
                        "top.yaml",
                        "extends: middle.yaml\nexperiment: top\nlosses: { cd: { weight: 3 } }\nvariants: { kd: , both: [ce, kd, cd] }\nseeds: [4]\n" ]

              Expect.equal made.Name "top" "its own name"
              Expect.equal (made.Train.Epochs, made.Train.Batch) (5, 64) "from both base files"
              Expect.equal made.Train.Schedule.Shape (Cosine 0.1) "another schedule in place of the first"
              Expect.equal (made.Losses |> List.map fst) [ "ce"; "kd"; "cd" ] "losses in their order"
              Expect.equal (made.Losses |> List.map (fun (_, settings) -> settings.Weight)) [ Some 1.0; Some 1.0; Some 3.0 ] "weights"
              Expect.equal (made.Variants |> List.map _.Name) [ "student"; "cd"; "both" ] "one removed, one added"
              Expect.equal made.Seeds [ 4L ] "lists are replaced"
          }

          test "A problem in a base file is located in that file" {
              use folder = new TemporaryFolder()
              File.WriteAllText(folder.File "base.yaml", Base.text.Replace("weight: 6", "weight: six"))
              File.WriteAllText(folder.File "top.yaml", "extends: base.yaml\nexperiment: top\n")

              match Experiments.load (folder.File "top.yaml") [] false with
              | Error [ { Diagnostic = NotANumber("six", None); Place = Some place } ] ->
                  Expect.equal (place.Source.Name, place.Line, place.Column) (folder.File "base.yaml", 13, 17) "its place"
              | other -> failtest $"{other}"
          } ]
