module ChannelDistillation.Tests.Runtime.Data.CifarTests

open System
open System.Formats.Tar
open System.IO
open System.Threading
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Data
open ChannelDistillation.Data.Cifar
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Data.CifarFiles

let private write (folder: string) (files: (string * byte array) list) =
    for name, content in files do
        File.WriteAllBytes(Path.Combine(folder, Path.GetFileName name), content)

let private names (folder: TemporaryFolder) = Directory.GetFiles folder.Path |> Array.map Path.GetFileName |> Array.sort |> List.ofArray

/// Unpacks an archive of CIFAR-100 beside it.
let private unpack (folder: TemporaryFolder) (bytes: byte array) =
    let path = folder.File "x.tar.gz"
    File.WriteAllBytes(path, bytes)
    CifarArchive.Unpack(path, CifarFormat.Of(hundred).Entries, folder.Path, CancellationToken.None)

let private refused (entries: TarEntry list) reason =
    use folder = new TemporaryFolder()

    Expect.throwsC (fun () -> unpack folder (archive entries)) (fun error ->
        Expect.equal (error.GetType()) typeof<DamagedFileException> "kind"
        Expect.equal error.Message $"""The file {folder.File "x.tar.gz"} is damaged: {reason}.""" "message")

    let known = "x.tar.gz" :: [ for name, _ in filesOfHundred -> string (Path.GetFileName name) ]
    Expect.isEmpty (names folder |> List.except known) "nothing else is written"

/// Created separately for each archive, because an entry can be written only once.
let private good () = [ for name, content in filesOfHundred -> entry name content ]

let private damaged name (change: byte array -> byte array) (reason: string) =
    test name {
        use folder = new TemporaryFolder()
        write folder.Path filesOfHundred
        let path = folder.File "test.bin"
        File.WriteAllBytes(path, change (File.ReadAllBytes path))

        Expect.throwsC (fun () -> CifarReader.Open(hundred, folder.Path) |> ignore) (fun error ->
            Expect.equal error.Message $"The file {path} is damaged: {reason}." "message")
    }

let private pixel (images: IImageSet) index place =
    let mutable random = Randomness(0L, Purpose.Augmentation)
    let image = Array.zeroCreate<float32> imageSize
    images.Read(index, AugmentationSpec.None, &random, Span image)
    image[place]

