using ChannelDistillation.Core;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Data;

/// <summary>An opened training or validation set. Reading is thread-safe.</summary>
public interface IImageSet : IDisposable
{
    int Count { get; }

    /// <summary>How many threads should read at once for a batch to be there in time; a wrapper passes this on.</summary>
    int Threads => 1;

    ImageShape Shape { get; }

    /// <summary>The images as bytes in memory, for a GPU to keep them there; null: there are too many for that. A part of a set copies its own.</summary>
    ByteImageSet? InMemory => null;

    /// <summary>Class of an image, from 0.</summary>
    int Label(int index);

    /// <summary>Class of every image, in order.</summary>
    int[] Labels() => [.. Enumerable.Range(0, Count).Select(Label)];

    /// <summary>Writes one normalised image, channel after channel, into `destination` (Shape's size).</summary>
    /// <param name="index">From 0 to <see cref="Count"/> - 1.</param>
    /// <param name="augmentation">How to vary the image; its random decisions are drawn from `random` alone.</param>
    void Read(int index, AugmentationSpec augmentation, ref Randomness random, Span<float> destination);

    /// <summary>What a person should know after reading, such as files that turned out to be broken; a wrapper passes this on.</summary>
    IEnumerable<string> Remarks() => [];

    /// <summary>Some images of this set as a set of their own. It reads through this one, which must outlive it.</summary>
    /// <param name="images">In the order that the new set has.</param>
    /// <param name="isTraining">Whether they are trained on, or validated on.</param>
    IImageSet Part(int[] images, bool isTraining) => new ImageSubset(this, images);
}

/// <summary>Some images of a set, renumbered from 0. The whole set is not disposed with it.</summary>
/// <param name="indices">Positions in the whole set, in the order of the subset.</param>
internal sealed class ImageSubset(IImageSet whole, int[] indices) : IImageSet
{
    public int Count => indices.Length;

    public ImageShape Shape => whole.Shape;

    public int Threads => whole.Threads;

    public ByteImageSet? InMemory => whole.InMemory?.Subset(indices);

    public int Label(int index) => whole.Label(indices[index]);

    public void Read(int index, AugmentationSpec augmentation, ref Randomness random, Span<float> destination) =>
        whole.Read(indices[index], augmentation, ref random, destination);

    public IEnumerable<string> Remarks() => whole.Remarks();

    public void Dispose() { }
}
