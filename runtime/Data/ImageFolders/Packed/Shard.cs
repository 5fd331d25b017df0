using System.IO.Hashing;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Text;
using ChannelDistillation.Core;
using ChannelDistillation.Imaging;
using Microsoft.Win32.SafeHandles;

namespace ChannelDistillation.Data.ImageFolders.Packed;

/// <summary>An opened shard, memory-mapped. Thread-safe.</summary>
internal sealed unsafe class Shard : IDisposable
{
    private readonly MemoryMappedFile file;
    private readonly MemoryMappedViewAccessor view;
    private readonly byte* start;
    private readonly long tableOffset;
    private readonly int[] verified;

    /// <param name="classes">Number of classes of the packed copy: labels are 0 to classes - 1.</param>
    /// <exception cref="DamagedFileException">It is not a complete shard, or its table has an invalid entry.</exception>
    /// <exception cref="IOException">It is not a file, or cannot be read.</exception>
    public Shard(string path, int classes = int.MaxValue)
    {
        using SafeFileHandle handle = InputFile.Open(path);
        long length = RandomAccess.GetLength(handle);
        if (length < ShardFooter.Size)
        {
            throw new DamagedFileException(path, "it is too short for a footer");
        }

        file = MemoryMappedFile.CreateFromFile(handle, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        view = file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        Footer = MemoryMarshal.Read<ShardFooter>(new ReadOnlySpan<byte>(start + length - ShardFooter.Size, ShardFooter.Size));
        tableOffset = length - ShardFooter.Size - Footer.TableBytes;
        string? reason = IsTableWritten() ? WhyImpossible(classes) : "the checksum of its table does not match";
        if (reason is not null)
        {
            Dispose();
            throw new DamagedFileException(path, reason);
        }

        verified = new int[(Footer.Images + 31) / 32];
    }

    public ShardFooter Footer { get; }

    public int Count => Footer.Images;

    public ref readonly ShardEntry this[int index] => ref ((ShardEntry*)(start + tableOffset))[index];

    public string Name(int index)
    {
        var names = start + tableOffset + (long)Count * sizeof(ShardEntry);
        var begin = index == 0 ? 0 : this[index - 1].NameEnd;
        return Encoding.UTF8.GetString(names + begin, this[index].NameEnd - begin);
    }

    /// <summary>An image's data, not verified.</summary>
    public ReadOnlySpan<byte> Unchecked(int index) => new(start + this[index].Offset, this[index].Length);

    /// <summary>An image's data, verified on first access.</summary>
    /// <exception cref="ImageException">The checksum does not match.</exception>
    public ReadOnlySpan<byte> Data(int index)
    {
        var data = Unchecked(index);
        var (word, bit) = (index / 32, 1 << index % 32);
        if ((Volatile.Read(ref verified[word]) & bit) == 0)
        {
            if (XxHash3.HashToUInt64(data) != this[index].Checksum)
            {
                throw new ImageException("its checksum in the packed copy does not match");
            }

            Interlocked.Or(ref verified[word], bit);
        }

        return data;
    }

    /// <summary>Why an image could not be packed; null if it could.</summary>
    public string? ReasonUnreadable(int index) => this[index].Content == ShardContent.Unreadable ? Encoding.UTF8.GetString(Data(index)) : null;

    /// <summary>Reads everything and verifies the checksum.</summary>
    public bool IsSound()
    {
        var hash = new XxHash3();
        for (var offset = 0L; offset < tableOffset; )
        {
            var length = (int)Math.Min(tableOffset - offset, 1 << 24);
            hash.Append(new ReadOnlySpan<byte>(start + offset, length));
            offset += length;
        }

        return hash.GetCurrentHashAsUInt64() == Footer.Data;
    }

    private bool IsTableWritten() =>
        Footer is { Magic: ShardFooter.Signature, Images: >= 0, NameBytes: >= 0, TableBytes: <= int.MaxValue }
        && tableOffset >= 0
        && XxHash3.HashToUInt64(new ReadOnlySpan<byte>(start + tableOffset, (int)Footer.TableBytes)) == Footer.Table;

    /// <summary>
    /// Why the table is invalid; null if it is valid. Its values are later used as addresses, and a checksum does not protect against
    /// malicious files.
    /// </summary>
    private string? WhyImpossible(int classes)
    {
        int nameEnd = 0;
        for (var i = 0; i < Count; i++)
        {
            ref readonly var entry = ref this[i];
            if (entry.Offset < 0 || entry.Length < 0 || entry.Length > tableOffset || entry.Offset > tableOffset - entry.Length)
                return $"the data of image {i} are outside the file";
            if (entry.NameEnd < nameEnd || entry.NameEnd > Footer.NameBytes)
                return $"the name of image {i} is outside the file";
            if (entry.Label < 0 || entry.Label >= classes || (i > 0 && entry.Label < this[i - 1].Label))
                return $"image {i} has the invalid label {entry.Label}";
            bool isKnown = entry.Content switch
            {
                ShardContent.Pixels => entry is { Width: > 0, Height: > 0 } && (Int128)3 * entry.Width * entry.Height == entry.Length,
                ShardContent.File or ShardContent.Unreadable => true,
                _ => false,
            };
            if (!isKnown)
                return $"image {i} is listed as {entry.Width}x{entry.Height} pixels in {entry.Length} bytes of type {(int)entry.Content}";
            nameEnd = entry.NameEnd;
        }

        return null;
    }

    public void Dispose()
    {
        if (!view.SafeMemoryMappedViewHandle.IsClosed)
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
        }

        view.Dispose();
        file.Dispose();
    }
}

/// <summary>One image in the table of a shard, stored as in memory (little-endian).</summary>
/// <param name="Offset">Position of its data in the file.</param>
/// <param name="Checksum">XXH3 of its data.</param>
/// <param name="Length">Size of its data in bytes.</param>
/// <param name="Width">Pixels only.</param>
/// <param name="Height">Pixels only.</param>
/// <param name="Label">Its class, from 0.</param>
/// <param name="NameEnd">End of its name in the names; it begins where the previous one ends.</param>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal readonly record struct ShardEntry(
    long Offset,
    ulong Checksum,
    int Length,
    int Width,
    int Height,
    int Label,
    int NameEnd,
    ShardContent Content
);

/// <summary>Type of an image's data. The values are part of the file format.</summary>
internal enum ShardContent
{
    /// <summary>Three bytes per pixel, row by row.</summary>
    Pixels = 0,

    /// <summary>The original image file.</summary>
    File = 1,

    /// <summary>The image could not be read; the data are the reason, in UTF-8.</summary>
    Unreadable = 2,
}

/// <summary>
/// The end of a shard. Before it are the data of all images, then (aligned to 8 bytes) the table of <see cref="ShardEntry"/>, then the names.
/// </summary>
/// <param name="Magic">Always <see cref="Signature"/>.</param>
/// <param name="Listing">XXH3 of the images to be packed (<see cref="Listing.Of"/>): a shard of another folder, format or version is not reused.</param>
/// <param name="Data">XXH3 of everything before the table.</param>
/// <param name="Table">XXH3 of table and names.</param>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal readonly record struct ShardFooter(ulong Magic, ulong Listing, ulong Data, ulong Table, int Images, int NameBytes)
{
    /// <summary>"CDSHARD1".</summary>
    public const ulong Signature = 0x3144_5241_4853_4443;

    public static int Size => Marshal.SizeOf<ShardFooter>();

    public long TableBytes => (long)Images * Marshal.SizeOf<ShardEntry>() + NameBytes;
}
