module ChannelDistillation.Tests.Runtime.Imaging.DecodingTests

open System
open System.IO
open Expecto
open SkiaSharp
open ChannelDistillation.Imaging
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Data.ImageFolders

let private decoders () =
    [ if TurboJpeg.IsAvailable then
          "libjpeg-turbo", new ImageDecoder()
      "Skia", new ImageDecoder(null) ]

let private decode (decoder: ImageDecoder) (file: byte array) =
    let pixels = decoder.Decode(ReadOnlySpan<byte> file)
    let bytes = Array.zeroCreate<byte>(4 * pixels.Width * pixels.Height)
    Runtime.InteropServices.Marshal.Copy(pixels.First, bytes, 0, bytes.Length)
    pixels.Width, pixels.Height, bytes |> Array.chunkBySize 4 |> Array.map (Array.truncate 3)

let private refused name (file: byte array) (reason: string) =
    test $"The reason is given for {name}" {
        for library, decoder in decoders () do
            use decoder = decoder

            Expect.throwsC (fun () -> decode decoder file |> ignore) (fun error ->
                Expect.isTrue (error :? ImageException) $"{library}: {error}"
                Expect.equal error.Message reason library)
    }

let private photograph = lazy (File.ReadAllBytes(TestImages.golden "val/n01_landscape/color_500x375.JPEG"))

let private changed (change: byte array -> byte array) = change (Array.copy photograph.Value)

