using ChannelDistillation.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Channel distillation (Zhou et al.: Channel Distillation: Channel-Wise Attention for Knowledge Distillation, arXiv 2006.01683,
/// section 3.2): matches the channel-wise attention of student and teacher:
/// sum over stages of mean over (sample, channel) of (GAP(connector(F_s)) - GAP(F_t))^2, GAP = global average pooling.
/// The connector, 1x1 convolution without bias + BatchNorm + ReLU to the teacher's number of channels, is used even if the
/// numbers are equal, as in the published code.
/// </summary>
public sealed class ChannelDistillationLoss : Loss
{
    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "cd",
            Title = "Channel distillation",
            Source = "Zhou et al., Channel Distillation, arXiv 2006.01683",
            Formula = "sum over stages of mean over (sample, channel) of (GAP(connector(F_s)) - GAP(F_t))^2",
            DefaultWeight = 6,
            Needs = TeacherSignal.ChannelMeans,
            WhyNotPaired = Pairing.StageWithStage,
            Create = context => new ChannelDistillationLoss(context.Features),
        };

    private readonly ChannelConnectors connectors;

    public ChannelDistillationLoss(FeaturePair features) =>
        connectors = new(features.Student.Zip(features.Teacher, (student, teacher) => (student.Channels, teacher.Channels)));

    public override nn.Module Auxiliary => connectors;

    public override Taps OfStudent => Taps.Stages(connectors.Stages);

    public override Taps OfTeacher => Taps.StageMeans(connectors.Stages);

    public override Tensor Compute(LossInput input)
    {
        var teacher = input.Teacher!;
        return Sum(input.Student.Features.Select((feature, stage) => StageLoss(ConnectedMeans(stage, feature), teacher.ChannelMeans(stage))));
    }

    /// <summary>Mean over (sample, channel) of the squared difference of two stages' channel means, [batch, channels] each.</summary>
    public static Tensor StageLoss(Tensor student, Tensor teacher) => nn.functional.mse_loss(student, teacher);

    private Tensor ConnectedMeans(int stage, Tensor feature)
    {
        using var connected = connectors.Connect(stage, feature);
        return connected.mean([2, 3]);
    }

    private static Tensor Sum(IEnumerable<Tensor> stages) => stages.Aggregate((sum, stage) => sum + stage);
}
