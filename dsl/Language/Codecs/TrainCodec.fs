/// The section `train` of an experiment and of a teacher.
module ChannelDistillation.Dsl.Codecs.TrainCodec

open System
open ChannelDistillation.Specs
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs.Codec

let private emptySgd = { LearningRate = 0.0; Momentum = 0.0; WeightDecay = 0.0; Nesterov = false }

/// Placeholder values; never used for training, because keys without a default are required.
let blank: Train =
    { Epochs = 1
      Batch = 1
      Optimizer = emptySgd
      Schedule = { Shape = Constant; Warmup = None }
      Precision = Precision.Float32
      DataSeed = None }

let private sgd (inherited: Sgd option) =
    let standard = defaultArg inherited emptySgd

    Record.codec
        standard
        inherited.IsSome
        [ Field.required
              "lr"
              "Base learning rate, before `lr_schedule`."
              [ "learning_rate" ]
              _.LearningRate
              (fun value record -> { record with LearningRate = value })
              (number (above 0.0))
          Field.withDefault
              "momentum"
              "Momentum, as in PyTorch's SGD."
              []
              standard.Momentum
              _.Momentum
              (fun value record -> { record with Momentum = value })
              (number { between 0.0 1.0 with BelowMaximum = true })
          Field.withDefault
              "weight_decay"
              "Weight decay (L2) on all trained weights."
              [ "wd"; "decay" ]
              standard.WeightDecay
              _.WeightDecay
              (fun value record -> { record with WeightDecay = value })
              (number (atLeast 0.0))
          Field.withDefault
              "nesterov"
              "Use Nesterov momentum."
              []
              standard.Nesterov
              _.Nesterov
              (fun value record -> { record with Nesterov = value })
              flag ]

let private optimizer inherited = Choice.codec [ Choice.case "sgd" "Stochastic gradient descent." None id Some (sgd inherited) ]

let private precisions =
    word
        "precision"
        [ "float32", "32-bit floating point.", Precision.Float32
          "bfloat16",
          "Convolutions and linear layers in bfloat16, as under PyTorch's autocast; weights, BatchNorm, losses and updates in float32.",
          Precision.BFloat16 ]

/// Training settings; omitted ones are inherited.
let over (inherited: Train option) : Codec<Train> =
    let standard = defaultArg inherited blank

    Record.codec
        standard
        inherited.IsSome
        [ Field.required
              "epochs"
              "Passes over the training set."
              [ "epoch"; "n_epochs"; "num_epochs" ]
              _.Epochs
              (fun value record -> { record with Epochs = value })
              (int32 1 1_000_000)
          Field.required
              "batch"
              "Images per step. The last, smaller batch of an epoch is kept."
              [ "batch_size"; "bs" ]
              _.Batch
              (fun value record -> { record with Batch = value })
              (int32 1 1_000_000)
          Field.required
              "optimizer"
              "The optimizer."
              [ "optim" ]
              _.Optimizer
              (fun value (record: Train) -> { record with Optimizer = value })
              (optimizer (inherited |> Option.map _.Optimizer))
          Field.withDefault
              "lr_schedule"
              "Schedule of the learning rate."
              [ "learning_rate_schedule"; "scheduler"; "schedule" ]
              standard.Schedule
              _.Schedule
              (fun value record -> { record with Schedule = value })
              ScheduleCodec.learningRate
          Field.withDefault
              "precision"
              "Precision of convolutions and linear layers, in students and teacher. Weights are always float32."
              [ "dtype" ]
              standard.Precision
              _.Precision
              (fun value record -> { record with Precision = value })
              precisions
          Field.optional
              "data_seed"
              "Seed of data order and augmentation for all runs, so that they do not depend on each run's seed."
              "the run's seed"
              []
              _.DataSeed
              (fun value record -> { record with DataSeed = value })
              (whole 0L Int64.MaxValue) ]

let codec = over None
