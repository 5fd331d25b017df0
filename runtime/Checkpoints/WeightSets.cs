using ChannelDistillation.Core;
using ChannelDistillation.Pickle;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Checkpoints;

/// <summary>Finds the networks in a checkpoint: the keys that lead to them and the prefixes of their names.</summary>
internal static class WeightSets
{
    /// <summary>Maximum nesting of keys. Training scripts nest once or twice.</summary>
    private const int MaxDepth = 4;

    /// <summary>Maximum number of prefixes removed in sequence. `_orig_mod.module.model.student.` has four; each costs a pass over all names.</summary>
    private const int MaxPrefixes = 8;

    /// <summary>Prefixes added to every name by DataParallel, torch.compile, and modules that contain the network.</summary>
    private static readonly string[] Wrappers = ["module.", "_orig_mod.", "model.", "net.", "network.", "backbone."];

    /// <summary>Networks that distillation code keeps side by side in one module, the trained one first.</summary>
    private static readonly string[] Roles = ["student.", "teacher."];

    /// <summary>Beginnings of keys of optimizer and training state, which contains tensors too.</summary>
    private static readonly string[] TrainingStateKeys = ["optim", "sched", "scaler", "rng_"];

    /// <returns>As <see cref="Split(IEnumerable{WeightSet})"/>; empty if there are no named tensors.</returns>
    public static IReadOnlyList<WeightSet> Find(PyTorchFile file)
    {
        var found = new List<WeightSet>();
        if (file.Content is PickleDict root)
            Collect(file, root, [], [], found);
        return Split(found);
    }

    /// <summary>Removes the prefixes of wrappers, and separates the networks that are side by side in one dict.</summary>
    /// <returns>Trained networks before their teachers and averages, and those before other tensors; otherwise in the file's order.</returns>
    public static IReadOnlyList<WeightSet> Split(IEnumerable<WeightSet> sets) =>
        [.. CheckCount([.. sets.SelectMany(CheckLimits).SelectMany(set => Split(set, MaxPrefixes))]).OrderBy(set => set.Rank)];

    /// <summary>Whether the value of a key is training state, whose tensors are no network.</summary>
    public static bool IsTrainingState(string key) => TrainingStateKeys.Any(word => key.Contains(word, StringComparison.OrdinalIgnoreCase));

    private static IEnumerable<WeightSet> CheckLimits(WeightSet set) =>
        set.Tensors.Count > FileLimits.Tensors ? throw ManyTensors()
        : set.Tensors.Any(tensor => tensor.Name.Length > FileLimits.NameLength) ? throw LongName()
        : [set];

    /// <param name="more">Number of prefixes that may still be removed.</param>
    private static IEnumerable<WeightSet> Split(WeightSet set, int more)
    {
        if (set.Tensors.Count == 0)
            return [];
        if (more == 0)
            return [NamingScheme.Resolve(set)];
        if (NetworkPrefixes.Of(set) is { Count: > 0 } networks)
            return Apart(set, networks, more);
        if (Wrappers.Concat(Roles).FirstOrDefault(prefix => set.Tensors.All(tensor => HasPrefix(tensor, prefix))) is string common)
            return Split(Part(set, common, set.Tensors), more - 1);
        if (!Roles.Any(side => set.Tensors.Any(tensor => HasPrefix(tensor, side))))
            return [NamingScheme.Resolve(set)];
        return Roles
            .Select(side => Part(set, side, set.Tensors.Where(tensor => HasPrefix(tensor, side))))
            .Append(set with { Tensors = [.. set.Tensors.Where(tensor => !Roles.Any(side => HasPrefix(tensor, side)))] })
            .SelectMany(part => Split(part, more - 1));
    }

    /// <summary>The networks under these prefixes, and what is under none of them.</summary>
    private static IEnumerable<WeightSet> Apart(WeightSet set, IReadOnlyList<string> prefixes, int more)
    {
        // The longest prefix of a tensor is the one of its network.
        var parts = set.Tensors.ToLookup(tensor =>
            prefixes.Where(prefix => tensor.Name.StartsWith(prefix, StringComparison.Ordinal)).MaxBy(prefix => prefix.Length)
        );
        var others = parts.FirstOrDefault(part => part.Key is null);
        return prefixes
            .Select(prefix => NamingScheme.Resolve(Part(set, prefix, parts[prefix]) with { IsAverage = IsAverage(set, prefix) }))
            .Concat(others is null ? [] : Split(set with { Tensors = [.. others] }, more - 1));
    }

    /// <summary>Whether PyTorch's AveragedModel holds the network: it counts its updates in a tensor beside the network.</summary>
    private static bool IsAverage(WeightSet set, string prefix)
    {
        const string module = "module.";
        return set.IsAverage
            || (
                prefix.EndsWith(module, StringComparison.Ordinal) && set.Tensors.Any(tensor => tensor.Name == prefix[..^module.Length] + "n_averaged")
            );
    }

    private static bool HasPrefix(TensorEntry tensor, string prefix) =>
        tensor.Name.Length > prefix.Length && tensor.Name.StartsWith(prefix, StringComparison.Ordinal);

    private static WeightSet Part(WeightSet set, string prefix, IEnumerable<TensorEntry> tensors) =>
        set with
        {
            Prefix = set.Prefix + prefix,
            Tensors = [.. tensors.Select(tensor => tensor with { Name = tensor.Name[prefix.Length..] })],
        };

    /// <summary>
    /// A dict with tensors is a network's state, unless it contains such dicts itself: then its own tensors are single values beside them,
    /// such as the best accuracy. Each dict is visited once, even if it is referenced several times.
    /// </summary>
    private static void Collect(PyTorchFile file, PickleDict dict, string[] path, HashSet<PickleDict> seen, List<WeightSet> found)
    {
        if (!seen.Add(dict) || path.Length > MaxDepth)
            return;
        if (dict.Entries.Any(entry => entry.Key is string { Length: > FileLimits.NameLength }))
            throw LongName();
        int before = found.Count;
        foreach (var (key, value) in dict.Entries)
        {
            if (key is string name && value is PickleDict inner && !IsTrainingState(name))
                Collect(file, inner, [.. path, name], seen, found);
        }
        if (found.Count > before && !dict.Entries.Any(entry => entry is { Key: string name, Value: PickledTensor } && name.Contains('.')))
            return;
        var tensors = new Dictionary<string, TensorEntry>();
        foreach (var (key, value) in dict.Entries)
        {
            if (key is string name && value is PickledTensor tensor)
                tensors[name] = file.Entry(name, tensor);
        }
        if (tensors.Count > 0)
            found.Insert(before, new(string.Join('.', path), "", [.. tensors.Values]) { Keys = path });
        CheckCount(found);
    }

    private static List<WeightSet> CheckCount(List<WeightSet> sets) => sets.Count <= FileLimits.Networks ? sets : throw ManyNetworks();

    /// <summary>The error for a file with too many networks.</summary>
    public static InvalidDataException ManyNetworks() => new($"contains more than {FileLimits.Networks} networks, which is the limit.");

    /// <summary>The error for a network with too many tensors.</summary>
    public static InvalidDataException ManyTensors() =>
        new($"contains more than {FileLimits.Tensors:N0} tensors in one network, which is the limit.");

    private static InvalidDataException LongName() => new("is damaged: it contains a name of more than 1000 characters.");
}
