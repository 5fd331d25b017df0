using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Decoupled knowledge distillation (Zhao et al., arXiv 2203.08679): the divergence of knowledge distillation split into two separately weighted
/// parts, the label against all other classes (TCKD), and the other classes among themselves (NCKD):
/// T^2 x mean over samples of (alpha x TCKD + beta x NCKD). Warm-up and parameters as in its code, mdistiller.
/// </summary>
public sealed class DecoupledLoss(double alpha, double beta, Softening softening) : SampleLoss
{
    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "dkd",
            Title = "Decoupled knowledge distillation",
            Source = "Zhao et al., arXiv 2203.08679; parameters of its code",
            Formula = "T^2 x mean of (alpha KL(b_t || b_s) + beta KL(q_t || q_s)), b = label against all others, q = softmax of the others",
            Parameters = [.. Weights, .. Softening.TrainableOptions(4)],
            DefaultWarmup = 20,
            DatasetDefaults = [OnImageNet],
            Needs = TeacherSignal.Logits,
            Create = context => new DecoupledLoss(context),
        };

    /// <summary>The weights of the two parts.</summary>
    public static IReadOnlyList<ParameterDescriptor> Weights =>
        [
            new ParameterDescriptor.Number("alpha", 1, "Weight of TCKD, the label against all other classes.", Minimum: 0),
            new ParameterDescriptor.Number("beta", 8, "Weight of NCKD, the other classes among themselves.", Minimum: 0),
        ];

    /// <summary>The authors' settings for ResNet34 -> ResNet18.</summary>
    public static DatasetDefaults OnImageNet =>
        new("imagenet", Warmup: 1)
        {
            Parameters = new Dictionary<string, object> { ["beta"] = 0.5, ["temperature"] = 1.0 },
        };

    /// <param name="context">The context of a loss with these parameters.</param>
    public DecoupledLoss(LossContext context)
        : this(context.Parameters.Number("alpha"), context.Parameters.Number("beta"), new(context)) { }

    public override nn.Module? Auxiliary => softening.Auxiliary;

    public override Tensor OfSamples(LossInput input)
    {
        Softened logits = softening.Of(input);
        Tensor labels = input.Labels.unsqueeze(1);
        Tensor label = LogProbabilities.Divergence(
            logits.OfTeacher("log probabilities of label and rest", all => LogProbabilities.OneAgainstRest(all, labels)),
            LogProbabilities.OneAgainstRest(logits.Student, labels)
        );
        Tensor others = LogProbabilities.Divergence(
            logits.OfTeacher("log probabilities without the label", all => Others(all, labels)),
            Others(logits.Student, labels)
        );
        return logits.Rescale(alpha * label + beta * others);
    }

    private static Tensor Others(Tensor logits, Tensor labels) => LogProbabilities.AmongFinite(logits.Without(labels));
}
