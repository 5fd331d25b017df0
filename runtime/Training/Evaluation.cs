using ChannelDistillation.Data;
using ChannelDistillation.Records;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Training;

/// <summary>Errors of any classifier on a dataset's validation images.</summary>
public static class Evaluation
{
    private const int BatchSize = 100;

    /// <param name="classify">From images and labels to logits [batch, classes].</param>
    /// <returns>With epoch 0: nothing was trained.</returns>
    public static EpochErrors Errors(Func<Tensor, Tensor, Tensor> classify, DatasetSpec dataset, TrainingOptions options)
    {
        var device = new Device(options.Device);
        using Dataset opened = options.OpenDataset(dataset);
        using var stream = new BatchStream(opened.Validation, BatchSize, AugmentationSpec.None, 0, shuffle: false, device, workers: 1);
        using var meter = new EpochMeter(0, device);
        using var noGradient = no_grad();
        foreach (Batch batch in stream.Epoch(1))
        {
            using var scope = NewDisposeScope();
            meter.Add([], classify(batch.Images, batch.Labels), batch.Labels);
        }
        EpochSums sums = meter.Read();
        return new(0, sums.Top1Error, sums.Top5Error);
    }
}
