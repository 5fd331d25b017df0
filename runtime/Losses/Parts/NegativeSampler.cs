using ChannelDistillation.Data;
using ChannelDistillation.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// For each image of a batch, other images of other classes, drawn without replacement (with, where there are too few). A draw is a pure
/// function of (seed, epoch, image), so that a resumed run draws what it would have drawn.
/// </summary>
public sealed class NegativeSampler
{
    private readonly IReadOnlyList<int> labels;
    private readonly int[][] otherClasses;
    private readonly int count;
    private readonly long seed;
    private readonly bool[] taken;

    /// <param name="labels">Class of each training image.</param>
    /// <param name="count">Negatives per image.</param>
    public NegativeSampler(IReadOnlyList<int> labels, int classes, int count, long seed)
    {
        (this.labels, this.count, this.seed) = (labels, count, seed);
        otherClasses =
        [
            .. Enumerable.Range(0, classes).Select(label => Enumerable.Range(0, labels.Count).Where(image => labels[image] != label).ToArray()),
        ];
        taken = new bool[labels.Count];
    }

    /// <summary>[batch, 1 + count], int64: each image itself, then its negatives.</summary>
    public Tensor Sample(ReadOnlySpan<int> images, int epoch, Device device)
    {
        long[] rows = new long[images.Length * (1 + count)];
        for (int row = 0; row < images.Length; row++)
            Draw(images[row], epoch, rows.AsSpan(row * (1 + count), 1 + count));
        return tensor(rows, images.Length, 1 + count).SentTo(device);
    }

    private void Draw(int image, int epoch, Span<long> row)
    {
        var random = new Randomness(seed, Purpose.Negatives, epoch, image);
        int[] candidates = otherClasses[labels[image]];
        row[0] = image;
        if (candidates.Length == 0)
            throw new InvalidDataException("every training image is of one class, so that no image has a negative.");
        bool replace = count > candidates.Length;
        for (int i = 1; i < row.Length; )
        {
            int candidate = candidates[random.Next(candidates.Length)];
            if (!replace && taken[candidate])
                continue;
            taken[candidate] = true;
            row[i++] = candidate;
        }
        foreach (long negative in row[1..])
            taken[negative] = false;
    }
}
