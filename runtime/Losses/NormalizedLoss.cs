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
public sealed class NormalizedLoss(double gamma, Softening label, Softening others) : Loss
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
            Create = context => new NormalizedLoss(
                context.Parameters.Number("gamma"),
                new Softening(context.Parameters, temperature: 1),
                new Softening(context.Parameters, context.Parameters.Number("temperature"))
            ),
        };

    public override Taps OfStudent => Taps.Logits;

    public override Tensor Compute(LossInput input)
    {
        Tensor labels = input.Labels.unsqueeze(1);
        Softened plain = label.Of(input);
        Tensor ofLabel = plain.OfTeacher("probability of the label", logits => logits.softmax(1).gather(1, labels));
        Softened soft = others.Of(input);
        Tensor ofOthers = soft.OfTeacher("probabilities of the others", logits => logits.Without(labels).softmax(1));
        Tensor first = (ofLabel * plain.StudentLog.gather(1, labels)).mean();
        Tensor second = (ofOthers * LogProbabilities.AmongFinite(soft.Student.Without(labels))).sum(1).mean();
        return -(first + gamma * soft.Rescale(second));
    }
}
