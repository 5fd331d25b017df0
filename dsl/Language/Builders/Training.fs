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
    let sgd (learningRate: float) (settings: (Sgd -> Sgd) list) : Recipe =
        let plain = { LearningRate = learningRate; Momentum = 0.0; WeightDecay = 0.0; Nesterov = false }

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
    let cosine_to (final: float) : Recipe = shaped (Cosine final)

    /// Linear warm-up of the learning rate over the first epochs, from a fraction of it.
    let warmup (epochs: int) (from: float) : Recipe =
        fun train -> { train with Train.Schedule = { train.Schedule with Warmup = Some { Epochs = epochs; From = from } } }

    /// Convolutions and linear layers in bfloat16.
    let bfloat16: Recipe = fun train -> { train with Precision = Precision.BFloat16 }

    /// Seed of data order and augmentation for all runs.
    let data_seed (seed: int64) : Recipe = fun train -> { train with DataSeed = Some seed }
