using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Streamlined knowledge distillation (Hyun et al., CVPR 2026; StreamLined, its code): knowledge distillation, and the directions of the logits within a batch.
/// With C the cosines between all pairs of samples and D = C_s - C_t, [batch, batch],
/// share_samples T^2 x mean of KL(p_t || p_s) + share_classes x mean of sqrt(D_i S^-1 D_i'), S = covariance of the rows of D + tikhonov I.
/// As in the code, the cosines are divided by the number of classes, and the shares are the fractions of samples and classes whose confidence in the teacher is not
/// above the median; the paper's form has neither. A batch of one sample has no second part, and rows without a difference have no gradient, where the code gives NaN.
/// </summary>
public sealed class StreamlinedLoss(double tikhonov, bool isOfPaper, Softening softening) : Loss
{
    /// <summary>Smaller distances are rounding errors, for which the gradient of the root is too large.</summary>
    private const double SmallestSquare = 1e-12;

    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "skd",
            Title = "Streamlined knowledge distillation",
            Source = "Hyun et al., CVPR 2026; parameters and weight of its code",
            Formula =
                "share of samples x T^2 x mean of KL(p_t || p_s) + share of classes x mean of sqrt(D_i S^-1 D_i'), D = cosines between the samples' logits, "
                + "student's minus teacher's, S = covariance of the rows of D + tikhonov I; shares: not above the median confidence",
            DefaultWeight = 0.9,
            Parameters =
            [
                new ParameterDescriptor.Choice(
                    "form",
                    "code",
                    ["code", "paper"],
                    "`paper` omits the shares and does not divide the cosines by the number of classes."
                ),
                new ParameterDescriptor.Number("tikhonov", 0.1, "Added to the diagonal of the covariance.", Minimum: 0, AboveMinimum: true),
                .. Softening.Options(4),
            ],
            Needs = TeacherSignal.Logits,
            Create = context => new StreamlinedLoss(
                context.Parameters.Number("tikhonov"),
                context.Parameters.Text("form") == "paper",
                new Softening(context)
            ),
        };

    public override Taps OfStudent => Taps.Logits;

    public override Tensor Compute(LossInput input)
    {
        Softened logits = softening.Of(input);
        Tensor divergence = logits.Rescale(logits.Divergence().mean());
        Tensor directions = Directions(Cosines(logits.Student), logits.OfTeacher("cosines between samples", Cosines));
        if (isOfPaper)
            return divergence + directions;
        TeacherSignals teacher = input.Teacher!;
        Tensor samples = teacher.Derive("share of unsure samples", () => NotAboveMedian(teacher.Logits.softmax(1).amax([1])));
        Tensor classes = teacher.Derive("share of unlikely classes", () => NotAboveMedian(teacher.Logits.softmax(1).sum([0])));
        return samples * divergence + classes * directions;
    }

    private Tensor Cosines(Tensor logits)
    {
        Tensor directions = nn.functional.normalize(logits, dim: 1);
        Tensor cosines = directions.mm(directions.t());
        return isOfPaper ? cosines : cosines / logits.shape[1];
    }

    private Tensor Directions(Tensor student, Tensor teacher)
    {
        Tensor difference = student - teacher;
        long batch = difference.shape[0];
        if (batch == 1)
            return difference.sum() * 0;
        Tensor centred = difference - difference.mean([0], keepdim: true);
        Tensor covariance = centred.t().mm(centred) / (batch - 1) + tikhonov * eye(batch, dtype: difference.dtype, device: difference.device);
        Tensor square = (difference * linalg.solve(covariance, difference.t()).t()).sum(1);
        return square.clamp_min(SmallestSquare).sqrt().mean();
    }

    /// <summary>The fraction of values that are not above their median (for an even number, the mean of the two middle values).</summary>
    private static Tensor NotAboveMedian(Tensor values)
    {
        int half = (int)(values.shape[0] + 1) / 2;
        // From below and from above: the two middle values, or twice the middle one.
        Tensor median = (values.topk(half, largest: false).values.max() + values.topk(half).values.min()) / 2;
        return (values <= median).to(values.dtype).mean();
    }
}
