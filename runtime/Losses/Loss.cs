using System.Collections.ObjectModel;
using ChannelDistillation.Data;
using ChannelDistillation.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>A loss over one batch. Its <see cref="Auxiliary"/> module is trained with the student and contains all state kept between steps.</summary>
public abstract class Loss
{
    /// <summary>Trainable layers (connectors, regressors) and buffers; null if there are none.</summary>
    public virtual nn.Module? Auxiliary => null;

    /// <summary>The student taps that it reads.</summary>
    public abstract Taps OfStudent { get; }

    /// <summary>The teacher taps that it reads; by default the same.</summary>
    public virtual Taps OfTeacher => OfStudent;

    /// <summary>Numbers to be drawn for every image before the step (<see cref="LossInput.Draws"/>); null if there are none.</summary>
    public virtual IImageDraw? Draw => null;

    /// <summary>The unweighted loss: a differentiable scalar.</summary>
    public abstract Tensor Compute(LossInput input);

    /// <summary>Called after the gradients of the last <see cref="Compute"/> are computed: state that they depend on may now be updated.</summary>
    public virtual void StepEnded() { }
}

/// <param name="Student">With gradients.</param>
/// <param name="Teacher">Null without a teacher.</param>
/// <param name="Labels">[batch], int64.</param>
/// <param name="Indices">Position of each image in the training set, [batch].</param>
/// <param name="Epoch">Counted from 1.</param>
public sealed record LossInput(ModelOutput Student, TeacherSignals? Teacher, Tensor Labels, ReadOnlyMemory<int> Indices, int Epoch)
{
    /// <summary>Numbers drawn for the images before the step, [batch, width], int32; any may be missing.</summary>
    public IReadOnlyDictionary<IImageDraw, Tensor> Draws { get; init; } = ReadOnlyDictionary<IImageDraw, Tensor>.Empty;
}
