module ChannelDistillation.Tests.Data.Photographs.DecodingTests

open System
open System.IO
open Expecto
open SkiaSharp
open ChannelDistillation.Data.Photographs
open ChannelDistillation.Data.Photographs.Decoding
open ChannelDistillation.Tests

let private decoders () =
    [ if TurboJpeg.IsThere then
          "libjpeg-turbo", new PictureDecoder()
      "Skia", new PictureDecoder(null) ]

let private decode (decoder: PictureDecoder) (file: byte array) =
    let pixels = decoder.Decode(ReadOnlySpan<byte> file)
    let bytes = Array.zeroCreate<byte>(4 * pixels.Width * pixels.Height)
    Runtime.InteropServices.Marshal.Copy(pixels.First, bytes, 0, bytes.Length)
    pixels.Width, pixels.Height, bytes |> Array.chunkBySize 4 |> Array.map (Array.truncate 3)

let private refused name (file: byte array) (reason: string) =
    test name {
        for library, decoder in decoders () do
            use decoder = decoder

            Expect.throwsC (fun () -> decode decoder file |> ignore) (fun error ->
                Expect.isTrue (error :? PictureException) $"{library}: {error}"
                Expect.equal error.Message reason library)
    }

let private photograph = lazy (File.ReadAllBytes(Photos.golden "val/n01_landscape/color_500x375.JPEG"))

let private changed (change: byte array -> byte array) = change (Array.copy photograph.Value)

[<Tests>]
let tests =
    testList
        "decoding"
        [ test "the system's library is found, or the tests of it say that they did not run" {
              if not TurboJpeg.IsThere then
                  skiptest "no libjpeg-turbo on this machine (Debian and Ubuntu: the package libturbojpeg0, or libturbojpeg)"
          }

          test "both libraries see the same photograph" {
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

          test "files of every kind give the pixels that Pillow gives" {
              use decoder = new PictureDecoder()

              for case in Golden.items "pictures" (Golden.json "pictures.json") do
                  let name = Golden.text "name" case

                  // Skia's JPEG decoder may round otherwise; its own test is above.
                  if TurboJpeg.IsThere || not (name.Contains "JPEG") then
                      let width, height, pixels = decode decoder (Convert.FromBase64String(Golden.text "file" case))
                      Expect.equal (width, height) (case.GetProperty("width").GetInt32(), case.GetProperty("height").GetInt32()) name
                      Expect.equal (Array.concat pixels) (Convert.FromBase64String(Golden.text "rgb" case)) name
          }

          test "grey is repeated in all channels" {
              for library, decoder in decoders () do
                  use decoder = decoder
                  let width, height, pixels = decode decoder (File.ReadAllBytes(Photos.golden "val/n02_portrait/gray_333x500.JPEG"))
                  Expect.equal (width, height) (333, 500) library
                  Expect.all pixels (fun pixel -> pixel[0] = pixel[1] && pixel[1] = pixel[2]) library
          }

          test "transparency is dropped, not shown against a background" {
              use bitmap = new SKBitmap(2, 1, SKColorType.Rgba8888, SKAlphaType.Unpremul)
              bitmap.SetPixel(0, 0, SKColor(200uy, 100uy, 50uy, 10uy))
              bitmap.SetPixel(1, 0, SKColor(1uy, 2uy, 3uy, 255uy))
              use data = bitmap.Encode(SKEncodedImageFormat.Png, 100)
              use decoder = new PictureDecoder()
              let _, _, pixels = decode decoder (data.ToArray())
              Expect.equal pixels [| [| 200uy; 100uy; 50uy |]; [| 1uy; 2uy; 3uy |] |] "colours"
          }

          test "files are known by their content: JPEG, PNG, WebP" {
              use decoder = new PictureDecoder()

              for format in [ SKEncodedImageFormat.Jpeg; SKEncodedImageFormat.Png; SKEncodedImageFormat.Webp ] do
                  let width, height, pixels = decode decoder (Photos.encode format 20 10 3)
                  Expect.equal (width, height) (20, 10) $"{format}"
                  Expect.isLessThan (abs (int (pixels[199][0]) - 242)) 12 $"{format}: red in the last pixel"
          }

          test "what follows the end of a photograph is left alone" {
              for library, decoder in decoders () do
                  use decoder = decoder
                  let _, _, whole = decode decoder photograph.Value
                  let _, _, longer = decode decoder (changed (fun file -> Array.append file (Array.zeroCreate 500)))
                  Expect.equal longer whole library
          }

          test "small faults inside a photograph are shown as they come out, as Pillow does" {
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

          refused
              "a grey PNG of 16 bits"
              (Convert.FromBase64String(Golden.text "grey16" (Golden.json "pictures.json")))
              "it is a grey PNG of 16 bits per pixel; convert it to 8"

          refused "no picture" [| 1uy; 2uy; 3uy |] "it is no JPEG, PNG, GIF, WebP or BMP picture"
          refused "an empty file" [||] "it is no JPEG, PNG, GIF, WebP or BMP picture"
          refused "a photograph without its end marker" (changed (fun file -> file[.. file.Length - 2])) "it ends before the picture does"
          refused "a photograph cut in its middle" (changed (fun file -> file[..9000])) "it ends before the picture does"
          refused "a photograph cut in its header" (changed (fun file -> file[..100])) "it ends before the picture begins"
          refused
              "a PNG cut in its middle"
              (let file = Photos.encode SKEncodedImageFormat.Png 90 90 1 in file[.. file.Length / 2])
              "it ends before the picture does"

          refused
              "a photograph that claims to be enormous"
              (changed (fun file ->
                  // The frame header: length, precision, height, width.
                  let frame = seq { 0 .. file.Length - 2 } |> Seq.find (fun i -> file[i] = 0xFFuy && file[i + 1] = 0xC0uy)
                  Array.Fill(file, 0xFFuy, frame + 5, 4)
                  file))
              "it says that it is 65535x65535 pixels, too large for a photograph" ]
