using ChannelDistillation.Checkpoints;
using ChannelDistillation.Core;
using ChannelDistillation.Data;
using ChannelDistillation.Models;
using ChannelDistillation.Native;
using ChannelDistillation.Runs;
using ChannelDistillation.Specs;
using ChannelDistillation.Teachers;
using TorchSharp;

namespace ChannelDistillation.Training;

/// <summary>Computes the errors of a checkpoint's weights.</summary>
public static class CheckpointEvaluation
{
    /// <param name="precision">Precision of the computation.</param>
    /// <param name="progress">Called with the number of finished images and the total.</param>
    /// <param name="logits">Collects the logits of all images; null: they are not kept.</param>
    /// <returns>The weights that were loaded, and their errors on the dataset's validation images.</returns>
    /// <exception cref="InvalidDataException">The weights do not fit this model and dataset; the message says what differs.</exception>
    /// <exception cref="MissingException">The dataset is missing, or there is not enough memory.</exception>
    /// <exception cref="DeviceLostException">This process can no longer use the device.</exception>
    public static (WeightSet Weights, EpochErrors Errors) Run(
        CheckpointFile file,
        ModelSpec model,
        DatasetSpec dataset,
        Precision precision,
        TrainingOptions options,
        Action<int, int> progress,
        LogitsFile? logits = null
    )
    {
        DatasetDescriptor images = DatasetCatalog.Describe(dataset);
        using Network backbone = ModelCatalog.Describe(model).Build(model, images.Image, images.Classes);
        WeightSet weights = Checkpoint.LoadInto(backbone, file);
        using IImageSet set = DatasetStore.OpenFinal(dataset, options.Workspace);
        var device = new torch.Device(options.Device);
        EpochErrors errors = DeviceErrors.TranslateErrors(
            device,
            () =>
            {
                backbone.Arrange(options.Layouts.OfEvaluation(model, dataset, precision));
                backbone.to(device);
                backbone.eval();
                backbone.ComputeIn(precision, isFrozen: true);
                return Evaluation.Errors((batch, _) => backbone.forward(batch), set, device, CancellationToken.None, progress, logits);
            }
        );
        foreach (string remark in set.Remarks())
            options.Remark(remark);
        return (weights, errors);
    }
}