[<Tests>]
let tests =
    testList
        "decoding"
        [ test "The system's libjpeg-turbo is found, or its tests report that they were skipped" {
              if not TurboJpeg.IsAvailable then
                  skiptest "no libjpeg-turbo on this machine (Debian and Ubuntu: the package libturbojpeg0, or libturbojpeg)"
          }

          test "Both libraries decode an image to the same pixels" {
              match decoders () with
              | [ _, turbo; _, skia ] ->
                  use turbo = turbo
                  use skia = skia
                  let width, height, ours = decode turbo photograph.Value
                  let sameWidth, sameHeight, theirs = decode skia photograph.Value
                  Expect.equal (sameWidth, sameHeight) (width, height) "size"

                  let difference =
                      Array.map2 (Array.map2 (fun (a: byte) (b: byte) -> abs (float a - float b))) ours theirs
                      |> Array.collect id
                      |> Array.average

                  Expect.isLessThan difference 1.0 "mean difference, of 255"
              | _ -> skiptest "no libjpeg-turbo on this machine"
          }

          test "Files of every format have the pixels that Pillow gives" {
              use decoder = new ImageDecoder()

              for case in Golden.items "pictures" (Golden.json "pictures.json") do
                  let name = Golden.text "name" case

                  // Skia's JPEG decoder may round differently; it has a separate test above.
                  if TurboJpeg.IsAvailable || not (name.Contains "JPEG") then
                      let width, height, pixels = decode decoder (Convert.FromBase64String(Golden.text "file" case))
                      Expect.equal (width, height) (case.GetProperty("width").GetInt32(), case.GetProperty("height").GetInt32()) name
                      Expect.equal (Array.concat pixels) (Convert.FromBase64String(Golden.text "rgb" case)) name
          }

          test "Grey is repeated in all channels" {
              for library, decoder in decoders () do
                  use decoder = decoder
                  let width, height, pixels = decode decoder (File.ReadAllBytes(TestImages.golden "val/n02_portrait/gray_333x500.JPEG"))
                  Expect.equal (width, height) (333, 500) library
                  Expect.all pixels (fun pixel -> pixel[0] = pixel[1] && pixel[1] = pixel[2]) library
          }

          test "Transparency is dropped, not blended with a background" {
              use bitmap = new SKBitmap(2, 1, SKColorType.Rgba8888, SKAlphaType.Unpremul)
              bitmap.SetPixel(0, 0, SKColor(200uy, 100uy, 50uy, 10uy))
              bitmap.SetPixel(1, 0, SKColor(1uy, 2uy, 3uy, 255uy))
              use data = bitmap.Encode(SKEncodedImageFormat.Png, 100)
              use decoder = new ImageDecoder()
              let _, _, pixels = decode decoder (data.ToArray())
              Expect.equal pixels [| [| 200uy; 100uy; 50uy |]; [| 1uy; 2uy; 3uy |] |] "colours"
          }

          test "The format of a file is found from its content: JPEG, PNG, WebP" {
              use decoder = new ImageDecoder()

              for format in [ SKEncodedImageFormat.Jpeg; SKEncodedImageFormat.Png; SKEncodedImageFormat.Webp ] do
                  let width, height, pixels = decode decoder (TestImages.encode format 20 10 3)
                  Expect.equal (width, height) (20, 10) $"{format}"
                  Expect.isLessThan (abs (int (pixels[199][0]) - 242)) 12 $"{format}: red in the last pixel"
          }

          test "Data after the end of an image are ignored" {
              for library, decoder in decoders () do
                  use decoder = decoder
                  let _, _, whole = decode decoder photograph.Value
                  let _, _, longer = decode decoder (changed (fun file -> Array.append file (Array.zeroCreate 500)))
                  Expect.equal longer whole library
          }

          test "An image with small errors is decoded as far as possible, as in Pillow" {
              for library, decoder in decoders () do
                  use decoder = decoder

                  let width, height, _ =
                      decode
                          decoder
                          (changed (fun file ->
                              Array.Fill(file, 0uy, 9000, 40)
                              file))

                  Expect.equal (width, height) (500, 375) library
          }

          for what, header, reason in
              [ "a TIFF image", "II*\000", "TIFF images are not supported; convert it to 8-bit PNG"
                "a PGM image", "P5 3 2 255\n123456", "PGM and PPM images are not supported; convert it to 8-bit PNG"
                "a PPM image", "P6 1 1 255\n123", "PGM and PPM images are not supported; convert it to 8-bit PNG"
                "a grey PNG image of 16 bits",
                "\137PNG\r\n\026\n----IHDR--------\016\000",
                "16-bit grey PNG images are not supported; convert it to 8-bit PNG" ] do
              refused what (Text.Encoding.Latin1.GetBytes header) reason

          test "Slow JPEG decoding gives a hint how to make it faster" {
              Expect.isNull (ImageDecoder.Advice true) "with libjpeg-turbo"

              Expect.stringStarts
                  (ImageDecoder.Advice false)
                  "This machine has no libjpeg-turbo, so Skia decodes JPEG files, which takes about twice as long. To install it: "
                  "without"
          }

          refused "no picture" [| 1uy; 2uy; 3uy |] "it is not a JPEG, PNG, GIF, WebP or BMP image"
          refused "an empty file" [||] "it is empty"
          refused "a JPEG without its end marker" (changed (fun file -> file[.. file.Length - 2])) "it is truncated"
          refused "a JPEG truncated in its pixels" (changed (fun file -> file[..9000])) "it is truncated"
          refused "a JPEG truncated in its header" (changed (fun file -> file[..100])) "it ends before its image data"
          refused "a truncated PNG" (let file = TestImages.encode SKEncodedImageFormat.Png 90 90 1 in file[.. file.Length / 2]) "it is truncated"

          refused
              "a JPEG that claims to be enormous"
              (changed (fun file ->
                  // The frame header: length, precision, height, width.
                  let frame = seq { 0 .. file.Length - 2 } |> Seq.find (fun i -> file[i] = 0xFFuy && file[i + 1] = 0xC0uy)
                  Array.Fill(file, 0xFFuy, frame + 5, 4)
                  file))
              "its stated size is 65535x65535 pixels; the limit is 100 megapixels"

          refused
              "a small PNG that claims to be enormous"
              (TestImages.emptyPng 20_000 9_000)
              "its stated size is 20000x9000 pixels; the limit is 100 megapixels"

          refused
              "a JPEG with too many scans"
              (changed (fun file ->
                  // The segment that starts a scan, repeated before the end marker, without data.
                  let scan = seq { 0 .. file.Length - 2 } |> Seq.find (fun i -> file[i] = 0xFFuy && file[i + 1] = 0xDAuy)
                  let length = 2 + 256 * int file[scan + 2] + int file[scan + 3]
                  let end' = file.Length - 2
                  Array.concat [ file[.. end' - 1]; Array.concat (Array.replicate 100 file[scan .. scan + length - 1]); file[end'..] ]))
              "it has 101 scans; the limit is 100"

          test "Memory for a very large image is released when the next one needs less" {
              use memory = new NativeBuffer()

              let sizes =
                  [ for bytes in [ 1_000_000L; 100_000_000L; 200_000_000L; 1_000L; 2_000L ] ->
                        (memory.AtLeast bytes |> ignore
                         memory.Size) ]

              Expect.equal sizes [ 1_250_000L; 100_000_000L; 200_000_000L; 1_250L; 2_500L ] "bytes"
          } ]
