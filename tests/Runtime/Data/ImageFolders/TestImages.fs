/// Images for the tests of image folders.
module ChannelDistillation.Tests.Runtime.Data.ImageFolders.TestImages

open System
open System.IO
open System.Runtime.InteropServices
open Expecto
open SkiaSharp
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Imaging
open ChannelDistillation.Data
open ChannelDistillation.Tests

/// Bytes without any pattern: the hardest case for rounding. resampling.json uses the same formula.
let bytes count =
    Array.init count (fun k ->
        let k = uint64 k
        let mixed = (k * 2654435761UL) ^^^ ((k >>> 5) * 40503UL)
        byte (mixed >>> 24))

/// Calls `act` with an image of these bytes, three per pixel, in memory that does not move.
let withPixels width height (content: byte array) (act: Pixels -> 'result) =
    // One byte more than the image has: see Pixels.BytesPerPixel.
    let handle = GCHandle.Alloc(Array.append content [| 0uy |], GCHandleType.Pinned)

    try
        act (Pixels(handle.AddrOfPinnedObject(), width, height, 3))
    finally
        handle.Free()

/// A smooth image whose colours depend on `seed`, as a file.
let encode (format: SKEncodedImageFormat) width height seed =
    use bitmap = new SKBitmap(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque)

    for y in 0 .. height - 1 do
        for x in 0 .. width - 1 do
            bitmap.SetPixel(x, y, SKColor(byte (x * 255 / width), byte (y * 255 / height), byte (seed * 37)))

    use data = bitmap.Encode(format, 90)
    data.ToArray()

let jpeg = encode SKEncodedImageFormat.Jpeg

/// A PNG file with a single chunk of pixels, of any stated size; 1-bit grey by default.
let pngOf (width: int) (height: int) (bits: int) (colour: int) (rows: byte array) =
    let bigEndian (value: int) = BitConverter.GetBytes value |> Array.rev

    let chunk (name: string) (content: byte array) =
        let named = Array.append (Text.Encoding.ASCII.GetBytes name) content
        Array.concat [ bigEndian content.Length; named; bigEndian (int (IO.Hashing.Crc32.HashToUInt32 named)) ]

    use packed = new MemoryStream()

    (use zipped = new Compression.ZLibStream(packed, Compression.CompressionLevel.Fastest)
     zipped.Write rows)

    Array.concat
        [ [| 0x89uy; byte 'P'; byte 'N'; byte 'G'; 0x0Duy; 0x0Auy; 0x1Auy; 0x0Auy |]
          chunk "IHDR" (Array.concat [ bigEndian width; bigEndian height; [| byte bits; byte colour; 0uy; 0uy; 0uy |] ])
          chunk "IDAT" (packed.ToArray())
          chunk "IEND" [||] ]

/// Without any of the stated pixels.
let emptyPng width height = pngOf width height 1 0 [||]

/// A folder with `train` and `val` with these classes and number of images in each.
let folder (root: string) (classes: string list) training validation =
    for part, count in [ "train", training; "val", validation ] do
        for label, name in List.indexed classes do
            let target = Directory.CreateDirectory(Path.Combine(root, part, name)).FullName

            for i in 0 .. count - 1 do
                File.WriteAllBytes(Path.Combine(target, $"{name}_{i}.JPEG"), jpeg (40 + 3 * i) (50 - i) (7 * label + i))

    root

let golden (file: string) = Golden.path (Path.Combine("images", file.Replace('/', Path.DirectorySeparatorChar)))

let spec folder (classes: int) = DatasetSpec(Name = DatasetSpec.ImageFolder, Folder = folder, Classes = classes)

let openFolder (root: string) classes = DatasetStore.Open(spec root classes, Workspace root)

let read (set: IImageSet) index augmentation =
    let mutable random = Randomness(3L, Purpose.Augmentation, 1L, int64 index)
    let result = Array.zeroCreate<float32>(3 * 224 * 224)
    set.Read(index, augmentation, &random, Span result)
    result

let training = DatasetCatalog.Get("imagenet").Augmentation

let withFolder classes act =
    use root = new TemporaryFolder()
    act (folder root.Path classes 3 2)

let refused name classes (damage: string -> unit) (declared: int) (message: string -> string) =
    test $"An image folder with {name} is refused" {
        withFolder classes (fun root ->
            damage root

            Expect.throwsC (fun () -> (openFolder root declared).Dispose()) (fun error ->
                Expect.isTrue (error :? MissingException) $"{error}"
                Expect.equal error.Message (message root) "message"))
    }

let cats = [ "cat"; "dog" ]
