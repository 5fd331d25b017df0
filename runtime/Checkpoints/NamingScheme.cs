using System.Text.RegularExpressions;

namespace ChannelDistillation.Checkpoints;

/// <summary>
/// Names that other libraries give to the layers of networks in the model catalog. Shapes are the same, the order need not be: models are
/// loaded by name.
/// </summary>
/// <param name="InWords">For messages.</param>
/// <param name="Required">Names that only this scheme uses, as a pattern: each matches some name of a network.</param>
/// <param name="Renames">Patterns of the beginnings of names, and what replaces them.</param>
internal sealed partial record NamingScheme(
    string InWords,
    IReadOnlyList<Regex> Required,
    IReadOnlyList<(Regex From, Func<Match, string> To)> Renames
)
{
    /// <summary>Names of the first convolution of the models in the catalog.</summary>
    public static IReadOnlyList<string> FirstLayers { get; } = OrMain("conv1.weight", "conv1.0.weight", "block0.0.weight");

    /// <summary>Names of the classifier of the models in the catalog.</summary>
    public static IReadOnlyList<string> Classifiers { get; } = OrMain("fc.weight", "linear.weight", "classifier.weight", "classifier.0.weight");

    private static readonly NamingScheme[] All =
    [
        // Much code for CIFAR, such as the ResNet-50 of the CRD benchmark (arXiv 1910.10699). ShuffleNets, too, have a layer named `linear`,
        // but no shortcuts with weights.
        new(
            "`linear` read as `fc`, `shortcut` as `downsample`",
            [LinearWeight(), ShortcutOfLayer()],
            [(Linear(), _ => "fc."), (ShortcutOfLayer(), match => $"{match.Groups[1].Value}.downsample.")]
        ),
        // ResNetForImageClassification of transformers.
        new(
            "names of Hugging Face's ResNet",
            [HuggingFaceStem(), HuggingFaceLayer()],
            [
                (HuggingFaceStem(), match => Layer(match.Groups[1].Value, "") + "1."),
                (
                    HuggingFaceLayer(),
                    match => $"layer{Next(match.Groups[1])}.{match.Groups[2].Value}.{Layer(match.Groups[4].Value, "")}{Next(match.Groups[3])}."
                ),
                (
                    HuggingFaceShortcut(),
                    match => $"layer{Next(match.Groups[1])}.{match.Groups[2].Value}.downsample.{(match.Groups[3].Value == "convolution" ? 0 : 1)}."
                ),
                (HuggingFaceClassifier(), _ => "fc."),
            ]
        ),
        // OpenMMLab's classifiers.
        new("names of OpenMMLab: without `backbone.` and `head.`", [BackboneStem(), HeadWeight()], [(Backbone(), _ => ""), (Head(), _ => "fc.")]),
    ];

    /// <summary>The set under the names of the models here if another library has named it; otherwise the set itself.</summary>
    public static WeightSet Resolve(WeightSet set)
    {
        if (All.FirstOrDefault(scheme => scheme.Fits(set)) is not NamingScheme scheme)
            return set;
        var renamed = set.Tensors.Select(tensor => tensor with { Name = scheme.Resolve(tensor.Name) }).ToArray();
        // No library writes a tensor under both names.
        return renamed.DistinctBy(tensor => tensor.Name).Count() < renamed.Length ? set : set with { Renaming = scheme.InWords, Tensors = renamed };
    }

    /// <summary>The names, alone and with the prefix of a network with an assistant.</summary>
    private static string[] OrMain(params string[] names) => [.. names, .. names.Select(name => "main." + name)];

    private bool Fits(WeightSet set) => Required.All(pattern => set.Tensors.Any(tensor => pattern.IsMatch(tensor.Name)));

    private string Resolve(string name)
    {
        foreach (var (from, to) in Renames)
        {
            if (from.Match(name) is { Success: true } match)
                return to(match) + name[match.Length..];
        }
        return name;
    }

    private static string Layer(string kind, string number) => (kind == "convolution" ? "conv" : "bn") + number;

    private static int Next(Group number) => int.Parse(number.Value) + 1;

    [GeneratedRegex(@"^linear\.weight$")]
    private static partial Regex LinearWeight();

    [GeneratedRegex(@"^linear\.")]
    private static partial Regex Linear();

    [GeneratedRegex(@"^(layer\d{1,3}\.\d{1,3})\.shortcut\.")]
    private static partial Regex ShortcutOfLayer();

    [GeneratedRegex(@"^resnet\.embedder\.embedder\.(convolution|normalization)\.")]
    private static partial Regex HuggingFaceStem();

    [GeneratedRegex(@"^resnet\.encoder\.stages\.(\d{1,3})\.layers\.(\d{1,3})\.layer\.(\d{1,3})\.(convolution|normalization)\.")]
    private static partial Regex HuggingFaceLayer();

    [GeneratedRegex(@"^resnet\.encoder\.stages\.(\d{1,3})\.layers\.(\d{1,3})\.shortcut\.(convolution|normalization)\.")]
    private static partial Regex HuggingFaceShortcut();

    [GeneratedRegex(@"^classifier\.1\.")]
    private static partial Regex HuggingFaceClassifier();

    [GeneratedRegex(@"^backbone\.conv1\.weight$")]
    private static partial Regex BackboneStem();

    [GeneratedRegex(@"^head\.fc\.weight$")]
    private static partial Regex HeadWeight();

    [GeneratedRegex(@"^backbone\.")]
    private static partial Regex Backbone();

    [GeneratedRegex(@"^head\.fc\.")]
    private static partial Regex Head();
}
