using ChannelDistillation.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Decoupled knowledge distillation (Zhao et al., arXiv 2203.08679): the divergence of knowledge distillation in two parts that are
/// weighted apart, that of the label against all other classes (TCKD), and that among the other classes alone (NCKD),
/// T^2 x mean over samples of (alpha x TCKD + beta x NCKD). Warm-up and parameters as in its code, mdistiller.
/// </summary>
public sealed class DecoupledLoss(double alpha, double beta, double temperature) : Loss
{
    /// <summary>Taken from the label's logit: its probability among the other classes is then exactly 0.</summary>
    private const double Excluded = 1000;

    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "dkd",
            Title = "Decoupled knowledge distillation",
            Source = "Zhao et al., arXiv 2203.08679; parameters of its code",
            Formula = "T^2 x mean of (alpha KL(b_t || b_s) + beta KL(q_t || q_s)), b = label against all others, q = softmax of the others",
            Parameters =
            [
                new ParameterDescriptor.Number("alpha", 1, "Weight of the label against all other classes.", Minimum: 0),
                new ParameterDescriptor.Number("beta", 8, "Weight of the other classes among themselves.", Minimum: 0),
                SoftenedProbabilities.Temperature(4),
            ],
            DefaultWarmup = 20,
            // ResNet34 -> ResNet18.
            DatasetDefaults =
            [
                new("imagenet", Warmup: 1)
                {
                    Parameters = new Dictionary<string, object> { ["beta"] = 0.5, ["temperature"] = 1.0 },
                },
            ],
            Needs = TeacherSignal.Logits,
            Create = context => new DecoupledLoss(
                context.Parameters.Number("alpha"),
                context.Parameters.Number("beta"),
                context.Parameters.Number("temperature")
            ),
        };

    public override Taps OfStudent => Taps.Logits;

    public override Tensor Compute(LossInput input)
    {
        TeacherSignals teacher = input.Teacher!;
        Tensor labels = input.Labels.unsqueeze(1);
        var mine = new Parts(input.Student.Logits / temperature, labels);
        string at = $"decoupled at temperature {temperature:R}";
        // Two tensors instead of one pair: each is kept by its own name.
        Tensor binary = teacher.Derive($"label, {at}", () => new Parts(teacher.Logits / temperature, labels).Binary);
        Tensor others = teacher.Derive($"others, {at}", () => new Parts(teacher.Logits / temperature, labels).Others);
        return (alpha * Divergence(binary, mine.Binary) + beta * Divergence(others, mine.Others)).mean() * (temperature * temperature);
    }

    /// <summary>KL of each sample between two matrices of logarithms of probabilities, [batch].</summary>
    private static Tensor Divergence(Tensor teacher, Tensor student) => (teacher.exp() * (teacher - student)).sum(1);

    /// <summary>Logarithms of probabilities, from which KL needs no probability that could underflow.</summary>
    private sealed class Parts
    {
        public Parts(Tensor logits, Tensor labels)
        {
            Tensor withoutLabel = logits.scatter_add(1, labels, full_like(labels, -Excluded, logits.dtype));
            Tensor all = logits.logsumexp(1, keepdim: true);
            Binary = cat([logits.gather(1, labels) - all, withoutLabel.logsumexp(1, keepdim: true) - all], 1);
            Others = withoutLabel.log_softmax(1);
        }

        /// <summary>The label, and all other classes together; [batch, 2].</summary>
        public Tensor Binary { get; }

        /// <summary>The classes but for the label among themselves; [batch, classes].</summary>
        public Tensor Others { get; }
    }
}
