module ChannelDistillation.Tests.Runtime.Data.HoldOutTests

open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Data

let private shape = ImageShape(1, 1, 1)

/// One-pixel images: the pixel of image i is i, so that images can be identified.
let private set (labels: byte[]) = new ByteImageSet(shape, Array.init labels.Length byte, labels, NormalizationSpec([| 0.0 |], [| 1.0 |]))

let private dataset labels = new Dataset(DatasetCatalog.Get "fashion-mnist-mini", set labels, set [| 0uy |])

/// The images of a part, by their pixels.
let private shown (part: IImageSet) =
    [ for index in 0 .. part.Count - 1 ->
          let pixel = [| 0.0f |]
          let mutable random = Randomness(0L, Purpose.Augmentation)
          part.Read(index, AugmentationSpec.None, &random, System.Span pixel)
          int (round (pixel[0] * 255.0f)) ]

let private hold share seed labels =
    use parts = (dataset labels).HoldOut(HoldOutSpec(share, seed))
    shown parts.Training, shown parts.Validation

[<Tests>]
let tests =
    testList
        "a part held out"
        [ testProperty "A hold-out split has a share of every class, and the rest is left, both in order"
          <| fun (seed: int) (FsCheck.PositiveInt count) ->
              let labels = Array.init (20 + count % 200) (fun i -> byte ((i * i + seed) % 5 |> abs))
              let rest, held = hold 0.3 (int64 (abs seed)) labels
              Expect.equal (List.sort (rest @ held)) [ 0 .. labels.Length - 1 ] "every image once"
              Expect.equal (rest, held) (List.sort rest, List.sort held) "in order"

              for label, images in labels |> Array.indexed |> Array.groupBy snd do
                  let held = held |> List.filter (fun image -> labels[image] = label)
                  Expect.equal held.Length (int (System.Math.Round(float images.Length * 0.3))) $"class {label}"

          test "A hold-out split depends only on its seed" {
              let labels = Array.init 200 (fun i -> byte (i % 4))
              Expect.equal (hold 0.1 3L labels) (hold 0.1 3L labels) "the same seed"
              Expect.notEqual (hold 0.1 3L labels) (hold 0.1 4L labels) "another seed"
          }

          test "The official validation set becomes the test set of a hold-out split" {
              let whole = dataset (Array.init 40 (fun i -> byte (i % 4)))
              use parts = whole.HoldOut(HoldOutSpec(0.5))
              Expect.isTrue (obj.ReferenceEquals(parts.Test, whole.Validation)) "test"
              Expect.isTrue (obj.ReferenceEquals(parts.Final, whole.Validation)) "what tables show"
              Expect.equal parts.Validation.Count 20 "validation"

              Expect.equal
                  [ for i in 0..3 -> parts.Validation.Label i ]
                  [ for image in List.truncate 4 (shown parts.Validation) -> image % 4 ]
                  "labels"
          }

          test "Both parts of a hold-out split must have images" {
              Expect.throwsC (fun () -> hold 0.1 0L [| 0uy; 0uy; 1uy |] |> ignore) (fun error ->
                  Expect.isTrue (error :? MissingException) "kind"

                  Expect.equal
                      error.Message
                      "`validation` holds out 0 of the 3 training images of fashion-mnist-mini, but both parts need images. Choose another share."
                      "message")
          } ]
