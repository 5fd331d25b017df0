module ChannelDistillation.Tests.Runtime.Data.ImageFolders.PackTests

open System
open System.IO
open System.Runtime.InteropServices
open System.Threading
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Imaging
open ChannelDistillation.Data
open ChannelDistillation.Data.ImageFolders.Packed
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Data.ImageFolders.TestImages
open ChannelDistillation.Tests.Runtime.Data.ImageFolders.Packs

let private images (set: IImageSet) augmentation =
    [ for index in 0 .. set.Count - 1 ->
          let mutable random = Randomness(3L, Purpose.Augmentation, 1L, int64 index)
          let result = Array.zeroCreate<float32>(3 * 224 * 224)
          set.Read(index, augmentation, &random, Span result)
          set.Label index, result ]

let private footer (path: string) =
    use shard = new Shard(path)
    shard.Footer

/// Changes an entry of a shard's table, and corrects the checksum.
let private forge (path: string) (index: int) (change: ShardEntry -> ShardEntry) =
    let bytes = File.ReadAllBytes path
    let footer = MemoryMarshal.Read<ShardFooter>(ReadOnlySpan(bytes, bytes.Length - ShardFooter.Size, ShardFooter.Size))
    let table = Span(bytes, bytes.Length - ShardFooter.Size - int footer.TableBytes, int footer.TableBytes)
    let entries = MemoryMarshal.Cast<byte, ShardEntry>(table.Slice(0, footer.Images * Marshal.SizeOf<ShardEntry>()))
    entries[index] <- change entries[index]
    let sum = IO.Hashing.XxHash3.HashToUInt64(Span<byte>.op_Implicit table)
    let mutable forged = ShardFooter(footer.Magic, footer.Listing, footer.Data, sum, footer.Images, footer.NameBytes)
    MemoryMarshal.Write(Span(bytes, bytes.Length - ShardFooter.Size, ShardFooter.Size), &forged)
    File.WriteAllBytes(path, bytes)

