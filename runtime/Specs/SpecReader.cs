using System.Text.Json;
using System.Text.Json.Nodes;
using ChannelDistillation.Core;

namespace ChannelDistillation.Specs;

/// <summary>Reads the dataset, model and precision back from <see cref="SpecJson"/>'s text.</summary>
public static class SpecReader
{
    /// <summary>Reads a run's `dataset`, without augmentation and hold-out split.</summary>
    /// <returns>Null if it is not such an object.</returns>
    public static DatasetSpec? Dataset(JsonNode? json) =>
        Try(() =>
            json is JsonObject dataset
                ? new DatasetSpec
                {
                    Name = dataset["name"]!.GetValue<string>(),
                    Folder = dataset["image_folder"]?.GetValue<string>(),
                    Classes = dataset["classes"]?.GetValue<int>(),
                    Normalization = dataset["normalize"] is JsonObject normalize
                        ? new(Numbers(normalize["mean"]!), Numbers(normalize["std"]!))
                        : null,
                }
                : null
        );

    /// <summary>Reads a run's `student`. The path of a network from Python is unknown, and empty.</summary>
    /// <returns>Null if it is not such an object.</returns>
    public static ModelSpec? Model(JsonNode? json) =>
        Try(() =>
            json is JsonObject script
            && script["sha256"]?.GetValue<string>() is { Length: 64 } sha256
            && script["torchscript"]?.GetValue<string>() is string file
                ? ModelSpec.Of(new(file, "", sha256))
            : json is JsonObject model
                ? new ModelSpec(
                    model["name"]!.GetValue<string>(),
                    model["stem"]?.GetValue<string>() switch
                    {
                        "cifar" => Stem.Cifar,
                        "imagenet" => Stem.ImageNet,
                        _ => null,
                    }
                )
            : null
        );

    /// <summary>Reads the precision of a run's `train`; float32 if there is none.</summary>
    public static Precision Precision(JsonNode? json) => SpecJson.PrecisionNamed(Try(() => json?["precision"]?.GetValue<string>()));

    private static double[] Numbers(JsonNode list) => [.. list.AsArray().Select(number => number!.GetValue<double>())];

    private static T? Try<T>(Func<T?> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (Exception error)
            when (error is JsonException or NullReferenceException or InvalidOperationException or FormatException or ArgumentException)
        {
            return null;
        }
    }
}
