module ChannelDistillation.Tests.Data.Photographs.FolderTests

open System
open System.IO
open Expecto
open TorchSharp
open ChannelDistillation
open ChannelDistillation.Data
open ChannelDistillation.Specs
open ChannelDistillation.Tests

let private spec folder (classes: int) = DatasetSpec(Name = DatasetSpec.ImageFolder, Folder = folder, Classes = classes)

let private openFolder (root: string) classes = DatasetStore.Open(spec root classes, Workspace root)

let private read (set: IImageSet) index augmentation =
    let mutable random = Randomness(3L, Purpose.Augmentation, 1L, int64 index)
    let result = Array.zeroCreate<float32>(3 * 224 * 224)
    set.Read(index, augmentation, &random, Span result)
    result

let private training = DatasetCatalog.Get("imagenet").Augmentation

let private withFolder classes act =
    use root = new TemporaryFolder()
    act (Photos.folder root.Path classes 3 2)

let private refused name classes (damage: string -> unit) (declared: int) (message: string -> string) =
    test name {
        withFolder classes (fun root ->
            damage root

            Expect.throwsC (fun () -> (openFolder root declared).Dispose()) (fun error ->
                Expect.isTrue (error :? MissingException) $"{error}"
                Expect.equal error.Message (message root) "message"))
    }

