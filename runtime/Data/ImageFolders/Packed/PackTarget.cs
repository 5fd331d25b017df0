using System.Text.RegularExpressions;
using ChannelDistillation.Core;

namespace ChannelDistillation.Data.ImageFolders.Packed;

/// <summary>The folder of a packed copy as packing finds it, and which of the files in it are the copy's own.</summary>
internal static partial class PackTarget
{
    /// <exception cref="MissingException">A copy of this folder cannot go there; the message says why.</exception>
    public static void Check(string folder, string target)
    {
        if (ImageFolder.IsThere(target))
        {
            throw new MissingException($"{target} holds photographs already. A packed copy needs a folder of its own.");
        }

        if (IsInside(target, folder))
        {
            throw new MissingException(
                $"{target} is inside {folder}, whose photographs it would be packed from. A packed copy needs a folder of its own."
            );
        }

        if (File.Exists(target))
        {
            throw new MissingException($"{target} is a file. A packed copy needs a folder of its own.");
        }

        if (Directory.Exists(target) && FirstOfOthers(target) is { } name)
        {
            throw new MissingException($"{target} holds other files already: {name}. A packed copy needs a folder of its own.");
        }
    }

    /// <exception cref="MissingException">There can be no such folder.</exception>
    public static void Make(string target)
    {
        try
        {
            Directory.CreateDirectory(target);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Where a folder above takes no others (/proc), the operating system only says that this one is not there.
            var reason = error is FileNotFoundException or DirectoryNotFoundException ? "" : $" ({error.Message.TrimEnd('.')})";
            throw new MissingException($"The folder {target} cannot be made{reason}. Choose another with --out, where you may write.", error);
        }
    }

    /// <summary>Removes shards of an earlier copy that had more of them.</summary>
    public static void RemoveSurplus(string target, PackIndex index)
    {
        var named = index.Shards.Select(shard => shard.File).ToHashSet();
        foreach (var file in Directory.GetFiles(target).Where(file => !named.Contains(Path.GetFileName(file)) && IsShard(file)))
        {
            File.Delete(file);
        }
    }

    private static bool IsInside(string target, string folder)
    {
        var relative = Path.GetRelativePath(Path.GetFullPath(folder), Path.GetFullPath(target));
        return relative != ".." && !relative.StartsWith($"..{Path.DirectorySeparatorChar}", StringComparison.Ordinal) && !Path.IsPathRooted(relative);
    }

    /// <summary>A file that packing neither wrote nor may write over; in a complete copy, others lie untouched beside it.</summary>
    private static string? FirstOfOthers(string target)
    {
        var named = PackIndex.IsThere(target) ? PackIndex.Load(target).Shards.Select(shard => shard.File).ToHashSet() : null;
        return Directory
            .EnumerateFileSystemEntries(target)
            .Select(path => (Path: path, Name: Path.GetFileName(path)))
            .Where(entry => named is null ? !entry.Name.StartsWith('.') : !named.Contains(entry.Name) && IsShardName(entry.Name))
            .Where(entry => !IsShard(entry.Path) && !PartName().IsMatch(entry.Name))
            .Select(entry => entry.Name)
            .Order(StringComparer.Ordinal)
            .FirstOrDefault();
    }

    /// <summary>Whether packing calls a shard so.</summary>
    public static bool IsShardName(string name) => ShardName().IsMatch(name);

    /// <summary>By name and content: another program's file may be called `train-00001.bin` as well.</summary>
    private static bool IsShard(string path)
    {
        if (!IsShardName(Path.GetFileName(path)) || !File.Exists(path))
        {
            return false;
        }

        try
        {
            new Shard(path).Dispose();
            return true;
        }
        catch (Exception error) when (error is DamagedFileException or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    [GeneratedRegex(@"^(train|val)-[0-9]{5,}\.bin\z")]
    private static partial Regex ShardName();

    /// <summary>What a killed packing leaves of the shard that it was writing.</summary>
    [GeneratedRegex(@"^(train|val)-[0-9]{5,}\.bin\.part\z")]
    private static partial Regex PartName();
}
