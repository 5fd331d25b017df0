using ChannelDistillation.Core;

namespace ChannelDistillation.Checkpoints;

/// <summary>The tensors of one network in a checkpoint. A checkpoint may contain several networks: a student and its teacher, or weights and their average.</summary>
/// <param name="Where">Keys that lead to it in a nested checkpoint, joined by dots; empty if it is the file's whole content.</param>
/// <param name="Prefix">The prefix removed from all its names: `module.`, `module.student.`, or nothing.</param>
/// <param name="Tensors">In the file's order.</param>
public sealed record WeightSet(string Where, string Prefix, IReadOnlyList<TensorEntry> Tensors)
{
    private static readonly string[] AverageWords = ["ema", "swa", "average", "averaged", "avg"];

    /// <summary>The keys that <see cref="Where"/> joins.</summary>
    public IReadOnlyList<string> Keys { get; init; } = [];

    /// <summary>Rows of the classifier: by its name, because other matrices may follow it, else the last matrix. Null if there is none.</summary>
    public int? Classes =>
        (Named(NamingScheme.Classifiers) ?? Tensors.LastOrDefault(tensor => tensor.Shape.Count == 2))
            is { Shape: [var rows and > 0 and < 1_000_000, _] }
            ? (int)rows
            : null;

    /// <summary>Input channels of the first convolution: by its name, because a file may be sorted. Null if there is none.</summary>
    public int? Channels =>
        (Named(NamingScheme.FirstLayers) ?? Tensors.FirstOrDefault(tensor => tensor.Shape.Count == 4))
            is { Shape: [_, var channels and > 0 and <= 4, _, _] }
            ? (int)channels
            : null;

    /// <summary>Number of learned values: all but BatchNorm's statistics. A double, so that no file can overflow it.</summary>
    public double Parameters => Tensors.Where(tensor => !tensor.IsStatistic).Sum(tensor => (double)tensor.Count);

    /// <summary>How the file's names for the layers were read, see <see cref="NamingScheme"/>; null if they are those of the models here.</summary>
    public string? Renaming { get; init; }

    /// <summary>Whether these are not the trained weights but their average over training steps (EMA, SWA), by the keys and names around them.</summary>
    public bool IsAverage
    {
        get => field || Words.Any(word => AverageWords.Contains(word));
        init;
    }

    /// <summary>Order of preference: trained networks, averages, teachers, then tensors without a network's names.</summary>
    internal int Rank =>
        (Named(NamingScheme.FirstLayers) is null ? 3 : 0)
        + (
            Words.Contains("teacher") ? 2
            : IsAverage ? 1
            : 0
        );

    /// <summary>Location and kind for messages: "`model_state_dict`, names without `module.`"; empty if there is nothing to report.</summary>
    public string Place =>
        string.Join(
            ", ",
            new[]
            {
                Where == "" ? "" : $"`{Where}`",
                Prefix == "" ? "" : $"names without `{Prefix}`",
                Renaming ?? "",
                IsAverage ? "an average of the weights over training steps" : "",
            }.Where(part => part != "")
        );

    private TensorEntry? Named(IReadOnlyList<string> names) => Tensors.FirstOrDefault(tensor => names.Contains(tensor.Name));

    private IEnumerable<string> Words => $"{Where}.{Prefix}".ToLowerInvariant().Split('.', '_', '-');
}
