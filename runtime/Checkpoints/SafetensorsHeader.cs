using System.Buffers.Binary;
using System.Text.Json;
using ChannelDistillation.Core;
using Microsoft.Win32.SafeHandles;

namespace ChannelDistillation.Checkpoints;

/// <summary>The start of a safetensors file: 8 bytes of length, then JSON with the type, shape and position of every tensor.</summary>
/// <param name="Length">Bytes before the first tensor.</param>
internal sealed record SafetensorsHeader(IReadOnlyDictionary<string, string> Metadata, IReadOnlyList<TensorEntry> Tensors, long Length)
{
    public const string MetadataKey = "__metadata__";

    /// <exception cref="InvalidDataException">The message continues a sentence that begins with the file's name.</exception>
    public static SafetensorsHeader Read(SafeFileHandle file)
    {
        long fileLength = RandomAccess.GetLength(file);
        Span<byte> size = stackalloc byte[8];
        if (RandomAccess.Read(file, size, 0) < 8)
            throw Damaged("it is shorter than 8 bytes");
        long length = BinaryPrimitives.ReadInt64LittleEndian(size);
        if (length is < 2 or > FileLimits.DescriptionBytes || length > fileLength - 8)
            throw Damaged("the length of its header is invalid");
        return Parse(FileBytes.Read(file, 8, (int)length), 8 + length, fileLength);
    }

    private static SafetensorsHeader Parse(byte[] text, long start, long fileLength)
    {
        try
        {
            CheckSize(text);
            using var json = JsonDocument.Parse(text, new JsonDocumentOptions { AllowDuplicateProperties = false });
            JsonElement header = json.RootElement;
            return new(
                header.TryGetProperty(MetadataKey, out JsonElement metadata) ? MetadataOf(metadata) : [],
                [
                    .. header
                        .EnumerateObject()
                        .Where(entry => entry.Name != MetadataKey)
                        .Select(entry => EntryOf(entry.Name, entry.Value, start, fileLength)),
                ],
                start
            );
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw Damaged("its header is not JSON");
        }
    }

    /// <summary>Checks the number of values before memory is allocated for them.</summary>
    private static void CheckSize(byte[] text)
    {
        var reader = new Utf8JsonReader(text);
        int tensors = 0;
        for (int values = 0; reader.Read(); values++)
        {
            if (reader is { TokenType: JsonTokenType.PropertyName, CurrentDepth: 1 } && ++tensors > FileLimits.Tensors)
                throw WeightSets.ManyTensors();
            if (values == FileLimits.CheckpointValues)
                throw new InvalidDataException($"contains more than {FileLimits.CheckpointValues:N0} values, which is the limit.");
        }
    }

    /// <summary>The format has strings only; what other programs write instead is kept as JSON text, because nothing here depends on it.</summary>
    private static Dictionary<string, string> MetadataOf(JsonElement metadata) =>
        metadata.ValueKind switch
        {
            JsonValueKind.Null => [],
            JsonValueKind.Object => metadata
                .EnumerateObject()
                .ToDictionary(
                    entry => entry.Name,
                    entry => entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : entry.Value.GetRawText()
                ),
            _ => new() { [MetadataKey] = metadata.GetRawText() },
        };

    private static TensorEntry EntryOf(string name, JsonElement entry, long start, long fileLength)
    {
        string dtype;
        long[] shape,
            offsets;
        try
        {
            dtype = entry.GetProperty("dtype").GetString() ?? throw new FormatException();
            shape = [.. entry.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
            offsets = [.. entry.GetProperty("data_offsets").EnumerateArray().Select(offset => offset.GetInt64())];
        }
        catch (Exception error) when (error is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw Damaged($"the header's entry for `{name}` is incomplete");
        }
        ElementType type = ElementType.Find(known => known.Safetensors == dtype && dtype != "") ?? ElementType.Unknown(dtype);
        if (shape.Any(size => size < 0) || offsets.Length != 2 || offsets[0] < 0 || offsets[1] < offsets[0])
            throw Damaged($"`{name}` has an invalid shape or position");
        if (offsets[1] > fileLength - start)
            throw Damaged($"it ends before the end of `{name}`");
        long[] strides = TensorEntry.IsPossible(shape, new long[shape.Length]) ? TensorEntry.Contiguous(shape) : [];
        if (!TensorEntry.IsPossible(shape, strides))
            throw Damaged($"`{name}` has an invalid shape or position");
        var tensor = new TensorEntry(name, type, shape, strides, start + offsets[0]);
        if (type.Bytes > 0 && (Int128)tensor.Count * type.Bytes != offsets[1] - offsets[0])
            throw Damaged($"the shape of `{name}` does not match its length");
        return tensor;
    }

    private static InvalidDataException Damaged(string why) => new($"is not a complete safetensors file: {why}.");
}
