using ChannelDistillation.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Checkpoints;

/// <summary>A model of <see cref="ModelCatalog"/>, built for as many classes and channels as a checkpoint has, and how far the checkpoint is from it.</summary>
public sealed record ModelFit(ModelDescriptor Model, BackboneOptions Options, StateDifference Difference)
{
    public bool IsExact => Difference.Count == 0;

    /// <summary>`resnet34 for 1000 classes, imagenet stem`.</summary>
    public string InWords =>
        $"{Model.Name} for {Options.Classes} classes"
        + (Model.Stems.Count > 1 ? $", {Options.Stem.ToString().ToLowerInvariant()} stem" : "")
        + (Options.Channels == 3 ? "" : $", images of {Options.Channels} channel{(Options.Channels == 1 ? "" : "s")}");

    /// <summary>Every model, each with every stem, the nearest first.</summary>
    public static IReadOnlyList<ModelFit> Rank(WeightSet weights)
    {
        int channels = Side(weights.Tensors.FirstOrDefault(tensor => tensor.Shape.Count == 4)?.Shape[1], most: 4) ?? 3;
        int classes = Side(weights.Tensors.LastOrDefault(tensor => tensor.Shape.Count == 2)?.Shape[0], most: 1_000_000) ?? 1000;
        return
        [
            .. ModelCatalog
                .All.SelectMany(model => model.Stems.Select(stem => (Model: model, Options: new BackboneOptions(stem, channels, classes))))
                .Select(built => new ModelFit(built.Model, built.Options, StateDifference.Between(weights, ShapesOf(built.Model, built.Options))))
                .OrderBy(fit => fit.Difference.Count),
        ];
    }

    /// <summary>Names and shapes of a model's state.</summary>
    public static IReadOnlyDictionary<string, long[]> ShapesOf(ModelDescriptor model, BackboneOptions options)
    {
        using var scope = NewDisposeScope();
        using Backbone built = model.Create(options);
        return ShapesOf(built);
    }

    public static IReadOnlyDictionary<string, long[]> ShapesOf(Backbone model) =>
        model.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.shape);

    private static int? Side(long? size, int most) => size >= 1 && size <= most ? (int)size : null;
}
