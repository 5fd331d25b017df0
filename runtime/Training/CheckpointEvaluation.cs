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

/// <summary>Errors of the weights in a checkpoint.</summary>
public static class CheckpointEvaluation
{
    /// <param name="precision">What the model computes in.</param>
    /// <param name="progress">Told how many images are done, and of how many.</param>
    /// <returns>The weights that were taken, and their errors on the dataset's validation images.</returns>
    /// <exception cref="InvalidDataException">The weights are not those of this model, for this dataset; the message says what differs.</exception>
    /// <exception cref="MissingException">The dataset is not there, or not enough memory.</exception>
    /// <exception cref="DeviceLostException">This process can compute nothing more on the device.</exception>
    public static (WeightSet Weights, EpochErrors Errors) Run(
        CheckpointFile file,
        ModelSpec model,
        DatasetSpec dataset,
        Precision precision,
        TrainingOptions options,
        Action<int, int> progress
    )
    {
        DatasetDescriptor images = DatasetCatalog.Describe(dataset);
        using Network backbone = ModelCatalog.Describe(model).Build(model, images.Image, images.Classes);
        WeightSet weights = Checkpoint.LoadInto(backbone, file);
        using IImageSet set = DatasetStore.OpenFinal(dataset, options.Workspace);
        var device = new torch.Device(options.Device);
        EpochErrors errors = DeviceErrors.OutsideRuns(
            device,
            () =>
            {
                backbone.Arrange(options.Layouts.OfEvaluation(model, dataset, precision));
                backbone.to(device);
                backbone.eval();
                backbone.ComputeIn(precision, isFrozen: true);
                return Evaluation.Errors((batch, _) => backbone.forward(batch), set, device, CancellationToken.None, progress);
            }
        );
        foreach (string remark in set.Remarks())
            options.Remark(remark);
        return (weights, errors);
    }
}
