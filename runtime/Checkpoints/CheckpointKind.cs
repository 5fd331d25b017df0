using System.Text;

namespace ChannelDistillation.Checkpoints;

/// <summary>Identifies a checkpoint's format by its first bytes, not by its name.</summary>
internal static class CheckpointKind
{
    /// <summary>Number of bytes needed from the start of the file.</summary>
    public const int Start = 512;

    /// <param name="path">The file's name, for messages.</param>
    /// <exception cref="InvalidDataException">Not a supported format; the message continues a sentence that begins with the file's name.</exception>
    public static CheckpointFormat Of(ReadOnlySpan<byte> start, string path)
    {
        if (start.StartsWith("PK\x03\x04"u8))
            return CheckpointFormat.PyTorchZip;
        if (start.Length > 0 && start[0] == 0x80 && start[..Math.Min(start.Length, 40)].IndexOf(PyTorchLegacy.Magic) >= 0)
            return CheckpointFormat.PyTorchLegacy;
        // A header's length never uses all 8 bytes.
        if (start.Length > 8 && start[8] == '{' && start[7] == 0)
            return CheckpointFormat.Safetensors;
        throw new InvalidDataException(Describe(start, path));
    }

    private static string Describe(ReadOnlySpan<byte> start, string path)
    {
        string text = Encoding.Latin1.GetString(start).TrimStart('\uFEFF', 'ï', '»', '¿', ' ', '\t', '\r', '\n');
        if (start.Length == 0)
            return "is empty.";
        if (text.StartsWith('<'))
            return "is a web page, not a checkpoint: the download returned an error or a log-in page.";
        if (text.StartsWith("version https://git-lfs", StringComparison.Ordinal))
            return "is a Git LFS pointer, not the checkpoint: run `git lfs pull` in its repository.";
        if (start.Length > 262 && start.Slice(257, 5).SequenceEqual("ustar"u8))
            return "is a tar archive: unpack it first. If it is a checkpoint of PyTorch before 0.2, load and re-save it with PyTorch.";
        if (start.StartsWith((ReadOnlySpan<byte>)[0x1f, 0x8b]))
            return "is compressed with gzip: run gunzip on it first.";
        if (start[0] == 0x89 && start[1..].StartsWith("HDF"u8))
            return "is an HDF5 file (Keras), not a PyTorch checkpoint.";
        if (start[0] == 0x80)
            return $"is a pickle that torch.save did not write. {PythonLine.Trust} save it with torch.save:\n{PythonLine.OfPickle(path)}";
        return "is not a supported checkpoint: it is neither safetensors nor a PyTorch file.";
    }
}

/// <summary>Supported checkpoint formats.</summary>
public enum CheckpointFormat
{
    /// <summary>github.com/huggingface/safetensors; the format that this program writes.</summary>
    Safetensors,

    /// <summary>`torch.save` of PyTorch 1.6 and later: a zip archive with a pickle and one file per storage.</summary>
    PyTorchZip,

    /// <summary>`torch.save` before PyTorch 1.6: consecutive pickles, then the storages.</summary>
    PyTorchLegacy,
}
