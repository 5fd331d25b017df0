using ChannelDistillation.Checkpoints.Pickle;

namespace ChannelDistillation.Checkpoints;

/// <summary>Finds the networks in what a checkpoint holds: under which keys, and behind which prefixes.</summary>
internal static class WeightSets
{
    /// <summary>Keys deep. Training scripts nest once or twice.</summary>
    private const int Deepest = 4;

    /// <summary>Prefixes that are taken off, one after the other. `_orig_mod.module.model.student.` has four; each costs a pass over all names.</summary>
    private const int MostPrefixes = 8;

    /// <summary>Prefixes that wrappers put before every name: DataParallel, torch.compile, and modules that hold the network.</summary>
    private static readonly string[] Wrappers = ["module.", "_orig_mod.", "model.", "net.", "network.", "backbone."];

    /// <summary>Networks that distillation code keeps side by side in one module; what is learned comes first.</summary>
    private static readonly string[] Sides = ["student.", "teacher."];

    /// <summary>Keys of training's own state, which holds tensors too.</summary>
    private static readonly string[] NoWeights = ["optim", "sched", "scaler", "rng_"];

    /// <returns>What is trained before its teachers and averages, else in the file's order; empty: there are no named tensors.</returns>
    public static IReadOnlyList<WeightSet> Find(PyTorchFile file)
    {
        var found = new List<WeightSet>();
        if (file.Content is PickleDict root)
            Collect(file, root, [], [], found);
        return
        [
            .. Few([.. found.SelectMany(set => Split(set))])
                .OrderBy(set => $"{set.Where}.{set.Prefix}".Split('.', '_').Any(word => word is "ema" or "teacher")),
        ];
    }

    /// <summary>Takes wrappers' prefixes away, and parts a student from its teacher.</summary>
    public static IEnumerable<WeightSet> Split(WeightSet set) =>
        set.Tensors.Count > FileLimits.Tensors ? throw ManyTensors()
        : set.Tensors.Any(tensor => tensor.Name.Length > FileLimits.NameLength) ? throw LongName()
        : Few([.. Split(set, MostPrefixes)]);

    /// <param name="more">Prefixes that may still be taken off.</param>
    private static IEnumerable<WeightSet> Split(WeightSet set, int more)
    {
        if (set.Tensors.Count == 0)
            return [];
        if (more == 0)
            return [OtherNames.Resolve(set)];
        if (Wrappers.Concat(Sides).FirstOrDefault(prefix => set.Tensors.All(tensor => HasPrefix(tensor, prefix))) is string common)
            return Split(Part(set, common, set.Tensors), more - 1);
        if (!Sides.Any(side => set.Tensors.Any(tensor => HasPrefix(tensor, side))))
            return [OtherNames.Resolve(set)];
        return Sides
            .Select(side => Part(set, side, set.Tensors.Where(tensor => HasPrefix(tensor, side))))
            .Append(set with { Tensors = [.. set.Tensors.Where(tensor => !Sides.Any(side => HasPrefix(tensor, side)))] })
            .SelectMany(part => Split(part, more - 1));
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
    /// A dict with tensors is a network's state, unless it holds such dicts itself: then its own tensors are single numbers beside them,
    /// like the best accuracy. Each dict is looked at once, however often it is referred to.
    /// </summary>
    private static void Collect(PyTorchFile file, PickleDict dict, string[] path, HashSet<PickleDict> seen, List<WeightSet> found)
    {
        if (!seen.Add(dict) || path.Length > Deepest)
            return;
        if (dict.Entries.Any(entry => entry.Key is string { Length: > FileLimits.NameLength }))
            throw LongName();
        int before = found.Count;
        foreach (var (key, value) in dict.Entries)
        {
            if (key is string name && value is PickleDict inner && !NoWeights.Any(word => name.Contains(word, StringComparison.OrdinalIgnoreCase)))
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
            found.Insert(before, new(string.Join('.', path), "", [.. tensors.Values]));
        Few(found);
    }

    private static List<WeightSet> Few(List<WeightSet> sets) =>
        sets.Count <= FileLimits.Networks
            ? sets
            : throw new InvalidDataException($"holds more than {FileLimits.Networks} networks, which I do not read.");

    /// <summary>The error for a network that is none.</summary>
    public static InvalidDataException ManyTensors() => new($"holds more than {FileLimits.Tensors:N0} tensors in one network, which I do not read.");

    private static InvalidDataException LongName() => new("is damaged: it has a name of more than 1000 letters.");
}
