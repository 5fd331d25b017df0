namespace ChannelDistillation.Dsl.Builders

open ChannelDistillation.Specs
open ChannelDistillation.Dsl

/// Training settings.
[<AutoOpen>]
module TrainingWords =
    /// A change to training settings.
    type Recipe = Train -> Train

    /// Passes over the training set.
    let epochs (count: int) : Recipe = fun train -> { train with Epochs = count }

    /// Images per step.
    let batch (size: int) : Recipe = fun train -> { train with Batch = size }

    /// Stochastic gradient descent with a learning rate, and optional momentum and weight decay.
    let sgd (lr: float) (settings: (Sgd -> Sgd) list) : Recipe =
        let plain = { LearningRate = lr; Momentum = 0.0; WeightDecay = 0.0; Nesterov = false }

        let settled = (plain, settings) ||> List.fold (fun sgd setting -> setting sgd)
        fun train -> { train with Optimizer = settled }

    /// Momentum, from 0 to less than 1.
    let momentum (value: float) (sgd: Sgd) = { sgd with Momentum = value }

    /// Weight decay (L2).
    let weight_decay (value: float) (sgd: Sgd) = { sgd with WeightDecay = value }

    /// Uses Nesterov momentum.
    let nesterov (sgd: Sgd) = { sgd with Nesterov = true }

    let private shaped shape : Recipe = fun train -> { train with Train.Schedule = { train.Schedule with Shape = shape } }

    /// A constant learning rate.
    let constant: Recipe = shaped Constant

    /// Multiplies the learning rate by a factor after each of the given epochs.
    let step (at: int list) (factor: float) : Recipe = shaped (Step(at, factor))

    /// Decays the learning rate along half a cosine to 0.
    let cosine: Recipe = shaped (Cosine 0.0)

    /// Decays the learning rate along half a cosine to a fraction of it.
    let cosine_to (``to``: float) : Recipe = shaped (Cosine ``to``)

    /// The number format of convolutions and linear layers: `float32` or `bfloat16`.
    let precision (value: Precision) : Recipe = fun train -> { train with Precision = value }

    let float32 = Precision.Float32
    let bfloat16 = Precision.BFloat16

    /// Seed of data order and augmentation for all runs.
    let data_seed (seed: int64) : Recipe = fun train -> { train with DataSeed = Some seed }
