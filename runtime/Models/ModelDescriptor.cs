using ChannelDistillation.Core;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Models;

/// <summary>What is known of a model without building it, and how to build it.</summary>
public sealed record ModelDescriptor
{
    public required string Name { get; init; }

    /// <summary>One line for lists and editors.</summary>
    public required string Doc { get; init; }

    /// <summary>Paper or code the architecture follows.</summary>
    public required string Source { get; init; }

    /// <summary>Stems it can be built with; a model with one stem only ignores the image size.</summary>
    public required IReadOnlyList<Stem> Stems { get; init; }

    /// <summary>Channels of each stage's output and the stride at which the stage starts (relative to the stem's output).</summary>
    public required IReadOnlyList<(int Channels, int Stride)> Stages { get; init; }

    /// <summary>Stride of the layers before the first stage; the stems' own, where there is a choice of them, is not in it.</summary>
    public int StemStride { get; init; } = 1;

    /// <summary>Shapes of the stage outputs where <see cref="Stages"/> and rounding up do not tell them.</summary>
    public Func<ImageShape, IReadOnlyList<FeatureShape>>? Shapes { get; init; }

    /// <summary>Channels of the embedding: those of the last stage, if nothing else is said.</summary>
    public int EmbeddingChannels
    {
        get => field > 0 || Stages.Count == 0 ? field : Stages[^1].Channels;
        init;
    }

    /// <summary>Builds the network; its weights mean nothing before <see cref="Initialisation"/> or a checkpoint has set them.</summary>
    public required Func<BackboneOptions, Network> Create { get; init; }

    /// <summary>The stem used for a model of an experiment on images of a given size.</summary>
    public Stem StemFor(ModelSpec spec, ImageShape image) =>
        spec.Stem
        ?? (
            Stems.Count == 1 ? Stems[0]
            : Math.Max(image.Height, image.Width) <= 64 ? Stem.Cifar
            : Stem.ImageNet
        );

    /// <summary>Shapes of the stage outputs, found without allocating a tensor.</summary>
    public IReadOnlyList<FeatureShape> Features(ModelSpec spec, ImageShape image)
    {
        if (Shapes is not null)
            return Shapes(image);
        (int height, int width) = StemStride == 2 ? (Half(image.Height), Half(image.Width)) : (image.Height, image.Width);
        if (StemFor(spec, image) == Stem.ImageNet)
            (height, width) = (Half(Half(height)), Half(Half(width)));
        var shapes = new List<FeatureShape>();
        foreach (var (channels, stride) in Stages)
        {
            (height, width) = stride == 2 ? (Half(height), Half(width)) : (height, width);
            shapes.Add(new(channels, height, width));
        }
        return shapes;

        // A convolution of stride 2 with padding k/2 rounds up.
        static int Half(int size) => (size + 1) / 2;
    }

    /// <summary>The network for images of a given size; its weights mean nothing before <see cref="Initialisation"/> or a checkpoint has set them.</summary>
    public Network Build(ModelSpec spec, ImageShape image, int classes) =>
        Create(new(StemFor(spec, image), image.Channels, classes) { Image = image });
}

/// <param name="Channels">Channels of the input images: 3, or 1 for grey ones.</param>
public sealed record BackboneOptions(Stem Stem, int Channels, int Classes)
{
    /// <summary>The images that the network is to take; null: not known.</summary>
    public ImageShape? Image { get; init; }
}
