using System.Globalization;
using System.Numerics;
using ChannelDistillation.Core;
using ChannelDistillation.Pickle;
using Microsoft.Win32.SafeHandles;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Checkpoints;

/// <summary>
/// An opened checkpoint of any supported format. Opening reads its structure; a tensor's data are read on request, so that memory holds
/// only the requested tensors. docs/checkpoints.md lists what is supported and what is refused.
/// </summary>
public sealed class CheckpointFile : IDisposable
{
    private readonly SafeFileHandle file;
    private readonly SafetensorsHeader? safetensors;

    private CheckpointFile(string path, SafeFileHandle file)
    {
        Path = path;
        this.file = file;
        Bytes = RandomAccess.GetLength(file);
        byte[] start = FileBytes.Read(file, 0, (int)Math.Min(Bytes, CheckpointKind.Start));
        Format = CheckpointKind.Of(start);
        if (Format == CheckpointFormat.Safetensors)
        {
            safetensors = SafetensorsHeader.Read(file);
            Metadata = safetensors.Metadata.Where(entry => entry.Key != SafetensorsChecksum.MetadataKey).ToDictionary();
            Sets = RequireAny([.. WeightSets.Split(new("", "", safetensors.Tensors))]);
        }
        else
        {
            PyTorchFile content = Format == CheckpointFormat.PyTorchZip ? PyTorchZip.Read(file) : PyTorchLegacy.Read(file);
            Sets = RequireAny(WeightSets.Find(content));
            (Metadata, Others) = PlainValues(content);
        }
    }

    public string Path { get; }

    /// <summary>Size of the file.</summary>
    public long Bytes { get; }

    public CheckpointFormat Format { get; }

    /// <summary>Safetensors: the metadata without our checksum. PyTorch: plain values stored beside the weights, such as `epoch`, as text.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Keys of other content beside the weights, such as `optimizer`.</summary>
    public IReadOnlyList<string> Others { get; } = [];

    /// <summary>The networks in the file, at least one. A student comes before its teacher, weights before their average.</summary>
    public IReadOnlyList<WeightSet> Sets { get; }

    /// <exception cref="InvalidDataException">The file cannot be opened, is damaged, has no weights, or needs more than tensors and plain values; the message says which.</exception>
    public static CheckpointFile Open(string path)
    {
        SafeFileHandle? file = null;
        try
        {
            file = InputFile.Open(path);
            return new(path, file);
        }
        catch (InvalidDataException error)
        {
            file?.Dispose();
            throw new InvalidDataException($"{path} {error.Message}", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            throw new InvalidDataException($"{path} cannot be read: {InputFile.Reason(path, error)}.", error);
        }
    }

    /// <summary>Reads the whole file and verifies its checksum. Only files written by this program have one.</summary>
    /// <exception cref="InvalidDataException">The checksum does not match.</exception>
    public void Verify() =>
        Read(() =>
        {
            if (safetensors is not null)
                SafetensorsChecksum.Check(file, safetensors);
            return true;
        });

    /// <summary>Reads one tensor to the CPU with the file's type, shape and strides, in the current dispose scope.</summary>
    /// <exception cref="InvalidDataException">There is not enough memory, or the file has changed since it was opened.</exception>
    public Tensor Read(TensorEntry entry) => Read(() => FileBytes.Read(file, entry));

    public void Dispose() => file.Dispose();

    private T Read<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is InvalidDataException or IOException)
        {
            throw new InvalidDataException($"{Path} {error.Message}", error);
        }
    }

    private static IReadOnlyList<WeightSet> RequireAny(IReadOnlyList<WeightSet> sets) =>
        sets.Count > 0 ? sets : throw new InvalidDataException("contains no weights: it has no named tensors.");

    private (IReadOnlyDictionary<string, string> Values, IReadOnlyList<string> Others) PlainValues(PyTorchFile content)
    {
        var values = new Dictionary<string, string>();
        var others = new List<string>();
        foreach (var (key, value) in ((PickleDict)content.Content!).Entries)
        {
            if (key is not string name || Sets.Any(set => set.Where == name || set.Where.StartsWith(name + ".", StringComparison.Ordinal)))
                continue;
            if (TextOf(content, value) is string text)
                values[name] = text;
            else if (Sets[0].Where != "")
                others.Add(name);
        }
        return (values, others);
    }

    /// <summary>Text of a plain value or one-element tensor; null for anything else.</summary>
    private string? TextOf(PyTorchFile content, object? value)
    {
        switch (value)
        {
            case string text:
                return text;
            case bool flag:
                return flag ? "true" : "false";
            case long or double or BigInteger:
                return ((IFormattable)value).ToString(null, CultureInfo.InvariantCulture);
            case PickledTensor { Shape.Length: 0 } tensor when Sets[0].Where != "":
                using (Tensor number = FileBytes.Read(file, content.Entry("number", tensor)))
                using (Tensor wide = number.to(ScalarType.Float64))
                    return wide.item<double>().ToString("G7", CultureInfo.InvariantCulture);
            default:
                return null;
        }
    }
}
