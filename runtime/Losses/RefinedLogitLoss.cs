using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Refined logit distillation (Sun et al., arXiv 2408.07703; parameters and warm-up of its code): avoids teaching the teacher's mistakes. The student's
/// confidence in the label follows the teacher's in its own most likely class (SCD), and only classes that the teacher ranks below the label are
/// compared among themselves (MCD), alpha x SCD + beta x MCD, with
/// SCD = Tc^2 x mean of KL((max p_t, rest) || (p_s[label], rest)), MCD = T^2 x mean of KL(q_t || q_s), q = softmax(logits / T) of the classes below the label.
/// A sample whose label is the teacher's lowest class adds 0 to MCD.
/// </summary>
public sealed class RefinedLogitLoss(double alpha, double beta, Softening confidence, Softening softening) : Loss
{
    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "rld",
            Title = "Refined logit distillation",
            Source = "Sun et al., arXiv 2408.07703; parameters of its code",
            Formula =
                "alpha Tc^2 x mean of KL((max p_t, rest) || (p_s[label], rest)) + beta T^2 x mean of KL(q_t || q_s), "
                + "q = softmax(logits / T) of the classes that the teacher ranks below the label",
            Parameters =
            [
                new ParameterDescriptor.Number("alpha", 1, "Weight of SCD, the confidence in the label.", Minimum: 0),
                new ParameterDescriptor.Number("beta", 8, "Weight of MCD, the classes ranked below the label.", Minimum: 0),
                Softening.Temperature(1, "confidence_temperature"),
                .. Softening.Options(4),
            ],
            DefaultWarmup = 20,
            // ResNet34 -> ResNet18.
            DatasetDefaults =
            [
                new("imagenet", Warmup: 0)
                {
                    Parameters = new Dictionary<string, object> { ["beta"] = 0.5, ["temperature"] = 1.0 },
                },
            ],
            Needs = TeacherSignal.Logits,
            Create = context => new RefinedLogitLoss(
                context.Parameters.Number("alpha"),
                context.Parameters.Number("beta"),
                new Softening(context.Parameters, context.Parameters.Number("confidence_temperature")),
                new Softening(context.Parameters, context.Parameters.Number("temperature"))
            ),
        };

    public override Taps OfStudent => Taps.Logits;

    public override Tensor Compute(LossInput input)
    {
        Tensor labels = input.Labels.unsqueeze(1);
        Softened sure = confidence.Of(input);
        Tensor most = sure.OfTeacher(
            "most likely class against the others",
            logits => LogProbabilities.OneAgainstRest(logits, logits.argmax(1, keepdim: true))
        );
        Tensor ofLabel = LogProbabilities.Divergence(most, LogProbabilities.OneAgainstRest(sure.Student, labels));

        Softened soft = softening.Of(input);
        Tensor hidden = soft.OfTeacher("classes not below the label", logits => NotBelow(logits, labels));
        Tensor below = soft.OfTeacher("log probabilities of the classes below the label", logits => Below(logits, hidden));
        Tensor ofBelow = LogProbabilities.Divergence(below, Below(soft.Student, hidden));
        return alpha * sure.Rescale(ofLabel.mean()) + beta * soft.Rescale(ofBelow.mean());
    }

    /// <summary>True for the classes that the teacher does not rank below the label. If there is none below it, the label itself is kept, which contributes 0.</summary>
    private static Tensor NotBelow(Tensor logits, Tensor labels)
    {
        Tensor hidden = logits >= logits.gather(1, labels);
        return hidden.scatter(1, labels, hidden.all(1, keepdim: true).logical_not());
    }

    private static Tensor Below(Tensor logits, Tensor hidden) => LogProbabilities.AmongFinite(logits.masked_fill(hidden, double.NegativeInfinity));
}
