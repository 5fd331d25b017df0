using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ChannelDistillation.Models.Layers;

/// <summary>
/// A matrix product and a bias, with the state of PyTorch's Linear. Its weights are zero until they are initialised or loaded, so that
/// creating a network draws no random numbers.
/// </summary>
public sealed class Linear : CastingLayer
{
    private readonly Parameter weight;
    private readonly Parameter bias;

    public Linear(int input, int output)
        : base(nameof(Linear))
    {
        weight = LayerState.Parameter(zeros(output, input));
        bias = LayerState.Parameter(zeros(output));
        RegisterComponents();
    }

    /// <summary>[batch, input] to [batch, output].</summary>
    public override Tensor forward(Tensor vectors) =>
        ForwardTrace.Record(new Operator.Multiply(this), nn.functional.linear(Cast(vectors), CastParameter(weight), CastParameter(bias)), vectors);

    /// <summary>[output, input].</summary>
    internal Tensor Weight => weight;

    /// <summary>[output].</summary>
    internal Tensor Bias => bias;
}
