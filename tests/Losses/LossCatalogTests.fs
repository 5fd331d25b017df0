module ChannelDistillation.Tests.Losses.LossCatalogTests

open Expecto
open TorchSharp
open ChannelDistillation.Losses
open ChannelDistillation.Models
open ChannelDistillation.Specs
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Losses

let private features name = (ModelCatalog.Get name).Features(ModelSpec name, ImageShape(3, 32, 32))

let private whyNotBy name (parameters: (string * float) list) student teacher =
    (LossCatalog.Get name).WhyNotPaired.Invoke(FeaturePair(features student, features teacher), Signals.parameters name parameters)

let private whyNot student teacher = whyNotBy "cd" [] student teacher

[<Tests>]
let catalog =
    testList
        "losses: catalog"
        [ testCase "names, defaults and needs"
          <| fun () ->
              let known =
                  [ for loss in LossCatalog.All ->
                        loss.Name,
                        loss.DefaultWeight,
                        [ for parameter in loss.DefaultParameters -> parameter.Key, string parameter.Value ],
                        loss.Needs ]

              Expect.equal
                  known
                  [ "ce", 1.0, [], TeacherSignal.None
                    "kd", 1.0, [ "temperature", "4" ], TeacherSignal.Logits
                    "gkd", 1.0, [ "temperature", "1" ], TeacherSignal.Logits
                    "cd", 6.0, [], TeacherSignal.Features ]
                  "the catalog"

          testCase "a temperature is more than 0"
          <| fun () ->
              for name in [ "kd"; "gkd" ] do
                  match List.ofSeq (LossCatalog.Get name).Parameters with
                  | [ :? ParameterDescriptor.Number as temperature ] ->
                      Expect.isFalse (temperature.Allows 0.0) "0"
                      Expect.isFalse (temperature.Allows nan) "not a number"
                      Expect.isTrue (temperature.Allows 0.01) "a small one"
                  | other -> failtest $"{name} has the parameters {other}"

          testCase "cd pairs networks with the same number of stages, whatever their widths and sizes"
          <| fun () ->
              Expect.isNull (whyNot "resnet18" "resnet34") "equal channels"
              Expect.isNull (whyNot "resnet18" "resnet152") "other channels"
              Expect.isNull (whyNot "resnet8" "resnet32x4") "thin networks"

          testCase "cd says why it cannot pair three stages with four"
          <| fun () ->
              Expect.equal (whyNot "resnet8" "resnet34") "`cd` pairs stage with stage, but the student has 3 stages and the teacher 4" "the reason"

          testCase "cd has a connector for every stage, also where channels are equal, and trains it"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let shapes = [| FeatureShape(2, 4, 4); FeatureShape(3, 2, 2) |]
              let loss = Signals.build "cd" [] shapes [| FeatureShape(2, 4, 4); FeatureShape(5, 2, 2) |]

              Expect.equal
                  [ for struct (name, parameter) in (Signals.auxiliary loss).named_parameters() -> name, List.ofArray parameter.shape ]
                  [ "connectors.0.0.weight", [ 2L; 2L; 1L; 1L ]
                    "connectors.0.1.weight", [ 2L ]
                    "connectors.0.1.bias", [ 2L ]
                    "connectors.1.0.weight", [ 5L; 3L; 1L; 1L ]
                    "connectors.1.1.weight", [ 5L ]
                    "connectors.1.1.bias", [ 5L ] ]
                  "parameters"

              Initialisation.Initialise(Signals.auxiliary loss, 0L, "cd")
              let images channels size = Golden.images [| 2L; channels; size; size |] 0.5

              let value = loss.Compute(Signals.ofFeatures [| images 2L 4L; images 3L 2L |] [| images 2L 4L; images 5L 2L |])

              value.backward ()

              for struct (name, parameter) in (Signals.auxiliary loss).named_parameters() do
                  Expect.isNotNull parameter.grad $"gradient of {name}" ]
