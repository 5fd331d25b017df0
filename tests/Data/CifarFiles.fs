/// Small files in the formats of CIFAR, for tests.
module ChannelDistillation.Tests.Data.CifarFiles

open System
open System.Formats.Tar
open System.IO
open System.IO.Compression
open ChannelDistillation.Data

/// A known dataset with fewer images and other files.
let small name training validation (files: DatasetFile list) =
    let known = DatasetCatalog.Get name

    DatasetDescriptor(
        Name = known.Name,
        Doc = known.Doc,
        License = known.License,
        Format = known.Format,
        Image = known.Image,
        Classes = known.Classes,
        TrainingImages = training,
        ValidationImages = validation,
        Normalization = known.Normalization,
        Augmentation = known.Augmentation,
        Files = List.toArray files
    )

let imageSize = 3 * 32 * 32

/// Records with pixels by chance; image i has the class i mod 7, and where there are coarse labels, 19.
let records (coarse: bool) seed count =
    let random = Random seed

    [| for i in 0 .. count - 1 do
           if coarse then
               19uy

           byte (i % 7)
           let pixels = Array.zeroCreate imageSize
           random.NextBytes pixels
           yield! pixels |]

let ten = small "cifar10" 50 12 []
let hundred = small "cifar100" 40 12 []

/// Names within the archive and contents.
let filesOfTen =
    [ for batch in 1..5 do
          $"cifar-10-batches-bin/data_batch_{batch}.bin", records false batch 10
      "cifar-10-batches-bin/test_batch.bin", records false 6 12 ]

let filesOfHundred = [ "cifar-100-binary/train.bin", records true 1 40; "cifar-100-binary/test.bin", records true 2 12 ]

let entry (name: string) (content: byte array) : TarEntry = UstarTarEntry(TarEntryType.RegularFile, name, DataStream = new MemoryStream(content))

let archive (entries: TarEntry list) =
    use bytes = new MemoryStream()

    do
        use zipped = new GZipStream(bytes, CompressionLevel.Fastest)
        use writer = new TarWriter(zipped)
        entries |> List.iter writer.WriteEntry

    bytes.ToArray()

let folderEntry (name: string) : TarEntry = UstarTarEntry(TarEntryType.Directory, name)

/// As the original ones are: with a folder of its own, and more than is needed.
let archiveOf (files: (string * byte array) list) =
    let folder = (fst files.Head).Split('/')[0]

    archive
        [ folderEntry $"{folder}/"
          entry $"{folder}/readme.html" "<html>"B
          for name, content in files do
              entry name content ]
