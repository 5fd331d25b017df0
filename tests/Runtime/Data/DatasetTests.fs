module ChannelDistillation.Tests.Runtime.Data.DatasetTests

open System
open System.IO
open System.IO.Compression
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Data
open ChannelDistillation.Data.Idx
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Core

let mini = DatasetCatalog.Get "fashion-mnist-mini"
let full = DatasetCatalog.Get "fashion-mnist"

let unzip (bytes: byte array) =
    use stream = new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress)
    use memory = new MemoryStream()
    stream.CopyTo memory
    memory.ToArray()

let unzipped (path: string) = unzip (File.ReadAllBytes path)

let openMini () = DatasetStore.Open(DatasetSpec(Name = "fashion-mnist-mini"), Sets.workspace)

let balanced (set: IImageSet) = List.init set.Count set.Label |> List.countBy id |> List.sort

let missing action expected =
    Expect.throwsC (fun () -> action () |> ignore) (fun error ->
        Expect.equal (error.GetType()) typeof<MissingException> "kind"
        Expect.equal error.Message expected "message")

/// A copy of the embedded subset; `damage` may change one file.
let withCopy (file: string) (damage: byte array -> byte array) test =
    Sets.inTemporaryFolder (fun root ->
        let folder = Path.Combine(root, "data", mini.Name)
        Directory.CreateDirectory folder |> ignore

        for known in mini.Files do
            File.Copy(Path.Combine(Sets.workspace.Data, mini.Name, known.Name), Path.Combine(folder, known.Name))

        let path = Path.Combine(folder, file)
        File.WriteAllBytes(path, damage (File.ReadAllBytes path))
        test (Workspace root) path)

let gzip (bytes: byte array) =
    use memory = new MemoryStream()

    (use stream = new GZipStream(memory, CompressionLevel.Fastest)
     stream.Write(bytes, 0, bytes.Length))

    memory.ToArray()

let damaged name file (damage: byte array -> byte array) reason =
    test name {
        withCopy file damage (fun workspace path ->
            missing
                (fun () -> DatasetStore.Open(DatasetSpec(Name = mini.Name), workspace))
                $"The file {path} is damaged: {reason}. To restore it: git checkout -- data/fashion-mnist-mini")
    }

