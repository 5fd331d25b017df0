using ChannelDistillation.Specs;

namespace ChannelDistillation.Models;

/// <summary>All models that an experiment can name. To add one, add its file and a line here.</summary>
public static class ModelCatalog
{
    public static IReadOnlyList<ModelDescriptor> All { get; } =
    [.. ResNets.All, .. ThinResNets.All, .. WideResNets.All, .. VggNets.All, .. MobileNets.All, .. ShuffleNetsV1.All, .. ShuffleNetsV2.All];

    private static readonly Dictionary<string, ModelDescriptor> ByName = All.ToDictionary(model => model.Name);

    /// <summary>A model of <see cref="All"/>, or one with an assistant: `resnet18-assisted`. Experiments use the former; losses turn it into the latter.</summary>
    public static ModelDescriptor? Find(string name) =>
        ByName.GetValueOrDefault(name)
        ?? (
            name.EndsWith(AssistedNetwork.Suffix, StringComparison.Ordinal)
            && ByName.TryGetValue(name[..^AssistedNetwork.Suffix.Length], out var model)
                ? AssistedNetwork.Describe(model)
                : null
        );

    /// <summary>The model of a spec, by its name or from Python.</summary>
    /// <exception cref="InvalidDataException">Its TorchScript archive cannot be used.</exception>
    public static ModelDescriptor Describe(ModelSpec spec) => spec.Script is null ? Get(spec.Name) : ScriptedNetwork.Describe(spec.Script);

    /// <summary>Whether <see cref="Describe"/> does not run the network, because the shapes of its outputs are known.</summary>
    public static bool StatesShapes(ModelSpec spec) => spec.Script is not { } script || ScriptedNetwork.StatesShapes(script);

    /// <exception cref="KeyNotFoundException">The name is unknown. Experiments are validated before this call.</exception>
    public static ModelDescriptor Get(string name) => Find(name) ?? throw new KeyNotFoundException($"There is no model {name}.");
}
