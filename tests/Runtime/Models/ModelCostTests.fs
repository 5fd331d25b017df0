module ChannelDistillation.Tests.Runtime.Models.ModelCostTests

open System
open System.IO
open Expecto
open ChannelDistillation.Specs
open ChannelDistillation.TorchScript
open ChannelDistillation.Models
open ChannelDistillation.Tests

[<Tests>]
let tests =
    testList
        "costs of models"
        [ for name, dataset, parameters, multiplyAdds in
              [ // torchvision's documentation of its weights: parameters, and GFLOPS in which a multiply-accumulate counts once.
                "resnet18", DatasetSpec(Name = "imagenet"), 11_689_512L, 1.814
                "resnet50", DatasetSpec(Name = "imagenet"), 25_557_032L, 4.089
                // He et al., arXiv 1512.03385, Table 6, has 0.27 M; projection shortcuts add 2.7 k of them.
                "resnet20", DatasetSpec(Name = "cifar10"), 272_474L, 0.0408 ] do
              test $"The cost of {name} on {dataset.Name} is that of the literature" {
                  let cost = ModelCost.Of(CountedModel.Of(ModelSpec(name), dataset))
                  Expect.equal cost.Parameters parameters "parameters"

                  Expect.floatClose
                      { absolute = 0.001; relative = 0.005 }
                      (float cost.MultiplyAdds.Value / 1e9)
                      multiplyAdds
                      "multiply-accumulates in G"
              }

          test "The cost of a network from Python has its parameters, but no multiply-accumulates" {
              let file = Path.Combine(Repository.root, "experiments/python/teacher.pt")
              let model = ModelSpec.Of (Archive.Read file).File
              Expect.equal (ModelCost.Of(CountedModel.Of(model, DatasetSpec(Name = "fashion-mnist-mini")))) (ModelCost(19_882L, Nullable())) "cost"
          } ]
