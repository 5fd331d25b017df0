using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Similarity-preserving distillation (Tung, Mori: Similarity-Preserving Knowledge Distillation, arXiv 1907.09682): images that are similar
/// for the teacher should be similar for the student. With Q [batch, channels x height x width] of a stage and G = Q Q^T, rows of length 1:
/// mean over (sample, sample) of (G_s - G_t)^2.
/// </summary>
/// <param name="pairs">Stages to compare, counted from 0.</param>
public sealed class SimilarityPreservingLoss(params IReadOnlyList<(int Student, int Teacher)> pairs) : Loss
{
    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "sp",
            Title = "Similarity-preserving distillation",
            Source = "Tung and Mori, arXiv 1907.09682; weight of the CRD benchmark, arXiv 1910.10699",
            Formula = "mean of (G_s - G_t)^2, G = Q Q^T with rows normalised to length 1, Q = flattened last stage (or of each stage, summed)",
            DefaultWeight = 3000,
            Parameters = [new ParameterDescriptor.Choice("stages", "last", ["last", "all"], "Compare only the last stages, or all pairs of stages.")],
            Needs = TeacherSignal.Features,
            WhyNotPaired = WhyNotPaired,
            PairingParameters = ["stages"],
            Create = context =>
                context.Parameters.Text("stages") == "last"
                    ? new((context.Features.Student.Count - 1, context.Features.Teacher.Count - 1))
                    : new SimilarityPreservingLoss([.. Enumerable.Range(0, context.Features.Student.Count).Select(stage => (stage, stage))]),
        };

    public override Taps OfStudent => Union(pairs.Select(pair => Taps.Stage(pair.Student)));

    public override Taps OfTeacher => Union(pairs.Select(pair => Taps.Stage(pair.Teacher)));

    public override Tensor Compute(LossInput input) =>
        FeatureMaps.SumOverStages(pairs.Count, pair => PairLoss(input.Student.Features[pairs[pair].Student], input.Teacher!, pairs[pair].Teacher));

    private static Tensor PairLoss(Tensor student, TeacherSignals teacher, int stage)
    {
        Tensor similarities = teacher.Derive($"similarities {stage}", () => Similarities(teacher.Features[stage]));
        return nn.functional.mse_loss(Similarities(student), similarities);
    }

    private static Mismatch? WhyNotPaired(FeaturePair features, Parameters parameters) =>
        parameters.Text("stages") == "last" || Pairing.StageWithStage(features, parameters) is not Mismatch mismatch
            ? null
            : mismatch with
            {
                Remedy = "compare only the last stages in `sp` (`stages: last`)",
            };

    private static Taps Union(IEnumerable<Taps> taps) => taps.Aggregate((all, some) => all | some);

    private static Tensor Similarities(Tensor feature)
    {
        Tensor flat = feature.flatten(1);
        return nn.functional.normalize(flat.matmul(flat.t()));
    }
}
