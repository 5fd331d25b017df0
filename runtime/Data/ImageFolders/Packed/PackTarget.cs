using System.Text.RegularExpressions;
using ChannelDistillation.Core;

namespace ChannelDistillation.Data.ImageFolders.Packed;

/// <summary>The target folder of packing, and which files in it belong to a packed copy.</summary>
internal static partial class PackTarget
{
    /// <exception cref="MissingException">The folder cannot be packed there; the message says why.</exception>
    public static void Check(string folder, string target)
    {
        if (ImageFolder.Exists(target))
        {
            throw new MissingException($"{target} already contains images. A packed copy needs a separate folder.");
        }

        if (IsInside(target, folder))
        {
            throw new MissingException($"{target} is inside {folder}, the folder to be packed. A packed copy needs a separate folder.");
        }

        if (File.Exists(target))
        {
            throw new MissingException($"{target} is a file. A packed copy needs a separate folder.");
        }

        if (Directory.Exists(target) && FirstForeignFile(target) is { } name)
        {
            throw new MissingException($"{target} already contains other files: {name}. A packed copy needs a separate folder.");
        }
    }

    /// <exception cref="MissingException">The folder cannot be created.</exception>
    public static void Make(string target)
    {
        try
        {
            Directory.CreateDirectory(target);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // If the parent folder does not allow new folders (/proc), the operating system only reports that this one does not exist.
            var reason = error is FileNotFoundException or DirectoryNotFoundException ? "" : $" ({error.Message.TrimEnd('.')})";
            throw new MissingException($"The folder {target} cannot be created{reason}. Choose a writable folder with --out.", error);
        }
    }

    /// <summary>Removes left-over shards of an earlier, larger copy.</summary>
    public static void RemoveSurplus(string target, PackIndex index)
    {
        var listed = index.Shards.Select(shard => shard.File).ToHashSet();
        foreach (var file in Directory.GetFiles(target).Where(file => !listed.Contains(Path.GetFileName(file)) && IsShard(file)))
        {
            File.Delete(file);
        }
    }

    private static bool IsInside(string target, string folder)
    {
        var relative = Path.GetRelativePath(Path.GetFullPath(folder), Path.GetFullPath(target));
        return relative != ".." && !relative.StartsWith($"..{Path.DirectorySeparatorChar}", StringComparison.Ordinal) && !Path.IsPathRooted(relative);
    }

    /// <summary>A file that packing did not write and must not overwrite; null if there is none. Beside a complete copy, other files are ignored.</summary>
    private static string? FirstForeignFile(string target)
    {
        var listed = PackIndex.Exists(target) ? PackIndex.Load(target).Shards.Select(shard => shard.File).ToHashSet() : null;
        return Directory
            .EnumerateFileSystemEntries(target)
            .Select(path => (Path: path, Name: Path.GetFileName(path)))
            .Where(entry => listed is null ? !entry.Name.StartsWith('.') : !listed.Contains(entry.Name) && IsShardName(entry.Name))
            .Where(entry => !IsShard(entry.Path) && !PartName().IsMatch(entry.Name))
            .Select(entry => entry.Name)
            .Order(StringComparer.Ordinal)
            .FirstOrDefault();
    }

    /// <summary>Whether a name is that of a shard.</summary>
    public static bool IsShardName(string name) => ShardName().IsMatch(name);

    /// <summary>Checks name and content: another program's file may also be named `train-00001.bin`.</summary>
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

    /// <summary>The partial shard of a packing that was killed.</summary>
    [GeneratedRegex(@"^(train|val)-[0-9]{5,}\.bin\.part\z")]
    private static partial Regex PartName();
}
