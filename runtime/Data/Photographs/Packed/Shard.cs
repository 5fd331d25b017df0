using System.IO.Hashing;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Text;

namespace ChannelDistillation.Data.Photographs.Packed;

/// <summary>An opened shard, mapped into memory. Thread-safe.</summary>
internal sealed unsafe class Shard : IDisposable
{
    private readonly MemoryMappedFile file;
    private readonly MemoryMappedViewAccessor view;
    private readonly byte* start;
    private readonly long tableOffset;
    private readonly int[] verified;

    /// <exception cref="DamagedFileException">It is no whole shard.</exception>
    public Shard(string path)
    {
        var length = new FileInfo(path).Length;
        if (length < ShardFooter.Size)
        {
            throw new DamagedFileException(path, "it ends before its footer");
        }

        file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        view = file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        Footer = MemoryMarshal.Read<ShardFooter>(new ReadOnlySpan<byte>(start + length - ShardFooter.Size, ShardFooter.Size));
        verified = new int[(Math.Max(Footer.Images, 0) + 31) / 32];
        tableOffset = length - ShardFooter.Size - Footer.TableBytes;
        if (
            Footer.Magic != ShardFooter.Signature
            || Footer.Images < 0
            || Footer.NameBytes < 0
            || tableOffset < 0
            || XxHash3.HashToUInt64(new ReadOnlySpan<byte>(start + tableOffset, Footer.TableBytes)) != Footer.Table
        )
        {
            Dispose();
            throw new DamagedFileException(path, "its table is not what was written");
        }
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

    /// <summary>Where an image's data lie. They are checked the first time that somebody asks.</summary>
    /// <exception cref="PictureException">They are not what was written.</exception>
    public ReadOnlySpan<byte> Data(int index)
    {
        ref readonly var entry = ref this[index];
        var data = new ReadOnlySpan<byte>(start + entry.Offset, entry.Length);
        var (word, bit) = (index / 32, 1 << index % 32);
        if ((Volatile.Read(ref verified[word]) & bit) == 0)
        {
            if (XxHash3.HashToUInt64(data) != entry.Checksum)
            {
                throw new PictureException("its checksum in the packed copy is wrong");
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
