using System.Text.Encodings.Web;
using System.Text.Json;
using ChannelDistillation.Core;
using ChannelDistillation.Data;
using ChannelDistillation.Losses;
using ChannelDistillation.Runs;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Export;

/// <summary>The metadata of exported files: text by key, lists as JSON. docs/deploy.md lists the keys.</summary>
internal static class ExportMetadata
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static IReadOnlyDictionary<string, string> Of(ExportRequest request, IReadOnlyList<string> classNames)
    {
        DatasetDescriptor dataset = DatasetCatalog.Describe(request.Dataset);
        var about = new Dictionary<string, string>(request.Metadata)
        {
            // Readers of PyTorch's safetensors files look for it.
            ["format"] = "pt",
            [CheckpointOrigin.ModelKey] = request.Model.Name,
            [CheckpointOrigin.DatasetKey] = SpecJson.ToJson(request.Dataset).ToJsonString(),
            ["classes"] = $"{dataset.Classes}",
            ["image"] = JsonSerializer.Serialize(new[] { dataset.Image.Channels, dataset.Image.Height, dataset.Image.Width }),
            ["mean"] = JsonSerializer.Serialize(dataset.Normalization.Mean),
            ["std"] = JsonSerializer.Serialize(dataset.Normalization.Std),
            ["normalization"] = request.HasNormalization ? "included: pixel values in 0..1" : "required: (pixel value in 0..1 - mean) / std",
            ["version"] = Product.Version,
        };
        if (classNames.Count > 0)
            about["class_names"] = JsonSerializer.Serialize(classNames, Plain);
        if (request.Format == ExportFormat.Onnx)
            about.Remove("format");
        return about;
    }
}
