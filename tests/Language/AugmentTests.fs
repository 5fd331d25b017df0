module ChannelDistillation.Tests.AugmentTests

open Expecto
open ChannelDistillation.Specs

/// The augmentation that each row trains with: pad, mode and flip; nothing: the dataset's own.
let private augmentations text settings =
    [ for row in (Base.plan text ([ "variants.kd", "null"; "variants.cd", "null"; "losses.kd", "null"; "losses.cd", "null" ] @ settings)).Rows ->
          let dataset = row.Runs.Head.Spec.Dataset

          dataset.Name,
          dataset.Augmentation
          |> Option.ofObj
          |> Option.map (fun augmentation -> augmentation.Padding, augmentation.PaddingMode, augmentation.Flip) ]

[<Tests>]
let tests =
    testList
        "augmentation"
        [ test "an axis reaches into a dataset that is only named, and what the dataset does anyway is its own" {
              Expect.equal
                  (augmentations (Base.withGrid [ "product: { dataset.augment.flip: [true, false] }" ]) [ "dataset", "cifar100" ])
                  [ "cifar100", None; "cifar100", Some(4, PaddingMode.Reflect, false) ]
                  "rows"
          }

          test "a setting does the same" {
              Expect.equal
                  (augmentations Base.text [ "dataset", "cifar100"; "dataset.augment.flip", "false" ])
                  [ "cifar100", Some(4, PaddingMode.Reflect, false) ]
                  "rows"
          }

          test "what the file leaves out follows the dataset at each point" {
              Expect.equal
                  (augmentations
                      (Base.withGrid [ "product: { dataset.name: [cifar100, fashion-mnist-mini] }" ])
                      [ "dataset", "{ name: cifar100, augment: { flip: false } }" ])
                  [ "cifar100", Some(4, PaddingMode.Reflect, false); "fashion-mnist-mini", Some(2, PaddingMode.Zero, false) ]
                  "rows"
          }

          test "names of datasets and parts of the augmentation are combined" {
              Expect.equal
                  (augmentations
                      (Base.withGrid [ "product: { dataset.name: [cifar10, cifar100], dataset.augment.pad: [4, 0] }" ])
                      [ "dataset", "cifar10" ])
                  [ "cifar10", None
                    "cifar10", Some(0, PaddingMode.Reflect, true)
                    "cifar100", None
                    "cifar100", Some(0, PaddingMode.Reflect, true) ]
                  "rows"
          }

          test "a name takes the place of a folder" {
              Expect.equal
                  (augmentations
                      (Base.withGrid [ "product: { dataset.name: [cifar10, cifar100] }" ])
                      [ "dataset", "{ image_folder: photos, classes: 10, augment: { pad: 2 } }" ])
                  [ "cifar10", Some(2, PaddingMode.Reflect, true); "cifar100", Some(2, PaddingMode.Reflect, true) ]
                  "rows"
          } ]
