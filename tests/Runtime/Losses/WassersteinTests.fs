/// The parts of wkd that its formula takes as given: similarities between classes, and gamma's schedule.
module ChannelDistillation.Tests.Runtime.Losses.WassersteinTests

open System
open Expecto
open TorchSharp
open ChannelDistillation.Losses
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Losses

/// Linear CKA of the outputs [row][channel] of two classes.
let private aligned (a: float[][]) (b: float[][]) =
    let centred (rows: float[][]) =
        let columns = Array.transpose rows
        columns |> Array.map (fun column -> let mean = Array.average column in column |> Array.map (fun value -> value - mean))

    let product a b =
        Array.allPairs (centred a) (centred b)
        |> Array.sumBy (fun (x, y) -> (Array.fold2 (fun sum a b -> sum + a * b) 0.0 x y) ** 2.0)

    product a b / sqrt (product a a * product b b)

[<Tests>]
let tests =
    testList
        "losses: wkd"
        [ testCase "Class similarities are the centred kernel alignment of the classes' outputs"
          <| fun () ->
              // Fewer rows than channels, and more.
              for rows in [ 3; 9 ] do
                  use _ = torch.NewDisposeScope()
                  let outputs = (Golden.images [| 4L; int64 rows; 5L |] 0.5).``double``()
                  let classes = Golden.toArray outputs |> Array.chunkBySize 5 |> Array.chunkBySize rows
                  let expected = Array.allPairs classes classes |> Array.map (fun (a, b) -> aligned a b)
                  Golden.closeWith 1.0 1e-12 expected (Golden.toArray (ClassSimilarities.Aligned outputs)) $"{rows} rows"

          testCase "A class with constant outputs is similar to no other"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let outputs = Golden.images [| 3L; 6L; 2L |] 0.5
              outputs[1].fill_(torch.tensor(0.5f).ToScalar()) |> ignore
              let similarities = Golden.toArray (ClassSimilarities.Aligned outputs)
              Expect.all similarities Double.IsFinite "every similarity"
              Expect.equal [ similarities[1]; similarities[3]; similarities[5] ] [ 0.0; 0.0; 0.0 ] "of the constant class to the others"

          testCase "gamma of wkd is constant for its share of the epochs, then falls to 0 along half a cosine"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let student, teacher = Golden.images [| 4L; 4L |] 0.5, Golden.images [| 4L; 4L |] 1.5
              let plain = Signals.ofLogits student (Some teacher) [| 0L; 1L; 2L; 3L |]

              let at gamma epoch =
                  let loss: Loss = Signals.buildBy "wkd" (Signals.parameters "wkd" [ "gamma", gamma; "constant_share", 0.5 ])
                  (Golden.toArray (loss.Compute(LossInput(plain.Student, plain.Teacher, plain.Labels, plain.Indices, epoch))))[0]

              let transported epoch = (at 30.0 epoch - at 0.0 epoch) / (at 30.0 1 - at 0.0 1)

              // Of 240 epochs.
              for epoch, share in [ 120, 1.0; 121, 1.0; 181, 0.5; 240, (1.0 + cos (Math.PI * 119.0 / 120.0)) / 2.0 ] do
                  Expect.floatClose { absolute = 1e-5; relative = 1e-4 } (transported epoch) share $"epoch {epoch}" ]
