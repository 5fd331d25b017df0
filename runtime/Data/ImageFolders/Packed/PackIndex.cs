using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using ChannelDistillation.Core;

namespace ChannelDistillation.Data.ImageFolders.Packed;

/// <summary>`index.json` of a packed copy. It is written last, so a copy with an index is complete.</summary>
/// <param name="Version">Of the format of index and shards.</param>
/// <param name="Format">`jpeg`, or the length of the shorter side in pixels.</param>
/// <param name="Source">The folder that was packed, as given.</param>
/// <param name="MadeWith">Program version and decoder.</param>
/// <param name="Classes">In the order of the labels.</param>
internal sealed record PackIndex(
    int Version,
    string Format,
    string Source,
    string MadeWith,
    IReadOnlyList<string> Classes,
    PackIndex.Part Train,
    PackIndex.Part Val
)
{
    /// <summary>Version 2: listings include file sizes.</summary>
    public const int Current = 2;

    private const string Name = "index.json";

    public IEnumerable<ShardFile> Shards => Train.Shards.Concat(Val.Shards);

    /// <param name="Listing">XXH3 of format, names, labels and lengths of files, hexadecimal (<see cref="Packed.Listing"/>).</param>
    internal sealed record Part(int Images, string Listing, IReadOnlyList<ShardFile> Shards);

    /// <param name="Xxh3">Of the data in it, hexadecimal; its table has a checksum of its own.</param>
    internal sealed record ShardFile(string File, int Images, long Bytes, string Xxh3);

    public static bool Exists(string folder) => File.Exists(Path.Combine(folder, Name));

    /// <summary>Reads the index of a usable copy.</summary>
    /// <exception cref="MissingException">It is invalid, or has another version.</exception>
    public static PackIndex Read(string folder)
    {
        var index = Load(folder);
        return index.Version == Current
            ? index
            : throw new MissingException(
                index.Version < Current
                    ? $"The packed copy {folder} was made by an earlier version, which cannot detect changed images. Recreate it with `data pack` of the same folder."
                    : $"The packed copy {folder} was made by a later version. Use that version, or remove the copy and pack again."
            );
    }

    /// <summary>Reads an index of any version.</summary>
    /// <exception cref="MissingException">It is invalid.</exception>
    public static PackIndex Load(string folder)
    {
        var path = Path.Combine(folder, Name);
        try
        {
            var index = JsonSerializer.Deserialize<PackIndex>(InputFile.ReadAll(path, FileLimits.ListBytes), RecordJson.Pretty);
            if (
                index is { Version: > 0, Format: not null, Source: not null, Classes: not null }
                && !index.Classes.Contains(null!)
                && IsPossible(index.Train)
                && IsPossible(index.Val)
            )
            {
                return index;
            }
        }
        catch (JsonException)
        {
            // Reported below.
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MissingException($"{path} cannot be read: {InputFile.Reason(path, error)}.", error);
        }

        throw new MissingException($"{path} is not a valid index of a packed copy. Remove it and pack again; intact shards are kept.");
    }

    /// <summary>Accepts only file names that packing writes: others could point anywhere.</summary>
    private static bool IsPossible(Part? part) =>
        part is { Listing: not null, Shards.Count: > 0 }
        && part.Shards.All(shard => shard is { File: not null, Xxh3: not null, Images: > 0 } && PackTarget.IsShardName(shard.File))
        && part.Images == part.Shards.Sum(shard => (long)shard.Images);

    public void Write(string folder) =>
        AtomicFile.Write(Path.Combine(folder, Name), stream => JsonSerializer.Serialize(stream, this, RecordJson.Pretty));

    /// <summary>Removes the index; the copy is incomplete until it is written again.</summary>
    public static void Remove(string folder) => File.Delete(Path.Combine(folder, Name));
}

/// <summary>
/// A fingerprint of format, names, classes and file sizes. Sizes reveal most replaced files; reading all files would take
/// as long as packing them.
/// </summary>
internal sealed class Listing(FolderPart part, PackFormat format)
{
    /// <summary>XXH3 over the format, and over name, label and size of each of these images.</summary>
    public ulong Of(Range images)
    {
        var hash = new XxHash3();
        hash.Append(Encoding.UTF8.GetBytes(format.ToString()));
        var (first, count) = images.GetOffsetAndLength(part.Files.Count);
        for (var i = first; i < first + count; i++)
        {
            Span<long> numbers = [part.Label(i), part.Files.Bytes(i).Length, part.Lengths[i]];
            hash.Append(MemoryMarshal.AsBytes(numbers));
            hash.Append(part.Files.Bytes(i));
        }

        return hash.GetCurrentHashAsUInt64();
    }

    /// <summary>The fingerprint of all images, as stored in the index.</summary>
    public string OfAll() => Of(..).ToString("x16");
}
