using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Correlation congruence (Peng et al.: Correlation Congruence for Knowledge Distillation, arXiv 1904.01802) as the CRD benchmark
/// (arXiv 1910.10699) computes it: with D = |e_s - e_t| of two trained linear embeddings, the mean over neighbouring samples i of the batch
/// of D_i . D_(i+1). It is 0 for a batch of one image.
/// </summary>
public sealed class CorrelationCongruenceLoss : Loss
{
    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "cc",
            Title = "Correlation congruence",
            Source = "Peng et al., arXiv 1904.01802; form, dimension and weight of the CRD benchmark, arXiv 1910.10699",
            Formula = "mean over neighbouring samples of D_i . D_(i+1), D = |linear(e_s) - linear(e_t)|",
            DefaultWeight = 0.02,
            Parameters = [new ParameterDescriptor.Integer("dimension", 128, "Dimension of the two linear embeddings.", Minimum: 1)],
            Needs = TeacherSignal.Embedding,
            Create = context => new CorrelationCongruenceLoss(context.Features, context.Parameters.Integer("dimension")),
        };

    private readonly EmbeddingPair embeddings;

    private CorrelationCongruenceLoss(FeaturePair features, int dimension) => embeddings = new(features, dimension);

    public override nn.Module Auxiliary => embeddings;

    public override Taps OfStudent => Taps.Embedding;

    public override Tensor Compute(LossInput input) =>
        Congruence(embeddings.Student.forward(input.Student.Embedding), embeddings.Teacher.forward(input.Teacher!.Embedding));

    /// <summary>The formula without the embeddings.</summary>
    /// <param name="student">[batch, dimension], as the teacher's.</param>
    public static Tensor Congruence(Tensor student, Tensor teacher)
    {
        Tensor difference = (student - teacher).abs();
        long neighbours = difference.shape[0] - 1;
        return (difference.narrow(0, 0, neighbours) * difference.narrow(0, 1, neighbours)).sum() / Math.Max(neighbours, 1);
    }
}
