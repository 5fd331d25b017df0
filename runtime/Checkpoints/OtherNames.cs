namespace ChannelDistillation.Checkpoints;

/// <summary>
/// ResNets whose layers have other names than torchvision's: much code for CIFAR (the ResNet-50 of the CRD benchmark, arXiv 1910.10699, and others) says
/// `shortcut` for `downsample` and `linear` for `fc`. Order and shapes are the same.
/// </summary>
internal static class OtherNames
{
    private const string Classifier = "linear.";
    private const string Shortcut = ".shortcut.";

    /// <summary>For messages.</summary>
    public const string InWords = "`linear` read as `fc`, `shortcut` as `downsample`";

    /// <summary>The set under the names that our models have, if it is such a ResNet's; else the set itself.</summary>
    public static WeightSet Resolve(WeightSet set) =>
        IsSuch(set) ? set with { IsRenamed = true, Tensors = [.. set.Tensors.Select(tensor => tensor with { Name = Resolve(tensor.Name) })] } : set;

    // ShuffleNets have a `linear` too, and it is their own name; shortcuts with weights they have not.
    private static bool IsSuch(WeightSet set) =>
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
