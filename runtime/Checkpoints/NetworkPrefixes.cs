using ChannelDistillation.Core;

namespace ChannelDistillation.Checkpoints;

/// <summary>
/// Finds networks by the names of their layers, whatever prefix wrappers, training code or a role (`ema_model.module.`, `teacher.`) has put
/// before them, and whatever other tensors are beside them.
/// </summary>
internal static class NetworkPrefixes
{
    /// <summary>The first layer of a network and others, any of which is there too. The first layer alone is also that of many blocks.</summary>
    private static readonly (string First, string[] Others)[] Landmarks =
    [
        ("conv1.weight", ["layer1.0.conv1.weight", "block1.layer.0.conv1.weight", "fc.weight", "linear.weight"]),
        ("conv1.0.weight", ["blocks.0.0.conv.0.weight", "classifier.0.weight"]),
        ("model.0.0.weight", ["model.1.0.weight", "model.1.3.weight"]),
        ("block0.0.weight", ["block1.0.weight", "classifier.weight"]),
        ("resnet.embedder.embedder.convolution.weight", ["resnet.encoder.stages.0.layers.0.layer.0.convolution.weight", "classifier.1.weight"]),
        ("backbone.conv1.weight", ["head.fc.weight"]),
    ];

    /// <summary>Parts of a network with an assistant (residual-kd), which is one network.</summary>
    private static readonly string[] Assisted = ["main.", "assistant."];

    /// <summary>Modules of the models in the catalog that have layers of their own: nothing within them is another network.</summary>
    private static readonly string[] Inner = ["layer", "block", "conv", "backbone."];

    /// <summary>Prefixes of networks, each empty or ending with a dot; empty if there is none.</summary>
    public static IReadOnlyList<string> Of(WeightSet set)
    {
        HashSet<string> names = [.. set.Tensors.Select(tensor => tensor.Name)];
        string[] found = [.. Landmarks.SelectMany(landmark => Of(names, landmark.First, landmark.Others)).Distinct()];
        // Far more than a file may have, and few enough to compare with one another.
        if (found.Length > FileLimits.Networks * FileLimits.Networks)
            throw WeightSets.ManyNetworks();
        string[] outer = [.. found.Select(prefix => OfAssisted(found, prefix)).Distinct()];
        string[] apart = [.. outer.Where(prefix => !outer.Any(other => IsWithin(prefix, other)))];
        return apart.Length > FileLimits.Networks ? throw WeightSets.ManyNetworks() : apart;
    }

    private static IEnumerable<string> Of(HashSet<string> names, string first, string[] others) =>
        names
            .Where(name => name.EndsWith(first, StringComparison.Ordinal))
            .Select(name => name[..^first.Length])
            .Where(prefix => (prefix == "" || prefix.EndsWith('.')) && others.Any(other => names.Contains(prefix + other)));

    private static string OfAssisted(string[] found, string prefix)
    {
        foreach (string part in Assisted.Where(part => prefix.EndsWith(part, StringComparison.Ordinal)))
        {
            string both = prefix[..^part.Length];
            if (Assisted.All(other => found.Contains(both + other)))
                return both;
        }
        return prefix;
    }

    private static bool IsWithin(string prefix, string other) =>
        prefix.Length > other.Length
        && prefix.StartsWith(other, StringComparison.Ordinal)
        && Inner.Any(module => prefix.AsSpan(other.Length).StartsWith(module, StringComparison.Ordinal));
}
