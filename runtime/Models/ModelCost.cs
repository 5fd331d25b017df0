using System.Collections.Concurrent;
using ChannelDistillation.Data;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>
/// What a model costs, for tables. As the literature counts: multiply-accumulates of convolutions and linear layers for one image;
/// normalisation, activations and pooling are not counted.
/// </summary>
/// <param name="Parameters">Trained numbers.</param>
/// <param name="MultiplyAdds">Of the forward pass of one image.</param>
public sealed record ModelCost(long Parameters, long MultiplyAdds)
{
    private static readonly ConcurrentDictionary<(ModelSpec, ImageShape, int), ModelCost> Known = new();

    /// <summary>Found by one forward pass of one image, once for each model.</summary>
    public static ModelCost Of(ModelSpec model, DatasetSpec dataset)
    {
        DatasetDescriptor images = DatasetCatalog.Describe(dataset);
        return Known.GetOrAdd((model, images.Image, images.Classes), key => Measure(key.Item1, key.Item2, key.Item3));
    }

    private static ModelCost Measure(ModelSpec spec, ImageShape image, int classes)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using Backbone model = ModelCatalog.Get(spec.Name).Build(spec, image, classes);
        model.eval();
        Tensor one = zeros(1, image.Channels, image.Height, image.Width);
        long ofConvolutions = Layers.MultiplyAdds.During(() => model.forward(one));
        Tensor[] parameters = [.. model.parameters()];
        // Only linear layers have matrices, and each sees one vector per image.
        long ofLinear = parameters.Where(parameter => parameter.dim() == 2).Sum(matrix => matrix.numel());
        return new(parameters.Sum(parameter => parameter.numel()), ofConvolutions + ofLinear);
    }
}