[<Tests>]
let tests =
    testList
        "datasets"
        [ test "The catalog has the datasets of the papers" {
              Expect.equal
                  [ for dataset in DatasetCatalog.All -> dataset.Name, dataset.Classes, dataset.TrainingImages, dataset.ValidationImages ]
                  [ "fashion-mnist-mini", 10, 10000, 2000
                    "fashion-mnist", 10, 60000, 10000
                    "cifar10", 10, 50000, 10000
                    "cifar100", 100, 50000, 10000
                    "imagenet", 1000, 1281167, 50000 ]
                  "catalog"

              let cifar = DatasetCatalog.Get "cifar100"
              Expect.equal cifar.Image (ImageShape(3, 32, 32)) "size of images"
              Expect.equal cifar.Augmentation (AugmentationSpec(4, PaddingMode.Reflect, true)) "as in the paper's code"

              for dataset in DatasetCatalog.All do
                  Expect.hasLength dataset.Normalization.Mean dataset.Image.Channels "mean"

                  for file in dataset.Files do
                      Expect.equal (isNull file.Sha256) (isNull file.Url) $"a checksum for what is downloaded: {file.Name}"
          }

          test "An unknown name is not found" { Expect.isNull (DatasetCatalog.Find "fashion_mnist") "not there" }

          test "An image folder is described like ImageNet, with its own classes" {
              let folder = DatasetCatalog.Describe(DatasetSpec(Name = DatasetSpec.ImageFolder, Folder = "data/flowers", Classes = 17))
              Expect.equal folder.Classes 17 "classes"
              Expect.equal folder.Image (ImageShape(3, 224, 224)) "size of images"
              Expect.equal folder.TrainingImages 0 "not counted yet"
          }

          test "The embedded subset is balanced" {
              use dataset = openMini ()
              Expect.equal (balanced dataset.Training) [ for i in 0..9 -> i, 1000 ] "training"
              Expect.equal (balanced dataset.Validation) [ for i in 0..9 -> i, 200 ] "validation"
              Expect.equal dataset.Training.Shape (ImageShape(1, 32, 32)) "size of images"
          }

          test "Images of 28x28 are centred in a black frame" {
              use dataset = openMini ()
              let mutable random = Randomness(0L, Purpose.Augmentation)
              let image = Array.zeroCreate<float32> 1024
              dataset.Training.Read(0, AugmentationSpec.None, &random, Span image)

              let original = unzipped (Path.Combine(Sets.workspace.Data, mini.Name, "train-images-idx3-ubyte.gz"))

              for y in 0..31 do
                  for x in 0..31 do
                      let pixel =
                          if y < 2 || y > 29 || x < 2 || x > 29 then
                              0uy
                          else
                              original[16 + (y - 2) * 28 + x - 2]

                      Expect.floatClose Accuracy.low (float image[y * 32 + x]) ((float pixel / 255.0 - 0.2860) / 0.3530) $"pixel {y} {x}"
          }

          test "The fingerprint changes with a pixel, which that of the labels does not" {
              let fingerprints damage =
                  let mutable found = "", ""

                  withCopy "train-images-idx3-ubyte.gz" damage (fun workspace _ ->
                      use dataset = DatasetStore.Open(DatasetSpec(Name = mini.Name), workspace)
                      found <- dataset.Fingerprint(), dataset.LabelFingerprint())

                  found

              let pixels, labels = fingerprints id

              let changed, sameLabels =
                  fingerprints (fun bytes ->
                      let images = unzip bytes
                      images[images.Length / 2] <- images[images.Length / 2] + 1uy
                      gzip images)

              Expect.notEqual changed pixels "pixels"
              Expect.equal sameLabels labels "labels"
          }

          test "The full set reproduces the embedded subset, and the catalog's mean and std" {
              if not (DatasetStore.Exists(DatasetSpec(Name = full.Name), Sets.workspace)) then
                  skiptest "the full Fashion-MNIST is not on this machine"

              let folder =
                  [ Path.Combine(Sets.workspace.Data, full.Name); string full.AlsoAt ]
                  |> List.find (fun folder -> File.Exists(Path.Combine(folder, full.Files[0].Name)))

              Sets.inTemporaryFolder (fun target ->
                  FashionMnistMini.Make(folder, target)

                  for file in mini.Files do
                      Expect.isTrue
                          (unzipped (Path.Combine(target, file.Name)) = unzipped (Path.Combine(Sets.workspace.Data, mini.Name, file.Name)))
                          $"{file.Name} is the same")

              let pixels = unzipped (Path.Combine(folder, full.Files[0].Name))
              let histogram = Array.zeroCreate<int64> 256

              for i in 16 .. pixels.Length - 1 do
                  histogram[int pixels[i]] <- histogram[int pixels[i]] + 1L

              let moment power =
                  (histogram |> Seq.mapi (fun value times -> float times * (float value / 255.0) ** power) |> Seq.sum)
                  / float (pixels.Length - 16)

              Expect.equal (Math.Round(moment 1.0, 4)) 0.2860 "mean"
              Expect.equal (Math.Round(sqrt (moment 2.0 - moment 1.0 ** 2.0), 4)) 0.3530 "std"
          }

          test "Files that an operating-system package has recompressed are not reported as damaged" {
              let elsewhere = Path.Combine(Sets.workspace.Data, mini.Name)

              let packaged =
                  let files = [ for file in full.Files -> DatasetFile(file.Name, file.Url, 1L, file.Sha256) ]
                  Sets.variantOf full mini.TrainingImages mini.ValidationImages files elsewhere

              Sets.inTemporaryFolder (fun root ->
                  match DatasetStore.Survey(packaged, Workspace root) with
                  | null -> failtest "not found"
                  | survey -> Expect.isEmpty survey.Remarks "remarks"

                  let own = Path.Combine(root, "data", packaged.Name)
                  Directory.CreateDirectory own |> ignore

                  for file in mini.Files do
                      File.Copy(Path.Combine(elsewhere, file.Name), Path.Combine(own, file.Name))

                  let first = FileInfo(Path.Combine(own, mini.Files[0].Name))

                  missing
                      (fun () -> DatasetStore.Survey(packaged, Workspace root))
                      $"The file {first.FullName} is damaged: it has {first.Length} bytes instead of 1. To fetch it again: dotnet fsi build.fsx data fetch fashion-mnist")
          }

          test "A truncated file is reported by name" {
              withCopy "train-images-idx3-ubyte.gz" (fun bytes -> bytes[.. bytes.Length / 2]) (fun workspace path ->
                  let left = (unzipped path).Length - 16

                  missing
                      (fun () -> DatasetStore.Open(DatasetSpec(Name = mini.Name), workspace))
                      $"The file {path} is damaged: it contains {left} of the 7840000 values that its header states. To restore it: git checkout -- data/fashion-mnist-mini")
          }

          damaged "An empty file is reported with the file's name" "train-labels-idx1-ubyte.gz" (fun _ -> [||]) "it is shorter than its header"

          damaged
              "A web page in place of a file is reported with the file's name"
              "t10k-labels-idx1-ubyte.gz"
              (fun _ -> "<html>Please log in</html>"B)
              "it is not a complete gzip file"

          damaged
              "Labels in place of images are reported with the file's name"
              "t10k-images-idx3-ubyte.gz"
              (fun _ -> File.ReadAllBytes(Path.Combine(Sets.workspace.Data, mini.Name, "t10k-labels-idx1-ubyte.gz")))
              "it begins with 00000801 instead of 00000803"

          damaged
              "A file shorter than its header states is reported with the file's name"
              "t10k-labels-idx1-ubyte.gz"
              (fun bytes -> gzip (Array.truncate 1008 (unzip bytes)))
              "it contains 1000 of the 2000 values that its header states"

          damaged
              "A file longer than its header states is reported with the file's name"
              "t10k-labels-idx1-ubyte.gz"
              (fun bytes -> gzip (Array.append (unzip bytes) [| 1uy |]))
              "it contains more than the 2000 values that its header states"

          damaged
              "A negative size is reported with the file's name"
              "t10k-labels-idx1-ubyte.gz"
              (fun _ -> gzip [| 0uy; 0uy; 8uy; 1uy; 255uy; 255uy; 255uy; 255uy |])
              "its header states -1 values"

          damaged
              "Another number of images is reported with the file's name"
              "t10k-labels-idx1-ubyte.gz"
              (fun _ -> gzip [| 0uy; 0uy; 8uy; 1uy; 0uy; 0uy; 0uy; 3uy; 1uy; 2uy; 3uy |])
              "it contains 3 labels instead of 2000"

          damaged
              "A label out of range is reported with the file's name"
              "t10k-labels-idx1-ubyte.gz"
              (fun bytes ->
                  let content = unzip bytes
                  content[100] <- 10uy
                  gzip content)
              "it contains the label 10, but fashion-mnist-mini has the labels 0 to 9"

          damaged
              "A changed byte is reported with the file's name"
              "t10k-labels-idx1-ubyte.gz"
              (fun bytes ->
                  let last = bytes.Length - 8
                  bytes[last] <- bytes[last] ^^^ 1uy
                  bytes)
              "it is not a complete gzip file"

          test "A header with two gigabytes of values is refused before memory is allocated for them" {
              use folder = new TemporaryFolder()
              let path = folder.File "a.gz"
              File.WriteAllBytes(path, gzip [| 0uy; 0uy; 8uy; 1uy; 127uy; 0uy; 0uy; 0uy |])
              let before = GC.GetAllocatedBytesForCurrentThread()

              Expect.throwsC (fun () -> IdxFile.Read(path, 1) |> ignore) (fun error ->
                  Expect.equal
                      error.Message
                      $"The file {path} is damaged: its header states 2130706432 values, more than a gzip file of its length can contain."
                      "message")

              Expect.isLessThan (GC.GetAllocatedBytesForCurrentThread() - before) (1L <<< 24) "memory"
          }

          test "A pipe in place of a file is reported by name" {
              withCopy "t10k-labels-idx1-ubyte.gz" id (fun workspace path ->
                  File.Delete path
                  SpecialFiles.pipe path

                  missing
                      (fun () -> DatasetStore.Open(DatasetSpec(Name = mini.Name), workspace))
                      $"The dataset fashion-mnist-mini in {Path.GetDirectoryName path} cannot be read: '{path}' is a pipe, not a file.")
          }

          test "A missing dataset is reported with the command that fetches it" {
              Sets.inTemporaryFolder (fun root ->
                  let workspace = Workspace root
                  let opening name = fun () -> DatasetStore.Open(DatasetSpec(Name = name), workspace)

                  missing
                      (opening "fashion-mnist-mini")
                      "The dataset fashion-mnist-mini is missing from data/fashion-mnist-mini, although it is part of the repository. To restore it: git checkout -- data/fashion-mnist-mini"

                  missing
                      (opening "cifar100")
                      ("The dataset cifar100 is not in data/cifar100. To fetch it: dotnet fsi build.fsx data fetch cifar100\n"
                       + "Without a network, put cifar-100-binary.tar.gz from https://www.cs.toronto.edu/~kriz/cifar.html there, "
                       + "or its files, or torchvision's cifar-100-python.")

                  Expect.isFalse (DatasetStore.Exists(DatasetSpec(Name = mini.Name), workspace)) "not there"
                  Expect.isTrue (DatasetStore.Exists(DatasetSpec(Name = mini.Name), Sets.workspace)) "there")
          } ]
