using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;

namespace ChannelDistillation.Data.Photographs.Packed;

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
