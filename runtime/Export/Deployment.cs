using System.Text.Json;
using ChannelDistillation.Core;

namespace ChannelDistillation.Export;

/// <summary>deploy.json: the speed of an experiment's networks in ONNX Runtime on one machine.</summary>
/// <param name="Processor">The CPU model.</param>
/// <param name="OnnxRuntime">Its version.</param>
/// <param name="Rows">Rows of the results whose network was measured.</param>
public sealed record Deployment(int Threads, string Processor, string OnnxRuntime, IReadOnlyList<DeployedRow> Rows)
{
    private static string FileOf(string experimentFolder) => Path.Combine(experimentFolder, "deploy.json");

    /// <summary>Null if there is none, or if it is damaged: it can be measured again.</summary>
    public static Deployment? Read(string experimentFolder)
    {
        string file = FileOf(experimentFolder);
        if (InputFile.ReasonNotReadable(file) is not null)
            return null;
        try
        {
            return JsonSerializer.Deserialize<Deployment>(File.ReadAllText(file), RecordJson.Pretty) is { Rows: not null } read ? read : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public void Write(string experimentFolder) =>
        AtomicFile.WriteText(FileOf(experimentFolder), JsonSerializer.Serialize(this, RecordJson.Pretty) + "\n");
}

/// <summary>The measured network of a row of the results.</summary>
/// <param name="Variant">`teacher` for a teacher.</param>
/// <param name="Axes">The row's point of the grid.</param>
/// <param name="Parameters">Identifies, with <paramref name="Macs"/>, the network: after a change of the experiment, the row is out of date.</param>
/// <param name="Macs">Multiply-accumulates of one image.</param>
public sealed record DeployedRow(string Variant, IReadOnlyDictionary<string, string> Axes, long Parameters, long Macs, DeployCost Cost);

/// <summary>What a network costs in ONNX Runtime.</summary>
/// <param name="OnnxBytes">Size of its ONNX file.</param>
/// <param name="LatencyMs">Milliseconds for one image; median.</param>
/// <param name="ImagesPerSecond">With batches of <see cref="DeployTiming.Batch"/> images; from the median time of a batch.</param>
public sealed record DeployCost(long OnnxBytes, double LatencyMs, double ImagesPerSecond);
