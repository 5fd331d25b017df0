using System.Buffers.Binary;
using ChannelDistillation.Pickle;
using Microsoft.Win32.SafeHandles;

namespace ChannelDistillation.Checkpoints;

/// <summary>
/// `torch.save` before PyTorch 1.6, as in torchvision's older files: five pickles (a magic number, the protocol version, the
/// system info, the value, the keys of its storages), then for each key an 8-byte count and the numbers, always little-endian.
/// </summary>
internal static class PyTorchLegacy
{
    private const long Protocol = 1001;

    /// <summary>The magic number 0x1950a86a20f9469cfc6c as a pickle encodes it.</summary>
    public static ReadOnlySpan<byte> Magic => [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

    /// <exception cref="InvalidDataException">The message continues a sentence that begins with the file's name.</exception>
    public static PyTorchFile Read(SafeFileHandle file)
    {
        long length = RandomAccess.GetLength(file);
        var input = new PickleInput(file, 0, length);
        var storages = new Dictionary<string, PickledStorage>();
        Next(input);
        if (Next(input) is not Protocol)
            throw new InvalidDataException("was written by an unknown version of PyTorch: its protocol is not 1001.");
        Next(input);
        var reader = new PickleReader(
            input,
            id =>
            {
                object loaded = PickledTensors.Storage(id);
                if (loaded is PickledStorage storage)
                    storages[storage.Key] = storage;
                return loaded;
            }
        );
        object? content = reader.Read();
        if (Next(input) is not PickleList keys)
            throw PickleStack.Damaged();
        return new(content, Places(file, input.Position, length, keys, storages), reader.Unlisted);
    }

    private static object? Next(PickleInput input) => new PickleReader(input, _ => throw PickleStack.Damaged()).Read();

    private static Dictionary<string, (long Start, long Bytes)> Places(
        SafeFileHandle file,
        long position,
        long length,
        PickleList keys,
        Dictionary<string, PickledStorage> storages
    )
    {
        var places = new Dictionary<string, (long, long)>();
        foreach (object? item in keys.Items)
        {
            string key = item is string or long ? $"{item}" : throw PickleStack.Damaged();
            if (!storages.TryGetValue(key, out PickledStorage? storage))
                throw PickleStack.Damaged();
            if (length - position < 8)
                throw CutShort();
            long count = BinaryPrimitives.ReadInt64LittleEndian(FileBytes.Read(file, position, 8));
            position += 8;
            long unit = storage.Type?.Bytes ?? 1;
            if (count < 0 || count > (length - position) / unit)
                throw CutShort();
            places[key] = (position, count * unit);
            position += count * unit;
        }
        return places;
    }

    private static InvalidDataException CutShort() => new("is truncated: it ends before its last tensor. Download or copy it again.");
}
