using ChannelDistillation.Models;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Data;

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
