module ChannelDistillation.Tests.Runtime.Losses.NegativeSamplerTests

open System
open Expecto
open TorchSharp
open ChannelDistillation.Specs
open ChannelDistillation.Data
open ChannelDistillation.Losses
open ChannelDistillation.Tests.Runtime.Data

let private labels = [| for image in 0..39 -> image * image % 5 |]

let private draw (sampler: NegativeSampler) epoch image =
    let row = Array.zeroCreate<int> sampler.Width
    sampler.Draw(epoch, image, Span row)
    row

let private numbers (tensor: torch.Tensor) = [ for value in tensor.``to``(torch.ScalarType.Int64).data<int64>() -> int value ]

[<Tests>]
let tests =
    testList
        "negatives of contrastive distillation"
        [ test "Negatives are distinct images of other classes, after the image itself" {
              let sampler = NegativeSampler(labels, 5, 8, 3L)

              for image in 0..39 do
                  let row = draw sampler 2 image
                  Expect.equal row[0] image "itself"
                  Expect.isTrue (row[1..] |> Array.forall (fun other -> labels[other] <> labels[image])) "other classes"
                  Expect.equal (Array.distinct row).Length 9 "none twice"
          }

          test "Negatives of a class are all images outside it, with equal probability" {
              let sampler = NegativeSampler(labels, 5, 1, 3L)

              let outside =
                  [ for image in 0..39 do
                        if labels[image] <> labels[7] then
                            image ]

              let drawn = [ for epoch in 1..4000 -> (draw sampler epoch 7)[1] ] |> List.countBy id |> List.sort
              Expect.equal (List.map fst drawn) outside "every one"
              let expected = 4000.0 / float outside.Length
              // A pure function of the seed, so the test is deterministic. Six standard deviations of a binomial count.
              Expect.all (List.map snd drawn) (fun count -> abs (float count - expected) < 6.0 * sqrt expected) "as likely"
          }

          test "Negatives depend only on seed, epoch and image" {
              let sampler = NegativeSampler(labels, 5, 8, 3L)
              Expect.equal (draw (NegativeSampler(labels, 5, 8, 3L)) 2 7) (draw sampler 2 7) "another sampler"
              Expect.notEqual (draw (NegativeSampler(labels, 5, 8, 4L)) 2 7) (draw sampler 2 7) "another seed"
              Expect.notEqual (draw sampler 3 7) (draw sampler 2 7) "another epoch"
          }

          test "Negatives are repeated if there are too few other images" {
              let row = draw (NegativeSampler([| 0; 0; 1 |], 2, 4, 0L)) 1 0
              Expect.equal row [| 0; 2; 2; 2; 2 |] "the only one"
          }

          test "There are no negatives if all images have the same class" {
              Expect.throwsC (fun () -> draw (NegativeSampler([| 1; 1 |], 2, 1, 0L)) 1 0 |> ignore) (fun error ->
                  Expect.equal error.Message "all training images have the same class, so there are no negatives." "message")
          }

          test "All lanes of a cohort share one index of images by class" {
              Expect.isTrue (obj.ReferenceEquals(ImagesByClass.Of(labels, 5), ImagesByClass.Of(labels, 5))) "one list"
              Expect.isFalse (obj.ReferenceEquals(ImagesByClass.Of(labels, 5), ImagesByClass.Of(Array.copy labels, 5))) "another list"
          }

          test "Loading threads draw the negatives that the loss would draw, in the epochs that need them" {
              let _, set = Sets.randomSet Sets.colour 40

              let one, same, other =
                  NegativeSampler(labels, 5, 8, 3L), NegativeSampler(labels, 5, 8, 3L), NegativeSampler(labels, 5, 3, 4L)

              Expect.equal one same "equal samplers"

              for threads in [ 1; 3 ] do
                  use stream = new BatchStream(set, 16, AugmentationSpec.None, 0L, true, torch.CPU, threads)

                  stream.Draw(
                      dict [ (one :> IImageDraw), Func<int, bool>(fun _ -> true); other, Func<int, bool>(fun epoch -> epoch > 1) ]
                      |> System.Collections.Generic.Dictionary
                  )

                  for epoch in 1..2 do
                      for batch in stream.Epoch epoch do
                          use _ = torch.NewDisposeScope()
                          let drawn (sampler: NegativeSampler) = numbers batch.Draws[sampler]
                          let expected (sampler: NegativeSampler) = numbers (sampler.Sample(batch.Indices.Span, epoch, torch.CPU))
                          Expect.equal batch.Draws.Count epoch "how many"
                          Expect.equal (drawn same) (expected one) "the first"

                          if epoch > 1 then
                              Expect.equal (drawn other) (expected other) "the second"
          } ]
