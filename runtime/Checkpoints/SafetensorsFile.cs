using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ChannelDistillation.Core;
using Microsoft.Win32.SafeHandles;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Checkpoints;

/// <summary>
/// Tensors in the safetensors format (github.com/huggingface/safetensors): 8 bytes of header length, a JSON header with the
/// type, shape and position of every tensor, then the data of all of them.
/// </summary>
public sealed record SafetensorsFile(IReadOnlyDictionary<string, Tensor> Tensors, IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>Writes the file atomically, with a checksum. Tensors may be on any device and in any layout.</summary>
    /// <param name="previous">Where to keep the file that is replaced; null: it is not kept.</param>
    /// <param name="check">Called with the complete file before it is moved into place; throws to reject it.</param>
    public static void Write(
        string path,
        IReadOnlyCollection<KeyValuePair<string, Tensor>> tensors,
        IReadOnlyDictionary<string, string> metadata,
        string? previous = null,
        Action<string>? check = null
    )
    {
        var sealedMetadata = metadata.Append(KeyValuePair.Create(SafetensorsChecksum.MetadataKey, SafetensorsChecksum.Placeholder));
        var header = new JsonObject
        {
            [SafetensorsHeader.MetadataKey] = new JsonObject(sealedMetadata.Select(entry => KeyValuePair.Create(entry.Key, (JsonNode?)entry.Value))),
        };
        long offset = 0;
        foreach (var (name, tensor) in tensors)
        {
            long end = offset + tensor.numel() * tensor.element_size();
            header[name] = new JsonObject
            {
                ["dtype"] = ElementType.Of(tensor.dtype).Safetensors,
                ["shape"] = new JsonArray([.. tensor.shape.Select(size => (JsonNode)size)]),
                ["data_offsets"] = new JsonArray(offset, end),
            };
            offset = end;
        }
        // The format allows trailing spaces in the header; padding it to 8 bytes aligns the data in memory-mapped files.
        byte[] text = JsonSerializer.SerializeToUtf8Bytes(header);
        byte[] start = new byte[8 + (text.Length + 7) / 8 * 8];
        start.AsSpan(8).Fill((byte)' ');
        BinaryPrimitives.WriteInt64LittleEndian(start, start.Length - 8);
        text.CopyTo(start, 8);
        AtomicFile.Write(
            path,
            stream =>
            {
                var hash = new XxHash128();
                Append(start);
                foreach (var (_, tensor) in tensors)
                {
                    using var scope = NewDisposeScope();
                    Append(tensor.detach().cpu().contiguous().bytes);
                }
                stream.Position = SafetensorsChecksum.PlaceIn(start, SafetensorsChecksum.Placeholder);
                stream.Write(Encoding.ASCII.GetBytes(SafetensorsChecksum.Digits(hash)));

                void Append(ReadOnlySpan<byte> bytes)
                {
                    stream.Write(bytes);
                    hash.Append(bytes);
                }
            },
            previous,
            check
        );
    }

    /// <summary>The metadata of a file, after verifying its checksum.</summary>
    /// <exception cref="InvalidDataException">The file does not exist, is not a safetensors file, or is damaged.</exception>
    public static IReadOnlyDictionary<string, string> Verify(string path) => Verified(path, (_, header) => header.Metadata);

    /// <summary>The metadata of a file, without verifying its tensors.</summary>
    /// <exception cref="InvalidDataException">The file does not exist or is not a safetensors file.</exception>
    public static IReadOnlyDictionary<string, string> ReadMetadata(string path) => Open(path, (_, header) => header.Metadata);

    /// <summary>Reads a whole file into tensors on the CPU, which belong to the current dispose scope if there is one.</summary>
    /// <exception cref="InvalidDataException">The file is not a safetensors file, or is damaged; the message says what is wrong.</exception>
    public static SafetensorsFile Read(string path) =>
        Verified(
            path,
            (file, header) =>
                new SafetensorsFile(header.Tensors.ToDictionary(entry => entry.Name, entry => FileBytes.Read(file, entry)), header.Metadata)
        );

    private static T Verified<T>(string path, Func<SafeFileHandle, SafetensorsHeader, T> read) =>
        Open(
            path,
            (file, header) =>
            {
                SafetensorsChecksum.Check(file, header);
                return read(file, header);
            }
        );

    private static T Open<T>(string path, Func<SafeFileHandle, SafetensorsHeader, T> read)
    {
        try
        {
            using var file = InputFile.Open(path);
            return read(file, SafetensorsHeader.Read(file));
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException($"{path} {error.Message}", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"{path} cannot be read: {InputFile.Reason(path, error)}.", error);
        }
    }
}

/// <summary>
/// XXH128 over a whole safetensors file, stored in its own metadata. Its own 32 digits count as zeros. Files of other programs have
/// none.
/// </summary>
internal static class SafetensorsChecksum
{
    public const string MetadataKey = "xxh128";
    public static readonly string Placeholder = new('0', 32);
    private const int Chunk = 1 << 20;

    /// <summary>Position of the digits in the start of a file.</summary>
    /// <exception cref="InvalidDataException">They are not found.</exception>
    public static int PlaceIn(ReadOnlySpan<byte> start, string digits)
    {
        int key = start.IndexOf(Encoding.ASCII.GetBytes($"\"{MetadataKey}\":\"{digits}\""));
        return key >= 0 && digits.Length == Placeholder.Length ? key + MetadataKey.Length + 4 : throw Mismatch();
    }

    /// <exception cref="InvalidDataException">The checksum does not match. The message continues a sentence that begins with the file's name.</exception>
    public static void Check(SafeFileHandle file, SafetensorsHeader header)
    {
        if (!header.Metadata.TryGetValue(MetadataKey, out string? digits))
            return;
        var hash = new XxHash128();
        byte[] chunk = FileBytes.Read(file, 0, (int)header.Length);
        Encoding.ASCII.GetBytes(Placeholder).CopyTo(chunk, PlaceIn(chunk, digits));
        hash.Append(chunk);
        // The current length: a file that grows while it is being read ends here, and its checksum does not match.
        long end = RandomAccess.GetLength(file);
        chunk = new byte[Chunk];
        int read = 1;
        for (long position = header.Length; position < end && read > 0; position += read)
        {
            read = RandomAccess.Read(file, chunk.AsSpan(0, (int)Math.Min(Chunk, end - position)), position);
            hash.Append(chunk.AsSpan(0, read));
        }
        if (Digits(hash) != digits)
            throw Mismatch();
    }

    /// <summary>Programs that copy the metadata of a file into another copy its checksum, too.</summary>
    private static InvalidDataException Mismatch() =>
        new(
            "does not match its checksum: it is damaged, or another program has changed it and kept its metadata. "
                + $"To use a changed file, save it without the metadata entry `{MetadataKey}`."
        );

    public static string Digits(XxHash128 hash) => Convert.ToHexStringLower(hash.GetCurrentHash());
}