let private cats = [ "cat"; "dog" ]

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
        [ test "classes are the sorted folder names, images are sorted by folder and name, as torchvision sorts them" {
              withFolder [ "dog"; "cat"; "Zebra" ] (fun root ->
                  let photo = Photos.jpeg 30 30 1

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
                  let part = Photographs.FolderPart.List(Path.Combine(root, "train"), [| "cat" |])

                  Expect.equal
                      [ for i in 0 .. part.Files.Count - 1 -> part.Files[i] ]
                      [ "cat/a.webp"; "cat/cat_0.JPEG"; "cat/cat_1.JPEG"; "cat/cat_2.JPEG"; "cat/a-b/y.JPG"; "cat/a/x/x.jpg" ]
                      "order")
          }

          test "evaluation agrees with torchvision's, for plain, progressive, grey, CMYK, EXIF-rotated and misnamed files" {
              use root = new TemporaryFolder()
              let golden = (Golden.json "images/images.json").EnumerateArray() |> Seq.toList
              let isWhole (entry: Text.Json.JsonElement) = entry.TryGetProperty "block_means" |> fst
              let part = Photographs.FolderPart.List(Photos.golden "val", [| "n01_landscape"; "n02_portrait"; "n03_broken" |])

              use set =
                  new Photographs.PhotographSet(
                      new Photographs.FolderStore(part),
                      Photographs.PhotographRecipe(Models.ImageShape(3, 224, 224), 256, (DatasetCatalog.Get "imagenet").Normalization, false)
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
                  [ "2 of the 9 images for validation cannot be read; each is shown as a uniform grey and so counts as wrong, except by luck:"
                    + "\n  "
                    + named "val/n03_broken/not_an_image.JPEG"
                    + ": it is no JPEG, PNG, GIF, WebP or BMP picture"
                    + "\n  "
                    + named "val/n03_broken/truncated.JPEG"
                    + ": it ends before the picture does" ]
                  "remarks"
          }

          test "the next readable image of its class, and the first after the last, takes the place of a broken one in training" {
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
                      [ "2 of the 6 images for training cannot be read; the next readable image of the class takes the place of each:"
                        + "\n  "
                        + Path.Combine(root, "train", "cat/cat_1.JPEG")
                        + ": it is no JPEG, PNG, GIF, WebP or BMP picture"
                        + "\n  "
                        + Path.Combine(root, "train", "cat/cat_2.JPEG")
                        + ": it is no JPEG, PNG, GIF, WebP or BMP picture" ]
                      "each is counted once"

                  File.WriteAllText(Path.Combine(root, "train", "cat", "cat_0.JPEG"), "no picture")

                  Expect.throwsC (fun () -> read dataset.Training 1 training |> ignore) (fun error ->
                      Expect.equal
                          error.Message
                          $"""No training image of the class of {Path.Combine(root, "train", "cat/cat_1.JPEG")} can be read."""
                          "a class without any"))
          }

          test "a set of which more than chance breaks is not trained on" {
              use root = new TemporaryFolder()
              Photos.folder root.Path [ "cat" ] 12 1 |> ignore

              for i in 1..11 do
                  File.WriteAllText(root.File(Path.Combine("train", "cat", $"cat_{i}.JPEG")), "no picture")

              use dataset = openFolder root.Path 1
              let name i = Path.Combine(root.Path, "train", $"cat/cat_{i}.JPEG")
              let reason = "it is no JPEG, PNG, GIF, WebP or BMP picture"

              Expect.throwsC (fun () -> read dataset.Training 1 AugmentationSpec.None |> ignore) (fun error ->
                  Expect.isTrue (error :? MissingException) $"{error}"

                  Expect.equal
                      error.Message
                      ("More than 10 of the 12 images for training cannot be read, so the set is not what it should be. Copy it again from where it came. Among them:"
                       + $"\n  {name 1}: {reason}\n  {name 10}: {reason}\n  {name 11}: {reason}\n  and 8 more")
                      "message")
          }

          test "any number of threads gives the same batches" {
              withFolder cats (fun root ->
                  use dataset = openFolder root 2

                  let batches (threads: int) =
                      use stream = new BatchStream(dataset.Training, 4, training, 1L, true, torch.CPU, Nullable threads)

                      [ for batch in stream.Epoch 2 -> batch.Images.data<float32>().ToArray(), batch.Labels.data<int64>().ToArray() ]

                  let one = batches 1
                  Expect.equal (batches 3) one "3 threads"
                  Expect.hasLength one 2 "batches")
          }

          test "photographs are not padded" {
              withFolder cats (fun root ->
                  use dataset = openFolder root 2

                  Expect.throwsC (fun () -> read dataset.Training 0 (AugmentationSpec(4, PaddingMode.Zero, true)) |> ignore) (fun error ->
                      Expect.equal
                          error.Message
                          "Padding (`pad`) is for small images of one size. For photographs: resized_crop, and pad: 0."
                          "message"))
          }

          test "a class index file puts the classes into the teacher's order" {
              for name, content in
                  [ "classes.txt", "dog\ncat\n"
                    "classes.txt", "dog domestic dog, Canis familiaris\n\ncat\tcat\n"
                    "class_index.json", """{"0": ["dog", "domestic dog"], "1": ["cat", "cat"]}"""
                    "imagenet_class_index.json", """{"1": "cat", "0": "dog"}"""
                    "class_index.json", """{"cat": 1, "dog": 0}""" ] do
                  withFolder cats (fun root ->
                      File.WriteAllText(Path.Combine(root, name), content)
                      use dataset = openFolder root 2
                      Expect.equal [ for i in 0..5 -> dataset.Training.Label i ] [ 0; 0; 0; 1; 1; 1 ] "labels"
                      use sorted = openFolder (Photos.folder (Path.Combine(root, "sorted")) cats 3 2) 2
                      let none = AugmentationSpec.None
                      Expect.equal (read dataset.Training 0 none) (read sorted.Training 3 none) $"{name}: {content}: a dog comes first")
          }

          refused
              "a class index file that lacks a class"
              cats
              (fun root -> File.WriteAllText(Path.Combine(root, "classes.txt"), "dog\n"))
              2
              (fun root -> $"""{Path.Combine(root, "classes.txt")} lacks the class cat, for which there is a folder. Complete it or remove it.""")

          refused
              "a class index file that names more than there is"
              cats
              (fun root -> File.WriteAllText(Path.Combine(root, "class_index.json"), """{"cat": 0, "dog": 1, "emu": 2}"""))
              2
              (fun root ->
                  $"""{Path.Combine(root, "class_index.json")} names the class emu, for which there is no folder. Complete the folders, or correct or remove the file.""")

          refused
              "a class index file that names a class twice"
              cats
              (fun root -> File.WriteAllText(Path.Combine(root, "classes.txt"), "cat\ndog\ncat"))
              2
              (fun root -> $"""{Path.Combine(root, "classes.txt")} names the class cat twice.""")

          refused
              "a class index file with gaps"
              cats
              (fun root -> File.WriteAllText(Path.Combine(root, "class_index.json"), """{"cat": 0, "dog": 2}"""))
              2
              (fun root -> $"""{Path.Combine(root, "class_index.json")} does not count its classes 0, 1, 2 ... without gaps.""")

          refused
              "a class index file of another kind"
              cats
              (fun root -> File.WriteAllText(Path.Combine(root, "class_index.json"), "[1, 2]"))
              2
              (fun root ->
                  Path.Combine(root, "class_index.json")
                  + " is not understood. It should look like {\"0\": [\"n01440764\", \"tench\"], ...} or {\"n01440764\": 0, ...}.")

          refused "another number of classes than the experiment's" [ "cat"; "dog"; "emu" ] ignore 2 (fun root ->
              $"""{Path.Combine(root, "train")} has 3 classes, but the experiment says `classes: 2`. Write `classes: 3`.""")

          refused "a class that val has not" cats (fun root -> Directory.CreateDirectory(Path.Combine(root, "train", "emu")) |> ignore) 3 (fun root ->
              $"In {root}, train/ has the class emu, and val/ has not. Both need the same class folders.")

          refused
              "classes that train has not"
              [ "a" ]
              (fun root ->
                  for name in [ "b"; "c"; "d"; "e" ] do
                      Directory.CreateDirectory(Path.Combine(root, "val", name)) |> ignore)
              1
              (fun root -> $"In {root}, val/ has the classes b, c, d and 1 more, and train/ has not. Both need the same class folders.")

          refused
              "a class without pictures"
              cats
              (fun root ->
                  for file in Directory.GetFiles(Path.Combine(root, "val", "dog")) do
                      File.Delete file)
              2
              (fun root -> $"""There is no picture in the class folder {Path.Combine(root, "val", "dog")}.""")

          refused
              "validation images that are not sorted into class folders"
              cats
              (fun root ->
                  Directory.Delete(Path.Combine(root, "val"), true)
                  Directory.CreateDirectory(Path.Combine(root, "val")) |> ignore
                  File.WriteAllBytes(Path.Combine(root, "val", "ILSVRC2012_val_00000001.JPEG"), Photos.jpeg 30 30 1))
              2
              (fun root ->
                  $"""The pictures in {Path.Combine(root, "val")} are not sorted into class folders, so nothing says what they show. """
                  + "ImageNet's validation images come like that: docs/data.md shows how to sort them.")

          refused "a folder without val" cats (fun root -> Directory.Delete(Path.Combine(root, "val"), true)) 2 (fun root ->
              $"The folder {root} has no val/ in it. It should hold train/ and val/, each with one folder of photographs per class. "
              + "A relative path starts at the project's folder.")

          test "ImageNet that is not there says where to put it" {
              use root = new TemporaryFolder()

              Expect.throwsC (fun () -> DatasetStore.Open(DatasetSpec(Name = "imagenet"), Workspace root.Path) |> ignore) (fun error ->
                  Expect.equal
                      error.Message
                      ("There is no folder data/imagenet. imagenet cannot be downloaded without an account: get it from https://image-net.org, and unpack it so that "
                       + "photographs lie in data/imagenet/train/CLASS/ and data/imagenet/val/CLASS/, a folder for each of the 1000 classes "
                       + "(docs/data.md shows how), or make a link to where you have it.")
                      "message")
          }

          test "a folder of photographs is augmented and evaluated as ImageNet is" {
              let folder = DatasetCatalog.Describe(spec "photos" 3)
              let crop = ResizedCropSpec(0.08, 1.0, 3.0 / 4.0, 4.0 / 3.0)
              Expect.equal folder.Augmentation (AugmentationSpec(0, PaddingMode.Zero, true, ResizedCrop = crop)) "augmentation"
              Expect.equal folder.EvaluationResize 256 "evaluation"
          } ]
