using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// DIST (Huang et al.: Knowledge Distillation from A Stronger Teacher, arXiv 2205.10536): the student's probabilities should correlate with
/// the teacher's rather than equal them. With rho = Pearson's correlation of softmax(logits / T),
/// T^2 x (beta x (1 - mean over samples of rho) + gamma x (1 - mean over classes of rho)).
/// </summary>
public sealed class StrongerTeacherLoss(double beta, double gamma, Softening softening) : Loss
{
    private const double Epsilon = 1e-8;

    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "dist",
            Title = "DIST",
            Source = "Huang et al., arXiv 2205.10536; weight of torchdistill",
            Formula = "T^2 x (beta (1 - mean over samples of rho) + gamma (1 - mean over classes of rho)), rho = Pearson correlation of p_s and p_t",
            DefaultWeight = 2,
            Parameters =
            [
                new ParameterDescriptor.Number("beta", 1, "Weight of the correlation over the classes of a sample.", Minimum: 0),
                new ParameterDescriptor.Number("gamma", 1, "Weight of the correlation over the samples of a class.", Minimum: 0),
                .. Softening.Options(1),
            ],
            // The authors' settings for CIFAR-100.
            DatasetDefaults = [new("cifar100") { Parameters = new Dictionary<string, object> { ["temperature"] = 4.0 } }],
            Needs = TeacherSignal.Logits,
            Create = context => new StrongerTeacherLoss(
                context.Parameters.Number("beta"),
                context.Parameters.Number("gamma"),
                new Softening(context)
            ),
        };

    public override Taps OfStudent => Taps.Logits;

    public override Tensor Compute(LossInput input)
    {
        Softened logits = softening.Of(input);
        Tensor student = logits.StudentLog.exp();
        Tensor teacher = logits.TeacherProbabilities;
        return logits.Rescale(beta * (1 - Correlation(student, teacher, 1)) + gamma * (1 - Correlation(student, teacher, 0)));
    }

    /// <summary>
    /// Pearson's correlation along one dimension, averaged over the other. As in the authors' code, epsilon is added to the product of the norms,
    /// which matters if a class has nearly the same probability in the whole batch.
    /// </summary>
    private static Tensor Correlation(Tensor a, Tensor b, int dimension)
    {
        Tensor x = a - a.mean([dimension], keepdim: true);
        Tensor y = b - b.mean([dimension], keepdim: true);
        return ((x * y).sum(dimension) / (x.norm(dim: dimension) * y.norm(dim: dimension) + Epsilon)).mean();
    }
}
