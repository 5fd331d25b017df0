module ChannelDistillation.Tests.Runtime.Data.ImageFolders.CorruptImageTests

open System.IO
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Data.ImageFolders.TestImages

[<Tests>]
let tests =
    testList
        "broken picture"
        [ test "An unreadable training image is replaced by the next readable one of its class, and the last by the first" {
              withFolder cats (fun root ->
                  for name in [ "cat_1"; "cat_2" ] do
                      File.WriteAllText(Path.Combine(root, "train", "cat", name + ".JPEG"), "no picture")

                  use dataset = openFolder root 2
                  let whole = read dataset.Training 0 AugmentationSpec.None

                  for broken in 1..2 do
                      Expect.equal (read dataset.Training broken AugmentationSpec.None) whole $"image {broken}"

                  let crops = read dataset.Training 2 training
                  Expect.equal (read dataset.Training 2 training) crops "the same every time"

                  Expect.equal
                      (Seq.toList (dataset.Remarks()))
                      [ "2 of the 6 training images cannot be read; each is replaced by the next readable image of its class:"
                        + "\n  "
                        + Path.Combine(root, "train", "cat/cat_1.JPEG")
                        + ": it is not a JPEG, PNG, GIF, WebP or BMP image"
                        + "\n  "
                        + Path.Combine(root, "train", "cat/cat_2.JPEG")
                        + ": it is not a JPEG, PNG, GIF, WebP or BMP image" ]
                      "each is counted once"

                  File.WriteAllText(Path.Combine(root, "train", "cat", "cat_0.JPEG"), "no picture")

                  Expect.throwsC (fun () -> read dataset.Training 1 training |> ignore) (fun error ->
                      Expect.equal
                          error.Message
                          ($"""No training image of the class of {Path.Combine(root, "train", "cat/cat_1.JPEG")} can be read. The last one """
                           + $"""tried is {Path.Combine(root, "train", "cat/cat_0.JPEG")}: it is not a JPEG, PNG, GIF, WebP or BMP image.""")
                          "a class without any"))
          }

          test "A set with too many unreadable images is refused" {
              use root = new TemporaryFolder()
              TestImages.folder root.Path [ "cat" ] 12 1 |> ignore

              for i in 1..11 do
                  File.WriteAllText(root.File(Path.Combine("train", "cat", $"cat_{i}.JPEG")), "no picture")

              use dataset = openFolder root.Path 1
              let name i = Path.Combine(root.Path, "train", $"cat/cat_{i}.JPEG")
              let reason = "it is not a JPEG, PNG, GIF, WebP or BMP image"

              Expect.throwsC (fun () -> read dataset.Training 1 AugmentationSpec.None |> ignore) (fun error ->
                  Expect.isTrue (error :? MissingException) $"{error}"

                  Expect.equal
                      error.Message
                      ("More than 10 of the 12 training images cannot be read, too many for occasional damage. Remove or replace them, or copy the "
                       + $"dataset again:\n  11 x {reason}: {name 1}")
                      "message")
          }

          test "Held-out images do not replace training images, and an unreadable one is replaced by uniform grey" {
              use root = new TemporaryFolder()
              TestImages.folder root.Path cats 10 1 |> ignore
              let photo name i = root.File(Path.Combine("train", name, $"{name}_{i}.JPEG"))
              // The images that the seed holds out: one of each class.
              let held =
                  use parts = (openFolder root.Path 2).HoldOut(HoldOutSpec 0.1)
                  let none = AugmentationSpec.None
                  use whole = openFolder root.Path 2
                  let shown = [ for i in 0..1 -> read parts.Validation i none ]
                  [ for image in shown -> [ 0..19 ] |> List.find (fun i -> read whole.Training i none = image) ]

              let cat, dog = held[0], held[1] - 10
              // The held-out cat follows the unreadable one; the held-out dog is itself unreadable.
              let before = if cat = 0 then 9 else cat - 1
              let after = (cat + 1) % 10
              File.WriteAllText(photo "cat" before, "no picture")
              File.WriteAllText(photo "dog" dog, "no picture")
              use parts = (openFolder root.Path 2).HoldOut(HoldOutSpec 0.1)
              use whole = openFolder root.Path 2
              let none = AugmentationSpec.None
              // Without the held-out cat, later cats move up by one.
              let position i = if i < cat then i else i - 1
              Expect.equal (read parts.Training (position before) none) (read whole.Training after none) "the next one that is trained on"
              Expect.all (read parts.Validation 1 none) ((=) 0.0f) "the dog"
              let named name i = Path.Combine(root.Path, "train", $"{name}/{name}_{i}.JPEG")

              Expect.equal
                  (Seq.toList (parts.Remarks()))
                  [ "1 of the 18 training images cannot be read; each is replaced by the next readable image of its class:\n  "
                    + named "cat" before
                    + ": it is not a JPEG, PNG, GIF, WebP or BMP image"
                    "1 of the 2 validation images cannot be read; each is replaced by uniform grey, and usually counts as an error:\n  "
                    + named "dog" dog
                    + ": it is not a JPEG, PNG, GIF, WebP or BMP image" ]
                  "remarks"
          } ]
