using ChannelDistillation.Core;
using ChannelDistillation.Data.ImageFolders;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Data;

/// <summary>Every dataset an experiment can name. A new one is an entry in data/datasets.yaml, which is embedded in this assembly.</summary>
public static class DatasetCatalog
{
    public static IReadOnlyList<DatasetDescriptor> All { get; } =
    [.. EmbeddedYaml.Load<DatasetYaml>("datasets.yaml").Select(entry => entry.ToDescriptor())];

    private static readonly Dictionary<string, DatasetDescriptor> ByName = All.ToDictionary(dataset => dataset.Name);

    public static DatasetDescriptor? Find(string name) => ByName.GetValueOrDefault(name);

    /// <exception cref="KeyNotFoundException">An unknown name: experiments are validated before they get here.</exception>
    public static DatasetDescriptor Get(string name) => ByName[name];

    /// <summary>What an experiment's dataset is. A folder of photographs is treated as ImageNet is, with its own classes.</summary>
    public static DatasetDescriptor Describe(DatasetSpec spec)
    {
        DatasetDescriptor described = spec.Name == DatasetSpec.ImageFolder ? DescribeFolder(spec) : Get(spec.Name);
        return spec.Normalization is { } normalization ? described with { Normalization = normalization } : described;
    }

    private static DatasetDescriptor DescribeFolder(DatasetSpec spec) =>
        Get("imagenet") with
        {
            Name = spec.Name,
            Doc = $"The photographs in {spec.Folder}, one folder per class.",
            License = "as its owner says",
            Homepage = null,
            Folder = spec.Folder,
            Classes = spec.Classes ?? throw new ArgumentException("A folder of images needs its number of classes."),
            TrainingImages = 0,
            ValidationImages = 0,
        };
}
