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
/// The cost of a model, for tables, counted as in the literature: multiply-accumulates of convolutions and linear layers for one image,
/// without normalisation, activations and pooling.
/// </summary>
/// <param name="Parameters">Number of trained values.</param>
/// <param name="MultiplyAdds">Of the forward pass of one image; null for a network from Python, whose layers cannot be counted.</param>
public sealed record ModelCost(long Parameters, long? MultiplyAdds)
{
    private static readonly ConcurrentDictionary<CountedModel, ModelCost> Counted = new();

    /// <summary>Measured by a forward pass of one image, once per model.</summary>
    public static ModelCost Of(CountedModel model) => Counted.GetOrAdd(model, Measure);

    /// <summary>The cost if it was measured or <see cref="Note">noted</see> before, otherwise null. Loads no tensor library.</summary>
    public static ModelCost? Known(CountedModel model) => Counted.GetValueOrDefault(model);

    /// <summary>Stores a cost measured by another process.</summary>
    public static void Note(CountedModel model, ModelCost cost) => Counted[model] = cost;

    private static ModelCost Measure(CountedModel counted)
    {
        ExternalTorch.Load();
        var (spec, image, classes) = counted;
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using Network model = ModelCatalog.Describe(spec).Build(spec, image, classes);
        model.eval();
        long count = model.parameters().Sum(parameter => parameter.numel());
        if (spec.Script is not null)
            return new(count, null);
        Tensor one = zeros(1, image.Channels, image.Height, image.Width);
        using var trace = new ForwardTrace(one);
        model.forward(one);
        return new(count, trace.Steps.Sum(step => step.MultiplyAdds));
    }
}

/// <summary>The properties of a model that its cost depends on.</summary>
/// <param name="Image">Size of its input.</param>
/// <param name="Classes">Number of classes.</param>
public sealed record CountedModel(ModelSpec Model, ImageShape Image, int Classes)
{
    public static CountedModel Of(ModelSpec model, DatasetSpec dataset)
    {
        DatasetDescriptor images = DatasetCatalog.Describe(dataset);
        return new(model, images.Image, images.Classes);
    }
}
