using ChannelDistillation.Core;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Data;

/// <summary>An opened training or validation set. Reading is thread-safe.</summary>
public interface IImageSet : IDisposable
{
    int Count { get; }

    /// <summary>Recommended number of reader threads per batch; a wrapper passes this on.</summary>
    int Threads => 1;

    ImageShape Shape { get; }

    /// <summary>The images as bytes in memory, for GPU-resident data; null if there are too many. A subset copies its own.</summary>
    ByteImageSet? InMemory => null;

    /// <summary>Class of an image, from 0.</summary>
    int Label(int index);

    /// <summary>Names of the classes in the order of the labels, if the set itself has them (image folders); otherwise empty.</summary>
    IReadOnlyList<string> ClassNames => [];

    /// <summary>Class of every image, in order.</summary>
    int[] Labels() => [.. Enumerable.Range(0, Count).Select(Label)];

    /// <summary>Identifies the images beyond their labels: a hash of pixels, or of file names, sizes and the contents of some; null if unknown. A subset has that of the whole.</summary>
    string? Contents => null;

    /// <summary>Writes one normalised image, channel after channel, into `destination` (Shape's size).</summary>
    /// <param name="index">From 0 to <see cref="Count"/> - 1.</param>
    /// <param name="augmentation">The augmentation; its random decisions are drawn from `random` alone.</param>
    void Read(int index, AugmentationSpec augmentation, ref Randomness random, Span<float> destination);

    /// <summary>Remarks for the user after reading, such as unreadable files; a wrapper passes this on.</summary>
    IEnumerable<string> Remarks() => [];

    /// <summary>Some images of this set as a separate set. It reads through this one, which must outlive it.</summary>
    /// <param name="images">In the order of the new set.</param>
    /// <param name="isTraining">Whether the images are trained on, rather than validated on.</param>
    IImageSet Part(int[] images, bool isTraining) => new ImageSubset(this, images);
}

/// <summary>Some images of a set, renumbered from 0. The whole set is not disposed with it.</summary>
/// <param name="indices">Positions in the whole set, in the order of the subset.</param>
internal sealed class ImageSubset(IImageSet whole, int[] indices) : IImageSet
{
    public int Count => indices.Length;

    public ImageShape Shape => whole.Shape;

    public int Threads => whole.Threads;

    public IReadOnlyList<string> ClassNames => whole.ClassNames;

    public ByteImageSet? InMemory => whole.InMemory?.Subset(indices);

    public string? Contents => whole.Contents;

    public int Label(int index) => whole.Label(indices[index]);

    public void Read(int index, AugmentationSpec augmentation, ref Randomness random, Span<float> destination) =>
        whole.Read(indices[index], augmentation, ref random, destination);

    public IEnumerable<string> Remarks() => whole.Remarks();

    public void Dispose() { }
}
