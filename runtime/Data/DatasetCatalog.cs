using ChannelDistillation.Core;
using ChannelDistillation.Data.ImageFolders;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Data;

/// <summary>All datasets that an experiment can name. To add one, add an entry to data/datasets.yaml, which is embedded in this assembly.</summary>
public static class DatasetCatalog
{
    public static IReadOnlyList<DatasetDescriptor> All { get; } =
    [.. EmbeddedYaml.Load<DatasetYaml>("datasets.yaml").Select(entry => entry.ToDescriptor())];

    private static readonly Dictionary<string, DatasetDescriptor> ByName = All.ToDictionary(dataset => dataset.Name);

    public static DatasetDescriptor? Find(string name) => ByName.GetValueOrDefault(name);

    /// <exception cref="KeyNotFoundException">The name is unknown. Experiments are validated before this call.</exception>
    public static DatasetDescriptor Get(string name) => ByName[name];

    /// <summary>The descriptor of an experiment's dataset. An image folder is treated like ImageNet, with its own classes.</summary>
    public static DatasetDescriptor Describe(DatasetSpec spec)
    {
        DatasetDescriptor described = spec.Name == DatasetSpec.ImageFolder ? DescribeFolder(spec) : Get(spec.Name);
        return spec.Normalization is { } normalization ? described with { Normalization = normalization } : described;
    }

    private static DatasetDescriptor DescribeFolder(DatasetSpec spec) =>
        Get("imagenet") with
        {
            Name = spec.Name,
            Doc = $"The images in {spec.Folder}, one folder per class.",
            License = "as its owner says",
            Homepage = null,
            Folder = spec.Folder,
            Classes = spec.Classes ?? throw new ArgumentException("A folder of images needs its number of classes."),
            TrainingImages = 0,
            ValidationImages = 0,
        };
}
