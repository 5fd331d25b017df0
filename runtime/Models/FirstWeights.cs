namespace ChannelDistillation.Models;

/// <summary>How a family's weights are drawn. Results of the literature rest on it: a small first weight before BatchNorm trains faster.</summary>
public sealed record FirstWeights
{
    public enum Convolution
    {
        /// <summary>Normal of variance 2 / fan_out (He et al., arXiv 1502.01852).</summary>
        KaimingNormal,

        /// <summary>PyTorch's default: uniform within 1 / sqrt(fan_in).</summary>
        Uniform,
    }

    public enum Linear
    {
        /// <summary>PyTorch's default: weights and bias uniform within 1 / sqrt(fan_in).</summary>
        Uniform,

        /// <summary>The same, but the bias is 0.</summary>
        UniformWithoutBias,

        /// <summary>Normal of deviation 0.01, bias 0.</summary>
        SmallNormal,
    }

    /// <summary>Of a network without rules of its own.</summary>
    public static FirstWeights Default { get; } = new();

    /// <summary>PyTorch's defaults: of the modules that losses train beside the student.</summary>
    public static FirstWeights OfLosses { get; } = new() { Convolutions = Convolution.Uniform };

    public Convolution Convolutions { get; init; }

    public Linear LinearLayers { get; init; }
}
