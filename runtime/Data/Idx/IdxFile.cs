using System.Buffers.Binary;
using System.IO.Compression;
using ChannelDistillation.Core;

namespace ChannelDistillation.Data.Idx;

/// <summary>
/// An array of bytes in the IDX format of MNIST, gzip-compressed: two zero bytes, 0x08 for unsigned bytes, the number of
/// dimensions, each dimension as a big-endian 32-bit integer, the values in row-major order.
/// </summary>
public sealed record IdxFile(int[] Dimensions, byte[] Values)
{
    private const byte UnsignedByte = 0x08;

    /// <summary>Maximum compression ratio of gzip.</summary>
    private const long LargestRatio = 1032;

    /// <summary>Reads a file that must have `rank` dimensions, the first of which is the number of items.</summary>
    /// <param name="whyNot">Returns what is wrong with the dimensions, as a clause, or null. Called before memory is allocated for the values.</param>
    /// <exception cref="DamagedFileException">It is not an IDX file, or its length differs from its header.</exception>
    public static IdxFile Read(string path, int rank, Func<int[], string?>? whyNot = null)
    {
        try
        {
            using FileStream file = InputFile.OpenStream(path);
            long most = file.Length * LargestRatio;
            using var stream = new GZipStream(file, CompressionMode.Decompress);
            return Read(stream, rank, most, whyNot ?? (_ => null), reason => new DamagedFileException(path, reason));
        }
        catch (InvalidDataException error)
        {
            throw new DamagedFileException(path, "it is not a complete gzip file", error);
        }
    }

    /// <summary>Writes the file atomically.</summary>
    public void Write(string path)
    {
        var temporary = path + ".part";
        using (var stream = new GZipStream(File.Create(temporary), CompressionLevel.SmallestSize))
        {
            Span<byte> header = stackalloc byte[4 + 4 * Dimensions.Length];
            header[2] = UnsignedByte;
            header[3] = (byte)Dimensions.Length;
            for (var i = 0; i < Dimensions.Length; i++)
            {
                BinaryPrimitives.WriteInt32BigEndian(header[(4 + 4 * i)..], Dimensions[i]);
            }

            stream.Write(header);
            stream.Write(Values);
        }

        File.Move(temporary, path, overwrite: true);
    }

    private static IdxFile Read(Stream stream, int rank, long most, Func<int[], string?> whyNot, Func<string, Exception> damaged)
    {
        Span<byte> header = stackalloc byte[4 + 4 * rank];
        if (stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length)
        {
            throw damaged("it is shorter than its header");
        }

        if (header[0] != 0 || header[1] != 0 || header[2] != UnsignedByte || header[3] != rank)
        {
            throw damaged($"it begins with {Convert.ToHexStringLower(header[..4])} instead of 000008{rank:x2}");
        }

        var dimensions = new int[rank];
        var size = 1L;
        for (var i = 0; i < rank; i++)
        {
            dimensions[i] = BinaryPrimitives.ReadInt32BigEndian(header[(4 + 4 * i)..]);
            size *= dimensions[i];
            if (dimensions[i] <= 0 || size > Array.MaxLength)
            {
                throw damaged($"its header states {string.Join(" x ", dimensions[..(i + 1)])} values");
            }
        }

        if (whyNot(dimensions) is string reason)
        {
            throw damaged(reason);
        }

        if (size > most)
        {
            throw damaged($"its header states {size} values, more than a gzip file of its length can contain");
        }

        var values = new byte[size];
        var read = stream.ReadAtLeast(values, values.Length, throwOnEndOfStream: false);
        if (read < size)
        {
            throw damaged($"it contains {read} of the {size} values that its header states");
        }

        if (stream.ReadByte() >= 0)
        {
            throw damaged($"it contains more than the {size} values that its header states");
        }

        return new IdxFile(dimensions, values);
    }
}
