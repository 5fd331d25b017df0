module ChannelDistillation.Tests.Runtime.Models.ModelCatalogTests

open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Models
open ChannelDistillation.Tests

let private small = ImageShape(3, 32, 32)

let private build name (image: ImageShape) classes = (ModelCatalog.Get name).Build(ModelSpec name, image, classes)

/// The CRD benchmark's counts for 100 classes; torchvision's with the CIFAR stem for resnet101.
let private counts =
    [ "resnet8", 83_892
      "resnet14", 181_108
      "resnet20", 278_324
      "resnet32", 472_756
      "resnet44", 667_188
      "resnet56", 861_620
      "resnet110", 1_736_564
      "resnet8x4", 1_233_540
      "resnet32x4", 7_433_860
      "resnet101", 42_697_380
      "wrn16-1", 180_916
      "wrn16-2", 703_284
      "wrn40-1", 569_780
      "wrn40-2", 2_255_156
      "vgg8", 3_965_028
      "vgg11", 9_277_284
      "vgg13", 9_462_180
      "vgg16", 14_774_436
      "vgg19", 20_086_692
      "mobilenetv1", 3_309_476
      "mobilenetv2", 812_836
      "shufflenetv1", 949_258
      "shufflenetv2", 1_355_528 ]

[<Tests>]
let tests =
    testList
        "models: catalog"
        [ for name, count in counts do
              testCase $"The model {name} has {count} parameters for 100 classes"
              <| fun () ->
                  use model = build name small 100
                  Expect.equal (model.parameters () |> Seq.sumBy (fun parameter -> parameter.numel ())) (int64 count) "parameters"

          testCase "Every model predicts the shapes of its stages, also for odd and grey images"
          <| fun () ->
              for descriptor in ModelCatalog.All do
                  // The deepest ones take longer but have no new shapes.
                  if not (List.contains descriptor.Name [ "resnet101"; "resnet152"; "resnet110" ]) then
                      for stem in descriptor.Stems do
                          use _ = torch.NewDisposeScope()
                          use _ = torch.no_grad ()
                          let spec = ModelSpec(descriptor.Name, stem)

                          for images in [ [ small; ImageShape(3, 15, 33); ImageShape(3, 41, 24) ]; [ ImageShape(1, 28, 28) ] ] do
                              // A network depends only on their channels.
                              use model = descriptor.Build(spec, images.Head, 10)
                              model.eval ()

                              for image in images do
                                  let output = model.Run(torch.zeros (1L, image.Channels, image.Height, image.Width))

                                  Expect.equal
                                      [ for feature in output.Features -> List.ofArray feature.shape ]
                                      [ for shape in descriptor.Features(spec, image) ->
                                            [ 1L; int64 shape.Channels; int64 shape.Height; int64 shape.Width ] ]
                                      $"{descriptor.Name}, {stem}, {image}"

                                  Expect.equal output.Embedding.shape[1] (int64 descriptor.EmbeddingChannels) "channels of the embedding"

                                  Expect.equal (List.ofArray output.Logits.shape) [ 1L; 10L ] "logits"

          testCase "Features are the inputs of the next stage, after ReLU"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              use model = build "resnet8" small 10
              Initialisation.Initialise(model, 0L, "student")
              let output = model.Run(Golden.images [| 2L; 3L; 32L; 32L |] 1.0)

              for feature in output.Features do
                  let values = Golden.toArray feature
                  Expect.isGreaterThanOrEqual (Array.min values) 0.0 "no negative value"
                  Expect.isGreaterThan (Array.max values) 0.0 "some positive value"

              let last = output.Features[2]
              Golden.close 1e-6 (Golden.toArray (last.mean [| 2L; 3L |])) (Golden.toArray output.Embedding) "embedding"

          for name in [ "resnet8x4"; "wrn16-2"; "vgg8"; "mobilenetv1"; "mobilenetv2"; "shufflenetv1"; "shufflenetv2" ] do
              testCase $"Every weight of {name} gets a gradient from a loss on the logits"
              <| fun () ->
                  use _ = torch.NewDisposeScope()
                  use model = build name small 10
                  Initialisation.Initialise(model, 0L, "student")
                  let output = model.Run(Golden.images [| 4L; 3L; 32L; 32L |] 1.0)
                  output.Logits.square().sum().backward()

                  for struct (name, parameter) in model.named_parameters () do
                      Expect.exists (Golden.gradient parameter) (fun slope -> slope <> 0.0) name

          testCase "The stem depends on the size of the images unless it is given"
          <| fun () ->
              let resnet = ModelCatalog.Get "resnet18"
              let thin = ModelCatalog.Get "resnet8"
              let large = ImageShape(3, 224, 224)
              Expect.equal (resnet.StemFor(ModelSpec "resnet18", small)) Stem.Cifar "small images"
              Expect.equal (resnet.StemFor(ModelSpec "resnet18", large)) Stem.ImageNet "large images"
              Expect.equal (resnet.StemFor(ModelSpec("resnet18", Stem.Cifar), large)) Stem.Cifar "given"
              Expect.equal (thin.StemFor(ModelSpec "resnet8", large)) Stem.Cifar "a model with one stem"

          testCase "Names are unique, and every model has a description and a source"
          <| fun () ->
              let names = [ for model in ModelCatalog.All -> model.Name ]
              Expect.equal (List.distinct names) names "names"

              for model in ModelCatalog.All do
                  Expect.isNotEmpty model.Doc model.Name
                  Expect.isNotEmpty model.Source model.Name

          testCase "An unknown name is not found" <| fun () -> Expect.isNull (ModelCatalog.Find "resnet19") "resnet19" ]
