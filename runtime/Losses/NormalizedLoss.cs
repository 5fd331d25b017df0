using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Normalised knowledge distillation (Yang et al.: From Knowledge Distillation to Self-Knowledge Distillation, arXiv 2303.13005): cross-entropy with the
/// teacher's probability of the label, and with its probabilities of the other classes, normalised among themselves in teacher and student:
/// mean of -p_t[label] log p_s[label] + gamma T^2 x mean of -sum over the others of q_t log q_s, q = softmax of the others' logits / T.
/// The first part is at temperature 1. The loss of a student equal to the teacher is not 0.
/// </summary>
/// <param name="keepsLabel">Whether the second part is over all classes, as in the code of scale-decoupled distillation.</param>
public sealed class NormalizedLoss(double gamma, Softening label, Softening others, bool keepsLabel = false) : SampleLoss
{
    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "nkd",
            Title = "Normalised knowledge distillation",
            Source = "Yang et al., arXiv 2303.13005; parameters of its code",
            Formula =
                "mean of -p_t[label] log p_s[label] + gamma T^2 x mean of -sum over the other classes of q_t log q_s, q = softmax(logits / T) of the others",
            Parameters =
            [
                new ParameterDescriptor.Number("gamma", 1.5, "Weight of the part for the other classes.", Minimum: 0),
                .. Softening.Options(1),
            ],
            DatasetDefaults =
            [
                new("cifar100")
                {
                    Parameters = new Dictionary<string, object> { ["gamma"] = 3.5, ["temperature"] = 3.0 },
                },
            ],
            Needs = TeacherSignal.Logits,
            Create = context => new NormalizedLoss(context),
        };

    /// <param name="context">The context of a loss with these parameters.</param>
    public NormalizedLoss(LossContext context, bool keepsLabel = false)
        : this(context.Parameters.Number("gamma"), new(context.Parameters, temperature: 1), new(context), keepsLabel) { }

    public override Tensor OfSamples(LossInput input)
    {
        Tensor labels = input.Labels.unsqueeze(1);
        Softened soft = others.Of(input);
        Tensor second = keepsLabel
            ? soft.TeacherProbabilities * soft.StudentLog
            : soft.OfTeacher("probabilities of the others", logits => logits.Without(labels).softmax(1))
                * LogProbabilities.AmongFinite(soft.Student.Without(labels));
        return label.Of(input).CrossEntropyOfLabel(labels) - gamma * soft.Rescale(second.sum(1));
    }
}
