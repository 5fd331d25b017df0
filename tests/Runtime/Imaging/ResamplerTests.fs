module ChannelDistillation.Tests.Runtime.Imaging.ResamplerTests

open System
open System.Security.Cryptography
open System.Text.Json
open Expecto
open ChannelDistillation.Specs
open ChannelDistillation.Imaging
open ChannelDistillation.Data
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Data.ImageFolders

let private golden = lazy (Golden.json "resampling.json")

let private ints (name: string) (element: JsonElement) = [| for item in element.GetProperty(name).EnumerateArray() -> item.GetInt32() |]

let private int (name: string) (element: JsonElement) = element.GetProperty(name).GetInt32()

let private sha256 (bytes: byte array) = Convert.ToHexStringLower(SHA256.HashData bytes)

let private resized (resampler: Resampler) picture part =
    let result = Array.zeroCreate<byte>(3 * resampler.Rows.Length * resampler.Columns.Length)
    resampler.Run(picture, part, Span<byte> result)
    result

let private floats (resampler: Resampler) picture part mirror (normalisation: Normalisation) =
    let result = Array.zeroCreate<float32>(3 * resampler.Rows.Length * resampler.Columns.Length)
    resampler.Run(picture, part, mirror, normalisation, Span<float32> result)
    result

/// Leaves pixel values 0 to 255 unchanged.
let private plain = Normalisation(NormalizationSpec(Array.zeroCreate 3, Array.create 3 (1.0 / 255.0)))

/// The definition of one pass: a triangle filter, wider when reducing; weights sum to 1.
let private pass source target from count (value: int -> float) =
    let scale = float source / float target
    let support = max scale 1.0

    [| for i in from .. from + count - 1 do
           let centre = (float i + 0.5) * scale
           let weight k = max 0.0 (1.0 - abs ((float k + 0.5 - centre) / support))
           let sum = Seq.sumBy weight (seq { 0 .. source - 1 })
           Math.Round(Seq.sumBy (fun k -> weight k * value k) (seq { 0 .. source - 1 }) / sum) |]

