using ChannelDistillation.Core;
using Microsoft.Win32.SafeHandles;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Checkpoints;

/// <summary>Reads bytes at a given position of a file directly into their destination.</summary>
internal static class FileBytes
{
    public static byte[] Read(SafeFileHandle file, long position, int count)
    {
        byte[] bytes = new byte[count];
        Fill(file, position, bytes);
        return bytes;
    }

    /// <summary>
    /// Reads one tensor to the CPU, in the current dispose scope. Only the range from its first to its last element is read, directly into the
    /// tensor's memory.
    /// </summary>
    /// <exception cref="InvalidDataException">The message continues a sentence that begins with the file's name.</exception>
    public static Tensor Read(SafeFileHandle file, TensorEntry entry)
    {
        if (!entry.Type.IsReadable)
            throw new InvalidDataException($"contains `{entry.Key}` of type {entry.Type.Name}, which is not supported.");
        if (IsTooLarge(entry))
            throw new InvalidDataException($"contains a tensor of more than 2 GiB, `{entry.Name}`, which is not supported.");
        Tensor flat = Allocate(entry);
        Fill(file, entry.Position, flat.bytes);
        using (flat)
            return flat.as_strided([.. entry.Shape], [.. entry.Strides]);
    }

    /// <summary>Whether a readable tensor needs more memory than a .NET span can have.</summary>
    public static bool IsTooLarge(TensorEntry entry) => entry.Extent > int.MaxValue / entry.Type.Bytes;

    private static Tensor Allocate(TensorEntry entry)
    {
        try
        {
            return empty([entry.Extent], entry.Type.Type, CPU);
        }
        catch (System.Runtime.InteropServices.ExternalException)
        {
            throw new InvalidDataException(
                $"contains `{entry.Name}` of {entry.Extent * entry.Type.Bytes} bytes, for which there is not enough memory."
            );
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
            throw new InvalidDataException("was truncated while it was being read.", error);
        }
    }
}
