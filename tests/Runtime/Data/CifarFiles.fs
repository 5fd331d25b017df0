/// Small files in the formats of CIFAR, for tests.
module ChannelDistillation.Tests.Runtime.Data.CifarFiles

open System
open System.Formats.Tar
open System.IO
open System.IO.Compression
open ChannelDistillation.Data

/// A known dataset with fewer images and other files.
let small name training validation (files: DatasetFile list) = Sets.variantOf (DatasetCatalog.Get name) training validation files null

let imageSize = 3 * 32 * 32

/// Records with random pixels; image i has class i mod 7 and, if there are coarse labels, coarse label 19.
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

/// Names within the archive, and contents.
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

/// Like the original archives: with a folder, and files that are not needed.
let archiveOf (files: (string * byte array) list) =
    let folder = (fst files.Head).Split('/')[0]

    archive
        [ folderEntry $"{folder}/"
          entry $"{folder}/readme.html" "<html>"B
          for name, content in files do
              entry name content ]

/// Binary records as Python 2 pickled them for the Python archive: a dict of strings, a numpy array and lists.
let pickled (coarse: bool) (records: byte array) =
    let labelBytes = if coarse then 2 else 1
    let images = records |> Array.chunkBySize (labelBytes + imageSize)
    use bytes = new MemoryStream()
    use writer = new BinaryWriter(bytes)
    let ascii (text: string) = writer.Write(Text.Encoding.ASCII.GetBytes text)

    let word (text: string) =
        writer.Write 'U'B
        writer.Write(byte text.Length)
        ascii text

    let number (value: int) =
        writer.Write 'J'B
        writer.Write value

    let tuple (items: (unit -> unit) list) =
        writer.Write '('B
        items |> List.iter (fun item -> item ())
        writer.Write 't'B

    let labels (name: string) (place: int) =
        word name
        ascii "]q\x07("
        images |> Array.iter (fun image -> number (int image[place]))
        writer.Write 'e'B

    let shape () = tuple [ (fun () -> number images.Length); (fun () -> number imageSize) ]
    // PROTO 2
    writer.Write [| 0x80uy; 2uy |]
    ascii "}q\x01("
    word "data"
    ascii "cnumpy.core.multiarray\n_reconstruct\nq\x02"
    tuple [ (fun () -> ascii "cnumpy\nndarray\n"); (fun () -> tuple [ (fun () -> number 0) ]); (fun () -> word "b") ]
    writer.Write 'R'B

    tuple
        [ fun () -> number 1
          shape
          fun () ->
              ascii "cnumpy\ndtype\n"
              tuple [ (fun () -> word "u1"); (fun () -> number 0); (fun () -> number 1) ]
              writer.Write 'R'B

              tuple
                  [ (fun () -> number 3)
                    (fun () -> word "|")
                    (fun () -> ascii "NNN")
                    (fun () -> number -1)
                    (fun () -> number -1)
                    (fun () -> number 0) ]

              writer.Write 'b'B
          // NEWFALSE
          fun () -> writer.Write 0x89uy
          fun () ->
              writer.Write 'T'B
              writer.Write(images.Length * imageSize)
              images |> Array.iter (fun image -> writer.Write image[labelBytes..]) ]

    writer.Write 'b'B

    if coarse then
        labels "coarse_labels" 0
        labels "fine_labels" 1
    else
        labels "labels" 0

    word "batch_label"
    word "training batch 1 of 5"
    ascii "u."
    bytes.ToArray()

/// The Python files for given binary files.
let forPython (files: (string * byte array) list) =
    [ for name, content in files do
          let coarse = name.StartsWith "cifar-100"
          let folder = if coarse then "cifar-100-python" else "cifar-10-batches-py"
          $"{folder}/{Path.GetFileNameWithoutExtension name}", pickled coarse content ]
