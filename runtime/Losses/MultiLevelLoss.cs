using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Multi-level logit distillation (Jin, Wang, Lin, CVPR 2023): at each of the temperatures 2 to 6, the predictions p of student and teacher agree for each sample,
/// in the similarities between samples, and in the similarities between classes:
/// sum over T of T^2 x mean of KL(p_t || p_s) + |P_t P_t' - P_s P_s'|^2 / batch + |P_t' P_t - P_s' P_s|^2 / classes, P = [batch, classes].
/// This is the idea of the paper on one view of each image. The authors' code needs a second, strongly augmented view of the same images, drops some of the
/// parts for it, and scales others by shares of confident samples and classes.
/// </summary>
public sealed class MultiLevelLoss : Loss
{
    private static readonly double[] Temperatures = [2, 3, 4, 5, 6];

    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "mlld",
            Title = "Multi-level logit distillation",
            Source = "Jin et al., CVPR 2023; on one view of each image, weight of its code",
            Formula =
                "sum over T = 2, 3, 4, 5, 6 of T^2 x mean of KL(p_t || p_s) + |P_t P_t' - P_s P_s'|^2 / batch + |P_t' P_t - P_s' P_s|^2 / classes, "
                + "P = softmax(logits / T) of the batch, [batch, classes]",
            DefaultWeight = 0.9,
            Parameters = [Softening.Standardize with { Doc = "Logit standardisation of the KL divergences, not of the similarities." }],
            Needs = TeacherSignal.Logits,
            Create = context => new MultiLevelLoss(context.Parameters),
        };

    private readonly (Softening Instance, Softening Similarities)[] levels;

    private MultiLevelLoss(Specs.Parameters parameters) =>
        levels = [.. Temperatures.Select(t => (new Softening(parameters, t), new Softening(Specs.Parameters.Empty, t)))];

    public override Taps OfStudent => Taps.Logits;

    public override Tensor Compute(LossInput input)
    {
        Tensor? total = null;
        foreach (var (instance, similarities) in levels)
        {
            Softened logits = instance.Of(input);
            Softened plain = similarities.Of(input);
            Tensor student = plain.Student.softmax(1);
            Tensor level =
                logits.Rescale(logits.Divergence().mean())
                + MeanSquareOfRows(Gram(student) - plain.OfTeacher("similarities of samples", _ => Gram(plain.TeacherProbabilities)))
                + MeanSquareOfRows(Gram(student.t()) - plain.OfTeacher("similarities of classes", _ => Gram(plain.TeacherProbabilities.t())));
            total = total is null ? level : total + level;
        }
        return total!;
    }

    private static Tensor Gram(Tensor rows) => rows.mm(rows.t());

    private static Tensor MeanSquareOfRows(Tensor square) => square.square().sum() / square.shape[0];
}
