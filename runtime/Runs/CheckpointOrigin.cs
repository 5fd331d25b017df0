using System.Text.Json;
using System.Text.Json.Nodes;
using ChannelDistillation.Checkpoints;
using ChannelDistillation.Data;
using ChannelDistillation.Data.ImageFolders;
using ChannelDistillation.Losses;
using ChannelDistillation.Models;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Runs;

/// <summary>The dataset, model and precision of a checkpoint, as far as they are known.</summary>
/// <param name="Dataset">Null if unknown.</param>
/// <param name="Model">Null if unknown.</param>
/// <param name="Precision">Precision of its validation.</param>
public sealed record CheckpointOrigin(DatasetSpec? Dataset, ModelSpec? Model, Precision Precision)
{
    /// <summary>Keys of the metadata in files of this program.</summary>
    internal const string DatasetKey = "dataset";

    internal const string ModelKey = "model";

    /// <summary>Written if the precision is not float32.</summary>
    internal const string PrecisionKey = "precision";

    /// <summary>Reads the run.json of the run folder that contains the file, or else the file's metadata. Names outside the catalogs count as unknown.</summary>
    public static CheckpointOrigin Of(CheckpointFile file)
    {
        string? run = Path.GetDirectoryName(Path.GetDirectoryName(Path.GetFullPath(file.Path)));
        JsonObject? spec = run is null ? null : new RunFolder(run).ReadRun()?["spec"] as JsonObject;
        DatasetSpec? dataset = SpecReader.Dataset(spec?["dataset"] ?? Parse(file.Metadata.GetValueOrDefault(DatasetKey)));
        ModelSpec? model = Trained(spec) ?? (file.Metadata.GetValueOrDefault(ModelKey) is string name ? new(name) : null);
        return new(
            dataset is { Name: DatasetSpec.ImageFolder, Classes: not null } || DatasetCatalog.Find(dataset?.Name ?? "") is not null ? dataset : null,
            model?.Script is null && ModelCatalog.Find(model?.Name ?? "") is null ? null : model,
            spec is null ? SpecJson.PrecisionNamed(file.Metadata.GetValueOrDefault(PrecisionKey)) : SpecReader.Precision(spec["train"])
        );
    }

    /// <summary>The network that a run trains, from the `spec` of its run.json: the student, with an assistant if a loss adds one; null if it is not such an object.</summary>
    public static ModelSpec? Trained(JsonObject? spec) =>
        SpecReader.Model(spec?["student"]) is ModelSpec student
            ? LossCatalog.Network(
                student,
                (spec?["losses"] as JsonObject ?? []).Where(loss => loss.Value?["torchscript"] is null).Select(loss => loss.Key)
            )
            : null;

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
