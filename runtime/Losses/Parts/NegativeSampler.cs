using System.Runtime.CompilerServices;
using ChannelDistillation.Core;
using ChannelDistillation.Data;
using ChannelDistillation.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Draws images of other classes for each image of a batch, without replacement (with replacement if there are too few). A draw is a pure
/// function of (seed, epoch, image), so that a resumed run draws the same images.
/// </summary>
public sealed class NegativeSampler : IImageDraw, IEquatable<NegativeSampler>
{
    // All false between two draws.
    [ThreadStatic]
    private static bool[]? taken;

    private readonly ImagesByClass images;
    private readonly int count;
    private readonly long seed;

    /// <param name="labels">Class of each training image; samplers with the same list share their index.</param>
    /// <param name="count">Negatives per image.</param>
    public NegativeSampler(IReadOnlyList<int> labels, int classes, int count, long seed)
    {
        images = ImagesByClass.Of(labels, classes);
        (this.count, this.seed) = (count, seed);
    }

    public int Width => 1 + count;

    /// <summary>[batch, 1 + count], int64: each image itself, then its negatives.</summary>
    public Tensor Sample(ReadOnlySpan<int> batch, int epoch, Device device)
    {
        int[] rows = new int[batch.Length * Width];
        for (int row = 0; row < batch.Length; row++)
            Draw(epoch, batch[row], rows.AsSpan(row * Width, Width));
        return tensor(rows, batch.Length, Width).ToDevice(device).to(ScalarType.Int64);
    }

    /// <summary>The image itself, then its negatives.</summary>
    public void Draw(int epoch, int image, Span<int> row)
    {
        int label = images.Labels[image];
        int candidates = images.Outside(label);
        if (candidates == 0)
            throw new InvalidDataException("all training images have the same class, so there are no negatives.");
        var random = new Randomness(seed, Purpose.Negatives, epoch, image);
        bool replace = count > candidates;
        bool[] marks = taken is { } kept && kept.Length >= images.Labels.Count ? kept : taken = new bool[images.Labels.Count];
        row[0] = image;
        for (int i = 1; i < row.Length; )
        {
            int candidate = images.Outside(label, random.Next(candidates));
            if (!replace && marks[candidate])
                continue;
            marks[candidate] = true;
            row[i++] = candidate;
        }
        foreach (int negative in row[1..])
            marks[negative] = false;
    }

    public bool Equals(NegativeSampler? other) =>
        other is not null && ReferenceEquals(images, other.images) && (count, seed) == (other.count, other.seed);

    public override bool Equals(object? other) => Equals(other as NegativeSampler);

    public override int GetHashCode() => HashCode.Combine(count, seed);
}

/// <summary>The images of a training set sorted by class: the images of all other classes are two contiguous ranges.</summary>
internal sealed class ImagesByClass
{
    private static readonly ConditionalWeakTable<IReadOnlyList<int>, ImagesByClass> Known = [];

    private readonly int[] images;

    // Start of each class's images, and the end of the last.
    private readonly int[] starts;

    private ImagesByClass(IReadOnlyList<int> labels, int classes)
    {
        Labels = labels;
        starts = new int[classes + 1];
        foreach (int label in labels)
            starts[label + 1]++;
        for (int label = 0; label < classes; label++)
            starts[label + 1] += starts[label];
        images = new int[labels.Count];
        int[] next = [.. starts];
        for (int image = 0; image < labels.Count; image++)
            images[next[labels[image]]++] = image;
    }

    /// <summary>Created once per list of labels, which the lanes of a cohort share.</summary>
    /// <param name="labels">Class of each training image. Must not be changed afterwards.</param>
    public static ImagesByClass Of(IReadOnlyList<int> labels, int classes) =>
        Known.GetValue(labels, list => new(list, classes)) is var known && known.starts.Length == classes + 1 ? known : new(labels, classes);

    /// <summary>Class of each training image.</summary>
    public IReadOnlyList<int> Labels { get; }

    /// <summary>Number of images that do not have this class.</summary>
    public int Outside(int label) => images.Length - (starts[label + 1] - starts[label]);

    /// <summary>One of the images that do not have this class.</summary>
    /// <param name="place">From 0 to <see cref="Outside"/> - 1.</param>
    public int Outside(int label, int place) => images[place < starts[label] ? place : place + starts[label + 1] - starts[label]];
}
