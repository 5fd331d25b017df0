using ChannelDistillation.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>Cross-entropy with the labels: mean over the batch of -log p_s(label). Needs no teacher.</summary>
public sealed class CrossEntropyLoss : Loss
{
    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "ce",
            Title = "Cross-entropy",
            Source = "textbook; PyTorch's CrossEntropyLoss",
            Formula = "mean over samples of -log p_s(label)",
            Create = _ => new CrossEntropyLoss(),
        };

    public override Taps OfStudent => Taps.Logits;

    public override Taps OfTeacher => default;

    public override Tensor Compute(LossInput input) => nn.functional.cross_entropy(input.Student.Logits, input.Labels);
}
