using ChannelDistillation.Models;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Data;

/// <summary>Some images of a set, renumbered from 0.</summary>
/// <param name="indices">Positions in the whole set, in the order of the subset.</param>
/// <param name="owner">Whether the whole set is disposed with this one.</param>
internal sealed class ImageSubset(IImageSet whole, int[] indices, bool owner) : IImageSet
{
    public int Count => indices.Length;

    public ImageShape Shape => whole.Shape;

    public int Threads => whole.Threads;

    public int Label(int index) => whole.Label(indices[index]);

    public void Read(int index, AugmentationSpec augmentation, ref Randomness random, Span<float> destination) =>
        whole.Read(indices[index], augmentation, ref random, destination);

    public IEnumerable<string> Remarks() => whole.Remarks();

    public void Dispose()
    {
        if (owner)
        {
            whole.Dispose();
        }
    }
}
