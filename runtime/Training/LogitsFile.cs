using System.Globalization;
using System.Text;
using ChannelDistillation.Checkpoints;
using ChannelDistillation.Core;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Training;

/// <summary>
/// Logits of a whole dataset in its order, for other programs: float32 [images, classes]. The ending of the name determines the format:
/// `.npy` holds the logits alone, `.safetensors` the tensors `logits` and `labels` (int64 [images]).
/// </summary>
public sealed class LogitsFile(string path) : IDisposable
{
    private const string Npy = ".npy";
    private const string Safetensors = ".safetensors";
    private readonly List<Tensor> logits = [];
    private readonly List<Tensor> labels = [];

    /// <summary>Names of the supported formats.</summary>
    public static IReadOnlyList<string> Endings { get; } = [Npy, Safetensors];

    public string Path { get; } = path;

    /// <param name="batch">[batch, classes], on any device.</param>
    /// <param name="batchLabels">[batch].</param>
    internal void Add(Tensor batch, Tensor batchLabels)
    {
        logits.Add(batch.detach().to(ScalarType.Float32).cpu().contiguous().clone().DetachFromDisposeScope());
        labels.Add(batchLabels.to(ScalarType.Int64).cpu().clone().DetachFromDisposeScope());
    }

    /// <summary>Writes the file atomically.</summary>
    /// <param name="metadata">For safetensors: where the logits come from.</param>
    public void Write(IReadOnlyDictionary<string, string> metadata)
    {
        if (Path.EndsWith(Npy, StringComparison.OrdinalIgnoreCase))
        {
            AtomicFile.Write(Path, WriteNpy);
            return;
        }
        using var scope = NewDisposeScope();
        SafetensorsFile.Write(Path, [KeyValuePair.Create("logits", cat(logits)), KeyValuePair.Create("labels", cat(labels))], metadata);
    }

    public void Dispose()
    {
        foreach (Tensor tensor in logits.Concat(labels))
            tensor.Dispose();
    }

    /// <summary>Version 1.0 of numpy's format: magic number, length of the header, a Python dict padded to 64 bytes, then the values row by row.</summary>
    private void WriteNpy(Stream stream)
    {
        const int alignment = 64;
        long images = logits.Sum(batch => batch.shape[0]);
        string header = string.Create(
            CultureInfo.InvariantCulture,
            $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({images}, {logits[0].shape[1]}), }}"
        );
        byte[] magic = [0x93, .. "NUMPY"u8, 1, 0];
        int length = magic.Length + 2 + header.Length + 1;
        header = header.PadRight(header.Length + (alignment - length % alignment) % alignment) + "\n";
        stream.Write(magic);
        stream.Write([(byte)header.Length, (byte)(header.Length >> 8)]);
        stream.Write(Encoding.ASCII.GetBytes(header));
        foreach (Tensor batch in logits)
            stream.Write(batch.bytes);
    }
}
