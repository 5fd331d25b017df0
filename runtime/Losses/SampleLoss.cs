using ChannelDistillation.Models;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>A loss on logits that is a mean over samples, so that the samples can also be weighted.</summary>
public abstract class SampleLoss : Loss
{
    public override Taps OfStudent => Taps.Logits;

    /// <summary>The loss of each sample, [batch].</summary>
    public abstract Tensor OfSamples(LossInput input);

    public sealed override Tensor Compute(LossInput input) => OfSamples(input).mean();
}
