namespace ChannelDistillation.Core;

/// <summary>Size of a model's input images.</summary>
public readonly record struct ImageShape(int Channels, int Height, int Width);

/// <summary>Size of one stage's feature map, without the batch dimension.</summary>
public readonly record struct FeatureShape(int Channels, int Height, int Width)
{
    public override string ToString() => $"{Channels}x{Height}x{Width}";
}

/// <summary>The layers before the first stage.</summary>
public enum Stem
{
    /// <summary>3x3 convolution, stride 1: images keep their size.</summary>
    Cifar,

    /// <summary>7x7 convolution, stride 2, and max-pooling, stride 2: a quarter of the size.</summary>
    ImageNet,
}
