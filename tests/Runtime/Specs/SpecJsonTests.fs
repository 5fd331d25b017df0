module ChannelDistillation.Tests.Runtime.Specs.SpecJsonTests

open Expecto
open ChannelDistillation.Schedules
open ChannelDistillation.Specs
open ChannelDistillation.Losses

let private sgd = SgdSpec(0.1, 0.9, 5e-4, false)

let private train epochs dataSeed =
    TrainSpec(
        Epochs = epochs,
        Batch = 128,
        Optimizer = sgd,
        LearningRateSchedule = LearningRateSchedule.Step([| 60; 120; 160 |], 0.2),
        DataSeed = dataSeed
    )

let private losses =
    [| LossSpec.CrossEntropy
       LossSpec(Name = "cd", Weight = 6.0, Schedule = LossWeightSchedule(Decay = LossWeightDecay.Step([| 60; 160 |], 0.9)))
       LossSpec(
           Name = "gkd",
           Weight = 0.1,
           Parameters = Parameters [ System.Collections.Generic.KeyValuePair("temperature", box 1.0) ],
           Schedule = LossWeightSchedule(StartAfter = 60)
       ) |]

let private resnet152 = TeacherSpec(Model = ModelSpec "resnet152", Checkpoint = "pretrain/resnet152-cifar.pth")

let private make seed student (teacher: TeacherSpec) train (losses: LossSpec[]) =
    RunSpec(Dataset = DatasetSpec(Name = "cifar100"), Teacher = teacher, Student = ModelSpec student, Train = train, Losses = losses, Seed = seed)

let private fixedTrain = train 200 (System.Nullable())
let private spec = make 3L "resnet50" resnet152 fixedTrain losses

[<Tests>]
let tests =
    testList
        "the identity of a run"
        [ test "The canonical text is pinned: changing it would train every run again" {
              let expected =
                  """{"dataset":{"name":"cifar100"},"teacher":{"model":{"name":"resnet152"},"checkpoint":"pretrain/resnet152-cifar.pth"},"""
                  + """"student":{"name":"resnet50"},"train":{"epochs":200,"batch":128,"optimizer":{"sgd":{"lr":0.1,"momentum":0.9,"weight_decay":0.0005}},"""
                  + """"lr_schedule":{"step":{"at":[60,120,160],"factor":0.2}}},"losses":{"ce":{"weight":1},"cd":{"weight":6,"decay":{"step":{"at":[60,160],"factor":0.9}}},"""
                  + """"gkd":{"weight":0.1,"temperature":1,"start_after":60}},"seed":3}"""

              let text = SpecJson.ToJson(spec).ToJsonString()
              Expect.equal text expected "the text"
              Expect.equal (SpecJson.Hash spec) "c5a7a37c77dd53bb1b2f0cfe02842090039c65a340d546c34c1274f8d8c6b826" "the hash"
          }

          test "The canonical text of all settings of a dataset is pinned" {
              let dataset =
                  DatasetSpec(
                      Name = "imagenet",
                      Augmentation = AugmentationSpec(0, PaddingMode.Zero, true, ResizedCrop = ResizedCropSpec(0.08, 1.0, 0.75, 1.25)),
                      Normalization = NormalizationSpec([| 0.5; 0.25; 0.1 |], [| 0.2; 0.2; 0.2 |]),
                      HoldOut = HoldOutSpec(0.1, 7L),
                      Views = System.Nullable 4
                  )

              let expected =
                  """{"name":"imagenet","augment":{"pad":0,"mode":"zero","flip":true,"resized_crop":{"area":[0.08,1],"aspect":[0.75,1.25]}},"""
                  + """"normalize":{"mean":[0.5,0.25,0.1],"std":[0.2,0.2,0.2]},"validation":{"share":0.1,"seed":7},"views":4}"""

              let spec =
                  RunSpec(Dataset = dataset, Teacher = null, Student = ModelSpec "resnet18", Train = fixedTrain, Losses = losses, Seed = 0L)

              let written = SpecJson.ToJson(spec)["dataset"]
              Expect.equal (written.ToJsonString()) expected "the dataset"
          }

          test "The hash depends on what is computed, and on nothing else" {
              let hash = SpecJson.Hash spec

              let changes =
                  [ "seed", make 4L "resnet50" resnet152 fixedTrain losses
                    "student", make 3L "resnet18" resnet152 fixedTrain losses
                    "cached teacher",
                    make 3L "resnet50" (TeacherSpec(Model = resnet152.Model, Checkpoint = resnet152.Checkpoint, Cache = true)) fixedTrain losses
                    "no teacher", make 3L "resnet50" null fixedTrain losses
                    "epochs", make 3L "resnet50" resnet152 (train 201 (System.Nullable())) losses
                    "data seed", make 3L "resnet50" resnet152 (train 200 (System.Nullable 0L)) losses
                    "order of losses", make 3L "resnet50" resnet152 fixedTrain (Array.rev losses) ]

              for what, changed in changes do
                  Expect.notEqual (SpecJson.Hash changed) hash what

              Expect.equal (SpecJson.Hash(make 3L "resnet50" resnet152 fixedTrain losses)) hash "the same again"
          }

          test "Different spellings of a folder or checkpoint give the same run" {
              let hash (folder: string) (checkpoint: string) =
                  let dataset = DatasetSpec(Name = DatasetSpec.ImageFolder, Folder = folder, Classes = 10)
                  let teacher = TeacherSpec(Model = ModelSpec "resnet34", Checkpoint = checkpoint)

                  SpecJson.Hash(
                      RunSpec(Dataset = dataset, Teacher = teacher, Student = ModelSpec "resnet18", Train = fixedTrain, Losses = losses, Seed = 0L)
                  )

              let one = hash "data/birds" "pretrain/a.pth"

              for folder, checkpoint in [ "./data/birds", "./pretrain/a.pth"; "data/birds/", "pretrain//a.pth"; "data/./birds", "pretrain/./a.pth" ] do
                  Expect.equal (hash folder checkpoint) one folder

              for folder in [ "/data/birds"; "../data/birds"; "data/birds2"; "." ] do
                  Expect.notEqual (hash folder "pretrain/a.pth") one folder
          }

          test "The parameters of every loss can be written" {
              for loss in LossCatalog.All do
                  let one = LossSpec(Name = loss.Name, Weight = 1.0, Parameters = loss.DefaultParameters)
                  let json = SpecJson.ToJson(make 0L "resnet50" resnet152 fixedTrain [| one |])
                  let keys = [ for entry in json["losses"].[loss.Name].AsObject() -> entry.Key ]
                  Expect.equal keys ("weight" :: [ for entry in loss.DefaultParameters -> entry.Key ]) loss.Name
          } ]
