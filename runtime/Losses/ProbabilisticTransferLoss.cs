using ChannelDistillation.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Probabilistic knowledge transfer (Passalis, Tefas: Learning Deep Representations with Probabilistic Knowledge Transfer, arXiv 1803.10837):
/// matches the conditional probabilities of samples, from the cosine similarity of their embeddings:
/// mean over (sample, sample) of P_t log(P_t / P_s), P = (cosine + 1) / 2 with rows of sum 1.
/// </summary>
public sealed class ProbabilisticTransferLoss : Loss
{
    private const double Epsilon = 1e-7;

    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "pkt",
            Title = "Probabilistic knowledge transfer",
            Source = "Passalis and Tefas, arXiv 1803.10837; weight of the CRD benchmark, arXiv 1910.10699",
            Formula = "mean of P_t log(P_t / P_s), P = (cosine similarity of embeddings + 1) / 2 with rows of sum 1",
            DefaultWeight = 30000,
            Needs = TeacherSignal.Embedding,
            Create = _ => new ProbabilisticTransferLoss(),
        };

    public override Taps OfStudent => Taps.Embedding;

    public override Tensor Compute(LossInput input)
    {
        TeacherSignals teacher = input.Teacher!;
        Tensor target = teacher.Derive("similarity probabilities", () => Probabilities(teacher.Embedding));
        return (target * ((target + Epsilon).log() - (Probabilities(input.Student.Embedding) + Epsilon).log())).mean();
    }

    /// <summary>[batch, batch].</summary>
    private static Tensor Probabilities(Tensor embedding)
    {
        Tensor directions = embedding / (embedding.norm(1, keepdim: true, p: 2) + Epsilon);
        Tensor similarities = (directions.matmul(directions.t()) + 1) / 2;
        return similarities / similarities.sum(1, keepdim: true);
    }
}
