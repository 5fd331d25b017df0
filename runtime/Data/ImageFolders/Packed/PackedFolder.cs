using ChannelDistillation.Core;

namespace ChannelDistillation.Data.ImageFolders.Packed;

/// <summary>A packed copy: `index.json` and the shards listed in it.</summary>
internal static class PackedFolder
{
    private const string Suffix = "-packed-";

    /// <summary>The default folder of a packed copy.</summary>
    public static string Of(string folder, PackFormat format) => Path.TrimEndingDirectorySeparator(folder) + Suffix + format;

    public static bool Exists(string folder) => PackIndex.Exists(folder);

    /// <exception cref="MissingException">A shard is missing or damaged.</exception>
    public static (PackedStore Training, PackedStore Validation) Open(string folder, PackIndex index)
    {
        var training = Open(folder, index, index.Train, "train");
        try
        {
            return (training, Open(folder, index, index.Val, "val"));
        }
        catch
        {
            training.Dispose();
            throw;
        }
    }

    private static PackedStore Open(string folder, PackIndex index, PackIndex.Part part, string name)
    {
        var shards = new List<Shard>();
        try
        {
            foreach (var listed in part.Shards)
            {
                shards.Add(Open(folder, listed, index.Classes.Count));
            }
        }
        catch
        {
            shards.ForEach(shard => shard.Dispose());
            throw;
        }

        return new([.. shards], Path.Combine(folder, name));
    }

    /// <summary>Checks that all shards exist with the right size: fast enough for `plan`.</summary>
    /// <exception cref="MissingException">A shard is missing or has another size.</exception>
    public static void CheckShards(string folder, PackIndex index)
    {
        foreach (PackIndex.ShardFile listed in index.Shards)
        {
            var file = new FileInfo(Path.Combine(folder, listed.File));
            if (!file.Exists || file.Length != listed.Bytes)
            {
                throw NotWhole(
                    folder,
                    file.Exists ? $"The file {file.FullName} has {file.Length} bytes instead of {listed.Bytes}" : $"There is no file {file.FullName}"
                );
            }
        }
    }

    private static MissingException NotWhole(string folder, string reason, Exception? inner = null) =>
        new($"{reason}. The packed copy {folder} is damaged; `data pack` of the same folder repairs it.", inner);

    private static Shard Open(string folder, PackIndex.ShardFile listed, int classes)
    {
        var path = Path.Combine(folder, listed.File);
        try
        {
            var shard = new Shard(path, classes);
            if (shard.Count == listed.Images && shard.Footer.Data.ToString("x16") == listed.Xxh3)
            {
                return shard;
            }

            shard.Dispose();
            throw new DamagedFileException(path, "it does not match index.json");
        }
        catch (Exception error) when (error is DamagedFileException or IOException or UnauthorizedAccessException)
        {
            throw NotWhole(folder, error.Message.TrimEnd('.'), error);
        }
    }
}
