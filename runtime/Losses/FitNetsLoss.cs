using ChannelDistillation.Core;
using ChannelDistillation.Models;
using ChannelDistillation.Models.Layers;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// FitNets (Romero et al.: Hints for Thin Deep Nets, arXiv 1412.6550): a stage of the student, mapped to the teacher's shape by a trained
/// regressor, is compared with the teacher's: mean of (regressor(F_s) - F_t)^2. Trained together with the other losses, or, as in the paper, before
/// them: `fitnets: { stop_after: N }` beside `start_after: N` for all others. The regressor is that of the CRD benchmark (arXiv 1910.10699).
/// </summary>
public sealed class FitNetsLoss : Loss
{
    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "fitnets",
            Title = "FitNets",
            Source = "Romero et al., arXiv 1412.6550; regressor and weight of the CRD benchmark, arXiv 1910.10699",
            Formula = "mean of (regressor(F_s) - F_t)^2 of one stage, regressor = relu(BatchNorm(convolution))",
            DefaultWeight = 100,
            Parameters = [new ParameterDescriptor.Integer("stage", 2, "The stage whose output is the hint, counted from 1.", Minimum: 1)],
            Needs = TeacherSignal.Features,
            WhyNotPaired = WhyNotPaired,
            PairingParameters = ["stage"],
            Create = context => new FitNetsLoss(context.Features, context.Parameters.Integer("stage") - 1),
        };

    private readonly int stage;
    private readonly Chain regressor;

    private FitNetsLoss(FeaturePair features, int stage)
    {
        this.stage = stage;
        var (student, teacher) = (features.Student[stage], features.Teacher[stage]);
        regressor = new(Regression(student, teacher)!, new BatchNorm(teacher.Channels));
    }

    public override nn.Module Auxiliary => regressor;

    public override Taps OfStudent => Taps.Stage(stage);

    public override Tensor Compute(LossInput input) => Hint(regressor.forward(input.Student.Features[stage]).relu_(), input.Teacher!.Features[stage]);

    /// <summary>The formula without the regressor: the mean squared difference of two feature maps of the same shape.</summary>
    public static Tensor Hint(Tensor regressed, Tensor teacher) => nn.functional.mse_loss(regressed, teacher);

    private static Mismatch? WhyNotPaired(FeaturePair features, Parameters parameters)
    {
        int stage = parameters.Integer("stage");
        int stages = Math.Min(features.Student.Count, features.Teacher.Count);
        if (stage > stages)
            return new($"the hint is that of stage {stage}, but {Pairing.Stages(features)}", $"choose a `stage` from 1 to {stages} for `fitnets`");
        var (student, teacher) = (features.Student[stage - 1], features.Teacher[stage - 1]);
        return Kernel(student, teacher) is null
            ? new($"there is no regressor from {student} to {teacher}, the outputs of stage {stage}", "choose another `stage` for `fitnets`")
            : null;
    }

    private static GeneralConvolution? Regression(FeatureShape from, FeatureShape to) =>
        Kernel(from, to) is var (height, width, stride, padding, transposed)
            ? new(from.Channels, to.Channels, (height, width), stride, padding, bias: true, transposed)
            : null;

    /// <summary>Halves or doubles the size, or crops the difference; null if none of these fits.</summary>
    private static (int Height, int Width, int Stride, int Padding, bool Transposed)? Kernel(FeatureShape from, FeatureShape to)
    {
        if (from.Height == 2 * to.Height && from.Width == 2 * to.Width)
            return (3, 3, 2, 1, false);
        if (2 * from.Height == to.Height && 2 * from.Width == to.Width)
            return (4, 4, 2, 1, true);
        return from.Height >= to.Height && from.Width >= to.Width ? (1 + from.Height - to.Height, 1 + from.Width - to.Width, 1, 0, false) : null;
    }
}
