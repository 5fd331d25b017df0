module ChannelDistillation.Tests.Runtime.Data.AugmentationTests

open System
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Data

let shape = Sets.colour
let size = shape.Channels * shape.Height * shape.Width
let count = 20
let pixels, set = Sets.randomSet shape count

let read index (augmentation: AugmentationSpec) (random: Randomness) =
    let mutable random = random
    let result = Array.zeroCreate<float32> size
    set.Read(index, augmentation, &random, Span result)
    result

/// The definition, pixel by pixel: pad, crop at (top, left), flip, normalise.
let slowly index (augmentation: AugmentationSpec) (random: Randomness) =
    let mutable random = random
    let padding = augmentation.Padding
    let offset () = if padding = 0 then 0 else random.Next(2 * padding + 1)
    let top = offset ()
    let left = offset ()
    let mirrored = augmentation.Flip && random.NextFlag()

    let value channel y x = float pixels[((index * shape.Channels + channel) * shape.Height + y) * shape.Width + x]

    let padded channel y x =
        let y, x = y - padding, x - padding

        match augmentation.PaddingMode with
        | PaddingMode.Zero when y < 0 || y >= shape.Height || x < 0 || x >= shape.Width -> 0.0
        | PaddingMode.Zero -> value channel y x
        | _ ->
            let reflect size place =
                let place = abs place
                if place < size then place else 2 * (size - 1) - place

            value channel (reflect shape.Height y) (reflect shape.Width x)

    [| for channel in 0 .. shape.Channels - 1 do
           for y in 0 .. shape.Height - 1 do
               for x in 0 .. shape.Width - 1 do
                   let x = if mirrored then shape.Width - 1 - x else x

                   float32 ((padded channel (y + top) (x + left) / 255.0 - float Sets.mean[channel]) / float Sets.std[channel]) |]

[<Tests>]
let tests =
    testList
        "augmentation"
        [ testPropertyWithConfig
              { FsCheckConfig.defaultConfig with maxTest = 500 }
              "Reading an image pads, crops, flips and normalises it by the definition"
          <| fun (seed: int64) (padding: byte) reflect flip ->
              let mode = if reflect then PaddingMode.Reflect else PaddingMode.Zero
              let padding = if reflect then int padding % 5 else int padding % 9
              let augmentation = AugmentationSpec(padding, mode, flip)
              let index = int (uint64 seed % uint64 count)
              let random = Randomness(seed, Purpose.Augmentation, 3L, int64 index)
              read index augmentation random = slowly index augmentation random

          test "An image without augmentation is only normalised" {
              let expected = Array.init size (fun i -> (float32 pixels[size + i] / 255.0f - Sets.mean[i / 30]) / Sets.std[i / 30])
              let found = read 1 AugmentationSpec.None (Randomness(0L, Purpose.Augmentation))

              for i in 0 .. size - 1 do
                  Expect.floatClose Accuracy.medium (float found[i]) (float expected[i]) $"value {i}"
          }

          test "Crops reach every offset, and half of the images are flipped" {
              let augmentation = AugmentationSpec(1, PaddingMode.Zero, true)

              let seen =
                  Seq.init 2000 (fun i -> read 0 augmentation (Randomness(1L, Purpose.Augmentation, 1L, int64 i)))
                  |> Seq.countBy (fun image -> image |> Array.map int |> Array.toList)
                  |> Seq.toList

              Expect.hasLength seen 18 "3 rows x 3 columns x 2 directions"
              Expect.all seen (fun (_, times) -> times > 60 && times < 170) "all about equally often"
          }

          test "Reflection padding as large as the image is refused" {
              Expect.throwsC
                  (fun () -> read 0 (AugmentationSpec(5, PaddingMode.Reflect, false)) (Randomness(0L, Purpose.Augmentation)) |> ignore)
                  (fun error ->
                      Expect.equal error.Message "Reflection padding of 5 pixels is too large for images of 5 pixels: the maximum is 4." "message")
          }

          test "Pixels, labels and normalisation must fit the shape" {
              Expect.throwsC
                  (fun () ->
                      new ByteImageSet(ImageShape(1, 2, 2), Array.zeroCreate 7, Array.zeroCreate 2, NormalizationSpec([| 0.0 |], [| 1.0 |]))
                      |> ignore)
                  (fun error -> Expect.equal error.Message "Pixels, labels and normalisation must fit the shape of the images." "message")
          } ]
