using ChannelDistillation.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Guided knowledge distillation (Zhou et al.: Channel Distillation, arXiv 2006.01683, section 3.3): knowledge distillation from
/// those samples alone that the teacher classifies correctly,
/// T^2 x sum over correct samples of KL(p_t || p_s) / number of correct samples; 0, with zero gradients, where none is correct
/// (the published code gives NaN there).
/// </summary>
public sealed class GuidedKnowledgeDistillationLoss(double temperature) : Loss
{
    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "gkd",
            Title = "Guided knowledge distillation",
            Source = "Zhou et al., Channel Distillation, arXiv 2006.01683",
            Formula = "T^2 x mean of KL(p_t || p_s) over the samples that the teacher classifies correctly, p = softmax(logits / T)",
            Parameters = [SoftenedProbabilities.Temperature(1)],
            Needs = TeacherSignal.Logits,
            Create = context => new GuidedKnowledgeDistillationLoss(context.Parameters.Number("temperature")),
        };

    private readonly SoftenedDivergence divergence = new(temperature);

    public override Taps OfStudent => Taps.Logits;

    public override Tensor Compute(LossInput input)
    {
        var teacher = input.Teacher!;
        // Stays on the device: asking for the number itself would wait for the computation.
        var count = teacher.Derive("number of correct samples, at least 1", () => teacher.Correct.sum().clamp_min(1));
        var perSample = divergence.PerSample(input.Student.Logits, teacher);
        return divergence.Rescale((perSample * teacher.Correct).sum() / count);
    }
}
