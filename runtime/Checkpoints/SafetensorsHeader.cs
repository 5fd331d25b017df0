using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Win32.SafeHandles;

namespace ChannelDistillation.Checkpoints;

/// <summary>The start of a safetensors file: 8 bytes of length, then JSON that gives every tensor's type, shape and place.</summary>
/// <param name="Length">Bytes before the first tensor.</param>
internal sealed record SafetensorsHeader(IReadOnlyDictionary<string, string> Metadata, IReadOnlyList<TensorEntry> Tensors, long Length)
{
    public const string MetadataKey = "__metadata__";
    private const long Longest = 100_000_000;

    /// <exception cref="InvalidDataException">The message goes on a sentence that begins with the file's name.</exception>
    public static SafetensorsHeader Read(SafeFileHandle file)
    {
        long fileLength = RandomAccess.GetLength(file);
        Span<byte> size = stackalloc byte[8];
        if (RandomAccess.Read(file, size, 0) < 8)
            throw Damaged("it ends within its first 8 bytes");
        long length = BinaryPrimitives.ReadInt64LittleEndian(size);
        if (length is < 2 or > Longest || length > fileLength - 8)
            throw Damaged("its header has no sensible length");
        return Parse(FileBytes.Read(file, 8, (int)length), 8 + length, fileLength);
    }

    /// <summary>The parser looks into an object when it is asked for its entries, so mistakes in the text show themselves anywhere in here.</summary>
    private static SafetensorsHeader Parse(byte[] text, long start, long fileLength)
    {
        try
        {
            JsonObject header = JsonNode.Parse(text)!.AsObject();
            return new(
                MetadataOf(header),
                [.. header.Where(entry => entry.Key != MetadataKey).Select(entry => EntryOf(entry.Key, entry.Value, start, fileLength))],
                start
            );
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or ArgumentException or NullReferenceException)
        {
            throw Damaged("its header is not JSON");
        }
    }

    private static Dictionary<string, string> MetadataOf(JsonObject header) =>
        header[MetadataKey] switch
        {
            null => [],
            JsonObject metadata when metadata.All(entry => entry.Value?.GetValueKind() == JsonValueKind.String) => metadata.ToDictionary(
                entry => entry.Key,
                entry => entry.Value!.GetValue<string>()
            ),
            _ => throw Damaged("its metadata are not words"),
        };

    private static TensorEntry EntryOf(string name, JsonNode? entry, long start, long fileLength)
    {
        string dtype;
        long[] shape,
            offsets;
        try
        {
            dtype = entry!["dtype"]!.GetValue<string>();
            shape = [.. entry["shape"]!.AsArray().Select(size => size!.GetValue<long>())];
            offsets = [.. entry["data_offsets"]!.AsArray().Select(offset => offset!.GetValue<long>())];
        }
        catch (Exception error) when (error is NullReferenceException or InvalidOperationException or FormatException or JsonException)
        {
            throw Damaged($"the header's entry for `{name}` is incomplete");
        }
        ElementType type =
            ElementType.Find(known => known.Safetensors == dtype) ?? throw Damaged($"`{name}` has the type {dtype}, which I do not know");
        if (shape.Any(size => size < 0) || offsets.Length != 2 || offsets[0] < 0 || offsets[1] < offsets[0])
            throw Damaged($"`{name}` has an impossible shape or place");
        if (offsets[1] > fileLength - start)
            throw Damaged($"it ends before the end of `{name}`");
        long[] strides = TensorEntry.IsPossible(shape, new long[shape.Length]) ? TensorEntry.Contiguous(shape) : [];
        if (!TensorEntry.IsPossible(shape, strides))
            throw Damaged($"`{name}` has an impossible shape or place");
        var tensor = new TensorEntry(name, type, shape, strides, start + offsets[0]);
        if ((Int128)tensor.Count * type.Bytes != offsets[1] - offsets[0])
            throw Damaged($"the shape of `{name}` does not fit its length");
        return tensor;
    }

    private static InvalidDataException Damaged(string why) => new($"is not a whole safetensors file: {why}.");
}
