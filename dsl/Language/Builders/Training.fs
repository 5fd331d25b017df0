namespace ChannelDistillation.Dsl.Builders

open ChannelDistillation.Specs
open ChannelDistillation.Dsl

/// How something is trained.
[<AutoOpen>]
module TrainingWords =
    /// A step towards a recipe.
    type Recipe = Train -> Train

    /// Passes over the training images.
    let epochs (count: int) : Recipe = fun train -> { train with Epochs = count }

    /// Images per step.
    let batch (size: int) : Recipe = fun train -> { train with Batch = size }

    /// Stochastic gradient descent with a learning rate, and perhaps momentum and weight decay.
    let sgd (learningRate: float) (settings: (Sgd -> Sgd) list) : Recipe =
        let plain = { LearningRate = learningRate; Momentum = 0.0; WeightDecay = 0.0; Nesterov = false }

        let settled = (plain, settings) ||> List.fold (fun sgd setting -> setting sgd)
        fun train -> { train with Optimizer = settled }

    /// Momentum, from 0 to less than 1.
    let momentum (value: float) (sgd: Sgd) = { sgd with Momentum = value }

    /// Weight decay (L2).
    let weight_decay (value: float) (sgd: Sgd) = { sgd with WeightDecay = value }

    /// Nesterov's momentum.
    let nesterov (sgd: Sgd) = { sgd with Nesterov = true }

    let private shaped shape : Recipe = fun train -> { train with Train.Schedule = { train.Schedule with Shape = shape } }

    /// The same learning rate throughout.
    let constant: Recipe = shaped Constant

    /// The learning rate times a factor after each of some epochs.
    let step (at: int list) (factor: float) : Recipe = shaped (Step(at, factor))

    /// The learning rate along half a cosine down to 0.
    let cosine: Recipe = shaped (Cosine 0.0)

    /// The learning rate along half a cosine down to a factor.
    let cosine_to (final: float) : Recipe = shaped (Cosine final)

    /// The learning rate growing over the first epochs from a factor.
    let warmup (epochs: int) (from: float) : Recipe =
        fun train -> { train with Train.Schedule = { train.Schedule with Warmup = Some { Epochs = epochs; From = from } } }

    /// 16-bit floating point where the device has it.
    let bfloat16: Recipe = fun train -> { train with Precision = Precision.BFloat16 }

    /// The same order and variations of the images for all runs.
    let data_seed (seed: int64) : Recipe = fun train -> { train with DataSeed = Some seed }
