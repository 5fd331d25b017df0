module ChannelDistillation.Tests.AugmentTests

open Expecto
open ChannelDistillation.Specs

/// The augmentation of each row: padding, mode and flip; None: the dataset's own.
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
        [ test "An axis can vary a part of a dataset given by name, and a value equal to the dataset's own is omitted" {
              Expect.equal
                  (augmentations (Base.withGrid [ "product: { dataset.augment.flip: [true, false] }" ]) [ "dataset", "cifar100" ])
                  [ "cifar100", None; "cifar100", Some(4, PaddingMode.Reflect, false) ]
                  "rows"
          }

          test "`--set` can change a part of a dataset given by name" {
              Expect.equal
                  (augmentations Base.text [ "dataset", "cifar100"; "dataset.augment.flip", "false" ])
                  [ "cifar100", Some(4, PaddingMode.Reflect, false) ]
                  "rows"
          }

          test "Omitted augmentation settings are those of the dataset at each point" {
              Expect.equal
                  (augmentations
                      (Base.withGrid [ "product: { dataset.name: [cifar100, fashion-mnist-mini] }" ])
                      [ "dataset", "{ name: cifar100, augment: { flip: false } }" ])
                  [ "cifar100", Some(4, PaddingMode.Reflect, false); "fashion-mnist-mini", Some(2, PaddingMode.Zero, false) ]
                  "rows"
          }

          test "Axes of dataset names and of augmentation settings are combined" {
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

          test "An axis of dataset names replaces an image folder" {
              Expect.equal
                  (augmentations
                      (Base.withGrid [ "product: { dataset.name: [cifar10, cifar100] }" ])
                      [ "dataset", "{ image_folder: photos, classes: 10, augment: { pad: 2 } }" ])
                  [ "cifar10", Some(2, PaddingMode.Reflect, true); "cifar100", Some(2, PaddingMode.Reflect, true) ]
                  "rows"
          } ]
