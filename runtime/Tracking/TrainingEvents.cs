using System.Globalization;
using ChannelDistillation.Runs;
using Google.Protobuf;
using Tensorboard;

namespace ChannelDistillation.Tracking;

/// <summary>TensorBoard events of a run, in TensorBoard's protocol buffers, which TorchSharp contains.</summary>
internal static class TrainingEvents
{
    /// <summary>The first event of every file.</summary>
    public static Event Version() => new() { WallTime = Now(), FileVersion = "brain.Event:2" };

    /// <summary>All metrics of an epoch; the event's step is the epoch, from 1.</summary>
    public static Event Of(EpochRecord record)
    {
        var summary = new Summary();
        void Add(string tag, double value) => summary.Value.Add(new Summary.Types.Value { Tag = tag, SimpleValue = (float)value });

        Add("validation/top1_error", record.Top1Error);
        Add("validation/top5_error", record.Top5Error);
        Add("training/top1_error", record.TrainTop1Error);
        Add("training/top5_error", record.TrainTop5Error);
        Add("loss/total", record.Loss);
        foreach (var (name, loss) in record.Losses)
            Add($"loss/{name}", loss);
        foreach (var (name, weight) in record.LossWeights)
            Add($"loss_weight/{name}", weight);
        Add("optimizer/learning_rate", record.LearningRate);
        Add("speed/images_per_second", record.ImagesPerSecond);
        return new()
        {
            WallTime = Now(),
            Step = record.Epoch,
            Summary = summary,
        };
    }

    /// <summary>Some training images, augmented as the student receives them, before its first epoch.</summary>
    public static Event Of(SampleImages images)
    {
        var picture = new Summary.Types.Image
        {
            Width = images.Width,
            Height = images.Height,
            Colorspace = SampleImages.Colours,
            EncodedImageString = ByteString.CopyFrom(images.Png),
        };
        var summary = new Summary();
        summary.Value.Add(new Summary.Types.Value { Tag = "training/augmented_images", Image = picture });
        return new() { WallTime = Now(), Summary = summary };
    }

    /// <summary>Parses an event; null if the bytes are not one.</summary>
    public static Event? Parse(byte[] data)
    {
        try
        {
            return Event.Parser.ParseFrom(data);
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    /// <summary>A file name that TensorBoard recognises.</summary>
    public static string FileName() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{RunEvents.Prefix}{DateTimeOffset.UtcNow.ToUnixTimeSeconds():D10}.{Environment.MachineName}.{Environment.ProcessId}"
        );

    /// <summary>Seconds since 1970.</summary>
    private static double Now() => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0;
}
