using ChannelDistillation.Data;
using ChannelDistillation.Losses;
using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Teachers;

/// <summary>What a cohort learns from.</summary>
public interface ITeacher : IDisposable
{
    /// <summary>What is asked of the teacher about a batch; lives in the current dispose scope.</summary>
    /// <param name="epoch">Counted from 1: it says how the images of the batch were varied.</param>
    TeacherSignals Run(Batch batch, int epoch, Taps taps);
}

/// <summary>A teacher that only answers: no gradients, no updates.</summary>
public sealed class FrozenTeacher : ITeacher
{
    private readonly Network model;
    private readonly Precision precision;
    private readonly bool isFoldable;
    private bool isReady;

    /// <param name="model">With its weights loaded, on the training device; owned by this object from now on.</param>
    /// <param name="precision">What it computes in; it answers in float32.</param>
    public FrozenTeacher(Network model, TeacherBatchNorm batchNorm, Precision precision = Precision.Float32)
    {
        this.model = model;
        this.precision = precision;
        foreach (var parameter in model.parameters())
            parameter.requires_grad_(false);
        model.train(batchNorm == TeacherBatchNorm.BatchStats);
        // With the statistics of each batch there is nothing fixed to fold.
        isFoldable = batchNorm != TeacherBatchNorm.BatchStats;
    }

    /// <summary>What is asked of the teacher about a batch; lives in the current dispose scope.</summary>
    public TeacherSignals Run(Tensor images, Tensor labels, Taps taps)
    {
        using var noGradient = no_grad();
        if (!isReady)
            Prepare(images);
        return new(model.Run(images, taps), labels);
    }

    public TeacherSignals Run(Batch batch, int epoch, Taps taps) => Run(batch.Images, batch.Labels, taps);

    public void Dispose() => model.Dispose();

    /// <summary>Folding multiplies weights in float32; they are cast behind it, once.</summary>
    private void Prepare(Tensor images)
    {
        if (isFoldable)
            Folding.Fold(model, images);
        model.ComputeIn(precision, isFrozen: true);
        isReady = true;
    }
}
