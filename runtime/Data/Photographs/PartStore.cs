namespace ChannelDistillation.Data.Photographs;

/// <summary>Some photographs of a store, renumbered from 0. The whole store is not disposed with it.</summary>
/// <param name="indices">Positions in the whole store, in ascending order, so that those of a class still follow one another.</param>
internal sealed class PartStore(IPhotographStore whole, int[] indices) : IPhotographStore
{
    public int Count => indices.Length;

    public int Label(int index) => whole.Label(indices[index]);

    public string Name(int index) => whole.Name(indices[index]);

    public Pixels Load(int index, Worker worker) => whole.Load(indices[index], worker);

    public void Dispose() { }
}
