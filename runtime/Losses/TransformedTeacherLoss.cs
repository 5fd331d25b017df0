using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Transformed teacher matching (Zheng and Yang, arXiv 2402.11148): the teacher's probabilities, raised to a power below 1 and renormalised, are
/// matched by the student's at temperature 1, mean over samples of KL(q || p_s), q = p_t^gamma / U, U = sum over classes of p_t^gamma.
/// In the weighted form (WTTM) each sample has weight U: samples with an uncertain teacher count more.
/// </summary>
public sealed class TransformedTeacherLoss(double gamma, bool isWeighted, Softening softening) : Loss
{
    public static LossDescriptor Descriptor { get; } =
        Describe("ttm", "Transformed teacher matching", "mean over samples of KL(q || p_s)", 100, false);

    public static LossDescriptor WeightedDescriptor { get; } =
        Describe("wttm", "Weighted transformed teacher matching", "mean over samples of U x KL(q || p_s)", 3, true) with
        {
            // ResNet34 -> ResNet18, in torchdistill's configuration.
            DatasetDefaults = [new("imagenet", Weight: 1.6) { Parameters = new Dictionary<string, object> { ["gamma"] = 0.8 } }],
        };

    private static LossDescriptor Describe(string name, string title, string formula, double weight, bool isWeighted) =>
        new()
        {
            Name = name,
            Title = title,
            Source = "Zheng and Yang, arXiv 2402.11148; weight and gamma of its ResNet-32x4 -> ResNet-8x4",
            Formula = $"{formula}, q = p_t^gamma / U, U = sum over classes of p_t^gamma, p = softmax(logits)",
            DefaultWeight = weight,
            Parameters =
            [
                new ParameterDescriptor.Number(
                    "gamma",
                    0.1,
                    "The exponent; 1 / gamma is a temperature of the teacher only.",
                    Minimum: 0,
                    AboveMinimum: true
                ),
                Softening.Standardize,
            ],
            Needs = TeacherSignal.Logits,
            Create = context => new TransformedTeacherLoss(
                context.Parameters.Number("gamma"),
                isWeighted,
                new Softening(context.Parameters, temperature: 1)
            ),
        };

    public override Taps OfStudent => Taps.Logits;

    public override Tensor Compute(LossInput input)
    {
        Softened logits = softening.Of(input);
        Tensor powers = logits.OfTeacher($"logarithms of probabilities to the power {gamma:R}", all => all.log_softmax(1) * gamma);
        Tensor log = logits.OfTeacher($"logarithms of transformed probabilities, power {gamma:R}", _ => powers.log_softmax(1));
        Tensor divergence = (log.exp() * (log - logits.StudentLog)).sum(1);
        return (isWeighted ? divergence * logits.OfTeacher($"sum of powers {gamma:R}", _ => powers.logsumexp(1).exp()) : divergence).mean();
    }
}
