using ChannelDistillation.Models;
using ChannelDistillation.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Residual knowledge distillation (Gao et al., arXiv 2002.09168): the student's stages imitate the teacher's, an assistant's stages learn the
/// residual, and both are used together (<see cref="AssistedNetwork"/>):
/// sum over stages of mean of (c(F_s) - F_t)^2 + mean of (c(F_a) - (F_t - c(F_s)))^2. The second term has no gradient for the student. c is a
/// trained 1x1 convolution, even if the numbers of channels are equal: without it the assistant's ReLU would allow no negative residual. The paper splits one network into student and assistant at the same total
/// cost; here the assistant is a second network like the student.
/// </summary>
public sealed class ResidualLoss : Loss
{
    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "residual-kd",
            Title = "Residual knowledge distillation",
            Source = "Gao et al., arXiv 2002.09168; our weight",
            Formula =
                "sum over stages of mean of (c(F_s) - F_t)^2 + mean of (c(F_a) - (F_t - c(F_s)))^2, a = an assistant beside the student, c = 1x1 convolution",
            DefaultWeight = 1,
            Needs = TeacherSignal.Features,
            AddsAssistant = true,
            WhyNotPaired = Pairing.StageWithStage,
            Create = context => new ResidualLoss(context.Features),
        };

    private readonly GeneralConvolution[] connectors;
    private readonly Chain all;

    private ResidualLoss(FeaturePair features)
    {
        connectors =
        [
            .. features.Student.Zip(features.Teacher, (student, teacher) => new GeneralConvolution(student.Channels, teacher.Channels, (1, 1))),
        ];
        all = new(connectors);
    }

    public override nn.Module Auxiliary => all;

    public override Taps OfStudent => Taps.Stages(connectors.Length);

    public override Tensor Compute(LossInput input)
    {
        var (student, assistant) = input.Student.Parts;
        return FeatureMaps.SumOverStages(
            connectors.Length,
            stage =>
            {
                Tensor target = input.Teacher!.FeatureWithin(stage, student.Features[stage]);
                Tensor imitation = connectors[stage].forward(student.Features[stage].Within(target));
                Tensor residual = connectors[stage].forward(assistant.Features[stage].Within(target));
                return nn.functional.mse_loss(imitation, target) + nn.functional.mse_loss(residual, target - imitation.detach());
            }
        );
    }
}