[<Tests>]
let tests =
    testList
        "packed copy"
        [ test
              "A packed copy of the files has the same images and labels in the same order, including unreadable ones, and is read instead of the folder" {
              withFolder (fun folder ->
                  let read () =
                      use dataset = openFolder folder 2
                      let seen = images dataset.Training training, images dataset.Validation AugmentationSpec.None
                      (seen, dataset.Fingerprint()), Seq.toList (dataset.Remarks()) |> List.map (fun remark -> remark.Replace("-packed-jpeg", ""))

                  let before = read ()
                  let target, result = pack folder PackFormat.Files
                  Expect.equal (result.Images, result.Classes, result.WasThere) (14, 2, false) "result"
                  Expect.equal (read ()) before "from the copy beside it"
                  Directory.Delete(folder, true)
                  Expect.equal (read ()) before "without the folder"
                  use explicitly = openFolder target 2
                  Expect.equal (images explicitly.Training training) (fst before |> fst |> fst) "named in the experiment")
          }

          test "The fingerprint of an image folder changes with the order of its classes, and the names, sizes and contents of its files" {
              withFolder (fun folder ->
                  let fingerprint () =
                      use dataset = openFolder folder 2
                      dataset.Fingerprint(), dataset.LabelFingerprint()

                  let before = fingerprint ()
                  Expect.equal (fingerprint ()) before "unchanged"
                  let order = Path.Combine(folder, "classes.txt")
                  File.WriteAllLines(order, [ "dog"; "cat" ])
                  let reordered = fingerprint ()
                  Expect.notEqual (fst reordered) (fst before) "classes in another order"
                  Expect.equal (snd reordered) (snd before) "whose labels are the same, because the classes have equally many images"
                  File.Delete order
                  let file = Path.Combine(folder, "train", "cat", "cat_0.JPEG")
                  File.Move(file, file.Replace("cat_0", "cat_00"))
                  Expect.notEqual (fst (fingerprint ())) (fst before) "another name"
                  File.Move(file.Replace("cat_0", "cat_00"), file)
                  Expect.equal (fingerprint ()) before "as at first"
                  let content = File.ReadAllBytes file
                  File.WriteAllBytes(file, Array.append content [| 1uy |])
                  let longer = fingerprint ()
                  Expect.notEqual (fst longer) (fst before) "another size"
                  File.WriteAllBytes(file, Array.append content [| 2uy |])
                  Expect.notEqual (fst (fingerprint ())) (fst longer) "other content of the same size")
          }

          test "A packed copy of pixels has the images at that size, and is not read instead of the folder" {
              withFolder (fun folder ->
                  let target, result = pack folder (PackFormat 40)

                  Expect.equal
                      (Seq.toList result.Remarks)
                      [ "1 of the 10 training images cannot be read; the copy marks them, and training treats them as in the folder:\n"
                        + "  dog/dog_1.JPEG: it is not a JPEG, PNG, GIF, WebP or BMP image"
                        "1 of the 4 validation images cannot be read; the copy marks them, and training treats them as in the folder:\n"
                        + "  dog/dog_1.JPEG: it is not a JPEG, PNG, GIF, WebP or BMP image" ]
                      "remarks"

                  use original = openFolder folder 2
                  use packed = openFolder target 2
                  let shard = new Shard(Path.Combine(target, "train-00000.bin"))

                  Expect.equal
                      [ for i in 0..4 -> shard[i].Width, shard[i].Height ]
                      // 40x50, 43x49 and so on: the shorter side becomes 40, including that of 52x46.
                      [ 40, 50; 40, 45; 40, 41; 41, 40; 45, 40 ]
                      "sizes"

                  shard.Dispose()

                  for index, ((label, expected), (sameLabel, found)) in
                      List.indexed (List.zip (images original.Training AugmentationSpec.None) (images packed.Training AugmentationSpec.None)) do
                      Expect.equal sameLabel label "label"
                      let difference = Array.map2 (fun (a: float32) b -> abs (a - b)) expected found |> Array.average
                      Expect.isLessThan difference 0.05f $"image {index}"

                  Expect.equal (images packed.Training training) (images packed.Training training) "the same every time")
          }

          test "A packed copy at the evaluation size gives the same evaluation results as the folder" {
              use root = new TemporaryFolder()

              for part in [ "train"; "val" ] do
                  Directory.CreateDirectory(root.File $"photos/{part}/a") |> ignore
                  File.Copy(TestImages.golden "val/n01_landscape/color_500x375.JPEG", root.File $"photos/{part}/a/x.JPEG")

              let target, _ = pack (root.File "photos") (PackFormat 256)
              use original = openFolder (root.File "photos") 1
              use packed = openFolder target 1
              Expect.equal (images packed.Validation AugmentationSpec.None) (images original.Validation AugmentationSpec.None) "images"
          }

          test "An interrupted packing completes the remaining shards, with identical files" {
              withFolder (fun folder ->
                  let whole, _ = pack folder (PackFormat 40)
                  let target = folder + "-again"
                  use source = new CancellationTokenSource()

                  Expect.throwsT<OperationCanceledException>
                      (fun () ->
                          // Ten images are the training part.
                          let watcher =
                              Watcher(fun done' ->
                                  if done' >= 10 then
                                      source.Cancel())

                          Packer.Pack(folder, target, PackFormat 40, watcher, source.Token) |> ignore)
                      "interrupted"

                  let files () = Directory.GetFiles target |> Array.map Path.GetFileName |> Array.sort
                  Expect.equal (files ()) [| "train-00000.bin" |] "what is complete, and nothing else"
                  let before = File.GetLastWriteTimeUtc(Path.Combine(target, "train-00000.bin"))

                  message
                      $"The folder {target} has no train/. It must contain train/ and val/, each with one folder of images per class. Relative paths start at the project folder."
                      (fun () -> (openFolder target 2).Dispose())

                  // The partial file of a killed packing.
                  File.WriteAllText(Path.Combine(target, "val-00000.bin.part"), "half")
                  Packer.Pack(folder, target, PackFormat 40, quiet (), CancellationToken.None) |> ignore
                  Expect.equal (files ()) [| "index.json"; "train-00000.bin"; "val-00000.bin" |] "complete"
                  Expect.equal (File.GetLastWriteTimeUtc(Path.Combine(target, "train-00000.bin"))) before "kept"

                  for file in files () do
                      Expect.equal (File.ReadAllBytes(Path.Combine(target, file))) (File.ReadAllBytes(Path.Combine(whole, file))) file)
          }

          test "Packing again verifies every byte and repairs damage" {
              withFolder (fun folder ->
                  let target, _ = pack folder PackFormat.Files
                  let shard = Path.Combine(target, "train-00000.bin")
                  let sound = File.ReadAllBytes shard
                  let watcher = quiet ()
                  let again = Packer.Pack(folder, target, PackFormat.Files, watcher, CancellationToken.None)
                  Expect.isTrue again.WasThere "complete"
                  Expect.equal (Seq.toList watcher.Said) [ $"Checking {target}: 14" ] "said"
                  let damaged = Array.copy sound
                  damaged[100] <- damaged[100] ^^^ 1uy
                  File.WriteAllBytes(shard, damaged)
                  use dataset = openFolder folder 2
                  images dataset.Training training |> ignore

                  Expect.stringContains
                      (Seq.head (dataset.Remarks()))
                      "cat/cat_0.JPEG: its checksum in the packed copy does not match"
                      "seen when it is read"

                  dataset.Dispose()
                  Packer.Pack(folder, target, PackFormat.Files, quiet (), CancellationToken.None) |> ignore
                  Expect.equal (File.ReadAllBytes shard) sound "repaired")
          }

          test "Shards of other images are not reused, and surplus shards are removed" {
              withFolder (fun folder ->
                  let target, _ = pack folder PackFormat.Files
                  let first = footer (Path.Combine(target, "train-00000.bin"))
                  File.Copy(Path.Combine(target, "train-00000.bin"), Path.Combine(target, "train-00007.bin"))
                  File.WriteAllText(Path.Combine(target, "mine.bin"), "not a shard")
                  File.Delete(Path.Combine(folder, "train", "cat", "cat_0.JPEG"))

                  message
                      ($"The packed copy {target} does not match the images now in {folder}. Remove the copy, or pack the folder again: "
                       + $"dotnet fsi build.fsx data pack {folder} --jpeg")
                      (fun () -> (openFolder folder 2).Dispose())

                  pack folder PackFormat.Files |> ignore
                  Expect.notEqual (footer (Path.Combine(target, "train-00000.bin"))).Listing first.Listing "another list"
                  let files = Directory.GetFiles target |> Array.map Path.GetFileName |> Array.sort
                  Expect.equal files [| "index.json"; "mine.bin"; "train-00000.bin"; "val-00000.bin" |] "files"
                  use dataset = openFolder folder 2
                  Expect.equal dataset.Training.Count 9 "images")
          }

          test "An image that was replaced under the same name is detected by its size, also behind a link" {
              withFolder (fun folder ->
                  let photo = Path.Combine(folder, "train", "cat", "cat_0.JPEG")
                  let linked = folder + "-elsewhere.JPEG"
                  File.Move(photo, linked)
                  File.CreateSymbolicLink(photo, linked) |> ignore
                  let target, _ = pack folder PackFormat.Files
                  (openFolder folder 2).Dispose()
                  File.AppendAllText(linked, "more")

                  message
                      ($"The packed copy {target} does not match the images now in {folder}. Remove the copy, or pack the folder again: "
                       + $"dotnet fsi build.fsx data pack {folder} --jpeg")
                      (fun () -> (openFolder folder 2).Dispose())

                  pack folder PackFormat.Files |> ignore
                  (openFolder folder 2).Dispose())
          }

          test "The plan and the dataset list report that a packed copy is read instead of the folder" {
              withFolder (fun folder ->
                  let read () =
                      match DatasetStore.Survey(spec folder 2, Workspace "/") with
                      | null -> failtest "it does not exist"
                      | survey -> Seq.toList survey.Remarks |> List.except [ ImageDecoder.Advice false ]

                  Expect.isEmpty (read ()) "the folder itself"
                  let target, _ = pack folder PackFormat.Files
                  Expect.equal (read ()) [ $"{folder} is read from its packed copy {target}, which produces identical results." ] "its copy"
                  let described = DatasetCatalog.Describe(spec folder 2)
                  Expect.equal (DatasetStore.StateOf(described, Workspace "/")).Folder target "listed"
                  Expect.equal (DatasetStore.OfFolder target).Classes (Nullable 2) "and can be evaluated on itself")
          }

          test "A damaged or incomplete copy is refused in training" {
              withFolder (fun folder ->
                  let target, _ = pack folder PackFormat.Files
                  let shard = Path.Combine(target, "val-00000.bin")
                  let sound = File.ReadAllBytes shard

                  let refused reason =
                      message $"{reason}. The packed copy {target} is damaged; `data pack` of the same folder repairs it." (fun () ->
                          (openFolder target 2).Dispose())

                  for content, reason in
                      [ sound[..20], "it is too short for a footer"
                        sound[.. sound.Length - 2], "the checksum of its table does not match"
                        Array.zeroCreate sound.Length, "the checksum of its table does not match" ] do
                      File.WriteAllBytes(shard, content)
                      refused $"The file {shard} is damaged: {reason}"

                  File.Copy(Path.Combine(target, "train-00000.bin"), shard, true)
                  refused $"The file {shard} is damaged: it does not match index.json"

                  message
                      ($"The file {shard} has {FileInfo(shard).Length} bytes instead of {sound.Length}. The packed copy {target} is damaged; "
                       + "`data pack` of the same folder repairs it.")
                      (fun () -> DatasetStore.Survey(spec target 2, Workspace "/") |> ignore)

                  File.Delete shard
                  refused $"Could not find file '{shard}'"
                  File.WriteAllText(Path.Combine(target, "index.json"), "{}")

                  message
                      ($"""{Path.Combine(target, "index.json")} is not a valid index of a packed copy. """
                       + "Remove it and pack again; intact shards are kept.")
                      (fun () -> (openFolder target 2).Dispose()))
          }

          test "A shard with an invalid table and a matching checksum is refused when it is opened" {
              let entry offset length width height label nameEnd content (old: ShardEntry) =
                  let (+?) value change = Option.defaultValue value change

                  ShardEntry(
                      old.Offset +? offset,
                      old.Checksum,
                      old.Length +? length,
                      old.Width +? width,
                      old.Height +? height,
                      old.Label +? label,
                      old.NameEnd +? nameEnd,
                      old.Content +? content
                  )

              let outside, name = "the data of image 1 are outside the file", "the name of image 1 is outside the file"
              let label number = $"image 1 has the invalid label {number}"

              withFolder (fun folder ->
                  let target, _ = pack folder (PackFormat 40)
                  let path = Path.Combine(target, "train-00000.bin")
                  let sound = File.ReadAllBytes path
                  let size (bytes: int) wide high kind = $"image 1 is listed as {wide}x{high} pixels in {bytes} bytes of type {kind}"

                  // The second image has 40x45 pixels.
                  for change, reason in
                      [ entry (Some -1L) None None None None None None, outside
                        entry (Some Int64.MaxValue) None None None None None None, outside
                        entry (Some(int64 sound.Length - 100L)) None None None None None None, outside
                        entry None (Some -1) None None None None None, outside
                        entry None (Some Int32.MaxValue) None None None None None, outside
                        entry None None (Some 41) None None None None, size 5400 41 45 0
                        entry None None (Some 0) None None None None, size 5400 0 45 0
                        entry None None (Some -40) (Some -45) None None None, size 5400 -40 -45 0
                        entry None None (Some Int32.MaxValue) (Some Int32.MaxValue) None None None, size 5400 Int32.MaxValue Int32.MaxValue 0
                        entry None None None None (Some -1) None None, label -1
                        entry None None None None (Some 2) None None, label 2
                        entry None None None None None (Some 1) None, name
                        entry None None None None None (Some Int32.MaxValue) None, name
                        entry None None None None None None (Some(enum<ShardContent> 3)), size 5400 40 45 3 ] do
                      File.WriteAllBytes(path, sound)
                      forge path 1 change

                      message
                          $"The file {path} is damaged: {reason}. The packed copy {target} is damaged; `data pack` of the same folder repairs it."
                          (fun () -> (openFolder target 2).Dispose())

                  File.WriteAllBytes(path, sound)
                  forge path 5 (entry None None None None (Some 0) None None)
                  forge path 4 (entry None None None None (Some 1) None None)

                  Expect.throwsC (fun () -> (openFolder target 2).Dispose()) (fun error ->
                      Expect.stringContains error.Message "image 5 has the invalid label 0" "labels go up")

                  Packer.Pack(folder, target, PackFormat 40, quiet (), CancellationToken.None) |> ignore
                  Expect.equal (File.ReadAllBytes path) sound "packing again repairs it")
          }

          test "An index with paths outside the copy, or wrong counts, is refused" {
              withFolder (fun folder ->
                  let target, _ = pack folder PackFormat.Files
                  let index = Path.Combine(target, "index.json")
                  let sound = File.ReadAllText index
                  File.Copy(Path.Combine(target, "train-00000.bin"), Path.Combine(target, "..", "train-00000.bin"))

                  for before, after in
                      [ "\"train-00000.bin\"", "\"../train-00000.bin\""
                        "\"train-00000.bin\"", "null"
                        "\"images\": 10", "\"images\": 11"
                        "\"cat\"", "null" ] do
                      let first = sound.IndexOf(before, StringComparison.Ordinal)
                      let changed = sound[.. first - 1] + after + sound[first + before.Length ..]
                      File.WriteAllText(index, changed)

                      message $"{index} is not a valid index of a packed copy. Remove it and pack again; intact shards are kept." (fun () ->
                          (openFolder target 2).Dispose()))
          }

          test "The number of classes must match the experiment's" {
              withFolder (fun folder ->
                  let target, _ = pack folder (PackFormat 40)

                  message $"{target} has 2 classes, but the experiment has `classes: 3`. Write `classes: 2`." (fun () ->
                      (openFolder target 3).Dispose()))
          } ]
