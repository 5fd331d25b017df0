namespace ChannelDistillation.Models;

/// <summary>Every model an experiment can name. A new one is its file and a line here.</summary>
public static class ModelCatalog
{
    public static IReadOnlyList<ModelDescriptor> All { get; } =
    [.. ResNets.All, .. ThinResNets.All, .. WideResNets.All, .. VggNets.All, .. MobileNets.All, .. ShuffleNetsV1.All, .. ShuffleNetsV2.All];

    private static readonly Dictionary<string, ModelDescriptor> ByName = All.ToDictionary(model => model.Name);

    public static ModelDescriptor? Find(string name) => ByName.GetValueOrDefault(name);

    /// <exception cref="KeyNotFoundException">An unknown name: experiments are validated before they get here.</exception>
    public static ModelDescriptor Get(string name) => ByName[name];
}
