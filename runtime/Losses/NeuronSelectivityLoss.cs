using ChannelDistillation.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Neuron selectivity transfer (Huang, Wang: Like What You Like, arXiv 1707.01219, section 3.3), polynomial kernel of degree 2: the maximum
/// mean discrepancy between the channels' maps, each flattened and normalised to length 1:
/// sum over stages of mean k(T, T) + mean k(S, S) - 2 mean k(S, T), k(a, b) = (a . b)^2, means over (sample, channel, channel).
/// </summary>
public sealed class NeuronSelectivityLoss(int stages) : Loss
{
    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "nst",
            Title = "Neuron selectivity transfer",
            Source = "Huang and Wang, arXiv 1707.01219; weight of the CRD benchmark, arXiv 1910.10699",
            Formula = "sum over stages of mean k(T, T) + mean k(S, S) - 2 mean k(S, T), k(a, b) = (a . b)^2 of channels' maps normalised to length 1",
            DefaultWeight = 50,
            Needs = TeacherSignal.Features,
            WhyNotPaired = Pairing.StageWithStage,
            Create = context => new NeuronSelectivityLoss(context.Features.Student.Count),
        };

    public override Taps OfStudent => Taps.Stages(stages);

    public override Tensor Compute(LossInput input) => FeatureMaps.SumOverStages(stages, stage => StageLoss(stage, input));

    private static Tensor StageLoss(int stage, LossInput input)
    {
        TeacherSignals teacher = input.Teacher!;
        Tensor theirs = teacher.FeatureWithin(stage, input.Student.Features[stage]);
        string size = $"{stage} of {theirs.shape[2]}x{theirs.shape[3]}";
        Tensor target = teacher.Derive($"selectivity {size}", () => Selectivity(theirs));
        Tensor constant = teacher.Derive($"selectivity kernel {size}", () => Kernel(target, target));
        Tensor mine = Selectivity(input.Student.Features[stage].Within(theirs));
        return constant + Kernel(mine, mine) - 2 * Kernel(mine, target);
    }

    /// <summary>[batch, channels, positions], each channel's map normalised to length 1.</summary>
    private static Tensor Selectivity(Tensor feature) => nn.functional.normalize(feature.flatten(2), dim: 2);

    private static Tensor Kernel(Tensor a, Tensor b) => a.matmul(b.transpose(1, 2)).square().mean();
}
