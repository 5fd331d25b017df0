using System.Buffers.Binary;
using System.IO.Hashing;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using ChannelDistillation.Core;
using ChannelDistillation.Data;
using Microsoft.Win32.SafeHandles;

namespace ChannelDistillation.Teachers.Signals;

/// <summary>Whether a row of a <see cref="SignalFile"/> can be used.</summary>
internal enum RowState
{
    Missing,
    Damaged,
    There,
}

/// <summary>
/// Rows of float32 on the disk, each with a checksum behind it that is also the mark of a row that is there (0: it is not). Rows are read
/// through a memory map and written by ordinary writes, because a full disk ends a process that writes through a map. Several
/// processes may read and write one file: rows of one place are the same wherever they come from, and half a row does not fit its checksum.
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

    /// <summary>Opens a file, or makes it.</summary>
    /// <exception cref="DamagedFileException">It is there, and is no such file of this size.</exception>
    /// <exception cref="IOException">It cannot be made or opened; so does UnauthorizedAccessException.</exception>
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
            // A map of a file that is too short would end the process when it is read.
            if (
                RandomAccess.GetLength(handle) != Size(rows, width)
                || RandomAccess.Read(handle, header, 0) != HeaderSize
                || !header.SequenceEqual(Header(rows, width))
            )
                throw new DamagedFileException(path, "its length or its beginning is not what was written");
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

    /// <summary>Bytes of a whole file.</summary>
    public static long Size(long rows, int width) => HeaderSize + rows * RowSize(width);

    /// <summary>Copies a row.</summary>
    /// <param name="destination">`width` numbers; they mean something where the row is there.</param>
    public RowState Read(long row, Span<float> destination)
    {
        ReadOnlySpan<byte> place = Place(row);
        ulong mark = BinaryPrimitives.ReadUInt64LittleEndian(place[^sizeof(ulong)..]);
        if (mark == 0)
            return RowState.Missing;
        // Checked is the copy: another process may be writing.
        MemoryMarshal.Cast<byte, float>(place[..^sizeof(ulong)]).CopyTo(destination);
        return mark == Mark(row, destination) ? RowState.There : RowState.Damaged;
    }

    /// <exception cref="IOException">The disk is full or broken.</exception>
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

    /// <summary>Removes a file that turned out to be damaged. A process that has it open goes on with it, for itself.</summary>
    public static void Remove(string path)
    {
        using ProcessLock held = Lock(path);
        File.Delete(path);
    }

    private static void Make(string path, long rows, int width)
    {
        using ProcessLock held = Lock(path);
        // Another process may have made it while this one waited.
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
