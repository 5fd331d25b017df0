using System.Text.Json;
using System.Text.Json.Nodes;
using ChannelDistillation.Models;
using ChannelDistillation.Records;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Checkpoints;

/// <summary>What a checkpoint was made of, as far as it is known.</summary>
/// <param name="Dataset">Null: not known.</param>
/// <param name="Model">Null: not known.</param>
public sealed record CheckpointOrigin(DatasetSpec? Dataset, ModelSpec? Model)
{
    /// <summary>Keys of the metadata that our own files have.</summary>
    internal const string DatasetKey = "dataset";

    internal const string ModelKey = "model";

    /// <summary>From the run.json of the run folder that the file lies in, else from its metadata.</summary>
    public static CheckpointOrigin Of(CheckpointFile file)
    {
        string? run = Path.GetDirectoryName(Path.GetDirectoryName(Path.GetFullPath(file.Path)));
        JsonNode? spec = run is null ? null : new RunFolder(run).ReadRun()?["spec"];
        string? name = file.Metadata.GetValueOrDefault(ModelKey);
        return new(
            SpecReader.Dataset((spec as JsonObject)?["dataset"] ?? Parse(file.Metadata.GetValueOrDefault(DatasetKey))),
            SpecReader.Model((spec as JsonObject)?["student"]) ?? (name is not null && ModelCatalog.Find(name) is not null ? new(name) : null)
        );
    }

    private static JsonNode? Parse(string? text)
    {
        try
        {
            return text is null ? null : JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
