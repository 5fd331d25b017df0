using ChannelDistillation.Models;
using static TorchSharp.torch;

namespace ChannelDistillation.Export;

/// <summary>The names of inputs and outputs of exported networks.</summary>
public static class OnnxNames
{
    public const string Images = "images";
    public const string Logits = "logits";
    public const string Embedding = "embedding";

    /// <summary>`stage1`, `stage2`, ...</summary>
    /// <param name="stage">From 0.</param>
    public static string Stage(int stage) => $"stage{stage + 1}";

    /// <summary>The exported outputs of a forward pass.</summary>
    internal static IReadOnlyList<(string Name, Tensor Tensor)> Of(ModelOutput output, bool hasFeatures) =>
        hasFeatures
            ? [(Logits, output.Logits), (Embedding, output.Embedding), .. output.Features.Select((maps, stage) => (Stage(stage), maps))]
            : [(Logits, output.Logits)];
}
