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

    /// <returns>Trained networks before their teachers and averages, otherwise in the file's order; empty if there are no named tensors.</returns>
    public static IReadOnlyList<WeightSet> Find(PyTorchFile file)
    {
        var found = new List<WeightSet>();
        if (file.Content is PickleDict root)
            Collect(file, root, [], [], found);
        return
        [
            .. CheckCount([.. found.SelectMany(set => Split(set))])
                .OrderBy(set => $"{set.Where}.{set.Prefix}".Split('.', '_').Any(word => word is "ema" or "teacher")),
        ];
    }

    /// <summary>Removes wrappers' prefixes and separates a student from its teacher.</summary>
    public static IEnumerable<WeightSet> Split(WeightSet set) =>
        set.Tensors.Count > FileLimits.Tensors ? throw ManyTensors()
        : set.Tensors.Any(tensor => tensor.Name.Length > FileLimits.NameLength) ? throw LongName()
        : CheckCount([.. Split(set, MaxPrefixes)]);

    /// <param name="more">Number of prefixes that may still be removed.</param>
    private static IEnumerable<WeightSet> Split(WeightSet set, int more)
    {
        if (set.Tensors.Count == 0)
            return [];
        if (more == 0)
            return [OtherNames.Resolve(set)];
        if (Wrappers.Concat(Roles).FirstOrDefault(prefix => set.Tensors.All(tensor => HasPrefix(tensor, prefix))) is string common)
            return Split(Part(set, common, set.Tensors), more - 1);
        if (!Roles.Any(side => set.Tensors.Any(tensor => HasPrefix(tensor, side))))
            return [OtherNames.Resolve(set)];
        return Roles
            .Select(side => Part(set, side, set.Tensors.Where(tensor => HasPrefix(tensor, side))))
            .Append(set with { Tensors = [.. set.Tensors.Where(tensor => !Roles.Any(side => HasPrefix(tensor, side)))] })
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
            if (
                key is string name
                && value is PickleDict inner
                && !TrainingStateKeys.Any(word => name.Contains(word, StringComparison.OrdinalIgnoreCase))
            )
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
        CheckCount(found);
    }

    private static List<WeightSet> CheckCount(List<WeightSet> sets) =>
        sets.Count <= FileLimits.Networks
            ? sets
            : throw new InvalidDataException($"contains more than {FileLimits.Networks} networks, which is the limit.");

    /// <summary>The error for a network with too many tensors.</summary>
    public static InvalidDataException ManyTensors() =>
        new($"contains more than {FileLimits.Tensors:N0} tensors in one network, which is the limit.");

    private static InvalidDataException LongName() => new("is damaged: it contains a name of more than 1000 characters.");
}

/// <summary>The tensors of one network in a checkpoint. A checkpoint may contain several networks: a student and its teacher, or weights and their average.</summary>
/// <param name="Where">Keys that lead to it in a nested checkpoint, joined by dots; empty if it is the file's whole content.</param>
/// <param name="Prefix">The prefix removed from all its names: `module.`, `module.student.`, or nothing.</param>
/// <param name="Tensors">In the file's order.</param>
public sealed record WeightSet(string Where, string Prefix, IReadOnlyList<TensorEntry> Tensors)
{
    /// <summary>Rows of the last matrix, which is the classifier of every supported network; null if there is no matrix.</summary>
    public int? Classes => Tensors.LastOrDefault(tensor => tensor.Shape.Count == 2)?.Shape[0] is long rows and > 0 and < 1_000_000 ? (int)rows : null;

    /// <summary>Input channels of the first convolution; null if there is none.</summary>
    public int? Channels =>
        Tensors.FirstOrDefault(tensor => tensor.Shape.Count == 4)?.Shape[1] is long channels and > 0 and <= 4 ? (int)channels : null;

    /// <summary>Number of learned values: all but BatchNorm's statistics. A double, so that no file can overflow it.</summary>
    public double Parameters => Tensors.Where(tensor => !tensor.IsStatistic).Sum(tensor => (double)tensor.Count);

    /// <summary>Whether the file uses other names for the same layers, see <see cref="OtherNames"/>.</summary>
    public bool IsRenamed { get; init; }

    /// <summary>Location for messages: "`model_state_dict`, names without `module.`"; empty if there is nothing to report.</summary>
    public string Place =>
        string.Join(
            ", ",
            new[] { Where == "" ? "" : $"`{Where}`", Prefix == "" ? "" : $"names without `{Prefix}`", IsRenamed ? OtherNames.InWords : "" }.Where(
                part => part != ""
            )
        );
}

/// <summary>
/// ResNets whose layer names differ from torchvision's. Much code for CIFAR (such as the ResNet-50 of the CRD benchmark, arXiv 1910.10699) uses
/// `shortcut` for `downsample` and `linear` for `fc`. Order and shapes are the same.
/// </summary>
internal static class OtherNames
{
    private const string Classifier = "linear.";
    private const string Shortcut = ".shortcut.";

    /// <summary>For messages.</summary>
    public const string InWords = "`linear` read as `fc`, `shortcut` as `downsample`";

    /// <summary>The set under our models' names if it is such a ResNet; otherwise the set itself.</summary>
    public static WeightSet Resolve(WeightSet set) =>
        UsesOtherNames(set)
            ? set with
            {
                IsRenamed = true,
                Tensors = [.. set.Tensors.Select(tensor => tensor with { Name = Resolve(tensor.Name) })],
            }
            : set;

    // ShuffleNets also have a layer named `linear`, but no shortcuts with weights.
    private static bool UsesOtherNames(WeightSet set) =>
        Has(set, name => name == "linear.weight")
        && Has(set, name => name.StartsWith("layer", StringComparison.Ordinal) && name.Contains(Shortcut, StringComparison.Ordinal))
        && !Has(set, name => name.StartsWith("fc.", StringComparison.Ordinal) || name.Contains(".downsample.", StringComparison.Ordinal));

    private static bool Has(WeightSet set, Func<string, bool> isSought) => set.Tensors.Any(tensor => isSought(tensor.Name));

    private static string Resolve(string name)
    {
        if (name.StartsWith(Classifier, StringComparison.Ordinal))
            return "fc." + name[Classifier.Length..];
        return name.StartsWith("layer", StringComparison.Ordinal) ? name.Replace(Shortcut, ".downsample.", StringComparison.Ordinal) : name;
    }
}
