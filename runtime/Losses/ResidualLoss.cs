using ChannelDistillation.Models;
using ChannelDistillation.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Residual knowledge distillation (Gao et al., arXiv 2002.09168): the student's stages imitate the teacher's, an assistant's learn what is then
/// still missing, and both are used together (<see cref="AssistedNetwork"/>),
/// sum over stages of mean of (c(F_s) - F_t)^2 + mean of (c(F_a) - (F_t - c(F_s)))^2, where the second term leaves the student alone and c is a
/// trained 1x1 convolution, also where the numbers of channels are equal: behind a ReLU alone the assistant could not take anything away. The paper splits one network into student and assistant, so that both
/// cost what one did; here the assistant is a second network like the student.
/// </summary>
public sealed class ResidualLoss : Loss
{
    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "residual-kd",
            Title = "Residual knowledge distillation",
            Source = "Gao et al., arXiv 2002.09168; the weight is ours",
            Formula =
                "sum over stages of mean of (c(F_s) - F_t)^2 + mean of (c(F_a) - (F_t - c(F_s)))^2, a = an assistant beside the student, c = 1x1 convolution",
            DefaultWeight = 1,
            Needs = TeacherSignal.Features,
            AddsAssistant = true,
            WhyNotPaired = Pairing.StageWithStage,
            Create = context => new ResidualLoss(context.Features),
        };

    private readonly FreeConvolution[] connectors;
    private readonly Chain all;

    private ResidualLoss(FeaturePair features)
    {
        connectors =
        [
            .. features.Student.Zip(features.Teacher, (student, teacher) => new FreeConvolution(student.Channels, teacher.Channels, (1, 1))),
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
