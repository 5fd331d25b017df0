module ChannelDistillation.Tests.Runtime.Losses.TeacherSignalsTests

open System
open Expecto
open TorchSharp
open ChannelDistillation.Models
open ChannelDistillation.Losses
open ChannelDistillation.Tests

let private signals () =
    let logits = Golden.toTensor [| 1f; 3f; 2f; 5f; 4f; 0f |] [| 2L; 3L |]
    let feature = Golden.toTensor (Array.init 16 float32) [| 2L; 2L; 2L; 2L |]
    TeacherSignals(ModelOutput(logits, [| feature |], logits), torch.tensor [| 1L; 2L |])

[<Tests>]
let tests =
    testList
        "losses: teacher signals"
        [ testCase "A derived tensor is computed once and outlives the lane that requested it first"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let teacher = signals ()
              let mutable made = 0

              let doubled () =
                  use _ = torch.NewDisposeScope()

                  let value =
                      teacher.Derive(
                          "doubled",
                          fun () ->
                              made <- made + 1
                              teacher.Logits + teacher.Logits
                      )

                  Golden.toArray value

              Expect.equal (doubled ()) [| 2.0; 6.0; 4.0; 10.0; 8.0; 0.0 |] "first lane"
              Expect.equal (doubled ()) [| 2.0; 6.0; 4.0; 10.0; 8.0; 0.0 |] "second lane"
              Expect.equal made 1 "times made"

          testCase "A derived tensor ends with the step, even if lane and step share a scope"
          <| fun () ->
              let step () =
                  use scope = torch.NewDisposeScope()
                  let teacher = signals ()
                  let before = scope.DisposablesCount
                  let value = teacher.Derive("zeros", fun () -> torch.zeros 3L)
                  Expect.equal scope.DisposablesCount (before + 1) "held by the step's scope, intermediates by none"
                  value

              let value = step ()
              Expect.isTrue value.IsInvalid "released"
              // Before Derive had its own scope, this crashed the process.
              GC.Collect()
              GC.WaitForPendingFinalizers()

          testCase "A derived tensor may be an existing tensor"
          <| fun () ->
              let step () =
                  use _ = torch.NewDisposeScope()
                  let teacher = signals ()
                  let logits = teacher.Derive("logits", fun () -> teacher.Logits)
                  let again = teacher.Derive("again", fun () -> teacher.Derive("logits", fun () -> failwith "made twice"))
                  Expect.isTrue (obj.ReferenceEquals(again, logits)) "the same tensor"
                  Expect.equal (Golden.toArray logits) (Golden.toArray teacher.Logits) "the logits"
                  logits

              let logits = step ()
              Expect.isTrue logits.IsInvalid "released with the step"

          testCase "A view of other logits is made once, with what is derived from it"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let teacher = signals ()
              let mutable made = 0

              let view () =
                  teacher.View(
                      "halves",
                      (fun () ->
                          made <- made + 1
                          teacher.Logits / torch.tensor 2.0f),
                      fun () -> torch.tensor [| 0L; 0L |]
                  )

              let largest () =
                  use _ = torch.NewDisposeScope()
                  let view = view ()
                  Golden.toArray (view.Derive("largest", (fun () -> view.Logits.amax [| 1L |])))

              Expect.equal (largest ()) [| 1.5; 2.5 |] "first lane"
              Expect.equal (largest ()) [| 1.5; 2.5 |] "second lane"
              Expect.equal (Golden.toArray (view ()).Correct) [| 0.0; 1.0 |] "with its own labels"
              Expect.equal made 1 "times made"

          testCase "Derived tensors have no gradients"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let teacher = signals ()
              let weight = (torch.ones 3L).requires_grad_ true
              Expect.isFalse (teacher.Derive("weighted", fun () -> teacher.Logits * weight).requires_grad) "requires gradients"

          testCase "Correct is 1 if the most likely class is the label"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              Expect.equal (Golden.toArray (signals ()).Correct) [| 1.0; 0.0 |] "correct" ]
