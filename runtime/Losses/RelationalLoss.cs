using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Relational knowledge distillation (Park et al., arXiv 1904.05068, section 3.2): distances between pairs of embeddings, as multiples of
/// their mean over the batch, and angles of triples:
/// distance x smoothL1(D_s, D_t) + angle x smoothL1(A_s, A_t), each averaged over all pairs or triples of the batch.
/// Not to be confused with Residual Knowledge Distillation, which has the same abbreviation. It is 0 for a batch of one image.
/// </summary>
public sealed class RelationalLoss(double distance, double angle) : Loss
{
    private const double SmallestSquare = 1e-12;

    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "rkd",
            Title = "Relational knowledge distillation",
            Source = "Park et al., arXiv 1904.05068; weights of the CRD benchmark, arXiv 1910.10699",
            Formula =
                "distance x smoothL1(D_s, D_t) + angle x smoothL1(A_s, A_t), D = distances of pairs / their mean, A = cosines of the angles of triples",
            Parameters =
            [
                new ParameterDescriptor.Number("distance", 25, "Weight of the pairwise distances.", Minimum: 0),
                new ParameterDescriptor.Number("angle", 50, "Weight of the angles of triples.", Minimum: 0),
            ],
            Needs = TeacherSignal.Embedding,
            Create = context => new RelationalLoss(context.Parameters.Number("distance"), context.Parameters.Number("angle")),
        };

    public override Taps OfStudent => Taps.Embedding;

    public override Tensor Compute(LossInput input)
    {
        TeacherSignals teacher = input.Teacher!;
        Tensor student = input.Student.Embedding;
        if (student.shape[0] == 1)
            return student.sum() * 0;
        Tensor distances = teacher.Derive("relative distances", () => Distances(teacher.Embedding));
        Tensor angles = teacher.Derive("angles", () => Angles(teacher.Embedding));
        return distance * nn.functional.smooth_l1_loss(Distances(student), distances) + angle * nn.functional.smooth_l1_loss(Angles(student), angles);
    }

    /// <summary>[batch, batch]: Euclidean distances divided by the mean of those between different samples.</summary>
    private static Tensor Distances(Tensor embedding)
    {
        long batch = embedding.shape[0];
        Tensor squares = embedding.square().sum(1);
        Tensor squared = squares.unsqueeze(1) + squares.unsqueeze(0) - 2 * embedding.matmul(embedding.t());
        Tensor others = 1 - eye(batch, device: embedding.device);
        // Rounding can make small squares negative, and the square root has no gradient at 0.
        Tensor distances = squared.clamp_min(SmallestSquare).sqrt() * others;
        return distances / (distances.sum() / (batch * (batch - 1)));
    }

    /// <summary>[batch, batch, batch]: the cosine of the angle at the first sample between the other two.</summary>
    private static Tensor Angles(Tensor embedding)
    {
        Tensor directions = nn.functional.normalize(embedding.unsqueeze(0) - embedding.unsqueeze(1), dim: 2);
        return directions.matmul(directions.transpose(1, 2));
    }
}
