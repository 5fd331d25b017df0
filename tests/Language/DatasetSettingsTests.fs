module ChannelDistillation.Tests.Language.DatasetSettingsTests

open Expecto
open ChannelDistillation.Specs
open ChannelDistillation.Data
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Tests

/// The distinct dataset specifications of all runs.
let private specs dataset grid =
    let text = Base.text.Replace("dataset: fashion-mnist-mini", $"dataset: {dataset}") + grid
    (Base.plan text []).Runs |> List.map _.Spec.Dataset |> List.distinct

let private crd = NormalizationSpec([| 0.5071; 0.4867; 0.4408 |], [| 0.2675; 0.2565; 0.2761 |])

[<Tests>]
let tests =
    testList
        "dataset settings"
        [ test "A named normalisation is in the specification as numbers" {
              let expected = [ DatasetSpec(Name = "cifar100", Normalization = crd) ]
              Expect.equal (specs "{ name: cifar100, normalize: crd }" "") expected "by its name"

              Expect.equal
                  (specs "{ name: cifar100, normalize: { mean: [0.5071, 0.4867, 0.4408], std: [0.2675, 0.2565, 0.2761] } }" "")
                  expected
                  "in numbers"
          }

          test "The dataset's own normalisation gives the same run in every notation" {
              let own = [ DatasetSpec(Name = "cifar100") ]
              Expect.equal (specs "{ name: cifar100, normalize: channel_distillation }" "") own "by its name"
              Expect.equal (specs "cifar100" "grid: { product: { dataset.normalize: [channel_distillation] } }") own "on an axis"
          }

          test "Losses have the defaults of their dataset at every point of a grid" {
              let text =
                  Base.text
                      .Replace("dataset: fashion-mnist-mini", "dataset: cifar100")
                      .Replace("resnet20", "resnet34")
                      .Replace("resnet8", "resnet18")
                      .Replace("  cd: { weight: 6 }", "  cd: { weight: 6 }\n  dkd: { weight: 1 }\n  dist: { weight: 2 }")
                      .Replace("  kd: [ce, kd]", "  dkd: [ce, dkd]\n  alpha: [ce, dkd: { beta: 3 }]\n  dist: [ce, dist]")
                  + "grid: { product: { dataset: [cifar100, imagenet] } }"

              let settings (loss: LossSpec) =
                  let values = loss.Parameters |> Seq.map (fun entry -> $"{entry.Key} {entry.Value}")
                  $"""{loss.Schedule.Warmup}: {String.concat ", " values}"""

              let found =
                  [ for run in (Base.plan text [ "seeds", "[0]" ]).Runs do
                        match run.Spec.Losses |> Seq.tryLast with
                        | Some loss when loss.Name <> "ce" && loss.Name <> "cd" -> run.Variant, run.Spec.Dataset.Name, settings loss
                        | _ -> () ]

              Expect.equal
                  (List.sort found)
                  [ "alpha", "cifar100", "20: alpha 1, beta 3, temperature 4"
                    "alpha", "imagenet", "1: alpha 1, beta 3, temperature 1"
                    "dist", "cifar100", "0: beta 1, gamma 1, temperature 4"
                    "dist", "imagenet", "0: beta 1, gamma 1, temperature 1"
                    "dkd", "cifar100", "20: alpha 1, beta 8, temperature 4"
                    "dkd", "imagenet", "1: alpha 1, beta 0.5, temperature 1" ]
                  "the defaults"
          }

          test "A dataset is described with the normalisation of its specification" {
              let described = DatasetCatalog.Describe(DatasetSpec(Name = "cifar100", Normalization = crd))
              Expect.equal described.Normalization crd "described"
          }

          test "A hold-out split is given by its share, or by its share and a seed" {
              Expect.equal (specs "{ name: cifar10, validation: 0.1 }" "") [ DatasetSpec(Name = "cifar10", HoldOut = HoldOutSpec(0.1, 0L)) ] "share"

              Expect.equal
                  (specs "{ name: cifar10, validation: { share: 0.2, seed: 5 } }" "")
                  [ DatasetSpec(Name = "cifar10", HoldOut = HoldOutSpec(0.2, 5L)) ]
                  "share and seed"

              Expect.equal
                  (specs "cifar10" "grid: { product: { dataset.validation: [0.1, 0.2] } }")
                  [ DatasetSpec(Name = "cifar10", HoldOut = HoldOutSpec(0.1, 0L))
                    DatasetSpec(Name = "cifar10", HoldOut = HoldOutSpec(0.2, 0L)) ]
                  "on an axis"
          }

          test "Omitted settings of a resized crop have defaults" {
              let crop text =
                  match specs ("{ name: imagenet, augment: { resized_crop: " + text + " } }") "" with
                  | [ spec ] -> spec.Augmentation
                  | other -> failtest $"{other}"

              let expected = AugmentationSpec(0, PaddingMode.Zero, true, ResizedCrop = ResizedCropSpec(0.5, 1.0, 3.0 / 4.0, 4.0 / 3.0))
              Expect.equal (crop "{ area: [0.5, 1] }") expected "the area alone"
              let middle = AugmentationSpec(0, PaddingMode.Zero, true)

              Expect.equal
                  (specs "{ name: imagenet, augment: { resized_crop: none, flip: false } }" "")
                  [ DatasetSpec(Name = "imagenet", Augmentation = AugmentationSpec.None) ]
                  $"no crop and no flip, unlike {middle}"
          } ]
