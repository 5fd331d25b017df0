using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models.Layers;

/// <summary>
/// A layer of products and sums that can compute in a smaller type than that of its parameters. Its input is cast, and its
/// output has the smaller type, as under PyTorch's autocast. Gradients flow back through the casts to parameters in float32.
/// </summary>
public abstract class CastingLayer(string name) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>Frozen parameters, cast once.</summary>
    private readonly Dictionary<Tensor, Tensor> castOnce = new(ReferenceEqualityComparer.Instance);

    /// <summary>Null: the type of its parameters.</summary>
    private ScalarType? type;

    private bool isFrozen;

    /// <summary>Sets the type of its computation; null: the type of its parameters.</summary>
    /// <param name="isFrozen">Whether its parameters no longer change.</param>
    internal void ComputeIn(ScalarType? type, bool isFrozen)
    {
        Forget();
        (this.type, this.isFrozen) = (type, isFrozen);
    }

    /// <summary>The tensor in the layer's type; the same tensor if it already has it.</summary>
    private protected Tensor Cast(Tensor values) => type is not { } narrow || values.dtype == narrow ? values : values.to(narrow);

    /// <summary>A parameter in the layer's type.</summary>
    private protected Tensor CastParameter(Tensor parameter)
    {
        if (!isFrozen || type is null)
            return Cast(parameter);
        if (!castOnce.TryGetValue(parameter, out Tensor? kept))
            castOnce.Add(parameter, kept = Cast(parameter).DetachFromDisposeScope());
        return kept;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Forget();
        base.Dispose(disposing);
    }

    /// <summary>Discards cast parameters after the parameters were replaced.</summary>
    private protected void Forget()
    {
        foreach (Tensor kept in castOnce.Values)
            kept.Dispose();
        castOnce.Clear();
    }
}
