using System.Text;

namespace ChannelDistillation.Checkpoints;

/// <summary>Tells formats apart by how files begin; names say nothing.</summary>
internal static class CheckpointKind
{
    /// <summary>How many bytes of the file's start are looked at.</summary>
    public const int Start = 512;

    /// <exception cref="InvalidDataException">Nothing that holds weights; the message goes on a sentence that begins with the file's name.</exception>
    public static CheckpointFormat Of(ReadOnlySpan<byte> start)
    {
        if (start.StartsWith("PK\x03\x04"u8))
            return CheckpointFormat.PyTorchZip;
        if (start.Length > 0 && start[0] == 0x80 && start[..Math.Min(start.Length, 40)].IndexOf(PyTorchLegacy.Magic) >= 0)
            return CheckpointFormat.PyTorchLegacy;
        // The length of a header never fills all of its 8 bytes.
        if (start.Length > 8 && start[8] == '{' && start[7] == 0)
            return CheckpointFormat.Safetensors;
        throw new InvalidDataException(What(start));
    }

    private static string What(ReadOnlySpan<byte> start)
    {
        string text = Encoding.Latin1.GetString(start).TrimStart('\uFEFF', 'ï', '»', '¿', ' ', '\t', '\r', '\n');
        if (start.Length == 0)
            return "is empty.";
        if (text.StartsWith('<'))
            return "is a web page, not a checkpoint: the address that it came from answered with an error or asked to log in.";
        if (text.StartsWith("version https://git-lfs", StringComparison.Ordinal))
            return "is a pointer of Git LFS, not the checkpoint itself: run `git lfs pull` where it came from.";
        if (start.Length > 262 && start.Slice(257, 5).SequenceEqual("ustar"u8))
            return "is a tar archive: unpack it first. If it is a checkpoint of PyTorch before 0.2, load it and save it again with PyTorch.";
        if (start.StartsWith((ReadOnlySpan<byte>)[0x1f, 0x8b]))
            return "is packed with gzip: unpack it first (gunzip).";
        if (start[0] == 0x89 && start[1..].StartsWith("HDF"u8))
            return "is an HDF5 file, as Keras writes them, and no PyTorch checkpoint.";
        if (start[0] == 0x80)
            return "is a pickle that Python wrote without PyTorch. Pickles are read in checkpoints of torch.save only, and never run.";
        return "is no checkpoint that I know: it is neither safetensors nor a file of PyTorch.";
    }
}

/// <summary>The containers that checkpoints come in.</summary>
public enum CheckpointFormat
{
    /// <summary>github.com/huggingface/safetensors; ours are of this kind.</summary>
    Safetensors,

    /// <summary>`torch.save` of PyTorch 1.6 and later: a zip archive with a pickle and one file per storage.</summary>
    PyTorchZip,

    /// <summary>`torch.save` before PyTorch 1.6: pickles one after the other, then the storages.</summary>
    PyTorchLegacy,
}
