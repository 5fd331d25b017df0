using System.Runtime.CompilerServices;
using ChannelDistillation.Core;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Models;

/// <summary>Properties of a model, and how to create it.</summary>
public sealed record ModelDescriptor
{
    public ModelDescriptor([CallerFilePath] string declaredIn = "") => DeclaredIn = declaredIn;

    /// <summary>Its source file, as the compiler was given it.</summary>
    public string DeclaredIn { get; }

    public required string Name { get; init; }

    /// <summary>One line for lists and editors.</summary>
    public required string Doc { get; init; }

    /// <summary>The paper or code that the architecture follows.</summary>
    public required string Source { get; init; }

    /// <summary>Supported stems; a model with a single stem ignores the image size.</summary>
    public required IReadOnlyList<Stem> Stems { get; init; }

    /// <summary>Channels of each stage's output, and the stride at the start of the stage.</summary>
    public required IReadOnlyList<(int Channels, int Stride)> Stages { get; init; }

    /// <summary>Stride of the layers before the first stage, not including a selectable stem's own.</summary>
    public int StemStride { get; init; } = 1;

    /// <summary>Shapes of the stage outputs, if they do not follow from <see cref="Stages"/> with rounding up.</summary>
    public Func<ImageShape, IReadOnlyList<FeatureShape>>? Shapes { get; init; }

    /// <summary>Channels of the embedding; by default those of the last stage.</summary>
    public int EmbeddingChannels
    {
        get => field > 0 || Stages.Count == 0 ? field : Stages[^1].Channels;
        init;
    }

    /// <summary>Creates the network; its weights are undefined until <see cref="Initialisation"/> or a checkpoint sets them.</summary>
    public required Func<BackboneOptions, Network> Create { get; init; }

    /// <summary>The stem of an experiment's model for images of a given size.</summary>
    public Stem StemFor(ModelSpec spec, ImageShape image) =>
        spec.Stem
        ?? (
            Stems.Count == 1 ? Stems[0]
            : Math.Max(image.Height, image.Width) <= 64 ? Stem.Cifar
            : Stem.ImageNet
        );

    /// <summary>Shapes of the stage outputs, computed without allocating a tensor.</summary>
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

    /// <summary>Creates the network for images of a given size; its weights are undefined until <see cref="Initialisation"/> or a checkpoint sets them.</summary>
    public Network Build(ModelSpec spec, ImageShape image, int classes) =>
        Create(new(StemFor(spec, image), image.Channels, classes) { Image = image });
}

/// <param name="Channels">Channels of the input images: 3, or 1 for grey images.</param>
public sealed record BackboneOptions(Stem Stem, int Channels, int Classes)
{
    /// <summary>Size of the input images; null if unknown.</summary>
    public ImageShape? Image { get; init; }
}