[<Tests>]
let tests =
    testList
        "resampler"
        [ test "Resized images equal Pillow's, byte for byte" {
              use resampler = new Resampler()

              for case in Golden.items "resize" golden.Value do
                  let width, height = int "width" case, int "height" case
                  let crop, target = ints "crop" case, ints "to" case
                  let part = CropWindow(crop[0], crop[1], crop[2], crop[3])
                  resampler.Columns.Set(part.Width, target[0], 0, target[0])
                  resampler.Rows.Set(part.Height, target[1], 0, target[1])
                  let name = $"{width}x{height} {part} to {target[0]}x{target[1]}"

                  TestImages.withPixels width height (TestImages.bytes (3 * width * height)) (fun picture ->
                      let found = resized resampler picture part

                      match case.TryGetProperty "bytes" with
                      | true, bytes -> Expect.equal found [| for item in bytes.EnumerateArray() -> item.GetByte() |] name
                      | _ -> ()

                      Expect.equal (sha256 found) (Golden.text "sha256" case) name
                      let normalised = floats resampler picture part false plain
                      let plane = target[0] * target[1]

                      let asFloats =
                          [| for channel in 0..2 do
                                 for i in 0 .. plane - 1 -> found[3 * i + channel] |]

                      Expect.equal (Array.map (fun value -> byte (round value)) normalised) asFloats $"{name}, straight to floats")
          }

          test "The centre of a resized image equals torchvision's Resize and CenterCrop, byte for byte" {
              use resampler = new Resampler()

              for case in Golden.items "evaluation" golden.Value do
                  let width, height = int "width" case, int "height" case
                  let struct (wide, high) = ShortSide.Resized(width, height, 256)
                  Expect.equal [| wide; high |] (ints "resized" case) $"{width}x{height} resized"
                  resampler.Columns.Set(width, wide, CropWindow.Centred(wide, 224), 224)
                  resampler.Rows.Set(height, high, CropWindow.Centred(high, 224), 224)

                  let content =
                      if width * height < 1_000_000 then
                          TestImages.bytes (3 * width * height)
                      else
                          Array.zeroCreate (3 * width * height)

                  TestImages.withPixels width height content (fun picture ->
                      Expect.equal
                          (sha256 (resized resampler picture (CropWindow(0, 0, width, height))))
                          (Golden.text "sha256" case)
                          $"{width}x{height}")
          }

          testPropertyWithConfig { FsCheckConfig.defaultConfig with maxTest = 200 } "Resampling any part, size and direction follows the definition"
          <| fun (seed: int) mirror ->
              let random = Random seed
              let width, height = random.Next(1, 40), random.Next(1, 40)
              let wide, high = random.Next(1, 60), random.Next(1, 60)
              let left, top = random.Next width, random.Next height
              let part = CropWindow(left, top, random.Next(1, width - left + 1), random.Next(1, height - top + 1))
              let fromX, fromY = random.Next wide, random.Next high
              let countX, countY = random.Next(1, wide - fromX + 1), random.Next(1, high - fromY + 1)
              let content = TestImages.bytes (3 * width * height)
              use resampler = new Resampler()
              resampler.Columns.Set(part.Width, wide, fromX, countX)
              resampler.Rows.Set(part.Height, high, fromY, countY)
              let found = TestImages.withPixels width height content (fun picture -> floats resampler picture part mirror plain)

              for channel in 0..2 do
                  let rows =
                      [| for y in 0 .. part.Height - 1 ->
                             pass part.Width wide fromX countX (fun x -> float content[3 * ((top + y) * width + left + x) + channel]) |]

                  for x in 0 .. countX - 1 do
                      let column = pass part.Height high fromY countY (fun y -> rows[y][x])

                      for y in 0 .. countY - 1 do
                          let place = if mirror then countX - 1 - x else x
                          let value = float found[(channel * countY + y) * countX + place]
                          // If a sum is exactly a half, fixed-point weights may round it the other way, in either pass.
                          Expect.isLessThanOrEqual (abs (value - column[y])) 1.01 $"channel {channel}, row {y}, column {x}"

          test "Pixels of three and of four bytes give the same result" {
              let width, height = 31, 17
              let content = TestImages.bytes (3 * width * height)
              let padded = content |> Array.chunkBySize 3 |> Array.collect (fun pixel -> Array.append pixel [| 200uy |])
              let part = CropWindow(1, 2, 30, 15)
              use resampler = new Resampler()
              resampler.Columns.Set(part.Width, 20, 0, 20)
              resampler.Rows.Set(part.Height, 20, 0, 20)

              let three = TestImages.withPixels width height content (fun picture -> floats resampler picture part true plain)

              let four =
                  TestImages.withPixels (width * 4) height padded (fun memory ->
                      floats resampler (Pixels(memory.First, width, height, 4)) part true plain)

              Expect.equal four three "values"
          }

          test "Values are normalised per channel" {
              use resampler = new Resampler()
              resampler.Columns.Set(1, 3, 0, 3)
              resampler.Rows.Set(1, 3, 0, 3)
              let normalisation = Normalisation((DatasetCatalog.Get "imagenet").Normalization)

              let found =
                  TestImages.withPixels 1 1 [| 0uy; 100uy; 255uy |] (fun picture ->
                      floats resampler picture (CropWindow(0, 0, 1, 1)) false normalisation)

              for channel, expected in List.indexed [ -0.485 / 0.229; (100.0 / 255.0 - 0.456) / 0.224; (1.0 - 0.406) / 0.225 ] do
                  for i in 0..8 do
                      Expect.floatClose Accuracy.medium (float found[9 * channel + i]) expected $"channel {channel}"
          } ]
