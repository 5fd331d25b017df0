using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Records;

/// <summary>
/// Tensors in the safetensors format (github.com/huggingface/safetensors): 8 bytes of header length, a JSON header that gives
/// type, shape and place of every tensor, then the bytes of all of them.
/// </summary>
public sealed record Safetensors(IReadOnlyDictionary<string, Tensor> Tensors, IReadOnlyDictionary<string, string> Metadata)
{
    private const string MetadataKey = "__metadata__";
    private const long LargestHeader = 100_000_000;

    private static readonly (string Name, ScalarType Type)[] Types =
    [
        ("F64", ScalarType.Float64),
        ("F32", ScalarType.Float32),
        ("F16", ScalarType.Float16),
        ("BF16", ScalarType.BFloat16),
        ("I64", ScalarType.Int64),
        ("I32", ScalarType.Int32),
        ("I16", ScalarType.Int16),
        ("I8", ScalarType.Int8),
        ("U8", ScalarType.Byte),
        ("BOOL", ScalarType.Bool),
    ];

    /// <summary>Writes the file atomically. Tensors may lie on any device and in any layout.</summary>
    public static void Write(string path, IReadOnlyCollection<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        var header = new JsonObject
        {
            [MetadataKey] = new JsonObject(metadata.Select(entry => KeyValuePair.Create(entry.Key, (JsonNode?)entry.Value))),
        };
        long offset = 0;
        foreach (var (name, tensor) in tensors)
        {
            long end = offset + tensor.numel() * tensor.element_size();
            header[name] = new JsonObject
            {
                ["dtype"] = Types.First(type => type.Type == tensor.dtype).Name,
                ["shape"] = new JsonArray([.. tensor.shape.Select(size => (JsonNode)size)]),
                ["data_offsets"] = new JsonArray(offset, end),
            };
            offset = end;
        }
        // The format lets the header end in spaces; padded to 8 bytes, the data are aligned in memory-mapped files.
        byte[] text = JsonSerializer.SerializeToUtf8Bytes(header);
        byte[] start = new byte[8 + (text.Length + 7) / 8 * 8];
        start.AsSpan(8).Fill((byte)' ');
        BinaryPrimitives.WriteInt64LittleEndian(start, start.Length - 8);
        text.CopyTo(start, 8);
        AtomicFile.Write(
            path,
            stream =>
            {
                stream.Write(start);
                foreach (var (_, tensor) in tensors)
                {
                    using var scope = NewDisposeScope();
                    stream.Write(tensor.detach().cpu().contiguous().bytes);
                }
            }
        );
    }

    /// <summary>Reads a whole file into tensors on the CPU; they belong to the current dispose scope, if there is one.</summary>
    /// <exception cref="InvalidDataException">Not a safetensors file, or a damaged one; the message says what is wrong.</exception>
    public static Safetensors Read(string path)
    {
        using var stream = File.OpenRead(path);
        JsonObject header = ReadHeader(stream, path);
        var metadata = (header[MetadataKey] as JsonObject)?.ToDictionary(entry => entry.Key, entry => entry.Value!.GetValue<string>()) ?? [];
        long start = stream.Position;
        var tensors = new Dictionary<string, Tensor>();
        foreach (var (name, value) in header)
        {
            if (name != MetadataKey)
                tensors.Add(name, ReadTensor(stream, start, name, value, path));
        }
        return new(tensors, metadata);
    }

    private static JsonObject ReadHeader(FileStream stream, string path)
    {
        Span<byte> size = stackalloc byte[8];
        if (stream.ReadAtLeast(size, 8, throwOnEndOfStream: false) < 8)
            throw Damaged(path, "it ends within its first 8 bytes");
        long length = BinaryPrimitives.ReadInt64LittleEndian(size);
        if (length is < 2 or > LargestHeader || length > stream.Length - 8)
            throw Damaged(path, "its header has no sensible length");
        byte[] text = new byte[length];
        stream.ReadExactly(text);
        try
        {
            return JsonNode.Parse(text)!.AsObject();
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or ArgumentException)
        {
            throw Damaged(path, "its header is not JSON");
        }
    }

    private static Tensor ReadTensor(FileStream stream, long start, string name, JsonNode? entry, string path)
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
        catch (Exception error) when (error is NullReferenceException or InvalidOperationException or FormatException)
        {
            throw Damaged(path, $"the header's entry for `{name}` is incomplete");
        }
        int type = Array.FindIndex(Types, known => known.Name == dtype);
        if (type < 0)
            throw Damaged(path, $"`{name}` has the type {dtype}, which I do not know");
        if (shape.Any(size => size < 0) || offsets.Length != 2 || offsets[0] < 0 || offsets[1] < offsets[0])
            throw Damaged(path, $"`{name}` has an impossible shape or place");
        if (offsets[1] > stream.Length - start)
            throw Damaged(path, $"it ends before the end of `{name}`");
        Tensor tensor = empty(shape, Types[type].Type);
        if (tensor.numel() * tensor.element_size() != offsets[1] - offsets[0])
            throw Damaged(path, $"the shape of `{name}` does not fit its length");
        stream.Position = start + offsets[0];
        stream.ReadExactly(tensor.bytes);
        return tensor;
    }

    private static InvalidDataException Damaged(string path, string why) => new($"{path} is not a whole safetensors file: {why}.");
}
