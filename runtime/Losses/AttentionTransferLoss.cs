using ChannelDistillation.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Attention transfer (Zagoruyko, Komodakis: Paying More Attention to Attention, arXiv 1612.03928, section 3.1), p = 2: matches spatial attention maps:
/// sum over stages of mean over (sample, position) of (Q(F_s) - Q(F_t))^2, Q = mean over channels of F^2, flattened and of length 1.
/// The mean and the weight are those of the CRD benchmark (arXiv 1910.10699).
/// </summary>
public sealed class AttentionTransferLoss(int stages) : Loss
{
    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "at",
            Title = "Attention transfer",
            Source = "Zagoruyko and Komodakis, arXiv 1612.03928; weight of the CRD benchmark, arXiv 1910.10699",
            Formula = "sum over stages of mean((Q(F_s) - Q(F_t))^2), Q = mean over channels of F^2, flattened, normalised to length 1",
            DefaultWeight = 1000,
            Needs = TeacherSignal.Features,
            WhyNotPaired = Pairing.StageWithStage,
            Create = context => new AttentionTransferLoss(context.Features.Student.Count),
        };

    public override Taps OfStudent => Taps.Stages(stages);

    public override Tensor Compute(LossInput input) => FeatureMaps.SumOverStages(stages, stage => StageLoss(stage, input));

    private static Tensor StageLoss(int stage, LossInput input)
    {
        TeacherSignals teacher = input.Teacher!;
        Tensor theirs = teacher.FeatureWithin(stage, input.Student.Features[stage]);
        Tensor attention = teacher.Derive($"attention {stage} of {theirs.shape[2]}x{theirs.shape[3]}", () => Attention(theirs));
        return nn.functional.mse_loss(Attention(input.Student.Features[stage].Within(theirs)), attention);
    }

    private static Tensor Attention(Tensor feature) => nn.functional.normalize(feature.square().mean([1]).flatten(1));
}
