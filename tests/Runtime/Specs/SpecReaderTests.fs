module ChannelDistillation.Tests.Runtime.Specs.SpecReaderTests

open System.Text.Json.Nodes
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Schedules
open ChannelDistillation.Specs

let private train =
    TrainSpec(Epochs = 1, Batch = 16, Optimizer = SgdSpec 0.1, LearningRateSchedule = LearningRateSchedule.Step([| 1 |], 0.5))

let private written (dataset: DatasetSpec) (model: ModelSpec) =
    let json = SpecJson.ToJson(RunSpec(Dataset = dataset, Student = model, Train = train, Losses = [||], Seed = 0L))
    json["dataset"], json["student"]

[<Tests>]
let tests =
    testList
        "reading specs back"
        [ test "The model and dataset of a checkpoint are read back" {
              let normalization = NormalizationSpec([| 0.1; 0.2; 0.3 |], [| 1.0; 2.0; 3.0 |])

              for dataset in
                  [ DatasetSpec(Name = "cifar100")
                    DatasetSpec(Name = "cifar100", Normalization = normalization)
                    DatasetSpec(Name = DatasetSpec.ImageFolder, Folder = "data/birds", Classes = 200) ] do
                  for model in [ ModelSpec "resnet50"; ModelSpec("resnet50", Stem.Cifar); ModelSpec("resnet50", Stem.ImageNet) ] do
                      let datasetJson, modelJson = written dataset model
                      Expect.equal (SpecReader.Dataset datasetJson) dataset "dataset"
                      Expect.equal (SpecReader.Model modelJson) model "model"
          }

          test "Augmentation and hold-out split are omitted when reading" {
              let dataset = DatasetSpec(Name = "cifar10", Augmentation = AugmentationSpec.None, HoldOut = HoldOutSpec 0.1)
              let json, _ = written dataset (ModelSpec "resnet8")
              Expect.equal (SpecReader.Dataset json) (DatasetSpec(Name = "cifar10")) "dataset"
          }

          test "Nothing else is accepted as a spec" {
              for text in
                  [ "null"
                    "3"
                    "[]"
                    "{}"
                    """{"name":3}"""
                    """{"name":"a","classes":"b","stem":[]}"""
                    """{"name":"a","normalize":{}}""" ] do
                  Expect.isNull (SpecReader.Dataset(JsonNode.Parse text)) text

              for text in [ "null"; "3"; "[]"; "{}"; """{"name":3}"""; """{"name":"a","stem":[]}""" ] do
                  Expect.isNull (SpecReader.Model(JsonNode.Parse text)) text
          } ]
