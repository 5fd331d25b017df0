using System.IO.Hashing;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Text;
using ChannelDistillation.Core;
using ChannelDistillation.Imaging;
using Microsoft.Win32.SafeHandles;

namespace ChannelDistillation.Data.ImageFolders.Packed;

/// <summary>An opened shard, mapped into memory. Thread-safe.</summary>
internal sealed unsafe class Shard : IDisposable
{
    private readonly MemoryMappedFile file;
    private readonly MemoryMappedViewAccessor view;
    private readonly byte* start;
    private readonly long tableOffset;
    private readonly int[] verified;

    /// <param name="classes">Those of the packed copy: labels are 0 to classes - 1.</param>
    /// <exception cref="DamagedFileException">It is no whole shard, or an entry of its table is impossible.</exception>
    /// <exception cref="IOException">It is no file, or cannot be read; so does UnauthorizedAccessException.</exception>
    public Shard(string path, int classes = int.MaxValue)
    {
        using SafeFileHandle handle = InputFile.Open(path);
        long length = RandomAccess.GetLength(handle);
        if (length < ShardFooter.Size)
        {
            throw new DamagedFileException(path, "it ends before its footer");
        }

        file = MemoryMappedFile.CreateFromFile(handle, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        view = file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        Footer = MemoryMarshal.Read<ShardFooter>(new ReadOnlySpan<byte>(start + length - ShardFooter.Size, ShardFooter.Size));
        tableOffset = length - ShardFooter.Size - Footer.TableBytes;
        string? reason = IsTableWritten() ? WhyImpossible(classes) : "its table is not what was written";
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

    /// <summary>An image's data, not checked.</summary>
    public ReadOnlySpan<byte> Unchecked(int index) => new(start + this[index].Offset, this[index].Length);

    /// <summary>Where an image's data lie. They are checked the first time that somebody asks.</summary>
    /// <exception cref="ImageException">They are not what was written.</exception>
    public ReadOnlySpan<byte> Data(int index)
    {
        var data = Unchecked(index);
        var (word, bit) = (index / 32, 1 << index % 32);
        if ((Volatile.Read(ref verified[word]) & bit) == 0)
        {
            if (XxHash3.HashToUInt64(data) != this[index].Checksum)
            {
                throw new ImageException("its checksum in the packed copy is wrong");
            }

            Interlocked.Or(ref verified[word], bit);
        }

        return data;
    }

    /// <summary>Why an image could not be packed; null: it could.</summary>
    public string? ReasonUnreadable(int index) => this[index].Content == ShardContent.Unreadable ? Encoding.UTF8.GetString(Data(index)) : null;

    /// <summary>Reads everything and compares it with the checksum.</summary>
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
    /// Why the table cannot be that of a packed copy; null: it can. What it says is used as addresses later, and its checksum proves nothing about
    /// a file that somebody made on purpose.
    /// </summary>
    private string? WhyImpossible(int classes)
    {
        int nameEnd = 0;
        for (var i = 0; i < Count; i++)
        {
            ref readonly var entry = ref this[i];
            if (entry.Offset < 0 || entry.Length < 0 || entry.Length > tableOffset || entry.Offset > tableOffset - entry.Length)
                return $"the data of its image {i} lie outside of it";
            if (entry.NameEnd < nameEnd || entry.NameEnd > Footer.NameBytes)
                return $"the name of its image {i} lies outside of it";
            if (entry.Label < 0 || entry.Label >= classes || (i > 0 && entry.Label < this[i - 1].Label))
                return $"its image {i} has the label {entry.Label}, which is impossible there";
            bool isKnown = entry.Content switch
            {
                ShardContent.Pixels => entry is { Width: > 0, Height: > 0 } && (Int128)3 * entry.Width * entry.Height == entry.Length,
                ShardContent.File or ShardContent.Unreadable => true,
                _ => false,
            };
            if (!isKnown)
                return $"its image {i} says that it is {entry.Width}x{entry.Height} pixels in {entry.Length} bytes of the kind {(int)entry.Content}";
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

/// <summary>One image in the table of a shard; written as it lies in memory (little-endian).</summary>
/// <param name="Offset">Of its data in the file.</param>
/// <param name="Checksum">XXH3 of its data.</param>
/// <param name="Length">Of its data, in bytes.</param>
/// <param name="Width">Pixels only.</param>
/// <param name="Height">Pixels only.</param>
/// <param name="Label">Its class, from 0.</param>
/// <param name="NameEnd">Where its name ends among the names; it begins where the one before ends.</param>
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

/// <summary>What the data of an image are. The numbers are part of the file format.</summary>
internal enum ShardContent
{
    /// <summary>Three bytes per pixel, row after row.</summary>
    Pixels = 0,

    /// <summary>A picture file as it was in the folder.</summary>
    File = 1,

    /// <summary>The image could not be read: why, in UTF-8.</summary>
    Unreadable = 2,
}

/// <summary>
/// The end of a shard. Before it lie the data of all images, then (from a multiple of 8) the table of <see cref="ShardEntry"/>, then their names.
/// </summary>
/// <param name="Magic">Always <see cref="Signature"/>.</param>
/// <param name="Listing">XXH3 of what was to be packed (<see cref="Listing.Of"/>): a shard of another folder, format or version is not gone on with.</param>
/// <param name="Data">XXH3 of all that lies before the table.</param>
/// <param name="Table">XXH3 of table and names.</param>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal readonly record struct ShardFooter(ulong Magic, ulong Listing, ulong Data, ulong Table, int Images, int NameBytes)
{
    /// <summary>"CDSHARD1".</summary>
    public const ulong Signature = 0x3144_5241_4853_4443;

    public static int Size => Marshal.SizeOf<ShardFooter>();

    public long TableBytes => (long)Images * Marshal.SizeOf<ShardEntry>() + NameBytes;
}
