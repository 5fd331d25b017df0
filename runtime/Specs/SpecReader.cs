using System.Text.Json;
using System.Text.Json.Nodes;
using ChannelDistillation.Core;

namespace ChannelDistillation.Specs;

/// <summary>Reads back from <see cref="SpecJson"/>'s text what says which images a model answers and which model it is.</summary>
public static class SpecReader
{
    /// <summary>From an object like a run's `dataset`; how training images were varied and which were held out is left out.</summary>
    /// <returns>Null: it is no such object.</returns>
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

    /// <summary>From an object like a run's `student`. Of a network from Python the path is not known, and empty.</summary>
    /// <returns>Null: it is no such object.</returns>
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

    /// <summary>From an object like a run's `train`; float32 where nothing else is said.</summary>
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