[<Tests>]
let tests =
    testList
        "CIFAR"
        [ for dataset, files, labelBytes in [ ten, filesOfTen, 1; hundred, filesOfHundred, 2 ] do
              test $"The files of {dataset.Name} are read in order, with the last label of each image as its class" {
                  use folder = new TemporaryFolder()
                  write folder.Path files
                  use opened = CifarReader.Open(dataset, folder.Path)
                  Expect.equal (opened.Training.Count, opened.Validation.Count) (dataset.TrainingImages, 12) "images"
                  let record = labelBytes + imageSize

                  let expected = files |> List.take (files.Length - 1) |> List.collect (snd >> Array.chunkBySize record >> List.ofArray)
                  Expect.hasLength expected dataset.TrainingImages "records"

                  for i, bytes in List.indexed expected do
                      Expect.equal (opened.Training.Label i) (int bytes[labelBytes - 1]) $"label {i}"

                      for place in [ 0; 1; 33; 1024; imageSize - 1 ] do
                          let channel = place / 1024

                          let value =
                              (float bytes[labelBytes + place] / 255.0 - float dataset.Normalization.Mean[channel])
                              / float dataset.Normalization.Std[channel]

                          Expect.floatClose Accuracy.medium (float (pixel opened.Training i place)) value $"image {i}, value {place}"

                  let last = snd (List.last files)
                  Expect.equal (opened.Validation.Label 11) (int last[11 * record + labelBytes - 1]) "last label of the validation images"
              }

              test $"The archive of {dataset.Name} contains the files that are read" {
                  use folder = new TemporaryFolder()
                  let path = folder.File "x.tar.gz"
                  File.WriteAllBytes(path, archiveOf files)
                  CifarArchive.Unpack(path, CifarFormat.Of(dataset).Entries, folder.Path, CancellationToken.None)
                  Expect.equal (names folder) (List.sort ("x.tar.gz" :: [ for name, _ in files -> string (Path.GetFileName name) ])) "files"

                  for name, content in files do
                      Expect.isTrue (File.ReadAllBytes(folder.File(string (Path.GetFileName name))) = content) name
              }

          damaged "A file cut short is reported with the file's name" (fun bytes -> bytes[.. bytes.Length / 2]) "it has 18445 bytes instead of 36888"
          damaged
              "A file that is too long is reported with the file's name"
              (fun bytes -> Array.append bytes [| 0uy |])
              "it has 36889 bytes instead of 36888"

          damaged
              "A class out of range is reported with the file's name"
              (fun bytes ->
                  bytes[3 * 3074 + 1] <- 100uy
                  bytes)
              "image 3 has the label 100 where cifar100 has labels from 0 to 99"

          damaged
              "A coarse label out of range is reported with the file's name"
              (fun bytes ->
                  bytes[11 * 3074] <- 20uy
                  bytes)
              "image 11 has the label 20 where cifar100 has labels from 0 to 19"

          test "An archive with paths outside its folder is refused" {
              for name in [ "../train.bin"; "cifar-100-binary/../../etc/passwd"; "/etc/passwd"; "C:/x"; "a\\..\\b" ] do
                  refused
                      (good () @ [ entry name "x"B ])
                      $"its entry `{name}` points outside its folder, which does not belong in an archive of CIFAR"
          }

          test "An archive with links or devices is refused" {
              let link kind target = UstarTarEntry(kind, "cifar-100-binary/train.bin", LinkName = target) :> TarEntry

              let why what = $"its entry `cifar-100-binary/train.bin` is a {what}, which does not belong in an archive of CIFAR"
              refused [ link TarEntryType.SymbolicLink "/etc/passwd" ] (why "link to `/etc/passwd`")
              refused [ link TarEntryType.HardLink "../x" ] (why "link to `../x`")
              refused [ UstarTarEntry(TarEntryType.CharacterDevice, "cifar-100-binary/train.bin") ] (why "device")
              refused [ UstarTarEntry(TarEntryType.Fifo, "cifar-100-binary/train.bin") ] (why "device")
          }

          test "An archive in which a file is repeated, missing or of another size is refused" {
              refused (good () @ [ good().Head ]) "its entry `cifar-100-binary/train.bin` occurs twice"
              refused [ good().Head ] "its entry `cifar-100-binary/test.bin` is missing"

              refused [ entry "cifar-100-binary/test.bin" "x"B ] "its entry `cifar-100-binary/test.bin` has 1 bytes instead of 36888"
          }

          test "A file that is not an archive is refused" {
              for bytes in [ "<html>"B; [||]; (archiveOf filesOfHundred)[..5000] ] do
                  use folder = new TemporaryFolder()

                  Expect.throwsC (fun () -> unpack folder bytes) (fun error -> Expect.equal (error.GetType()) typeof<DamagedFileException> $"{error}")
          }

          for dataset, files, archiveName in [ ten, filesOfTen, "cifar-10-python.tar.gz"; hundred, filesOfHundred, "cifar-100-python.tar.gz" ] do
              for place in [ "archive"; "folder of the archive"; "dataset's own folder" ] do
                  test $"The Python files of {dataset.Name} in the {place} are converted to the binary ones and kept" {
                      use folder = new TemporaryFolder()

                      match place with
                      | "archive" -> File.WriteAllBytes(folder.File archiveName, archiveOf (forPython files))
                      | "folder of the archive" ->
                          for name, content in forPython files do
                              Directory.CreateDirectory(folder.File((nonNull (Path.GetDirectoryName name)))) |> ignore
                              File.WriteAllBytes(folder.File name, content)
                      | _ -> write folder.Path (forPython files)

                      let before = Directory.GetFileSystemEntries(folder.Path, "*", SearchOption.AllDirectories)
                      let source = CifarPython.Find(CifarFormat.Of dataset, folder.Path)
                      CifarPython.Convert(dataset, nonNull source, folder.Path, CancellationToken.None)

                      for name, content in files do
                          Expect.equal (File.ReadAllBytes(folder.File(nonNull (Path.GetFileName name)))) content name

                      let after = Directory.GetFileSystemEntries(folder.Path, "*", SearchOption.AllDirectories)
                      let made = after |> Array.except before |> Array.map Path.GetFileName |> Array.sort
                      Expect.equal made (files |> List.map (fst >> Path.GetFileName) |> List.sort |> Array.ofList) "nothing else is left"
                  }

          for what, change, reason in
              [ "that is cut short", (fun (bytes: byte array) -> bytes[..5000]), "it is not a CIFAR pickle"
                "that asks for code", (fun bytes -> Array.append "cos\nsystem\n(U\x02lstR."B bytes), "it is not a CIFAR pickle"
                "of fewer images", (fun _ -> pickled true (records true 1 39)), "its `data` is not a byte array of 40 images"
                "whose images are fewer than it says",
                (fun bytes ->
                    let length (images: int) = Array.append "T"B (BitConverter.GetBytes(images * imageSize))
                    let place = bytes.AsSpan().IndexOf(ReadOnlySpan(length 40))
                    Array.concat [ bytes[.. place - 1]; length 39; bytes[place + 5 + imageSize ..] ]),
                "its `data` is not a byte array of 40 images"
                "with a label out of range",
                (fun bytes ->
                    // The last of the fine labels, 39 mod 7.
                    let place = bytes.AsSpan().LastIndexOf(ReadOnlySpan "J\004\000\000\000e"B)
                    bytes[place + 1] <- 100uy
                    bytes),
                "its `fine_labels` must hold 40 labels from 0 to 99" ] do
              test $"A Python file that {what} is reported as damaged" {
                  use folder = new TemporaryFolder()
                  write folder.Path (forPython filesOfHundred)
                  let path = folder.File "train"
                  File.WriteAllBytes(path, change (File.ReadAllBytes path))

                  Expect.throwsC (fun () -> CifarPython.Convert(hundred, folder.Path, folder.Path, CancellationToken.None)) (fun error ->
                      Expect.equal error.Message $"The file {path} is damaged: {reason}." "message")
              }

          testPropertyWithConfig { FsCheckConfig.defaultConfig with maxTest = 200 } "A damaged archive is read or refused with the reason"
          <| fun (places: (uint16 * byte) list) ->
              let plain =
                  use bytes = new MemoryStream()

                  do
                      use writer = new TarWriter(bytes, leaveOpen = true)
                      [ folderEntry "cifar-100-binary/"; entry "cifar-100-binary/readme" "read me"B ] @ good () |> List.iter writer.WriteEntry

                  bytes.ToArray()

              for place, value in places do
                  // Half of them in the headers at the start.
                  let place = int place
                  plain[(if place % 2 = 0 then place % 2048 else place % plain.Length)] <- value

              use zipped = new MemoryStream()

              do
                  use stream = new Compression.GZipStream(zipped, Compression.CompressionLevel.Fastest)
                  stream.Write plain

              use folder = new TemporaryFolder()

              try
                  unpack folder (zipped.ToArray())
              with :? DamagedFileException ->
                  ()

              let known = "x.tar.gz" :: [ for name, _ in filesOfHundred -> string (Path.GetFileName name) ]
              List.isEmpty (names folder |> List.except known) ]
