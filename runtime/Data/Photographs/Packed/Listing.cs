using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;

namespace ChannelDistillation.Data.Photographs.Packed;

/// <summary>A fingerprint of names, classes and format.</summary>
internal static class Listing
{
    /// <summary>XXH3 over the format, and over name and label of each of these images.</summary>
    public static ulong Of(FolderPart part, Range images, PackFormat format)
    {
        var hash = new XxHash3();
        hash.Append(Encoding.UTF8.GetBytes(format.ToString()));
        var (first, count) = images.GetOffsetAndLength(part.Files.Count);
        for (var i = first; i < first + count; i++)
        {
            Span<int> numbers = [part.Label(i), part.Files.Bytes(i).Length];
            hash.Append(MemoryMarshal.AsBytes(numbers));
            hash.Append(part.Files.Bytes(i));
        }

        return hash.GetCurrentHashAsUInt64();
    }
}
