using System.Collections.Concurrent;
using ChannelDistillation.Core;
using ChannelDistillation.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Checkpoints;

/// <summary>A model of <see cref="ModelCatalog"/>, built for the checkpoint's number of classes and channels, and how the checkpoint differs from it.</summary>
public sealed record ModelFit(ModelDescriptor Model, BackboneOptions Options, StateDifference Difference)
{
    public bool IsExact => Difference.Count == 0;

    /// <summary>Whether the checkpoint has any tensor name of the model.</summary>
    public required bool IsAlike { get; init; }

    /// <summary>`resnet34 for 1000 classes, imagenet stem`.</summary>
    public string InWords =>
        $"{Model.Name} for {Options.Classes} classes"
        + (Model.Stems.Count > 1 ? $", {Options.Stem.ToString().ToLowerInvariant()} stem" : "")
        + (Options.Channels == 3 ? "" : $", images of {Options.Channels} channel{(Options.Channels == 1 ? "" : "s")}");

    /// <summary>`resnet34 for 1000 classes, and 2 tensors that are not part of it (`queue`, `ema.decay`)`; null if the model is not there completely.</summary>
    public string? Contained =>
        IsExact ? InWords
        : Difference.IsSurplusOnly ? $"{InWords}, and {Difference.SurplusInWords}"
        : null;

    /// <summary>Every model with every stem, best match first; models without a single matching name come last.</summary>
    public static IReadOnlyList<ModelFit> Rank(WeightSet weights)
    {
        int channels = weights.Channels ?? 3;
        int classes = weights.Classes ?? 1000;
        bool isAssisted = weights.Tensors.Any(tensor => tensor.Name.StartsWith(AssistedNetwork.AssistantPrefix, StringComparison.Ordinal));
        return
        [
            .. ModelCatalog
                .All.Select(model => isAssisted ? AssistedNetwork.Describe(model) : model)
                .SelectMany(model => model.Stems.Select(stem => (Model: model, Options: new BackboneOptions(stem, channels, classes))))
                .AsParallel()
                .AsOrdered()
                .Select(built => Of(weights, built.Model, built.Options))
                .OrderByDescending(fit => fit.IsAlike)
                .ThenBy(fit => fit.Difference.Count),
        ];
    }

    /// <summary>Numbers of channels and classes that no dimension of a model has for another reason.</summary>
    private static readonly (int Channels, int Classes) Distinctive = (251, 1009);

    /// <summary>Shapes of models with the distinctive numbers: building the large ones takes a gigabyte and a second.</summary>
    private static readonly ConcurrentDictionary<(string Model, Stem Stem), IReadOnlyDictionary<string, long[]>> Built = [];

    private static IReadOnlyDictionary<string, long[]> ShapesOf(ModelDescriptor model, BackboneOptions options)
    {
        IReadOnlyDictionary<string, long[]> built = Built.GetOrAdd(
            (model.Name, options.Stem),
            _ =>
            {
                using var scope = NewDisposeScope();
                using Network network = model.Create(new(options.Stem, Distinctive.Channels, Distinctive.Classes));
                return ShapesOf(network);
            }
        );
        return new OrderedDictionary<string, long[]>(
            built.Select(entry => KeyValuePair.Create(entry.Key, Array.ConvertAll(entry.Value, size => Actual(size, options))))
        );
    }

    private static long Actual(long size, BackboneOptions options) =>
        size == Distinctive.Channels ? options.Channels
        : size == Distinctive.Classes ? options.Classes
        : size;

    private static ModelFit Of(WeightSet weights, ModelDescriptor model, BackboneOptions options)
    {
        IReadOnlyDictionary<string, long[]> shapes = ShapesOf(model, options);
        var difference = StateDifference.Between(weights, shapes);
        return new(model, options, difference) { IsAlike = weights.Tensors.Any(tensor => shapes.ContainsKey(tensor.Name)) };
    }

    /// <summary>Names and shapes of a model's state.</summary>
    public static IReadOnlyDictionary<string, long[]> ShapesOf(Network model) =>
        model.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.shape);
}
