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

    /// <summary>Bytes that one byte of a gzip file can become at the most.</summary>
    private const long LargestRatio = 1032;

    /// <summary>Reads a file that must have `rank` dimensions, the first one being the number of items.</summary>
    /// <param name="whyNot">What is wrong with the dimensions, as a clause; null: nothing. Asked before there is memory for the values.</param>
    /// <exception cref="DamagedFileException">It is no such file, or it is shorter or longer than its header says.</exception>
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
            throw new DamagedFileException(path, "it is not a whole gzip file", error);
        }
    }

    /// <summary>Writes the file whole or not at all.</summary>
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
            throw damaged("it ends within its header");
        }

        if (header[0] != 0 || header[1] != 0 || header[2] != UnsignedByte || header[3] != rank)
        {
            throw damaged($"it begins with {Convert.ToHexStringLower(header[..4])}, not with 000008{rank:x2}");
        }

        var dimensions = new int[rank];
        var size = 1L;
        for (var i = 0; i < rank; i++)
        {
            dimensions[i] = BinaryPrimitives.ReadInt32BigEndian(header[(4 + 4 * i)..]);
            size *= dimensions[i];
            if (dimensions[i] <= 0 || size > Array.MaxLength)
            {
                throw damaged($"its header says {string.Join(" x ", dimensions[..(i + 1)])} values");
            }
        }

        if (whyNot(dimensions) is string reason)
        {
            throw damaged(reason);
        }

        if (size > most)
        {
            throw damaged($"its header announces {size} values, more than a gzip file of its length can hold");
        }

        var values = new byte[size];
        var read = stream.ReadAtLeast(values, values.Length, throwOnEndOfStream: false);
        if (read < size)
        {
            throw damaged($"it holds {read} of the {size} values that its header announces");
        }

        if (stream.ReadByte() >= 0)
        {
            throw damaged($"it holds more than the {size} values that its header announces");
        }

        return new IdxFile(dimensions, values);
    }
}
