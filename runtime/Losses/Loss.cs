using ChannelDistillation.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>A loss over one batch. Pure but for its <see cref="Auxiliary"/> module, which is trained with the student.</summary>
public abstract class Loss
{
    /// <summary>Layers with weights of their own (connectors, regressors); null: none.</summary>
    public virtual nn.Module? Auxiliary => null;

    /// <summary>The unweighted loss: a scalar that gradients flow through.</summary>
    public abstract Tensor Compute(LossInput input);
}

/// <param name="Student">With gradients.</param>
/// <param name="Teacher">Null where there is no teacher.</param>
/// <param name="Labels">[batch], int64.</param>
/// <param name="Indices">Position of each image in the training set, [batch].</param>
/// <param name="Epoch">Counted from 1.</param>
public sealed record LossInput(ModelOutput Student, TeacherSignals? Teacher, Tensor Labels, ReadOnlyMemory<int> Indices, int Epoch);
