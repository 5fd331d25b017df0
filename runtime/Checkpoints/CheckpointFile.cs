using System.Globalization;
using System.Numerics;
using ChannelDistillation.Core;
using ChannelDistillation.Pickle;
using Microsoft.Win32.SafeHandles;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Checkpoints;

/// <summary>
/// An opened checkpoint of any format. Opening reads what it holds; numbers are read when a tensor is asked for, so that memory never
/// holds more than what is asked for. docs/checkpoints.md says what can be read and what is refused.
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
            Sets = Some([.. WeightSets.Split(new("", "", safetensors.Tensors))]);
        }
        else
        {
            PyTorchFile content = Format == CheckpointFormat.PyTorchZip ? PyTorchZip.Read(file) : PyTorchLegacy.Read(file);
            Sets = Some(WeightSets.Find(content));
            (Metadata, Others) = Beside(content);
        }
    }

    public string Path { get; }

    /// <summary>Size of the file.</summary>
    public long Bytes { get; }

    public CheckpointFormat Format { get; }

    /// <summary>Safetensors: its metadata, without our checksum. PyTorch: the plain values beside the weights, `epoch` for instance, as text.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Keys of what else lies beside the weights: `optimizer`.</summary>
    public IReadOnlyList<string> Others { get; } = [];

    /// <summary>The networks in it, at least one; a student comes before its teacher, weights before their average.</summary>
    public IReadOnlyList<WeightSet> Sets { get; }

    /// <exception cref="InvalidDataException">It cannot be opened, is damaged, holds no weights, or asks for more than tensors and plain values; the message says which.</exception>
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

    /// <summary>Reads the whole file and compares it with the checksum that it carries; only files of ours carry one.</summary>
    /// <exception cref="InvalidDataException">It is not as it was written.</exception>
    public void Verify() =>
        Read(() =>
        {
            if (safetensors is not null)
                SafetensorsChecksum.Check(file, safetensors);
            return true;
        });

    /// <summary>One tensor on the CPU in the file's type, shape and strides, in the current dispose scope.</summary>
    /// <exception cref="InvalidDataException">There is no memory for it, or the file has changed since it was opened.</exception>
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

    private static IReadOnlyList<WeightSet> Some(IReadOnlyList<WeightSet> sets) =>
        sets.Count > 0 ? sets : throw new InvalidDataException("holds no weights: no tensors with names are in it.");

    private (IReadOnlyDictionary<string, string> Values, IReadOnlyList<string> Others) Beside(PyTorchFile content)
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

    /// <summary>Of a plain value or a tensor of one number; null: it is neither.</summary>
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
