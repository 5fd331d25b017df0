using System.Buffers.Binary;
using System.IO.Hashing;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using ChannelDistillation.Core;
using ChannelDistillation.Data;
using Microsoft.Win32.SafeHandles;

namespace ChannelDistillation.Teachers.Signals;

/// <summary>State of a row of a <see cref="SignalFile"/>.</summary>
internal enum RowState
{
    Missing,
    Damaged,
    There,
}

/// <summary>
/// Rows of float32 on disk, each followed by a checksum that also marks the row as present (0: missing). Rows are read
/// through a memory map but written by ordinary writes, because a full disk kills a process that writes through a map. Several
/// processes may read and write one file: the same row has the same content in all of them, and a partly written row does not match its checksum.
/// </summary>
internal sealed unsafe class SignalFile : IDisposable
{
    private const ulong Signature = 0x31_4C_41_4E_47_49_53_43; // "CSIGNAL1"
    private const int HeaderSize = 32;
    private readonly long rows;
    private readonly int width;
    private readonly byte[] written;
    private readonly SafeFileHandle handle;
    private readonly MemoryMappedFile map;
    private readonly MemoryMappedViewAccessor view;
    private readonly byte* start;

    /// <summary>Opens a file, or creates it.</summary>
    /// <exception cref="DamagedFileException">The existing file is not a signal file of this size.</exception>
    /// <exception cref="IOException">The file cannot be created or opened.</exception>
    public SignalFile(string path, long rows, int width)
    {
        Path = path;
        (this.rows, this.width) = (rows, width);
        written = new byte[RowSize(width)];
        if (!File.Exists(path))
            Make(path, rows, width);
        handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        try
        {
            Span<byte> header = stackalloc byte[HeaderSize];
            // Reading beyond the end of a mapped file would kill the process.
            if (
                RandomAccess.GetLength(handle) != Size(rows, width)
                || RandomAccess.Read(handle, header, 0) != HeaderSize
                || !header.SequenceEqual(Header(rows, width))
            )
                throw new DamagedFileException(path, "its length or header is wrong");
            map = MemoryMappedFile.CreateFromFile(handle, null, 0, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);
            view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        }
        catch
        {
            map?.Dispose();
            handle.Dispose();
            throw;
        }
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
    }

    public string Path { get; }

    /// <summary>Size of a complete file in bytes.</summary>
    public static long Size(long rows, int width) => HeaderSize + rows * RowSize(width);

    /// <summary>Copies a row.</summary>
    /// <param name="destination">`width` numbers, valid only if the row is present.</param>
    public RowState Read(long row, Span<float> destination)
    {
        ReadOnlySpan<byte> place = Place(row);
        ulong mark = BinaryPrimitives.ReadUInt64LittleEndian(place[^sizeof(ulong)..]);
        if (mark == 0)
            return RowState.Missing;
        // The copy is verified, because another process may be writing.
        MemoryMarshal.Cast<byte, float>(place[..^sizeof(ulong)]).CopyTo(destination);
        return mark == Mark(row, destination) ? RowState.There : RowState.Damaged;
    }

    /// <exception cref="IOException">The disk is full or faulty.</exception>
    public void Write(long row, ReadOnlySpan<float> values)
    {
        MemoryMarshal.AsBytes(values).CopyTo(written);
        BinaryPrimitives.WriteUInt64LittleEndian(written.AsSpan(^sizeof(ulong)..), Mark(row, values));
        RandomAccess.Write(handle, written, Offset(row));
    }

    public void Dispose()
    {
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        map.Dispose();
        handle.Dispose();
    }

    /// <summary>Removes a damaged file. Processes that have it open keep using their handle.</summary>
    public static void Remove(string path)
    {
        using ProcessLock held = Lock(path);
        File.Delete(path);
    }

    private static void Make(string path, long rows, int width)
    {
        using ProcessLock held = Lock(path);
        // Another process may have created it while this one waited.
        if (!File.Exists(path))
        {
            AtomicFile.Write(
                path,
                stream =>
                {
                    stream.Write(Header(rows, width));
                    stream.SetLength(Size(rows, width));
                }
            );
        }
    }

    private static ProcessLock Lock(string path) => ProcessLock.Take(path + ".lock", () => { }, CancellationToken.None);

    private static int RowSize(int width) => width * sizeof(float) + sizeof(ulong);

    private static byte[] Header(long rows, int width)
    {
        var header = new byte[HeaderSize];
        BinaryPrimitives.WriteUInt64LittleEndian(header, Signature);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(8), rows);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(16), width);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(24), XxHash3.HashToUInt64(header.AsSpan(0, 24)));
        return header;
    }

    private static ulong Mark(long row, ReadOnlySpan<float> values) => Math.Max(1, XxHash3.HashToUInt64(MemoryMarshal.AsBytes(values), row));

    private ReadOnlySpan<byte> Place(long row) => new(start + Offset(row), RowSize(width));

    private long Offset(long row)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, rows);
        return HeaderSize + row * RowSize(width);
    }
}
