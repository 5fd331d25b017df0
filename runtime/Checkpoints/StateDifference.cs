using ChannelDistillation.Core;

namespace ChannelDistillation.Checkpoints;

/// <summary>
/// How weights in a file differ from the state of a model. A missing `num_batches_tracked` is ignored if its layer is there: PyTorch before
/// 0.4.1 has none, and it affects no computation.
/// </summary>
/// <param name="Classes">Number of classes of the file's classifier and of the model's, where they differ.</param>
/// <param name="Channels">Input channels of the file's first layer and of the model's, where they differ.</param>
/// <param name="Kernel">Kernel size of the first layer in the file and in the model, where they differ: another stem.</param>
/// <param name="Missing">Names in the model that are not in the file.</param>
/// <param name="Unexpected">Names in the file that are not in the model.</param>
/// <param name="Unlike">Descriptions of tensors whose shape or type differs, except those that the first three explain.</param>
public sealed record StateDifference(
    (long File, long Model)? Classes,
    (long File, long Model)? Channels,
    (long File, long Model)? Kernel,
    IReadOnlyList<string> Missing,
    IReadOnlyList<string> Unexpected,
    IReadOnlyList<string> Unlike
)
{
    private const int MaxShown = 3;
    private const string Counter = "num_batches_tracked";

    /// <summary>Number of differences; 0 if the weights fit.</summary>
    public int Count =>
        (Classes is null ? 0 : 1) + (Channels is null ? 0 : 1) + (Kernel is null ? 0 : 1) + Missing.Count + Unexpected.Count + Unlike.Count;

    /// <summary>Whether the whole model is there, and other tensors with it.</summary>
    public bool IsSurplusOnly => Unexpected.Count > 0 && Count == Unexpected.Count;

    /// <summary>Whether names and shapes are the model's, but values have a type that is not read or not a float.</summary>
    public bool IsTypesOnly => MistypedCount > 0 && Count == MistypedCount;

    /// <summary>"2 tensors that are not part of it (`queue`, `ema.decay`)".</summary>
    public string SurplusInWords =>
        Unexpected.Count == 1
            ? $"`{Unexpected[0]}`, which is not part of it"
            : $"{Unexpected.Count} tensors that are not part of it ({Listed(Unexpected)})";

    private int MistypedCount { get; init; }

    /// <param name="model">Names and shapes in PyTorch's order: first layer first, classifier last.</param>
    public static StateDifference Between(WeightSet weights, IReadOnlyDictionary<string, long[]> model)
    {
        var found = weights.Tensors.ToDictionary(tensor => tensor.Name);
        (long, long)? classes = null;
        (long, long)? channels = null;
        (long, long)? kernel = null;
        string? first = model.Keys.FirstOrDefault(name => model[name].Length == 4);
        string? classifier = model.Keys.LastOrDefault(name => model[name].Length == 2);
        bool hasCounters = found.Keys.Any(name => name.EndsWith(Counter, StringComparison.Ordinal));
        var unlike = new List<string>();
        int mistyped = 0;
        foreach (var (name, shape) in model)
        {
            if (!found.TryGetValue(name, out TensorEntry? tensor))
                continue;
            long[] there = [.. tensor.Shape];
            if (name == first && there.Length == 4 && there[0] == shape[0] && !there.SequenceEqual(shape))
            {
                channels = there[1] == shape[1] ? null : (there[1], shape[1]);
                kernel = there[2] == shape[2] ? null : (there[2], shape[2]);
            }
            else if (name == classifier && there.Length == 2 && there[1] == shape[1] && there[0] != shape[0])
                classes = (there[0], shape[0]);
            else if (classes is not null && IsBiasOf(name, classifier))
                continue;
            else if (!there.SequenceEqual(shape))
                unlike.Add($"`{name}` is {tensor.ShapeText} instead of {TensorEntry.TextOf(shape)}");
            else if (!tensor.Type.IsFloat && !name.EndsWith(Counter, StringComparison.Ordinal))
            {
                unlike.Add($"`{name}` is {tensor.Type.Name} instead of float32");
                mistyped++;
            }
        }
        return new(classes, channels, kernel, [.. model.Keys.Where(IsMissing)], [.. found.Keys.Where(name => !model.ContainsKey(name))], unlike)
        {
            MistypedCount = mistyped,
        };

        // Counted with its layer, so that the numbers of missing and found tensors add up; a file without any is of an early PyTorch.
        bool IsMissing(string name) =>
            !found.ContainsKey(name)
            && (!name.EndsWith(Counter, StringComparison.Ordinal) || (hasCounters && !found.ContainsKey(name[..^Counter.Length] + "running_var")));
    }

    /// <summary>"its classifier has 1000 classes, the dataset has 100; 3 tensors are missing (`a`, `b`, `c`)".</summary>
    public string InWords()
    {
        var parts = new List<string>();
        if (Classes is var (classes, wantedClasses))
            parts.Add($"its classifier has {classes} classes, the dataset has {wantedClasses}");
        if (Channels is var (channels, wantedChannels))
            parts.Add($"its first layer takes images of {channels} channels, the dataset has {wantedChannels}");
        if (Kernel is var (kernel, wantedKernel))
            parts.Add($"its stem begins with a {kernel}x{kernel} convolution, the model's with {wantedKernel}x{wantedKernel}");
        if (Missing.Count > 0)
            parts.Add(Summarise(Missing, "is missing", "are missing"));
        if (Unexpected.Count > 0)
            parts.Add(Summarise(Unexpected, "is not part of the model", "are not part of the model"));
        if (Unlike.Count > 0)
            parts.Add(string.Join(", ", Unlike.Take(MaxShown)) + (Unlike.Count > MaxShown ? $", and {Unlike.Count - MaxShown} more differ" : ""));
        return string.Join("; ", parts);
    }

    private static string Summarise(IReadOnlyList<string> names, string one, string several)
    {
        return names.Count == 1 ? $"`{names[0]}` {one}" : $"{names.Count} tensors {several} ({Listed(names)})";
    }

    private static string Listed(IReadOnlyList<string> names) =>
        string.Join(", ", names.Take(MaxShown).Select(name => $"`{name}`")) + (names.Count > MaxShown ? ", ..." : "");

    private static bool IsBiasOf(string name, string? classifier) =>
        classifier is not null && classifier.EndsWith(".weight", StringComparison.Ordinal) && name == classifier[..^"weight".Length] + "bias";
}
