using ChannelDistillation.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Knowledge distillation (Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network, arXiv 1503.02531):
/// T^2 x mean over samples of KL(p_t || p_s), p = softmax(logits / T).
/// </summary>
public sealed class KnowledgeDistillationLoss(double temperature) : Loss
{
    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "kd",
            Title = "Knowledge distillation",
            Source = "Hinton et al., arXiv 1503.02531",
            Formula = "T^2 x mean over samples of KL(p_t || p_s), p = softmax(logits / T)",
            Parameters = [SoftenedProbabilities.Temperature(4)],
            Needs = TeacherSignal.Logits,
            Create = context => new KnowledgeDistillationLoss(context.Parameters.Number("temperature")),
        };

    private readonly SoftenedDivergence divergence = new(temperature);

    public override Taps OfStudent => Taps.Logits;

    public override Tensor Compute(LossInput input) => divergence.Rescale(divergence.PerSample(input.Student.Logits, input.Teacher!).mean());
}
