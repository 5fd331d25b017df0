namespace ChannelDistillation.Checkpoints;

/// <summary>One network's tensors in a checkpoint, which may hold several: a student and its teacher, or an average beside the weights.</summary>
/// <param name="Where">Keys that lead to it in a nested checkpoint, joined by dots; empty: it is the file's whole content.</param>
/// <param name="Prefix">What all its names began with and no longer do: `module.`, `module.student.`, or nothing.</param>
/// <param name="Tensors">In the file's order.</param>
public sealed record WeightSet(string Where, string Prefix, IReadOnlyList<TensorEntry> Tensors)
{
    /// <summary>For messages: "`model_state_dict`, names without `module.`"; empty where there is nothing to say.</summary>
    public string Place =>
        string.Join(", ", new[] { Where == "" ? "" : $"`{Where}`", Prefix == "" ? "" : $"names without `{Prefix}`" }.Where(part => part != ""));
}
