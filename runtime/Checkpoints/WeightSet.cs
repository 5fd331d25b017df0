namespace ChannelDistillation.Checkpoints;

/// <summary>One network's tensors in a checkpoint, which may hold several: a student and its teacher, or an average beside the weights.</summary>
/// <param name="Where">Keys that lead to it in a nested checkpoint, joined by dots; empty: it is the file's whole content.</param>
/// <param name="Prefix">What all its names began with and no longer do: `module.`, `module.student.`, or nothing.</param>
/// <param name="Tensors">In the file's order.</param>
public sealed record WeightSet(string Where, string Prefix, IReadOnlyList<TensorEntry> Tensors)
{
    /// <summary>Rows of the last matrix, which is the classifier of every network here; null: there is none.</summary>
    public int? Classes => Tensors.LastOrDefault(tensor => tensor.Shape.Count == 2)?.Shape[0] is long rows and > 0 and < 1_000_000 ? (int)rows : null;

    /// <summary>Channels of the images that its first convolution takes; null: there is none that takes images.</summary>
    public int? Channels =>
        Tensors.FirstOrDefault(tensor => tensor.Shape.Count == 4)?.Shape[1] is long channels and > 0 and <= 4 ? (int)channels : null;

    /// <summary>How many numbers are learned: all but BatchNorm's statistics. In double precision, which no file can overflow.</summary>
    public double Parameters => Tensors.Where(tensor => !tensor.IsStatistic).Sum(tensor => (double)tensor.Count);

    /// <summary>Whether the file has other names for the same layers, see <see cref="OtherNames"/>.</summary>
    public bool IsRenamed { get; init; }

    /// <summary>For messages: "`model_state_dict`, names without `module.`"; empty where there is nothing to say.</summary>
    public string Place =>
        string.Join(
            ", ",
            new[] { Where == "" ? "" : $"`{Where}`", Prefix == "" ? "" : $"names without `{Prefix}`", IsRenamed ? OtherNames.InWords : "" }.Where(
                part => part != ""
            )
        );
}
