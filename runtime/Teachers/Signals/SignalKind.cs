using ChannelDistillation.Losses;
using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using static TorchSharp.torch;

namespace ChannelDistillation.Teachers.Signals;

/// <summary>A kind of teacher output that is small enough to be cached for every image.</summary>
/// <param name="Name">Name of its file.</param>
/// <param name="Width">Numbers per image.</param>
/// <param name="Taps">The taps that it requires.</param>
/// <param name="Of">Extracts it for a batch: [batch, Width].</param>
internal sealed record SignalKind(string Name, int Width, Taps Taps, Func<TeacherSignals, Tensor> Of)
{
    /// <summary>The kinds that some runs read of their teacher in any epoch.</summary>
    /// <exception cref="ArgumentException">A run reads whole maps, which are not cached. Experiments are validated before this call.</exception>
    public static IReadOnlyList<SignalKind> OfRuns(IEnumerable<RunSpec> runs, ModelSpec teacher, int classes)
    {
        TeacherSignal needs = runs.SelectMany(run => run.Losses).Aggregate(TeacherSignal.None, (all, loss) => all | LossCatalog.Describe(loss).Needs);
        if ((needs & TeacherSignal.WholeMaps) != 0)
            throw new ArgumentException("A loss reads whole feature maps of the teacher, which are not cached.", nameof(runs));
        ModelDescriptor model = ModelCatalog.Describe(teacher);
        var kinds = new List<SignalKind>();
        if (needs.HasFlag(TeacherSignal.Logits))
            kinds.Add(new("logits", classes, Models.Taps.Logits, signals => signals.Logits));
        if (needs.HasFlag(TeacherSignal.Embedding))
            kinds.Add(new("embedding", model.EmbeddingChannels, Models.Taps.Embedding, signals => signals.Embedding));
        if (needs.HasFlag(TeacherSignal.ChannelMeans))
        {
            kinds.AddRange(
                model.Stages.Select(
                    (part, stage) =>
                        new SignalKind($"means-{stage + 1}", part.Channels, Models.Taps.MeansOf(stage), signals => signals.ChannelMeans(stage))
                )
            );
        }
        return kinds;
    }
}
