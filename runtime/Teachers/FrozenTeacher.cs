using ChannelDistillation.Data;
using ChannelDistillation.Losses;
using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Teachers;

/// <summary>A cohort's source of teacher outputs.</summary>
public interface ITeacher : IDisposable
{
    /// <summary>The requested outputs for a batch, in the current dispose scope.</summary>
    /// <param name="epoch">Counted from 1; it determines the augmentation of the batch's images.</param>
    TeacherSignals Run(Batch batch, int epoch, Taps taps);
}

/// <summary>A teacher for inference only: no gradients, no updates.</summary>
public sealed class FrozenTeacher : ITeacher
{
    private readonly Network model;
    private readonly Precision precision;
    private readonly bool isFoldable;
    private bool isReady;

    /// <param name="model">With its weights loaded, on the training device. This object takes ownership.</param>
    /// <param name="precision">Precision of the computation; outputs are float32.</param>
    public FrozenTeacher(Network model, TeacherBatchNorm batchNorm, Precision precision = Precision.Float32)
    {
        this.model = model;
        this.precision = precision;
        foreach (var parameter in model.parameters())
            parameter.requires_grad_(false);
        model.train(batchNorm == TeacherBatchNorm.BatchStats);
        // With batch statistics there is nothing fixed to fold.
        isFoldable = batchNorm != TeacherBatchNorm.BatchStats;
    }

    /// <summary>The requested outputs for a batch, in the current dispose scope.</summary>
    public TeacherSignals Run(Tensor images, Tensor labels, Taps taps)
    {
        using var noGradient = no_grad();
        if (!isReady)
            Prepare(images);
        return new(model.Run(images, taps), labels);
    }

    public TeacherSignals Run(Batch batch, int epoch, Taps taps) => Run(batch.Images, batch.Labels, taps);

    /// <summary>The weights of the classifier, [classes, channels].</summary>
    /// <exception cref="InvalidDataException">It is a network from Python, whose classifier is not known.</exception>
    public Tensor ClassifierRows() =>
        model is Backbone backbone
            ? backbone.Classifier.Weight.detach()
            : throw new InvalidDataException($"The classifier of {model.GetName()}, a network from Python, is not known.");

    public void Dispose() => model.Dispose();

    /// <summary>Folds BatchNorm into the weights in float32, then casts them once.</summary>
    private void Prepare(Tensor images)
    {
        if (isFoldable)
            Folding.Fold(model, images);
        model.ComputeIn(precision, isFrozen: true);
        isReady = true;
    }
}
