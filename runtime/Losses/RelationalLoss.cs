using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Relational knowledge distillation (Park et al., arXiv 1904.05068, section 3.2): distances between pairs of embeddings, as multiples of
/// their mean over the batch, and angles of triples,
/// distance x smoothL1(D_s, D_t) + angle x smoothL1(A_s, A_t), each averaged over all pairs or triples of the batch.
/// Not Residual Knowledge Distillation, which shares the abbreviation. A batch of one image has no relations: 0.
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
                new ParameterDescriptor.Number("distance", 25, "How much the distances of pairs count.", Minimum: 0),
                new ParameterDescriptor.Number("angle", 50, "How much the angles of triples count.", Minimum: 0),
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
        // Rounding makes small squares negative, and the root of 0 has no gradient.
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
