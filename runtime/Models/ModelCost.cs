using System.Collections.Concurrent;
using ChannelDistillation.Core;
using ChannelDistillation.Data;
using ChannelDistillation.Models.Layers;
using ChannelDistillation.Native;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>
/// What a model costs, for tables. As the literature counts: multiply-accumulates of convolutions and linear layers for one image;
/// normalisation, activations and pooling are not counted.
/// </summary>
/// <param name="Parameters">Trained numbers.</param>
/// <param name="MultiplyAdds">Of the forward pass of one image; null: the network is from Python, and its layers cannot be counted from outside.</param>
public sealed record ModelCost(long Parameters, long? MultiplyAdds)
{
    private static readonly ConcurrentDictionary<CountedModel, ModelCost> Counted = new();

    /// <summary>Found by one forward pass of one image, once for each model.</summary>
    public static ModelCost Of(CountedModel model) => Counted.GetOrAdd(model, Measure);

    /// <summary>The same where it was counted before or <see cref="Note">noted</see>; else null. Loads no tensor library.</summary>
    public static ModelCost? Known(CountedModel model) => Counted.GetValueOrDefault(model);

    /// <summary>Notes what another process has counted.</summary>
    public static void Note(CountedModel model, ModelCost cost) => Counted[model] = cost;

    private static ModelCost Measure(CountedModel counted)
    {
        ExternalTorch.Load();
        var (spec, image, classes) = counted;
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using Network model = ModelCatalog.Describe(spec).Build(spec, image, classes);
        model.eval();
        Tensor[] parameters = [.. model.parameters()];
        long count = parameters.Sum(parameter => parameter.numel());
        if (spec.Script is not null)
            return new(count, null);
        Tensor one = zeros(1, image.Channels, image.Height, image.Width);
        long ofConvolutions = Layers.MultiplyAdds.During(() => model.forward(one));
        // Only linear layers have matrices, and each sees one vector per image.
        long ofLinear = parameters.Where(parameter => parameter.dim() == 2).Sum(matrix => matrix.numel());
        return new(count, ofConvolutions + ofLinear);
    }
}

/// <summary>A model as its cost depends on it.</summary>
/// <param name="Image">What it sees.</param>
/// <param name="Classes">What it tells apart.</param>
public sealed record CountedModel(ModelSpec Model, ImageShape Image, int Classes)
{
    public static CountedModel Of(ModelSpec model, DatasetSpec dataset)
    {
        DatasetDescriptor images = DatasetCatalog.Describe(dataset);
        return new(model, images.Image, images.Classes);
    }
}
