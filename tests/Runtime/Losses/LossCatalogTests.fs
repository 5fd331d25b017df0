module ChannelDistillation.Tests.Runtime.Losses.LossCatalogTests

open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Data
open ChannelDistillation.Models
open ChannelDistillation.Losses
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Losses

let private features name = (ModelCatalog.Get name).Features(ModelSpec name, ImageShape(3, 32, 32))

let private whyNotBy name (parameters: (string * float) list) student teacher =
    (LossCatalog.Get name).WhyNotPaired.Invoke(FeaturePair(features student, features teacher), Signals.parameters name parameters)

let private whyNot student teacher = whyNotBy "cd" [] student teacher

[<Tests>]
let catalog =
    testList
        "losses: catalog"
        [ testCase "The catalog has these names, defaults and needs"
          <| fun () ->
              let known =
                  [ for loss in LossCatalog.All ->
                        loss.Name,
                        loss.DefaultWeight,
                        loss.DefaultWarmup,
                        [ for parameter in loss.DefaultParameters -> parameter.Key, string parameter.Value ],
                        loss.Needs ]

              Expect.equal
                  known
                  [ "ce", 1.0, 0, [], TeacherSignal.None
                    "kd", 1.0, 0, [ "temperature", "4" ], TeacherSignal.Logits
                    "gkd", 1.0, 0, [ "temperature", "1" ], TeacherSignal.Logits
                    "cd", 6.0, 0, [], TeacherSignal.ChannelMeans
                    "fitnets", 100.0, 0, [ "stage", "2" ], TeacherSignal.Features
                    "at", 1000.0, 0, [], TeacherSignal.Features
                    "sp", 3000.0, 0, [ "stages", "last" ], TeacherSignal.Features
                    "cc", 0.02, 0, [ "dimension", "128" ], TeacherSignal.Embedding
                    "vid", 1.0, 0, [], TeacherSignal.Features
                    "rkd", 1.0, 0, [ "angle", "50"; "distance", "25" ], TeacherSignal.Embedding
                    "pkt", 30000.0, 0, [], TeacherSignal.Embedding
                    "nst", 50.0, 0, [], TeacherSignal.Features
                    "crd", 0.8, 0, [ "dimension", "128"; "momentum", "0.5"; "negatives", "16384"; "temperature", "0.07" ], TeacherSignal.Embedding
                    "dkd", 1.0, 20, [ "alpha", "1"; "beta", "8"; "temperature", "4" ], TeacherSignal.Logits
                    "dist", 2.0, 0, [ "beta", "1"; "gamma", "1"; "temperature", "1" ], TeacherSignal.Logits
                    "nkd", 1.0, 0, [ "gamma", "1.5"; "temperature", "1" ], TeacherSignal.Logits
                    "ttm", 100.0, 0, [ "gamma", "0.1" ], TeacherSignal.Logits
                    "wttm", 3.0, 0, [ "gamma", "0.1" ], TeacherSignal.Logits
                    "rld", 1.0, 20, [ "alpha", "1"; "beta", "8"; "confidence_temperature", "1"; "temperature", "4" ], TeacherSignal.Logits
                    "skd", 0.9, 0, [ "form", "code"; "temperature", "4"; "tikhonov", "0.1" ], TeacherSignal.Logits
                    "mlld", 0.9, 0, [], TeacherSignal.Logits
                    "wkd",
                    1.0,
                    0,
                    [ "constant_share", "0"; "gamma", "30"; "sharpness", "1"; "similarity", "features"; "temperature", "2" ],
                    TeacherSignal.Logits
                    "sd-kd", 0.9, 0, [ "complementary_weight", "2"; "form", "code"; "scales", "3"; "temperature", "4" ], TeacherSignal.LogitMap
                    "sd-dkd",
                    1.0,
                    20,
                    [ "alpha", "1"; "beta", "8"; "complementary_weight", "2"; "form", "code"; "scales", "3"; "temperature", "4" ],
                    TeacherSignal.LogitMap
                    "sd-nkd",
                    1.0,
                    0,
                    [ "complementary_weight", "2"
                      "form", "code"
                      "gamma", "8"
                      "keep_label", "True"
                      "scales", "3"
                      "temperature", "4" ],
                    TeacherSignal.LogitMap
                    "reviewkd", 1.0, 20, [], TeacherSignal.PreActivations ||| TeacherSignal.Embedding
                    "residual-kd", 1.0, 0, [], TeacherSignal.Features ]
                  "the catalog"

          testCase "A temperature must be above 0"
          <| fun () ->
              for name in [ "kd"; "gkd" ] do
                  match Seq.head (LossCatalog.Get name).Parameters with
                  | :? ParameterDescriptor.Number as temperature ->
                      Expect.isFalse (temperature.Allows 0.0) "0"
                      Expect.isFalse (temperature.Allows nan) "not a number"
                      Expect.isTrue (temperature.Allows 0.01) "a small one"
                  | other -> failtest $"{name} has the parameters {other}"

          testCase "A loss reads what its descriptor declares of the teacher"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let pair = FeaturePair(features "resnet8", features "resnet20")

              for descriptor in LossCatalog.All do
                  let taps = (Signals.buildFor descriptor.Name [] pair 8).OfTeacher
                  let stages = [ 0..2 ]

                  let reads =
                      [ if taps.HasLogits then
                            TeacherSignal.Logits
                        if taps.HasLogitMap then
                            TeacherSignal.LogitMap
                        if taps.HasEmbedding then
                            TeacherSignal.Embedding
                        if stages |> List.exists taps.HasStage then
                            TeacherSignal.Features
                        if stages |> List.exists taps.HasStageMeans then
                            TeacherSignal.ChannelMeans
                        if stages |> List.exists taps.HasPreActivation then
                            TeacherSignal.PreActivations ]
                      |> List.fold (|||) TeacherSignal.None

                  Expect.equal reads descriptor.Needs descriptor.Name

          testCase "Knowledge review reads the student's stages after their ReLU, and the teacher's before it"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let loss: Loss = Signals.buildFor "reviewkd" [] (FeaturePair(features "resnet8", features "resnet20")) 8
              let reads (taps: Taps) = [ for stage in 0..2 -> taps.HasStage stage, taps.HasPreActivation stage ]
              Expect.equal (reads loss.OfStudent) [ for _ in 0..2 -> true, false ] "of the student"
              Expect.equal (reads loss.OfTeacher) [ for _ in 0..2 -> false, true ] "of the teacher"

          testCase "Knowledge review on ImageNet reads both before the ReLU, with a warm-up of one epoch"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let own = (LossCatalog.Get "reviewkd").On "imagenet"
              let pair = FeaturePair(features "resnet8", features "resnet20")
              let loss = own.Create.Invoke(LossContext(own.DefaultParameters, pair, 4, [| 0 |], 1L))
              let reads = [ for stage in 0..2 -> loss.OfStudent.HasStage stage, loss.OfStudent.HasPreActivation stage ]
              Expect.equal reads [ for _ in 0..2 -> false, true ] "of the student"
              Expect.equal own.DefaultWarmup 1 "warm-up"

          testCase "Defaults for a dataset belong to parameters of the loss, within their ranges"
          <| fun () ->
              for loss in LossCatalog.All do
                  for defaults in loss.DatasetDefaults do
                      Expect.isNotNull (DatasetCatalog.Find defaults.Dataset) $"{loss.Name} on {defaults.Dataset}"
                      let own = loss.On defaults.Dataset

                      for entry in defaults.Parameters do
                          match own.Parameters |> Seq.find (fun parameter -> parameter.Name = entry.Key) with
                          | :? ParameterDescriptor.Number as number -> Expect.isTrue (number.Allows number.Default) $"{loss.Name} {entry.Key}"
                          | other -> Expect.equal other.DefaultValue entry.Value $"{loss.Name} {entry.Key}"

          testCase "FitNets reports which stage or sizes have no regressor"
          <| fun () ->
              Expect.isNull (whyNotBy "fitnets" [] "resnet8" "resnet32x4") "other widths"

              Expect.equal
                  (whyNotBy "fitnets" [ "stage", 4.0 ] "resnet8" "resnet34")
                  (Mismatch(
                      "the hint is that of stage 4, but the student has 3 stages and the teacher 4",
                      "choose a `stage` from 1 to 3 for `fitnets`"
                  ))
                  "a stage that is not there"

              let pair = FeaturePair([| FeatureShape(4, 4, 4) |], [| FeatureShape(4, 9, 9) |])

              Expect.equal
                  ((LossCatalog.Get "fitnets").WhyNotPaired.Invoke(pair, Signals.parameters "fitnets" [ "stage", 1.0 ]))
                  (Mismatch("there is no regressor from 4x4x4 to 4x9x9, the outputs of stage 1", "choose another `stage` for `fitnets`"))
                  "sizes"

          testCase "CD pairs networks with the same number of stages, of any width and size"
          <| fun () ->
              Expect.isNull (whyNot "resnet18" "resnet34") "equal channels"
              Expect.isNull (whyNot "resnet18" "resnet152") "other channels"
              Expect.isNull (whyNot "resnet8" "resnet32x4") "thin networks"

          testCase "CD reports why it cannot pair three stages with four"
          <| fun () ->
              Expect.equal
                  (whyNot "resnet8" "resnet34")
                  (Mismatch(
                      "stages are paired one to one, but the student has 3 stages and the teacher 4",
                      "choose a student with 4 stages (resnet18, resnet34, resnet50, resnet101, resnet152, vgg8, vgg11, vgg13, vgg16, vgg19, mobilenetv1, mobilenetv2)"
                  ))
                  "the reason"

          testCase "CD trains a connector for every stage, even if the channels are equal"
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
