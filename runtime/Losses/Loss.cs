using System.Collections.ObjectModel;
using ChannelDistillation.Data;
using ChannelDistillation.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>A loss over one batch. Its <see cref="Auxiliary"/> module is trained with the student and holds whatever else it keeps from step to step.</summary>
public abstract class Loss
{
    /// <summary>Layers with weights of their own (connectors, regressors); null: none.</summary>
    public virtual nn.Module? Auxiliary => null;

    /// <summary>What it reads of the student.</summary>
    public abstract Taps OfStudent { get; }

    /// <summary>What it reads of the teacher: the same, if nothing else is said.</summary>
    public virtual Taps OfTeacher => OfStudent;

    /// <summary>What is to be drawn for every image before the step (<see cref="LossInput.Draws"/>); null: nothing.</summary>
    public virtual IImageDraw? Draw => null;

    /// <summary>The unweighted loss: a scalar that gradients flow through.</summary>
    public abstract Tensor Compute(LossInput input);

    /// <summary>Called when the gradients of the last <see cref="Compute"/> are there: what they are made of may change now.</summary>
    public virtual void StepEnded() { }
}

/// <param name="Student">With gradients.</param>
/// <param name="Teacher">Null where there is no teacher.</param>
/// <param name="Labels">[batch], int64.</param>
/// <param name="Indices">Position of each image in the training set, [batch].</param>
/// <param name="Epoch">Counted from 1.</param>
public sealed record LossInput(ModelOutput Student, TeacherSignals? Teacher, Tensor Labels, ReadOnlyMemory<int> Indices, int Epoch)
{
    /// <summary>What was drawn for the images ahead of the step, [batch, width], int32; it may lack any.</summary>
    public IReadOnlyDictionary<IImageDraw, Tensor> Draws { get; init; } = ReadOnlyDictionary<IImageDraw, Tensor>.Empty;
}
