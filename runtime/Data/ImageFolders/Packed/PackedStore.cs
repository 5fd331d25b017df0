using ChannelDistillation.Imaging;

namespace ChannelDistillation.Data.ImageFolders.Packed;

/// <summary>Images in the shards of a packed copy.</summary>
internal sealed unsafe class PackedStore : IImageStore
{
    private readonly Shard[] shards;
    private readonly int[] starts;
    private readonly string folder;

    /// <param name="shards">At least one; disposed with the store.</param>
    /// <param name="folder">Folder of the copy's part, for names.</param>
    public PackedStore(Shard[] shards, string folder)
    {
        this.shards = shards;
        this.folder = folder;
        starts = new int[shards.Length];
        for (var i = 1; i < shards.Length; i++)
        {
            starts[i] = starts[i - 1] + shards[i - 1].Count;
        }

        Count = starts[^1] + shards[^1].Count;
    }

    public int Count { get; }

    public int Label(int index)
    {
        var (shard, place) = Find(index);
        return shard[place].Label;
    }

    public string Name(int index)
    {
        var (shard, place) = Find(index);
        return Path.Combine(folder, shard.Name(place));
    }

    public Pixels Load(int index, DecodingWorker worker)
    {
        var (shard, place) = Find(index);
        ref readonly var entry = ref shard[place];
        var data = shard.Data(place);
        switch (entry.Content)
        {
            case ShardContent.Pixels:
                // The data are in mapped memory, which does not move; the last pixel of a shard is followed by its table.
                fixed (byte* first = data)
                {
                    return new((nint)first, entry.Width, entry.Height, 3);
                }

            case ShardContent.File:
                return worker.Decoder.Decode(data);
            default:
                throw new ImageException(shard.ReasonUnreadable(place)!);
        }
    }

    public ReadOnlySpan<byte> Content(int index, DecodingWorker worker)
    {
        var (shard, place) = Find(index);
        return shard[place].Content is ShardContent.Pixels or ShardContent.File
            ? shard.Data(place)
            : throw new ImageException(shard.ReasonUnreadable(place)!);
    }

    public void Dispose()
    {
        foreach (var shard in shards)
        {
            shard.Dispose();
        }
    }

    private (Shard Shard, int Place) Find(int index)
    {
        var found = Array.BinarySearch(starts, index);
        var shard = found >= 0 ? found : ~found - 1;
        return (shards[shard], index - starts[shard]);
    }
}
