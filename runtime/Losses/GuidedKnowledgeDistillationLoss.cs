using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Guided knowledge distillation (Zhou et al.: Channel Distillation, arXiv 2006.01683, section 3.3): knowledge distillation only from
/// samples that the teacher classifies correctly:
/// T^2 x sum over correct samples of KL(p_t || p_s) / number of correct samples; 0, with zero gradients, if none is correct
/// (the published code gives NaN).
/// </summary>
public sealed class GuidedKnowledgeDistillationLoss(Softening softening) : Loss
{
    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "gkd",
            Title = "Guided knowledge distillation",
            Source = "Zhou et al., Channel Distillation, arXiv 2006.01683",
            Formula = "T^2 x mean of KL(p_t || p_s) over the samples that the teacher classifies correctly, p = softmax(logits / T)",
            Parameters = Softening.TrainableOptions(1),
            Needs = TeacherSignal.Logits,
            Create = context => new GuidedKnowledgeDistillationLoss(new Softening(context)),
        };

    public override nn.Module? Auxiliary => softening.Auxiliary;

    public override Taps OfStudent => Taps.Logits;

    public override Tensor Compute(LossInput input)
    {
        var teacher = input.Teacher!;
        // Stays on the device: reading the number would synchronise.
        var count = teacher.Derive("number of correct samples, at least 1", () => teacher.Correct.sum().clamp_min(1));
        Softened logits = softening.Of(input);
        return logits.Rescale((logits.Divergence() * teacher.Correct).sum() / count);
    }
}
