/// Pictures for the tests of photographs.
module ChannelDistillation.Tests.Data.Photographs.Photos

open System
open System.IO
open System.Runtime.InteropServices
open SkiaSharp
open ChannelDistillation.Data.Photographs
open ChannelDistillation.Tests

/// Bytes without any pattern: the hardest case for rounding. The same formula fills the pictures of resampling.json.
let bytes count =
    Array.init count (fun k ->
        let k = uint64 k
        let mixed = (k * 2654435761UL) ^^^ ((k >>> 5) * 40503UL)
        byte (mixed >>> 24))

/// Calls `act` with a picture of these bytes, three per pixel, in memory that does not move.
let withPixels width height (content: byte array) (act: Pixels -> 'result) =
    // One byte more than the picture has: see Pixels.BytesPerPixel.
    let handle = GCHandle.Alloc(Array.append content [| 0uy |], GCHandleType.Pinned)

    try
        act (Pixels(handle.AddrOfPinnedObject(), width, height, 3))
    finally
        handle.Free()

/// A smooth picture whose colours depend on `seed`, as a file.
let encode (format: SKEncodedImageFormat) width height seed =
    use bitmap = new SKBitmap(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque)

    for y in 0 .. height - 1 do
        for x in 0 .. width - 1 do
            bitmap.SetPixel(x, y, SKColor(byte (x * 255 / width), byte (y * 255 / height), byte (seed * 37)))

    use data = bitmap.Encode(format, 90)
    data.ToArray()

let jpeg = encode SKEncodedImageFormat.Jpeg

/// A folder with `train` and `val` of these classes and so many pictures in each.
let folder (root: string) (classes: string list) training validation =
    for part, count in [ "train", training; "val", validation ] do
        for label, name in List.indexed classes do
            let target = Directory.CreateDirectory(Path.Combine(root, part, name)).FullName

            for i in 0 .. count - 1 do
                File.WriteAllBytes(Path.Combine(target, $"{name}_{i}.JPEG"), jpeg (40 + 3 * i) (50 - i) (7 * label + i))

    root

let golden (file: string) = Golden.path (Path.Combine("images", file.Replace('/', Path.DirectorySeparatorChar)))
