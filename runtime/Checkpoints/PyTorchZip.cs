using ChannelDistillation.Core;
using ChannelDistillation.Pickle;
using Microsoft.Win32.SafeHandles;

namespace ChannelDistillation.Checkpoints;

/// <summary>`torch.save` since PyTorch 1.6: a zip archive of NAME/data.pkl and one NAME/data/N for each storage N = 0, 1, ...</summary>
internal static class PyTorchZip
{
    private const string Description = "data.pkl";

    /// <param name="path">Its name, for messages.</param>
    /// <exception cref="InvalidDataException">The message continues a sentence that begins with the file's name.</exception>
    public static PyTorchFile Read(SafeFileHandle file, string path)
    {
        IReadOnlyDictionary<string, ZipEntry> entries = ZipDirectory.Read(file);
        string folder = FolderOf(entries.Keys);
        if (entries.ContainsKey(folder + "constants.pkl"))
            throw new InvalidDataException(
                "is a TorchScript archive, not a checkpoint. If you trust its code, use it as `torchscript: FILE` (docs/python.md), or save its weights in Python:\n"
                    + PythonLine.OfScript(path)
            );
        if (entries.TryGetValue(folder + "byteorder", out ZipEntry? order) && Text(file, order) == "big")
            throw new InvalidDataException("was written on a big-endian machine. Load and re-save it on a little-endian one.");
        ZipEntry description = Stored(folder + Description, entries[folder + Description], path);
        long start = ZipDirectory.DataOf(file, description);
        var reader = new PickleReader(new PickleInput(file, start, start + description.Size), PickledTensors.Storage);
        object? content = reader.Read();
        return new(content, Places(file, entries, folder + "data/", path), reader.Unlisted);
    }

    private static string FolderOf(IEnumerable<string> names) =>
        names.FirstOrDefault(name => name.EndsWith("/" + Description, StringComparison.Ordinal))?[..^Description.Length]
        ?? throw new InvalidDataException(
            "is a zip archive but not a PyTorch checkpoint: it has no data.pkl. If it contains a checkpoint, unpack it first."
        );

    private static Dictionary<string, (long Start, long Bytes)> Places(
        SafeFileHandle file,
        IReadOnlyDictionary<string, ZipEntry> entries,
        string folder,
        string path
    ) =>
        entries
            .Where(entry => entry.Key.StartsWith(folder, StringComparison.Ordinal))
            .ToDictionary(
                entry => entry.Key[folder.Length..],
                entry => (ZipDirectory.DataOf(file, Stored(entry.Key, entry.Value, path)), entry.Value.Size)
            );

    private static ZipEntry Stored(string name, ZipEntry entry, string path) =>
        entry.Stored
            ? entry
            : throw new InvalidDataException(
                $"was repacked after PyTorch wrote it: `{name}` is compressed or encrypted. {PythonLine.Trust} load and save it again in Python:\n{PythonLine.Resave(path)}"
            );

    private static string Text(SafeFileHandle file, ZipEntry entry) =>
        entry.Size < 100 ? System.Text.Encoding.Latin1.GetString(FileBytes.Read(file, ZipDirectory.DataOf(file, entry), (int)entry.Size)) : "";
}

/// <summary>Content of a `torch.save` file: one value, and the positions of its tensors' storages.</summary>
/// <param name="Content">A value as PickleValues.cs lists them.</param>
/// <param name="Places">By storage key: first byte and number of bytes.</param>
/// <param name="Unlisted">Classes and functions that it names and that are not read.</param>
internal sealed record PyTorchFile(
    object? Content,
    IReadOnlyDictionary<string, (long Start, long Bytes)> Places,
    IReadOnlyCollection<string> Unlisted
)
{
    /// <exception cref="InvalidDataException">The tensor extends beyond its storage; the message continues a sentence that begins with the file's name.</exception>
    public TensorEntry Entry(string name, PickledTensor tensor)
    {
        PickledStorage storage = tensor.Storage;
        if (!Places.TryGetValue(storage.Key, out var place))
            throw new InvalidDataException($"is damaged: the data of `{name}` are missing. Download or copy it again.");
        int unit = storage.Type?.Bytes ?? 1;
        var entry = new TensorEntry(name, tensor.Type, tensor.Shape, tensor.Strides, 0);
        // 128 bits, so that products of 64-bit numbers cannot overflow.
        Int128 first = (Int128)storage.Offset * unit + (Int128)tensor.Offset * tensor.Type.Bytes;
        Int128 end = (Int128)storage.Offset * unit + (Int128)storage.Count * unit;
        if (end > place.Bytes || first + (Int128)entry.Extent * tensor.Type.Bytes > end)
            throw new InvalidDataException($"is damaged: `{name}` extends beyond its data. Download or copy it again.");
        return entry with { Position = place.Start + (long)first };
    }
}
