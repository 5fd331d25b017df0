using System.Text.Json;
using System.Text.Json.Nodes;
using ChannelDistillation.Core;
using ChannelDistillation.Models;
using ChannelDistillation.Specs;

namespace ChannelDistillation.TorchScript;

/// <summary>The description of a TorchScript archive in its extra file `channel_distillation.json`.</summary>
public abstract record ArchiveDescription
{
    /// <summary>Name of the extra file.</summary>
    public const string FileName = "channel_distillation.json";

    /// <summary>For an archive without the extra file: a network whose only output is the logits.</summary>
    public static ArchiveDescription Default { get; } = new NetworkDescription(null, [NetworkDescription.Logits], null);

    /// <exception cref="InvalidDataException">The description is invalid; the message is a sentence about the extra file.</exception>
    public static ArchiveDescription Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            JsonObject description = JsonNode.Parse(json)?.AsObject() ?? throw new InvalidDataException($"Its `{FileName}` is empty.");
            return description["kind"]?.GetValue<string>() switch
            {
                "network" => NetworkDescription.Of(description),
                "loss" => LossDescription.Of(description),
                string other => throw new InvalidDataException($"Its `{FileName}` has the unknown kind `{other}`; it must be `network` or `loss`."),
                null => throw new InvalidDataException($"Its `{FileName}` has no `kind`: `network` or `loss`."),
            };
        }
        catch (Exception error)
            when (error is JsonException or InvalidOperationException or FormatException or OverflowException or ArgumentException)
        {
            throw new InvalidDataException($"Its `{FileName}` is invalid (see docs/python.md): {error.Message.Split('\n')[0].TrimEnd('.')}.", error);
        }
    }

    private protected static int[] Integers(JsonNode list) => [.. list.AsArray().Select(Value<int>)];

    private protected static T Value<T>(JsonNode? node) => node is null ? throw new InvalidOperationException("a value is null") : node.GetValue<T>();

    private protected static string[] Texts(JsonNode? list, string key) =>
        list is JsonArray texts ? [.. texts.Select(Value<string>)] : throw new InvalidDataException($"Its `{FileName}` has no list `{key}`.");
}

