using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;

namespace ChannelDistillation.Data.Photographs.Packed;

/// <summary>
/// A fingerprint of format, names, classes and lengths of files. Lengths are asked for once, and tell most replaced files from the ones before:
/// reading them all would take as long as packing them.
/// </summary>
internal sealed class Listing
{
    private readonly FolderPart part;
    private readonly PackFormat format;
    private readonly long[] lengths;

    public Listing(FolderPart part, PackFormat format)
    {
        (this.part, this.format) = (part, format);
        lengths = new long[part.Files.Count];
        // Side by side: on a file server each of them is a wait.
        Parallel.For(0, lengths.Length, i => lengths[i] = LengthOf(Path.Combine(part.Folder, part.Files[i])));
    }

    /// <summary>XXH3 over the format, and over name, label and length of each of these images.</summary>
    public ulong Of(Range images)
    {
        var hash = new XxHash3();
        hash.Append(Encoding.UTF8.GetBytes(format.ToString()));
        var (first, count) = images.GetOffsetAndLength(part.Files.Count);
        for (var i = first; i < first + count; i++)
        {
            Span<long> numbers = [part.Label(i), part.Files.Bytes(i).Length, lengths[i]];
            hash.Append(MemoryMarshal.AsBytes(numbers));
            hash.Append(part.Files.Bytes(i));
        }

        return hash.GetCurrentHashAsUInt64();
    }

    /// <summary>Of all images, as the index has it.</summary>
    public string OfAll() => Of(..).ToString("x16");

    /// <summary>Of what a link leads to, as it is what is packed; -1: it is not there.</summary>
    private static long LengthOf(string path)
    {
        var file = new FileInfo(path);
        if (file.Attributes.HasFlag(FileAttributes.ReparsePoint))
        {
            file = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
        }

        return file.Exists ? file.Length : -1;
    }
}
