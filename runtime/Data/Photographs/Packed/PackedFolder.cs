namespace ChannelDistillation.Data.Photographs.Packed;

/// <summary>A packed copy: `index.json` and the shards that it names.</summary>
internal static class PackedFolder
{
    private const string Suffix = "-packed-";

    /// <summary>Where the copy of a folder goes when nothing else is said.</summary>
    public static string Of(string folder, PackFormat format) => Path.TrimEndingDirectorySeparator(folder) + Suffix + format;

    public static bool IsThere(string folder) => PackIndex.IsThere(folder);

    /// <exception cref="MissingException">A shard is missing or damaged.</exception>
    public static (PackedStore Training, PackedStore Validation) Open(string folder, PackIndex index)
    {
        var training = Open(folder, index.Train, "train");
        try
        {
            return (training, Open(folder, index.Val, "val"));
        }
        catch
        {
            training.Dispose();
            throw;
        }
    }

    private static PackedStore Open(string folder, PackIndex.Part part, string name)
    {
        var shards = new List<Shard>();
        try
        {
            foreach (var listed in part.Shards)
            {
                shards.Add(Open(folder, listed));
            }
        }
        catch
        {
            shards.ForEach(shard => shard.Dispose());
            throw;
        }

        return new([.. shards], Path.Combine(folder, name));
    }

    private static Shard Open(string folder, PackIndex.ShardFile listed)
    {
        var path = Path.Combine(folder, listed.File);
        try
        {
            var shard = new Shard(path);
            if (shard.Count == listed.Images && shard.Footer.Data.ToString("x16") == listed.Xxh3)
            {
                return shard;
            }

            shard.Dispose();
            throw new DamagedFileException(path, "it is not the one that index.json names");
        }
        catch (Exception error) when (error is DamagedFileException or IOException or UnauthorizedAccessException)
        {
            throw new MissingException(
                $"{error.Message.TrimEnd('.')}. The packed copy {folder} is not whole; `data pack` of the same folder repairs it.",
                error
            );
        }
    }
}
