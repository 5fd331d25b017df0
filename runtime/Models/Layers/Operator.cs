namespace ChannelDistillation.Models.Layers;

/// <summary>The kinds of operators in a <see cref="ForwardTrace"/>. Images and maps are [batch, channels, height, width].</summary>
public abstract record Operator
{
    private Operator() { }

    public sealed record Convolve(Convolution Layer) : Operator;

    public sealed record Normalise(BatchNorm Layer) : Operator;

    /// <summary>A linear layer.</summary>
    public sealed record Multiply(Linear Layer) : Operator;

    public sealed record Rectify : Operator;

    /// <summary>The sum of two values of one shape.</summary>
    public sealed record Add : Operator;

    /// <summary>Concatenation along the channels.</summary>
    public sealed record Concatenate : Operator;

    /// <summary>Some consecutive channels.</summary>
    public sealed record Slice(long Start, long Count) : Operator;

    /// <summary>Padding counts as minus infinity.</summary>
    public sealed record MaxPool(long Size, long Stride, long Padding) : Operator;

    /// <summary>Padding counts as zero, also in the divisor.</summary>
    public sealed record AveragePool(long Size, long Stride, long Padding) : Operator;

    /// <summary>The mean of each channel, [batch, channels].</summary>
    public sealed record ChannelMeans : Operator;

    /// <summary>Channel j of group i becomes channel i of group j.</summary>
    public sealed record Shuffle(int Groups) : Operator;
}
