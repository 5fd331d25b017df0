/// Which files of an image folder are used, and the messages on the others.
module ChannelDistillation.Tests.Runtime.Data.ImageFolders.ImageFilesTests

open System.IO
open Expecto
open SkiaSharp
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Imaging
open ChannelDistillation.Data
open ChannelDistillation.Data.ImageFolders
open ChannelDistillation.Data.ImageFolders.Packed
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Data.ImageFolders.TestImages
open ChannelDistillation.Tests.Runtime.Core

let private put (root: string) (name: string) (content: byte array) =
    let path = Path.Combine(root, name)
    Directory.CreateDirectory(nonNull (Path.GetDirectoryName path)) |> ignore
    File.WriteAllBytes(path, content)

let private link (root: string) (name: string) (target: string) =
    let path = Path.Combine(root, name)
    Directory.CreateDirectory(nonNull (Path.GetDirectoryName path)) |> ignore
    File.CreateSymbolicLink(path, target) |> ignore

/// The remarks of a plan on a folder of two classes, without its path.
let private remarks (root: string) =
    match DatasetStore.Survey(spec root 2, Workspace root) with
    | null -> failtest "it does not exist"
    | survey ->
        let said = survey.Remarks |> Seq.toList |> List.except [ ImageDecoder.Advice false ] |> List.map _.Replace(root, "ROOT")
        (survey.Descriptor.TrainingImages, survey.Descriptor.ValidationImages), said

/// The training images of a folder, class by class.
let private files (root: string) =
    let part = FolderPart.List(Path.Combine(root, "train"), List.toArray cats)
    [ for i in 0 .. part.Files.Count - 1 -> part.Files[i] ]

let private plain =
    [ for name in cats do
          for i in 0..2 -> $"{name}/{name}_{i}.JPEG" ]

let private endings = ".jpg, .jpeg, .png, .ppm, .bmp, .pgm, .tif, .tiff, .webp"

let private grey16 = TestImages.pngOf 2 1 16 0 [| 0uy; 1uy; 0uy; 0uy; 200uy |]
let private colour16 = TestImages.pngOf 1 1 16 2 [| 0uy; 10uy; 1uy; 20uy; 2uy; 30uy; 3uy |]

