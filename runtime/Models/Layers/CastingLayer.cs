using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models.Layers;

/// <summary>
/// A layer of products and sums that can be computed in fewer bits than its parameters have. What it reads is cast on the way in and its
/// output has the smaller type, as under PyTorch's autocast; gradients flow back through the casts, to parameters in float32.
/// </summary>
public abstract class CastingLayer(string name) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>Parameters that no longer change, cast once.</summary>
    private readonly Dictionary<Tensor, Tensor> castOnce = new(ReferenceEqualityComparer.Instance);

    /// <summary>Null: what its parameters have.</summary>
    private ScalarType? type;

    private bool isFrozen;

    /// <summary>What it computes in from now on; null: the type of its parameters.</summary>
    /// <param name="isFrozen">Its parameters do not change any more.</param>
    internal void ComputeIn(ScalarType? type, bool isFrozen)
    {
        Forget();
        (this.type, this.isFrozen) = (type, isFrozen);
    }

    /// <summary>In the layer's type; the same tensor where it is that already.</summary>
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

    /// <summary>Parameters are stored anew: what was cast of them is cast again.</summary>
    private protected void Forget()
    {
        foreach (Tensor kept in castOnce.Values)
            kept.Dispose();
        castOnce.Clear();
    }
}
