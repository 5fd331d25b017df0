using ChannelDistillation.Core;
using Microsoft.Win32.SafeHandles;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Checkpoints;

/// <summary>Bytes out of a file at a known place, straight to where they are wanted.</summary>
internal static class FileBytes
{
    public static byte[] Read(SafeFileHandle file, long position, int count)
    {
        byte[] bytes = new byte[count];
        Fill(file, position, bytes);
        return bytes;
    }

    /// <summary>
    /// One tensor on the CPU, in the current dispose scope. Only the numbers between its first and its last are read, into the memory that
    /// the tensor keeps.
    /// </summary>
    /// <exception cref="InvalidDataException">The message goes on a sentence that begins with the file's name.</exception>
    public static Tensor Read(SafeFileHandle file, TensorEntry entry)
    {
        if (entry.Extent > int.MaxValue / entry.Type.Bytes)
            throw new InvalidDataException($"holds more than 2 GiB in one tensor, `{entry.Name}`, which I cannot read.");
        Tensor flat = Allocate(entry);
        Fill(file, entry.Position, flat.bytes);
        using (flat)
            return flat.as_strided([.. entry.Shape], [.. entry.Strides]);
    }

    private static Tensor Allocate(TensorEntry entry)
    {
        try
        {
            return empty([entry.Extent], entry.Type.Type, CPU);
        }
        catch (System.Runtime.InteropServices.ExternalException)
        {
            throw new InvalidDataException($"holds `{entry.Name}` of {entry.Extent * entry.Type.Bytes} bytes, for which there is no memory.");
        }
    }

    private static void Fill(SafeFileHandle file, long position, Span<byte> destination)
    {
        try
        {
            InputFile.Fill(file, position, destination);
        }
        catch (EndOfStreamException error)
        {
            throw new InvalidDataException("has become shorter while it was read.", error);
        }
    }
}
