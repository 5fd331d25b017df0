namespace ChannelDistillation.Dsl.Builders

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs

/// Losses and their settings.
[<AutoOpen>]
module LossWords =
    /// A loss with what is said of it.
    type Term = string * LossSettings

    /// A loss by its name.
    let loss (name: string) : Term = name, LossCodec.blank

    /// A loss from Python, where it is declared: a TorchScript file, relative to the script. It is code, and it is run.
    let scripted_loss (name: string) (file: string) : Term = name, { LossCodec.blank with Script = Some file }

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

    /// Residual (not relational) knowledge distillation, with an assistant beside the student.
    let residual_kd = loss "residual-kd"

    /// Knowledge review.
    let reviewkd = loss "reviewkd"

    let private also change ((name, settings): Term) : Term = name, change settings

    /// What the loss is multiplied by.
    let weight (value: float) = also (fun settings -> { settings with Weight = Some value })

    /// A parameter of the loss that is on or off, switched on.
    let enable (name: string) = also (fun settings -> { settings with Parameters = settings.Parameters.Add(name, Flag true) })

    /// A numeric parameter of the loss.
    let parameter (name: string) (value: float) = also (fun settings -> { settings with Parameters = settings.Parameters.Add(name, Number value) })

    /// The parameter `temperature`.
    let temperature (value: float) = parameter "temperature" value

    /// The last epoch in which the loss counts.
    let stop_after (epoch: int) = also (fun settings -> { settings with StopAfter = Some epoch })

    /// The weight is 0 through this epoch.
    let start_after (epoch: int) = also (fun settings -> { settings with StartAfter = Some epoch })

    /// Weight decay and momentum act on the whole network also while the weight is 0.
    let weight_decay_at_zero (value: bool) = also (fun settings -> { settings with DecaysAtZero = Some value })

    /// The weight grows over some epochs once it has started.
    let grow_over (epochs: int) = also (fun settings -> { settings with LossSettings.Warmup = Some epochs })

    let private decaying decay = also (fun settings -> { settings with Decay = Some decay })

    /// No decay, where the declaration has one.
    let no_decay: Term -> Term = decaying NoDecay

    /// The weight times a factor from each of some epochs on.
    let decay_step (at: int list) (factor: float) : Term -> Term = decaying (StepDecay(at, factor))

    /// The weight times a factor at every so many epochs.
    let decay_every (epochs: int) (factor: float) : Term -> Term = decaying (EveryDecay(epochs, factor))

    /// The weight in a straight line to a factor of it.
    let decay_linear (until: int) (final: float) : Term -> Term = decaying (LinearDecay(until, final))

    /// The weight along half a cosine to a factor of it.
    let decay_cosine (until: int) (final: float) : Term -> Term = decaying (CosineDecay(until, final))

    /// Early Decay Teacher as on CIFAR.
    let cifar = CifarEdt

    /// Early Decay Teacher as on ImageNet.
    let imagenet = ImageNetEdt
