using ChannelDistillation.Checkpoints.Pickle;

namespace ChannelDistillation.Checkpoints;

/// <summary>What `torch.save` has written: one value, and where the storages of its tensors lie.</summary>
/// <param name="Content">A value of <see cref="PickleValues"/>.</param>
/// <param name="Places">By the storages' keys: first byte and number of bytes.</param>
internal sealed record PyTorchFile(object? Content, IReadOnlyDictionary<string, (long Start, long Bytes)> Places)
{
    /// <exception cref="InvalidDataException">It does not lie within its storage; the message goes on a sentence that begins with the file's name.</exception>
    public TensorEntry Entry(string name, PickledTensor tensor)
    {
        PickledStorage storage = tensor.Storage;
        if (!Places.TryGetValue(storage.Key, out var place))
            throw new InvalidDataException($"is damaged: the numbers of `{name}` are missing. Get it again from where it came from.");
        int unit = storage.Type?.Bytes ?? 1;
        var entry = new TensorEntry(name, tensor.Type, tensor.Shape, tensor.Strides, 0);
        // In 128 bits nothing overflows that 64 bits can say.
        Int128 first = (Int128)storage.Offset * unit + (Int128)tensor.Offset * tensor.Type.Bytes;
        Int128 end = (Int128)storage.Offset * unit + (Int128)storage.Count * unit;
        if (end > place.Bytes || first + (Int128)entry.Extent * tensor.Type.Bytes > end)
            throw new InvalidDataException($"is damaged: `{name}` reaches beyond its numbers. Get it again from where it came from.");
        return entry with { Position = place.Start + (long)first };
    }
}
