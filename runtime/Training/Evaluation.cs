using ChannelDistillation.Data;
using ChannelDistillation.Native;
using ChannelDistillation.Runs;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Training;

/// <summary>Computes errors of any classifier.</summary>
public static class Evaluation
{
    internal const int BatchSize = 100;

    /// <param name="classify">Maps images and labels to logits [batch, classes].</param>
    /// <returns>Errors on the official validation set, also with a hold-out split. The epoch is 0.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="MissingException">There is not enough memory.</exception>
    /// <exception cref="DeviceLostException">This process can no longer use the device.</exception>
    public static EpochErrors Errors(
        Func<Tensor, Tensor, Tensor> classify,
        DatasetSpec dataset,
        TrainingOptions options,
        CancellationToken stop = default
    )
    {
        using Dataset opened = options.Open(dataset);
        var device = new Device(options.Device);
        EpochErrors errors = DeviceErrors.TranslateErrors(device, () => Errors(classify, opened.Final, device, stop));
        stop.ThrowIfCancellationRequested();
        foreach (string remark in opened.Remarks())
            options.Remark(remark);
        return errors;
    }

    /// <param name="classify">Maps images and labels to logits [batch, classes].</param>
    /// <param name="stop">Ends early; the errors are then incomplete.</param>
    /// <param name="progress">Called with the number of finished images and the total.</param>
    /// <param name="logits">Collects the logits of all images; null: they are not kept.</param>
    internal static EpochErrors Errors(
        Func<Tensor, Tensor, Tensor> classify,
        IImageSet set,
        Device device,
        CancellationToken stop,
        Action<int, int>? progress = null,
        LogitsFile? logits = null
    )
    {
        using var stream = new BatchStream(set, BatchSize, AugmentationSpec.None, 0, shuffle: false, device);
        using var meter = new EpochMeter(0, device);
        using var noGradient = no_grad();
        int done = 0;
        foreach (Batch batch in stream.Epoch(1))
        {
            if (stop.IsCancellationRequested)
                break;
            using var scope = NewDisposeScope();
            Tensor outputs = classify(batch.Images, batch.Labels);
            meter.Add([], outputs, batch.Labels);
            logits?.Add(outputs, batch.Labels);
            done += batch.Indices.Length;
            progress?.Invoke(done, set.Count);
        }
        EpochSums sums = meter.Read();
        return new(0, sums.Top1Error, sums.Top5Error);
    }
}
