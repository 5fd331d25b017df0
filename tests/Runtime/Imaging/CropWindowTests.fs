module ChannelDistillation.Tests.Runtime.Imaging.CropWindowTests

open Expecto
open FsCheck
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Imaging

let private imageNet = ResizedCropSpec(0.08, 1.0, 3.0 / 4.0, 4.0 / 3.0)

let private draw width height (crop: ResizedCropSpec) seed =
    let mutable random = Randomness(seed, Purpose.Augmentation, 1L, 0L)
    CropWindow.Random(width, height, crop, &random)

/// The effect of rounding each side to whole pixels on area and aspect ratio.
let private isWithin (low: float) (high: float) (wide: int) (tall: int) (value: float -> float -> float) =
    let nearest =
        [ for w in [ -0.5; 0.5 ] do
              for h in [ -0.5; 0.5 ] -> value (float wide + w) (float tall + h) ]

    List.max nearest >= low - 1e-9 && List.min nearest <= high + 1e-9

[<Tests>]
let tests =
    testList
        "random resized crop"
        [ testProperty "A random crop lies inside the image, with area and aspect ratio within bounds"
          <| fun (seed: int64) (PositiveInt width) (PositiveInt height) (PositiveInt smallest) ->
              let width, height = 30 + width % 500, 30 + height % 500
              let low = float (1 + smallest % 90) / 100.0
              let crop = ResizedCropSpec(low, min 1.0 (low + 0.3), 3.0 / 4.0, 4.0 / 3.0)
              let part = draw width height crop seed
              Expect.isTrue (part.Left >= 0 && part.Top >= 0 && part.Width > 0 && part.Height > 0) $"{part}"
              Expect.isTrue (part.Left + part.Width <= width && part.Top + part.Height <= height) $"{part} in {width}x{height}"
              Expect.isTrue (isWithin crop.MinAspect crop.MaxAspect part.Width part.Height (/)) $"aspect ratio of {part}"
              // Ten draws that do not fit end in the largest centre crop.
              if part.Width < width && part.Height < height then
                  let area = float (width * height)

                  Expect.isTrue
                      (isWithin (crop.MinArea * area) (crop.MaxArea * area) part.Width part.Height (*))
                      $"area of {part} in {width}x{height}"

          test "Random crops reach every corner of the image, small and large areas, wide and tall ones" {
              let parts = [ for seed in 1L .. 2000L -> draw 300 200 imageNet seed ]
              let areas = parts |> List.map (fun part -> float (part.Width * part.Height) / 60000.0)
              let aspects = parts |> List.map (fun part -> float part.Width / float part.Height)
              Expect.isLessThan (List.min areas) 0.09 "small"
              Expect.isGreaterThan (List.max areas) 0.8 "large"
              Expect.isLessThan (List.min aspects) 0.76 "tall"
              Expect.isGreaterThan (List.max aspects) 1.32 "wide"
              Expect.exists parts (fun part -> part.Left < 3 && part.Top < 3) "upper left"
              Expect.exists parts (fun part -> part.Left + part.Width > 297 && part.Top + part.Height > 197) "lower right"
              // Areas of small crops, which always fit, are uniform: as many below as above the middle.
              let small = [ for seed in 1L .. 4000L -> draw 300 300 (ResizedCropSpec(0.1, 0.5, 3.0 / 4.0, 4.0 / 3.0)) seed ]
              let above = small |> List.filter (fun part -> float (part.Width * part.Height) / 90000.0 > 0.3) |> List.length
              Expect.isLessThan (abs (above - 2000)) 130 "four standard deviations"
          }

          test "An image that no crop fits into gives its centre, as wide or tall as possible" {
              Expect.equal (draw 1000 30 (ResizedCropSpec(0.9, 1.0, 3.0 / 4.0, 4.0 / 3.0)) 1L) (CropWindow(480, 0, 40, 30)) "a strip"
              Expect.equal (draw 30 1000 (ResizedCropSpec(0.9, 1.0, 3.0 / 4.0, 4.0 / 3.0)) 1L) (CropWindow(0, 480, 30, 40)) "upright"
              Expect.equal (draw 1 1 imageNet 1L) (CropWindow(0, 0, 1, 1)) "one pixel"
          } ]