[<Tests>]
let tests =
    testList
        "files of a dataset"
        [ test "A folder with only images gives no remark" { withFolder cats (fun root -> Expect.equal (remarks root) ((6, 4), []) "said") }

          test "Companion files of macOS do not count as images, even if they are as many" {
              withFolder cats (fun root ->
                  for file in Directory.GetFiles(root, "*.JPEG", SearchOption.AllDirectories) do
                      let folder, name = nonNull (Path.GetDirectoryName file), nonNull (Path.GetFileName file)
                      File.WriteAllBytes(Path.Combine(folder, "._" + name), [| 0uy; 5uy; 22uy; 7uy |])

                  Expect.equal
                      (remarks root)
                      ((6, 4),
                       [ "In ROOT/train, 6 entries are not used: 6 hidden (cat/._cat_0.JPEG)."
                         "In ROOT/val, 4 entries are not used: 4 hidden (cat/._cat_0.JPEG)." ])
                      "said"

                  Expect.equal (files root) plain "files"
                  let _, said = remarks root
                  let _, result = Packs.pack root PackFormat.Files
                  Expect.equal result.Images 10 "packed"
                  Expect.equal (result.Remarks |> Seq.map _.Replace(root, "ROOT") |> Seq.toList) said "packing says the same"
                  File.Delete(Path.Combine(root, "..", Path.GetFileName root + "-packed-jpeg", "index.json"))
                  use dataset = openFolder root 2
                  Expect.equal (dataset.Remarks() |> Seq.map _.Replace(root, "ROOT") |> Seq.toList) said "and training, at its end")
          }

          test "Unused entries are counted by kind, each with one example" {
              withFolder cats (fun root ->
                  for name in
                      [ "cat/._cat_0.JPEG"
                        "cat/.DS_Store"
                        "cat/.thumbs/a.jpg"
                        ".hidden/a.jpg"
                        "__MACOSX/cat/a.jpg"
                        "cat/a.gif"
                        "cat/b.GIF"
                        "dog/c.gif"
                        "cat/notes.txt"
                        "cat/README"
                        "x.jpg" ] do
                      put root $"train/{name}" [| 1uy |]

                  link root "train/gone" "nowhere"

                  Expect.equal
                      (remarks root)
                      ((6, 4),
                       [ "In ROOT/train, 12 entries are not used: 5 hidden (.hidden), 3 .gif (cat/a.gif), 1 .txt (cat/notes.txt), 1 broken link (gone), "
                         + "1 outside the class folders (x.jpg), 1 without an extension (cat/README)." ])
                      "said"

                  for kind in 0..7 do
                      put root $"val/dog/a.kind{kind}" [||]

                  Expect.stringEnds (snd (remarks root)).[1] "1 .kind5 (dog/a.kind5), 2 of other kinds." "many kinds")
          }

          test "Unreadable images are counted by reason, and a training error names class and reason" {
              withFolder cats (fun root ->
                  put root "train/cat/cat_0.JPEG" [||]
                  put root "train/cat/tiff.tif" "II*\000"B
                  link root "train/cat/gone.png" "nowhere.png"
                  SpecialFiles.pipe (Path.Combine(root, "train", "dog", "pipe.jpg"))

                  Expect.equal
                      (remarks root)
                      ((9, 4),
                       [ "In ROOT/train, 4 images cannot be read: 1 TIFF, not supported (cat/tiff.tif), 1 broken link (cat/gone.png), "
                         + "1 empty (cat/cat_0.JPEG), 1 pipe or device (dog/pipe.jpg)." ])
                      "said"

                  use dataset = openFolder root 2

                  for index in 0..8 do
                      read dataset.Training index AugmentationSpec.None |> ignore

                  let named (name: string) = Path.Combine(root, "train", name)

                  Expect.equal
                      (Seq.toList (dataset.Remarks()))
                      [ "4 of the 9 training images cannot be read; each is replaced by the next readable image of its class:"
                        + $"""
  {named "cat/cat_0.JPEG"}: it is empty
  {named "cat/gone.png"}: it cannot be read: it is a link to nowhere.png, which does not exist
  {named "cat/tiff.tif"}: TIFF images are not supported; convert it to 8-bit PNG
  {named "dog/pipe.jpg"}: it cannot be read: it is a pipe, not a file""" ]
                      "remarks")
          }

          test "Images of unsupported formats and of more than 8 bits are counted and reported" {
              withFolder cats (fun root ->
                  put root "train/cat/grey.png" grey16
                  put root "train/cat/colour.png" colour16
                  put root "val/dog/8.png" (TestImages.encode SKEncodedImageFormat.Png 30 30 1)
                  put root "val/dog/8.pgm" "P5 1 1 255\n\001"B

                  Expect.equal
                      (remarks root)
                      ((8, 6),
                       [ "In ROOT/train, 1 image cannot be read: 1 16-bit grey PNG, not supported (cat/grey.png)."
                         "In ROOT/train, 1 image has more than 8 bits per channel (cat/colour.png): the upper 8 are used, as in Pillow."
                         "In ROOT/val, 1 image cannot be read: 1 PGM and PPM, not supported (dog/8.pgm)." ])
                      "said")
          }

          test "Links to folders are followed, but neither upwards nor twice" {
              withFolder cats (fun root ->
                  let elsewhere = Path.Combine(root, "elsewhere")
                  put elsewhere "more/m.jpg" (TestImages.jpeg 30 30 1)
                  link elsewhere "more/up" ".."
                  link elsewhere "other/back" elsewhere
                  link root "train/cat/up" ".."
                  link root "train/cat/self" "."
                  link root "train/cat/root" root
                  link root "train/cat/more" (Path.Combine(elsewhere, "more"))
                  link root "train/cat/again" (Path.Combine(elsewhere, "more"))
                  link root "train/cat/loop" "loop"
                  link root "train/above" ".."

                  Expect.equal
                      (files root)
                      [ "cat/cat_0.JPEG"
                        "cat/cat_1.JPEG"
                        "cat/cat_2.JPEG"
                        "cat/again/m.jpg"
                        "dog/dog_0.JPEG"
                        "dog/dog_1.JPEG"
                        "dog/dog_2.JPEG" ]
                      "files"

                  Expect.equal
                      (remarks root)
                      ((7, 4),
                       [ "In ROOT/train, 7 entries are not used: 5 links to a folder above (above), 1 broken link (cat/loop), 1 link to a folder that is "
                         + "already listed (cat/more)." ])
                      "said")
          }

          test "Folders that link to each other do not multiply their images" {
              withFolder cats (fun root ->
                  let level number = Path.Combine(root, "levels", string number)

                  for number in 0..30 do
                      put (level number) $"{number}.jpg" [| 1uy |]

                      for name in [ "a"; "b" ] do
                          link (level number) name (level (number + 1))

                  link root "train/cat/levels" (level 0)
                  Expect.hasLength (files root) (6 + 31) "each once")
          }

          for what, names, said in
              [ "nothing", [], "it is empty"
                "one GIF", [ "a.gif" ], "it has 1 .gif (dog/a.gif)"
                "hidden files and GIFs", [ "._a.jpg"; "a.gif"; "b.gif" ], "it has 2 .gif (dog/a.gif), 1 hidden (dog/._a.jpg)" ] do
              refused
                  $"a class folder with {what}"
                  cats
                  (fun root ->
                      let folder = Path.Combine(root, "val", "dog")
                      Directory.Delete(folder, true)
                      Directory.CreateDirectory folder |> ignore

                      for name in names do
                          put folder name [| 1uy |])
                  2
                  (fun root -> $"""The class folder {Path.Combine(root, "val", "dog")} has no images: {said}. Image files end in {endings}.""")

          refused
              "several class folders without images"
              [ "a"; "b"; "c" ]
              (fun root ->
                  for name in [ "b"; "c" ] do
                      for file in Directory.GetFiles(Path.Combine(root, "train", name)) do
                          File.Delete file)
              3
              (fun root ->
                  $"""The class folder {Path.Combine(root, "train", "b")} has no images: it is empty. The same is true of 1 more. """
                  + $"Image files end in {endings}.")

          refused
              "only hidden folders in a part"
              cats
              (fun root ->
                  for name in cats do
                      Directory.Move(Path.Combine(root, "train", name), Path.Combine(root, "train", "." + name)))
              2
              (fun root -> $"""{Path.Combine(root, "train")} has no class folders: it has 2 hidden (.cat).""")

          for what, name, other, difference in
              [ "capitals", "cow", "Cow", "they differ in case"
                "capitals beyond English", "école", "École", "they differ in case"
                "the form of Unicode", "caf\u00e9", "cafe\u0301", "they look alike and differ in U+00E9 and U+0065 U+0301"
                "the form of Unicode, in Korean", "\ud55c", "\u1112\u1161\u11ab", "they look alike and differ in U+D55C and U+1112 U+1161 U+11AB"
                "a space", "cow", "cow ", "they look alike and differ in no character and U+0020"
                "a character without width", "c\u200bow", "cow", "they look alike and differ in U+200B and no character" ] do
              refused
                  $"class names that differ in {what}"
                  [ "ant"; name ]
                  (fun root -> Directory.Move(Path.Combine(root, "val", name), Path.Combine(root, "val", other)))
                  2
                  (fun root -> $"In {root}, train/ has the class `{name}` and val/ has `{other}`: {difference}. Give both the same name.")

          refused
              "class names of one other letter"
              [ "猫" ]
              (fun root -> Directory.Move(Path.Combine(root, "val", "猫"), Path.Combine(root, "val", "犬")))
              1
              (fun root -> $"In {root}, train/ has the class 猫, but val/ does not. Both need the same class folders.")

          refused
              "a class index with a name that differs in case"
              cats
              (fun root -> File.WriteAllText(Path.Combine(root, "classes.txt"), "Cat\ndog\n"))
              2
              (fun root ->
                  $"""{Path.Combine(root, "classes.txt")} lists the class `Cat`, but the folder is named `cat`: they differ in case. Give both the same name.""")

          test "Many unreadable images are counted by reason" {
              use root = new TemporaryFolder()
              TestImages.folder root.Path [ "cat" ] 14 1 |> ignore

              for i in 1..13 do
                  File.WriteAllText(root.File $"train/cat/cat_{i}.JPEG", (if i % 4 = 0 then "" else "no picture"))

              use dataset = openFolder root.Path 1

              Expect.throwsC
                  (fun () ->
                      for index in 1..13 do
                          read dataset.Training index AugmentationSpec.None |> ignore)
                  (fun error ->
                      Expect.equal
                          error.Message
                          ("More than 10 of the 14 training images cannot be read, too many for occasional damage. Remove or replace them, or copy the "
                           + "dataset again:\n"
                           + $"""  9 x it is not a JPEG, PNG, GIF, WebP or BMP image: {root.File "train/cat/cat_1.JPEG"}"""
                           + "\n"
                           + $"""  2 x it is empty: {root.File "train/cat/cat_12.JPEG"}""")
                          "message")
          }

          test "Packing the original files counts those that training could not read" {
              Packs.withFolder (fun folder ->
                  let cut = Path.Combine(folder, "train", "cat", "cat_0.JPEG")
                  File.WriteAllBytes(cut, (File.ReadAllBytes cut)[..200])
                  let _, result = Packs.pack folder PackFormat.Files

                  Expect.equal
                      (Seq.toList result.Remarks)
                      [ "2 of the 10 training images cannot be read; the copy marks them, and training treats them as in the folder:\n"
                        + "  cat/cat_0.JPEG: it ends before its image data\n"
                        + "  dog/dog_1.JPEG: it is not a JPEG, PNG, GIF, WebP or BMP image"
                        "1 of the 4 validation images cannot be read; the copy marks them, and training treats them as in the folder:\n"
                        + "  dog/dog_1.JPEG: it is not a JPEG, PNG, GIF, WebP or BMP image" ]
                      "remarks")
          }

          test "A folder without val exists but is unusable, and a missing one does not exist" {
              withFolder cats (fun root ->
                  Directory.Delete(Path.Combine(root, "val"), true)

                  Expect.throwsC (fun () -> DatasetStore.Survey(spec root 2, Workspace root) |> ignore) (fun error ->
                      Expect.stringStarts error.Message $"The folder {root} has no val/." "message")

                  Expect.isNull (DatasetStore.Survey(spec (root + "-nowhere") 2, Workspace root)) "nowhere")
          } ]
