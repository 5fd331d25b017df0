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
        Format = CheckpointKind.Of(start, path);
        if (Format == CheckpointFormat.Safetensors)
        {
            safetensors = SafetensorsHeader.Read(file);
            Metadata = safetensors.Metadata.Where(entry => entry.Key != SafetensorsChecksum.MetadataKey).ToDictionary();
            Sets = WeightSets.Split([new("", "", safetensors.Tensors)]);
            if (Sets.Count == 0)
                throw NoWeights("");
        }
        else
        {
            PyTorchFile content = Format == CheckpointFormat.PyTorchZip ? PyTorchZip.Read(file, path) : PyTorchLegacy.Read(file);
            Unlisted = content.Unlisted;
            Sets = WeightSets.Find(content);
            string? line = Unlisted.Count == 0 && Sets.Count > 0 ? null : PythonLine.OfPlaceholders(path, content.Content);
            Extraction = line is null ? null : $"{PythonLine.Trust} extract its weights in Python:\n{line}";
            if (Sets.Count == 0)
                throw NoWeights(UnlistedInWords());
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

    /// <summary>
    /// Classes and functions that the file names and that are not read, such as `argparse.Namespace`: inert placeholders stand for what they would
    /// create.
    /// </summary>
    public IReadOnlyCollection<string> Unlisted { get; } = [];

    /// <summary>How to extract weights that only Python can read, such as those of a pickled module; null if there are none.</summary>
    public string? Extraction { get; }

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

    /// <summary>The first tensor of a network with a value that is infinite or NaN, also as float32; null if there is none. Reads the whole network.</summary>
    /// <exception cref="InvalidDataException">As <see cref="Read(TensorEntry)"/>.</exception>
    public TensorEntry? FirstNonFinite(WeightSet set)
    {
        using var noGradient = no_grad();
        foreach (TensorEntry entry in set.Tensors.Where(entry => entry.Type.IsFloat && !FileBytes.IsTooLarge(entry)))
        {
            using var scope = NewDisposeScope();
            // A view that repeats its elements may be of any size, so only what is stored is read.
            bool repeats = entry.Count > entry.Extent;
            if (!IsFinite(Read(repeats ? entry with { Shape = [entry.Extent], Strides = [1] } : entry)))
                return entry;
        }
        return null;
    }

    /// <summary>Whether all values are finite as float32, in which models compute: a float64 may be too large for it.</summary>
    public static bool IsFinite(Tensor values) => !values.is_floating_point() || values.to(ScalarType.Float32).isfinite().all().item<bool>();

    /// <summary>How to make weights loadable in Python if only their types, or tensors beside them, are not those of a model; null if that is not all.</summary>
    /// <param name="difference">How the model differs from them.</param>
    public string? Remedy(WeightSet set, StateDifference difference)
    {
        string trust = Format == CheckpointFormat.Safetensors ? "To" : PythonLine.Trust;
        if (Extraction is not null && difference.Missing.Count > 0)
            return Extraction;
        if (difference.IsSurplusOnly && difference.Unexpected.Count <= PythonLine.MostNames)
            return $"{trust} remove the surplus in Python:\n{PythonLine.Without(this, set, Keys(set, difference.Unexpected))}";
        return difference.IsTypesOnly ? $"{trust} convert them in Python:\n{PythonLine.AsFloat32(this, set)}" : null;
    }

    private static IEnumerable<string> Keys(WeightSet set, IReadOnlyList<string> names) =>
        set.Tensors.Where(tensor => names.Contains(tensor.Name)).Select(tensor => tensor.Key);

    /// <summary>The error for a tensor whose values are not finite.</summary>
    public InvalidDataException NonFinite(TensorEntry entry) =>
        new(
            $"{Path} contains infinite or NaN values in `{entry.Key}`{(entry.Type.Bytes > 4 ? ", or too large ones for float32" : "")}. "
                + "Training may have diverged before it was written."
        );

    private InvalidDataException NoWeights(string reason) =>
        new("contains no weights: it has no named tensors." + (reason == "" ? "" : $" {reason}") + (Extraction is null ? "" : $"\n{Extraction}"));

    /// <summary>"Objects of Python are not read: `a`, `b`, `c` and 2 more."; empty if there are none.</summary>
    private string UnlistedInWords()
    {
        const int shown = 3;
        string names = string.Join(", ", Unlisted.Take(shown).Select(name => $"`{PythonText.Visible(name)}`"));
        int others = Unlisted.Count - shown;
        return Unlisted.Count == 0 ? "" : $"Objects of Python are not read: {names}{(others > 0 ? $" and {others} more" : "")}.";
    }

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
            case PickledTensor { Shape.Length: 0, Type.IsReadable: true } tensor when Sets[0].Where != "":
                using (Tensor number = FileBytes.Read(file, content.Entry("number", tensor)))
                using (Tensor wide = number.to(ScalarType.Float64))
                    return wide.item<double>().ToString("G7", CultureInfo.InvariantCulture);
            default:
                return null;
        }
    }
}
