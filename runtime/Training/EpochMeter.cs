using System.Globalization;
using ChannelDistillation.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Training;

/// <summary>Sums over an epoch, kept on the training device in double precision so that no step synchronises.</summary>
internal sealed class EpochMeter : IDisposable
{
    private readonly Tensor sums;
    private readonly int losses;

    /// <param name="losses">Number of values per step, each a mean over the batch.</param>
    public EpochMeter(int losses, Device device)
    {
        this.losses = losses;
        sums = zeros([losses + 3], ScalarType.Float64, device).DetachFromDisposeScope();
    }

    /// <summary>The sums, for checkpoints: each loss x images, top-1 and top-5 hits, images.</summary>
    public Tensor State => sums;

    /// <param name="values">One scalar per loss.</param>
    /// <param name="logits">[batch, classes].</param>
    /// <param name="labels">[batch].</param>
    public void Add(IReadOnlyList<Tensor> values, Tensor logits, Tensor labels)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        long images = logits.shape[0];
        Tensor hits = logits.topk((int)Math.Min(5, logits.shape[1])).indexes.eq(labels.unsqueeze(1));
        Tensor counts = stack([hits[TensorIndex.Colon, 0].sum(), hits.sum(), full_like(labels[0], images)]).to(ScalarType.Float64);
        if (values.Count == 0)
            sums.Increase(counts);
        else
            sums.Increase(cat([stack(values).to(ScalarType.Float64) * images, counts]));
    }

    public EpochSums Read()
    {
        using var onHost = sums.cpu();
        double[] values = onHost.data<double>().ToArray();
        double images = values[losses + 2];
        return new(
            [.. values.Take(losses).Select(sum => sum / images)],
            100 * (images - values[losses]) / images,
            100 * (images - values[losses + 1]) / images,
            (long)images
        );
    }

    public void Dispose() => sums.Dispose();
}

/// <param name="Losses">Mean over the images.</param>
/// <param name="Top1Error">Percent.</param>
/// <param name="Top5Error">Percent; 0 for up to 5 classes.</param>
internal sealed record EpochSums(IReadOnlyList<double> Losses, double Top1Error, double Top5Error, long Images);

/// <summary>The fraction of training time spent waiting for images.</summary>
internal sealed class WaitingTime
{
    /// <summary>A larger fraction is reported.</summary>
    private const double Tolerated = 0.02;

    /// <summary>Shorter trainings are not representative: the first batch always has to be waited for.</summary>
    private static readonly TimeSpan LongEnough = TimeSpan.FromSeconds(10);

    private TimeSpan trained;
    private TimeSpan waited;

    public void Add(TimeSpan trained, TimeSpan waited)
    {
        this.trained += trained;
        this.waited += waited;
    }

    /// <summary>A hint for the user; null if there is none.</summary>
    public string? Remark =>
        trained > LongEnough && waited / trained is var share and > Tolerated
            ? $"Training spent {(100 * share).ToString("F0", CultureInfo.InvariantCulture)} % of its time waiting for images. A packed copy of the image folder is faster: "
                + "docs/data.md#packed-copies."
            : null;
}
