using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using ChannelDistillation.Core;

namespace ChannelDistillation.Data.ImageFolders.Packed;

/// <summary>`index.json` of a packed copy, written last: where it is, the copy is complete.</summary>
/// <param name="Version">Of the format of index and shards.</param>
/// <param name="Format">`jpeg`, or the length of the shorter side in pixels.</param>
/// <param name="Source">The folder it was made from, as given.</param>
/// <param name="MadeWith">Version and decoder.</param>
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
    /// <summary>2: listings know the lengths of files.</summary>
    public const int Current = 2;

    private const string Name = "index.json";

    public IEnumerable<ShardFile> Shards => Train.Shards.Concat(Val.Shards);

    /// <param name="Listing">XXH3 of format, names, labels and lengths of files, hexadecimal (<see cref="Packed.Listing"/>).</param>
    internal sealed record Part(int Images, string Listing, IReadOnlyList<ShardFile> Shards);

    /// <param name="Xxh3">Of the data in it, hexadecimal; its table has a checksum of its own.</param>
    internal sealed record ShardFile(string File, int Images, long Bytes, string Xxh3);

    public static bool IsThere(string folder) => File.Exists(Path.Combine(folder, Name));

    /// <summary>The index of a copy that can be trained on.</summary>
    /// <exception cref="MissingException">It cannot be understood, or is of another version.</exception>
    public static PackIndex Read(string folder)
    {
        var index = Load(folder);
        return index.Version == Current
            ? index
            : throw new MissingException(
                index.Version < Current
                    ? $"The packed copy {folder} was made by an earlier version, which did not note what tells changed photographs. `data pack` of the same folder makes it anew."
                    : $"The packed copy {folder} was made by a later version. Use that version, or remove the copy and pack again."
            );
    }

    /// <summary>The index of any version.</summary>
    /// <exception cref="MissingException">It cannot be understood.</exception>
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
            // Said below.
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MissingException($"{path} cannot be read: {InputFile.Reason(path, error)}.", error);
        }

        throw new MissingException(
            $"{path} is not the index of a packed copy that this version can read. Remove it and pack again: the shards that are right are kept."
        );
    }

    /// <summary>Only files that packing writes are named: another name could lead anywhere.</summary>
    private static bool IsPossible(Part? part) =>
        part is { Listing: not null, Shards.Count: > 0 }
        && part.Shards.All(shard => shard is { File: not null, Xxh3: not null, Images: > 0 } && PackTarget.IsShardName(shard.File))
        && part.Images == part.Shards.Sum(shard => (long)shard.Images);

    public void Write(string folder) =>
        AtomicFile.Write(Path.Combine(folder, Name), stream => JsonSerializer.Serialize(stream, this, RecordJson.Pretty));

    /// <summary>The copy is then incomplete until it is written again.</summary>
    public static void Remove(string folder) => File.Delete(Path.Combine(folder, Name));
}

/// <summary>
/// A fingerprint of format, names, classes and lengths of files. Lengths tell most replaced files from the ones before: reading them all would take
/// as long as packing them.
/// </summary>
internal sealed class Listing(FolderPart part, PackFormat format)
{
    /// <summary>XXH3 over the format, and over name, label and length of each of these images.</summary>
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

    /// <summary>Of all images, as the index has it.</summary>
    public string OfAll() => Of(..).ToString("x16");
}