/// <summary>A network: `forward(images)` returns the logits, or a list or tuple of tensors in the order of <see cref="Outputs"/>.</summary>
/// <param name="Image">Size of its input images; null: not stated.</param>
/// <param name="Outputs">`stage1`, `stage2`, ... from shallow to deep, `embedding`, `logits`; each once.</param>
/// <param name="Shapes">Of each output, without the batch dimension; null: not stated.</param>
public sealed record NetworkDescription(ImageShape? Image, IReadOnlyList<string> Outputs, IReadOnlyList<IReadOnlyList<int>>? Shapes)
    : ArchiveDescription
{
    internal const string Logits = "logits";
    internal const string Embedding = "embedding";
    private const string Stage = "stage";

    /// <summary>Number of stage outputs.</summary>
    public int Stages => Outputs.Count(name => name.StartsWith(Stage, StringComparison.Ordinal));

    public bool HasEmbedding => Outputs.Contains(Embedding);

    /// <summary>Whether all shapes are known without running the network.</summary>
    public bool KnowsShapes => Shapes is not null || Outputs.Count == 1;

    /// <summary>Channels, height and width of each stage output; null: not stated.</summary>
    public IReadOnlyList<FeatureShape>? Features =>
        Stages == 0 ? []
        : Shapes is null ? null
        : [.. Enumerable.Range(1, Stages).Select(stage => Shape($"{Stage}{stage}")!).Select(shape => new FeatureShape(shape[0], shape[1], shape[2]))];

    /// <summary>Width of the embedding; null: not stated, or no embedding.</summary>
    public int? EmbeddingWidth => Shape(Embedding)?[0];

    /// <summary>Width of the logits; null: not stated.</summary>
    public int? Classes => Shape(Logits)?[0];

    /// <summary>Position of a stage output in the result of `forward`.</summary>
    public int IndexOfStage(int stage) => IndexOf($"{Stage}{stage + 1}");

    /// <summary>Position of any output; -1 if there is none.</summary>
    public int IndexOf(string output)
    {
        for (int index = 0; index < Outputs.Count; index++)
        {
            if (Outputs[index] == output)
                return index;
        }
        return -1;
    }

    internal static NetworkDescription Of(JsonObject json)
    {
        string[] outputs = json["outputs"] is null ? [Logits] : Texts(json["outputs"], "outputs");
        Check(outputs);
        ImageShape? image = json["image"] is JsonNode sizes && Integers(sizes) is var list ? ImageOf(list) : null;
        if (image is null && outputs.Length > 1)
            throw new InvalidDataException($"Its `{FileName}` has no `image`: [channels, height, width].");
        int[][]? shapes = json["shapes"] is JsonArray all
            ? [.. all.Select(shape => Integers(shape ?? throw new InvalidOperationException("a shape is null")))]
            : null;
        if (
            shapes is not null && !shapes.Zip(outputs).All(pair => pair.First.Length == (IsStage(pair.Second) ? 3 : 1))
            || shapes?.Length is int count && count != outputs.Length
        )
            throw new InvalidDataException($"Its `{FileName}` has `shapes` that do not match its `outputs`.");
        return new(image, outputs, shapes);
    }

    private IReadOnlyList<int>? Shape(string output) => IndexOf(output) is >= 0 and int index ? Shapes?[index] : null;

    internal static bool IsStage(string output) => output.StartsWith(Stage, StringComparison.Ordinal);

    private static ImageShape ImageOf(int[] sizes) =>
        sizes is [> 0, > 0, > 0]
            ? new(sizes[0], sizes[1], sizes[2])
            : throw new InvalidDataException($"Its `{FileName}` has an `image` that is not [channels, height, width].");

    private static void Check(string[] outputs)
    {
        string[] stages = [.. outputs.Where(IsStage)];
        if (!stages.SequenceEqual(Enumerable.Range(1, stages.Length).Select(stage => $"{Stage}{stage}")))
            throw new InvalidDataException(
                $"Its outputs {Listed(stages)} are not numbered from shallow to deep: `stage1`, `stage2`, ... in this order."
            );
        if (outputs.FirstOrDefault(name => !IsStage(name) && name is not (Embedding or Logits)) is string unknown)
            throw new InvalidDataException($"Its output `{unknown}` is unknown: outputs are `stage1`, `stage2`, ..., `embedding` and `logits`.");
        if (outputs.Count(name => name == Logits) != 1 || outputs.Count(name => name == Embedding) > 1)
            throw new InvalidDataException($"Its outputs {Listed(outputs)} must have `logits` once, and `embedding` at most once.");
        if (stages.Length > 32)
            throw new InvalidDataException($"It has {stages.Length} stages; at most 32 are supported.");
    }

    internal static string Listed(IEnumerable<string> names) => string.Join(", ", names.Select(name => $"`{name}`"));
}

/// <summary>A loss: `forward` takes the inputs in their order, then the parameters as floats in their order, and returns a scalar tensor.</summary>
/// <param name="Inputs">`student.X` and `teacher.X` with X an output name or `channel_means.N`, `labels`, `indices`, `epoch`.</param>
/// <param name="Parameters">Names and defaults, in order.</param>
public sealed record LossDescription(IReadOnlyList<LossArgument> Inputs, IReadOnlyList<(string Name, double Default)> Parameters) : ArchiveDescription
{
    /// <summary>Keys of every loss in an experiment, which cannot be names of parameters.</summary>
    public static IReadOnlyList<string> ReservedKeys { get; } =
    ["torchscript", "sha256", "weight", "start_after", "stop_after", "warmup", "decay", "weight_decay_at_zero"];

    public string? Title { get; init; }

    public string? Source { get; init; }

    public string? Formula { get; init; }

    internal static LossDescription Of(JsonObject json)
    {
        string[] inputs = Texts(json["inputs"], "inputs");
        if (inputs.Length == 0)
            throw new InvalidDataException($"Its `{FileName}` has an empty list `inputs`.");
        (string Name, double Default)[] parameters = json["parameters"] is JsonObject named
            ? [.. named.Select(entry => (entry.Key, Value<double>(entry.Value)))]
            : [];
        if (parameters.FirstOrDefault(parameter => ReservedKeys.Contains(parameter.Name)).Name is string reserved)
            throw new InvalidDataException($"Its parameter `{reserved}` has the name of a setting of every loss; export it under another name.");
        return new([.. inputs.Select(LossArgument.Parse)], parameters)
        {
            Title = json["title"]?.GetValue<string>(),
            Source = json["source"]?.GetValue<string>(),
            Formula = json["formula"]?.GetValue<string>(),
        };
    }
}
