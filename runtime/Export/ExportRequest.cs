using ChannelDistillation.Runs;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Export;

/// <summary>The formats of exported networks.</summary>
public enum ExportFormat
{
    Onnx,

    Safetensors,

    /// <summary>A state_dict in the format of `torch.save`.</summary>
    PyTorch,
}

/// <summary>What is exported, and how.</summary>
public sealed record ExportRequest
{
    public required ModelSpec Model { get; init; }

    public required DatasetSpec Dataset { get; init; }

    public required ExportFormat Format { get; init; }

    /// <summary>Whether the embedding and the stages are outputs of the ONNX graph, beside the logits.</summary>
    public bool HasFeatures { get; init; }

    /// <summary>Whether the ONNX graph normalises its input, which is then in 0..1.</summary>
    public bool HasNormalization { get; init; }

    /// <summary>Whether the ONNX graph keeps BatchNorm as nodes instead of folding it into convolutions.</summary>
    public bool KeepsBatchNorm { get; init; }

    /// <summary>Names of the classes in the order of the logits; null: those of the dataset, if it has names.</summary>
    public IReadOnlyList<string>? ClassNames { get; init; }

    /// <summary>Further metadata: the experiment and its run.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>The errors that the run recorded for these weights; null: unknown.</summary>
    public EpochErrors? Recorded { get; init; }

    /// <summary>CPU threads of ONNX Runtime.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;
}

/// <param name="Bytes">Size of the file.</param>
/// <param name="ClassNames">As in the file's metadata; empty if unknown.</param>
/// <param name="Comparison">Null for formats that contain only weights.</param>
public sealed record ExportResult(long Bytes, IReadOnlyList<string> ClassNames, OutputComparison? Comparison);

/// <summary>An exported file does not compute what the network computes. The message says what differs.</summary>
public sealed class ExportMismatchException(string message) : Exception(message);
