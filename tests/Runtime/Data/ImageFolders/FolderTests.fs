module ChannelDistillation.Tests.Runtime.Data.ImageFolders.FolderTests

open System
open System.IO
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Data
open ChannelDistillation.Data.ImageFolders
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Data.ImageFolders.TestImages

let private blockMeans (image: float32 array) =
    [| for channel in 0..2 do
           for row in 0..13 do
               for column in 0..13 do
                   Seq.average (
                       seq {
                           for y in 0..15 do
                               for x in 0..15 -> float image[channel * 224 * 224 + (16 * row + y) * 224 + 16 * column + x]
                       }
                   ) |]

[<Tests>]
let tests =
    testList
        "image folder"
        [ test "Classes are the sorted folder names, and images are sorted by folder and name, as in torchvision" {
              withFolder [ "dog"; "cat"; "Zebra" ] (fun root ->
                  let photo = TestImages.jpeg 30 30 1

                  for place in
                      [ "train/cat/a/x/x.jpg"
                        "train/cat/a-b/y.JPG"
                        "train/cat/a.webp"
                        "train/cat/notes.txt"
                        "train/.hidden/h.jpg" ] do
                      let file = Path.Combine(root, place)
                      Directory.CreateDirectory(Path.GetDirectoryName(file) |> nonNull) |> ignore
                      File.WriteAllBytes(file, photo)

                  use dataset = openFolder root 3
                  Expect.equal (dataset.Training.Count, dataset.Validation.Count) (12, 6) "images"
                  Expect.equal [ for i in 0..11 -> dataset.Training.Label i ] [ 0; 0; 0; 1; 1; 1; 1; 1; 1; 2; 2; 2 ] "labels: Zebra, cat, dog"
                  Expect.equal (dataset.Descriptor.TrainingImages, dataset.Descriptor.ValidationImages) (12, 6) "known when it is open"
                  let part = FolderPart.List(Path.Combine(root, "train"), [| "cat" |])

                  Expect.equal
                      [ for i in 0 .. part.Files.Count - 1 -> part.Files[i] ]
                      [ "cat/a.webp"; "cat/cat_0.JPEG"; "cat/cat_1.JPEG"; "cat/cat_2.JPEG"; "cat/a-b/y.JPG"; "cat/a/x/x.jpg" ]
                      "order")
          }

          test "Evaluation agrees with torchvision for plain, progressive, grey, CMYK, EXIF-rotated and misnamed files" {
              use root = new TemporaryFolder()
              let golden = (Golden.json "images/images.json").EnumerateArray() |> Seq.toList
              let isWhole (entry: Text.Json.JsonElement) = entry.TryGetProperty "block_means" |> fst
              let part = FolderPart.List(TestImages.golden "val", [| "n01_landscape"; "n02_portrait"; "n03_broken" |])

              use set =
                  new ImageFolderSet(
                      new FolderStore(part),
                      ImageFolderRecipe(ImageShape(3, 224, 224), 256, (DatasetCatalog.Get "imagenet").Normalization, part.Classes, false),
                      ""
                  )

              let indexOf (file: string) = Seq.findIndex (fun i -> "val/" + part.Files[i] = file) (seq { 0 .. part.Files.Count - 1 })
              Expect.equal (golden |> List.filter isWhole |> List.length) 7 "whole files"

              for entry in golden do
                  let file = Golden.text "file" entry
                  let image = read set (indexOf file) AugmentationSpec.None

                  if isWhole entry then
                      Array.iteri2
                          (fun i expected found -> Expect.isLessThan (abs (expected - found)) 0.02 $"{file}, block {i}: {expected} and {found}")
                          (Golden.doubles (entry.GetProperty "block_means"))
                          (blockMeans image)
                  else
                      Expect.all image ((=) 0.0f) $"{file} is shown as a uniform grey"

              let named file = Path.Combine(part.Folder, part.Files[indexOf file])

              Expect.equal
                  (Seq.toList (set.Remarks()))
                  [ "2 of the 9 validation images cannot be read; each is replaced by uniform grey, and usually counts as an error:"
                    + "\n  "
                    + named "val/n03_broken/not_an_image.JPEG"
                    + ": it is not a JPEG, PNG, GIF, WebP or BMP image"
                    + "\n  "
                    + named "val/n03_broken/truncated.JPEG"
                    + ": it is truncated" ]
                  "remarks"
          }

          test "Batches of an image folder do not depend on the number of threads" {
              withFolder cats (fun root ->
                  use dataset = openFolder root 2

                  let batches (threads: int) =
                      use stream = new BatchStream(dataset.Training, 4, training, 1L, true, torch.CPU, Nullable threads)

                      [ for batch in stream.Epoch 2 -> batch.Images.data<float32>().ToArray(), batch.Labels.data<int64>().ToArray() ]

                  let one = batches 1
                  Expect.equal (batches 3) one "3 threads"
                  Expect.hasLength one 2 "batches")
          }

          test "Padding is refused for image folders" {
              withFolder cats (fun root ->
                  use dataset = openFolder root 2

                  Expect.throwsC (fun () -> read dataset.Training 0 (AugmentationSpec(4, PaddingMode.Zero, true)) |> ignore) (fun error ->
                      Expect.equal
                          error.Message
                          "Padding (`pad`) is for small images of one size. For image folders use `resized_crop` and `pad: 0`."
                          "message"))
          }

          refused "another number of classes than the experiment's" [ "cat"; "dog"; "emu" ] ignore 2 (fun root ->
              $"""{Path.Combine(root, "train")} has 3 classes, but the experiment has `classes: 2`. Write `classes: 3`.""")

          refused
              "a class that val does not have"
              cats
              (fun root -> Directory.CreateDirectory(Path.Combine(root, "train", "emu")) |> ignore)
              3
              (fun root -> $"In {root}, train/ has the class emu, but val/ does not. Both need the same class folders.")

          refused
              "classes that train does not have"
              [ "a" ]
              (fun root ->
                  for name in [ "b"; "c"; "d"; "e" ] do
                      Directory.CreateDirectory(Path.Combine(root, "val", name)) |> ignore)
              1
              (fun root -> $"In {root}, val/ has the classes b, c, d and 1 more, but train/ does not. Both need the same class folders.")

          refused
              "validation images outside class folders"
              cats
              (fun root ->
                  Directory.Delete(Path.Combine(root, "val"), true)
                  Directory.CreateDirectory(Path.Combine(root, "val")) |> ignore
                  File.WriteAllBytes(Path.Combine(root, "val", "ILSVRC2012_val_00000001.JPEG"), TestImages.jpeg 30 30 1))
              2
              (fun root ->
                  $"""The images in {Path.Combine(root, "val")} are not in class folders, so their labels are unknown. """
                  + "ImageNet's validation images are distributed this way; docs/data.md shows how to sort them.")

          refused "no val" cats (fun root -> Directory.Delete(Path.Combine(root, "val"), true)) 2 (fun root ->
              $"The folder {root} has no val/. It must contain train/ and val/, each with one folder of images per class. "
              + "Relative paths start at the project folder.")

          test "Validation images alone are sufficient for evaluation, but not for training" {
              withFolder cats (fun root ->
                  let validation () =
                      use set = DatasetStore.OpenFinal(spec root 2, Workspace root)
                      [ for index in 0 .. set.Count - 1 -> set.Label index, read set index AugmentationSpec.None ]

                  let before = validation ()
                  Expect.equal (List.map fst before) [ 0; 0; 1; 1 ] "labels"
                  Directory.Delete(Path.Combine(root, "train"), true)
                  Expect.equal (validation ()) before "without train"
                  Expect.equal (DatasetStore.OfFolder root).Classes (Nullable 2) "classes"

                  Expect.throwsC (fun () -> (openFolder root 2).Dispose()) (fun error ->
                      Expect.stringStarts error.Message $"The folder {root} has no train/." "training"))
          }

          test "A missing ImageNet gives instructions where to put it" {
              use root = new TemporaryFolder()

              Expect.throwsC (fun () -> DatasetStore.Open(DatasetSpec(Name = "imagenet"), Workspace root.Path) |> ignore) (fun error ->
                  Expect.equal
                      error.Message
                      ("There is no folder data/imagenet. imagenet cannot be downloaded without an account: get it from https://image-net.org and unpack it to "
                       + "data/imagenet/train/CLASS/ and data/imagenet/val/CLASS/ with 1000 classes "
                       + "(docs/data.md shows how), or link data/imagenet to an existing copy.")
                      "message")
          }

          test "An image folder is augmented and evaluated like ImageNet" {
              let folder = DatasetCatalog.Describe(spec "photos" 3)
              let crop = ResizedCropSpec(0.08, 1.0, 3.0 / 4.0, 4.0 / 3.0)
              Expect.equal folder.Augmentation (AugmentationSpec(0, PaddingMode.Zero, true, ResizedCrop = crop)) "augmentation"
              Expect.equal folder.EvaluationResize 256 "evaluation"
          } ]
