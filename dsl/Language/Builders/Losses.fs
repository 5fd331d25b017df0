namespace ChannelDistillation.Dsl.Builders

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs

/// Losses and their settings.
[<AutoOpen>]
module LossWords =
    /// A loss with its settings.
    type Term = string * LossSettings

    /// A built-in loss by name.
    let loss (name: string) : Term = name, LossCodec.blank

    /// Cross-entropy with the labels.
    let ce = loss "ce"

    /// Knowledge distillation.
    let kd = loss "kd"

    /// Guided knowledge distillation.
    let gkd = loss "gkd"

    /// Channel distillation.
    let cd = loss "cd"

    /// FitNets: hints from one stage.
    let fitnets = loss "fitnets"

    /// Attention transfer.
    let at = loss "at"

    /// Similarity-preserving distillation.
    let sp = loss "sp"

    /// Correlation congruence.
    let cc = loss "cc"

    /// Variational information distillation.
    let vid = loss "vid"

    /// Relational knowledge distillation.
    let rkd = loss "rkd"

    /// Probabilistic knowledge transfer.
    let pkt = loss "pkt"

    /// Neuron selectivity transfer.
    let nst = loss "nst"

    /// Contrastive representation distillation.
    let crd = loss "crd"

    /// Decoupled knowledge distillation.
    let dkd = loss "dkd"

    /// DIST: knowledge distillation from a stronger teacher.
    let dist = loss "dist"

    /// Normalised knowledge distillation.
    let nkd = loss "nkd"

    /// Transformed teacher matching.
    let ttm = loss "ttm"

    /// Weighted transformed teacher matching.
    let wttm = loss "wttm"

    /// Refined logit distillation.
    let rld = loss "rld"

    /// Streamlined knowledge distillation.
    let skd = loss "skd"

    /// Multi-level logit distillation.
    let mlld = loss "mlld"

    /// Wasserstein knowledge distillation of logits (WKD-L).
    let wkd = loss "wkd"

    /// Scale-decoupled knowledge distillation.
    let sd_kd = loss "sd-kd"

    /// Scale-decoupled DKD.
    let sd_dkd = loss "sd-dkd"

    /// Scale-decoupled NKD.
    let sd_nkd = loss "sd-nkd"

    /// Residual (not relational) knowledge distillation, with an assistant beside the student.
    let residual_kd = loss "residual-kd"

    /// Knowledge review.
    let reviewkd = loss "reviewkd"

    let private also change ((name, settings): Term) : Term = name, change settings

    /// The weight of the loss.
    let weight (value: float) = also (fun settings -> { settings with Weight = Some value })

    /// Sets the parameter `temperature`.
    let temperature (value: float) = also (fun settings -> { settings with Parameters = settings.Parameters.Add("temperature", Number value) })

    /// The weight is 0 after this epoch.
    let stop_after (epoch: int) = also (fun settings -> { settings with StopAfter = Some epoch })

    /// The weight is 0 up to and including this epoch.
    let start_after (epoch: int) = also (fun settings -> { settings with StartAfter = Some epoch })

    /// Applies weight decay and momentum to all trained weights while the weight of this loss is 0.
    let weight_decay_at_zero (value: bool) = also (fun settings -> { settings with DecaysAtZero = Some value })

    let private decaying decay = also (fun settings -> { settings with Decay = Some decay })

    /// Removes the decay of the declaration.
    let decay_none: Term -> Term = decaying NoDecay

    /// Multiplies the weight by a factor from each of the given epochs on.
    let decay_step (at: int list) (factor: float) : Term -> Term = decaying (StepDecay(at, factor))

    /// Multiplies the weight by a factor at every multiple of `epochs`.
    let decay_every (epochs: int) (factor: float) : Term -> Term = decaying (EveryDecay(epochs, factor))

    /// Decays the weight linearly to a fraction of it, reached in the epoch `until`.
    let decay_linear (until: int) (``to``: float) : Term -> Term = decaying (LinearDecay(until, ``to``))

    /// Decays the weight along half a cosine to a fraction of it, reached in the epoch `until`.
    let decay_cosine (until: int) (``to``: float) : Term -> Term = decaying (CosineDecay(until, ``to``))

    /// The preset of Early Decay Teacher for CIFAR.
    let cifar = CifarEdt

    /// The preset of Early Decay Teacher for ImageNet.
    let imagenet = ImageNetEdt
