using System.Buffers;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using ChannelDistillation.Core;
using ChannelDistillation.Models.Layers;
using ChannelDistillation.Schedules;

namespace ChannelDistillation.Specs;

/// <summary>
/// Writes a spec as JSON, and computes the hash that identifies a run. The text is canonical: keys in the order of this file, numbers in their
/// shortest round-trip form, no white space. Optional settings are written only if they differ from their neutral value, so
/// that new settings do not change the hashes of earlier runs. Parameters of losses are always written, so that a changed
/// default changes the run. A golden test pins the text.
/// </summary>
public static class SpecJson
{
    /// <summary>The name in experiments.</summary>
    public static string NameOf(Precision precision) => precision == Precision.BFloat16 ? "bfloat16" : "float32";

    /// <summary>Float32 for all other names.</summary>
    public static Precision PrecisionNamed(string? name) => name == "bfloat16" ? Precision.BFloat16 : Precision.Float32;

    /// <summary>Hashes of live specs: they are requested often and never change.</summary>
    private static readonly ConditionalWeakTable<RunSpec, string> Hashes = [];

    /// <summary>SHA-256 of the canonical JSON, 64 hexadecimal digits.</summary>
    public static string Hash(this RunSpec spec) => Hashes.GetValue(spec, static spec => HashOf(writer => Write(writer, spec)));

    public static JsonObject ToJson(RunSpec spec) => Parse(writer => Write(writer, spec));

    /// <summary>The dataset as in a run's spec.</summary>
    public static JsonNode ToJson(DatasetSpec dataset) =>
        Parse(writer =>
        {
            writer.WriteStartObject();
            Write(writer, dataset);
            writer.WriteEndObject();
        })["dataset"]!;

    internal static string HashOf(Action<Utf8JsonWriter> write) => Convert.ToHexStringLower(SHA256.HashData(Text(write).WrittenSpan));

    private static JsonObject Parse(Action<Utf8JsonWriter> write) => JsonNode.Parse(Text(write).WrittenSpan)!.AsObject();

    private static ArrayBufferWriter<byte> Text(Action<Utf8JsonWriter> write)
    {
        var text = new ArrayBufferWriter<byte>(1024);
        using var writer = new Utf8JsonWriter(text);
        write(writer);
        writer.Flush();
        return text;
    }

    /// <summary>The spec as one JSON object.</summary>
    public static void Write(Utf8JsonWriter json, RunSpec spec)
    {
        json.WriteStartObject();
        Write(json, spec.Dataset);
        Write(json, spec.Teacher);
        Write(json, "student", spec.Student);
        Write(json, spec.Train);
        json.WriteStartObject("losses");
        foreach (LossSpec loss in spec.Losses)
            Write(json, loss);
        json.WriteEndObject();
        json.WriteNumber("seed", spec.Seed);
        json.WriteEndObject();
    }

    /// <summary>Property `dataset`.</summary>
    internal static void Write(Utf8JsonWriter json, DatasetSpec dataset)
    {
        json.WriteStartObject("dataset");
        json.WriteString("name", dataset.Name);
        if (dataset.Folder is not null)
            json.WriteString("image_folder", Spelling(dataset.Folder));
        if (dataset.Classes is int classes)
            json.WriteNumber("classes", classes);
        if (dataset.Augmentation is AugmentationSpec augmentation)
        {
            json.WriteStartObject("augment");
            json.WriteNumber("pad", augmentation.Padding);
            json.WriteString("mode", augmentation.PaddingMode == PaddingMode.Reflect ? "reflect" : "zero");
            json.WriteBoolean("flip", augmentation.Flip);
            if (augmentation.ResizedCrop is ResizedCropSpec crop)
            {
                json.WriteStartObject("resized_crop");
                WriteNumbers(json, "area", [crop.MinArea, crop.MaxArea]);
                WriteNumbers(json, "aspect", [crop.MinAspect, crop.MaxAspect]);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        if (dataset.Normalization is NormalizationSpec normalization)
        {
            json.WriteStartObject("normalize");
            WriteNumbers(json, "mean", normalization.Mean);
            WriteNumbers(json, "std", normalization.Std);
            json.WriteEndObject();
        }
        if (dataset.HoldOut is HoldOutSpec held)
        {
            json.WriteStartObject("validation");
            json.WriteNumber("share", held.Share);
            json.WriteNumber("seed", held.Seed);
            json.WriteEndObject();
        }
        if (dataset.Views is int views)
            json.WriteNumber("views", views);
        json.WriteEndObject();
    }

    /// <summary>Property `teacher`; omitted if there is none.</summary>
    internal static void Write(Utf8JsonWriter json, TeacherSpec? teacher)
    {
        if (teacher is null)
            return;
        json.WriteStartObject("teacher");
        Write(json, "model", teacher.Model);
        if (teacher.Checkpoint is not null)
            json.WriteString("checkpoint", Spelling(teacher.Checkpoint));
        if (teacher.Train is not null)
        {
            Write(json, teacher.Train);
            json.WriteNumber("seed", teacher.Seed);
        }
        if (teacher.BatchNorm == TeacherBatchNorm.BatchStats)
            json.WriteString("batch_norm", "batch_stats");
        if (teacher.Cache)
            json.WriteBoolean("cache", true);
        json.WriteEndObject();
    }

    /// <summary>Writes `./data//birds/` as `data/birds`, so that one place has one hash. Links, `..` and absolute paths are not resolved.</summary>
    private static string Spelling(string path)
    {
        string relative = string.Join('/', path.Split('/').Where(part => part is not ("" or ".")));
        return path.StartsWith('/') ? "/" + relative
            : relative.Length > 0 ? relative
            : ".";
    }

    internal static void Write(Utf8JsonWriter json, string property, ModelSpec model)
    {
        json.WriteStartObject(property);
        if (model.Script is null)
            json.WriteString("name", model.Name);
        Write(json, model.Script);
        if (model.Stem is Stem stem)
            json.WriteString("stem", stem == Stem.Cifar ? "cifar" : "imagenet");
        json.WriteEndObject();
    }

    /// <summary>Name and content; the folder is not part of the identity.</summary>
    private static void Write(Utf8JsonWriter json, TorchScriptFile? script)
    {
        if (script is null)
            return;
        json.WriteString("torchscript", script.Name);
        json.WriteString("sha256", script.Sha256);
    }

    private static void Write(Utf8JsonWriter json, TrainSpec train)
    {
        json.WriteStartObject("train");
        json.WriteNumber("epochs", train.Epochs);
        json.WriteNumber("batch", train.Batch);
        json.WriteStartObject("optimizer");
        json.WriteStartObject("sgd");
        json.WriteNumber("lr", train.Optimizer.LearningRate);
        json.WriteNumber("momentum", train.Optimizer.Momentum);
        json.WriteNumber("weight_decay", train.Optimizer.WeightDecay);
        if (train.Optimizer.Nesterov)
            json.WriteBoolean("nesterov", true);
        json.WriteEndObject();
        json.WriteEndObject();
        Write(json, train.LearningRateSchedule);
        if (train.Precision == Precision.BFloat16)
            json.WriteString("precision", NameOf(train.Precision));
        if (train.DataSeed is long seed)
            json.WriteNumber("data_seed", seed);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, LearningRateSchedule schedule)
    {
        json.WriteStartObject("lr_schedule");
        switch (schedule)
        {
            case LearningRateSchedule.Constant:
                json.WriteBoolean("constant", true);
                break;
            case LearningRateSchedule.Step step:
                WriteSteps(json, step.At, step.Factor);
                break;
            case LearningRateSchedule.Cosine cosine:
                json.WriteStartObject("cosine");
                json.WriteNumber("to", cosine.To);
                json.WriteEndObject();
                break;
            default:
                throw new NotSupportedException($"No JSON for {schedule.GetType().Name}.");
        }
        if (schedule.WarmupEpochs > 0)
        {
            json.WriteStartObject("warmup");
            json.WriteNumber("epochs", schedule.WarmupEpochs);
            json.WriteNumber("from", schedule.WarmupFrom);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, LossSpec loss)
    {
        json.WriteStartObject(loss.Name);
        Write(json, loss.Script);
        json.WriteNumber("weight", loss.Weight);
        foreach (var (name, value) in loss.Parameters)
        {
            switch (value)
            {
                case double number:
                    json.WriteNumber(name, number);
                    break;
                case bool flag:
                    json.WriteBoolean(name, flag);
                    break;
                default:
                    json.WriteString(name, (string)value);
                    break;
            }
        }
        if (loss.Schedule.StartAfter > 0)
            json.WriteNumber("start_after", loss.Schedule.StartAfter);
        if (loss.Schedule.Warmup > 0)
            json.WriteNumber("warmup", loss.Schedule.Warmup);
        if (loss.Schedule.StopAfter is int stop)
            json.WriteNumber("stop_after", stop);
        if (loss.Schedule.DecaysAtZero)
            json.WriteBoolean("weight_decay_at_zero", true);
        if (loss.Schedule.Decay is LossWeightDecay decay)
        {
            json.WriteStartObject("decay");
            Write(json, decay);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, LossWeightDecay decay)
    {
        switch (decay)
        {
            case LossWeightDecay.Step step:
                WriteSteps(json, step.At, step.Factor);
                break;
            case LossWeightDecay.Every every:
                json.WriteStartObject("every");
                json.WriteNumber("epochs", every.Epochs);
                json.WriteNumber("factor", every.Factor);
                json.WriteEndObject();
                break;
            case LossWeightDecay.Linear linear:
                WriteUntil(json, "linear", linear.Until, linear.To);
                break;
            case LossWeightDecay.Cosine cosine:
                WriteUntil(json, "cosine", cosine.Until, cosine.To);
                break;
            default:
                throw new NotSupportedException($"No JSON for {decay.GetType().Name}.");
        }
    }

    private static void WriteNumbers(Utf8JsonWriter json, string property, IReadOnlyList<double> numbers)
    {
        json.WriteStartArray(property);
        foreach (double number in numbers)
            json.WriteNumberValue(number);
        json.WriteEndArray();
    }

    private static void WriteSteps(Utf8JsonWriter json, IReadOnlyList<int> at, double factor)
    {
        json.WriteStartObject("step");
        json.WriteStartArray("at");
        foreach (int boundary in at)
            json.WriteNumberValue(boundary);
        json.WriteEndArray();
        json.WriteNumber("factor", factor);
        json.WriteEndObject();
    }

    private static void WriteUntil(Utf8JsonWriter json, string kind, int until, double to)
    {
        json.WriteStartObject(kind);
        json.WriteNumber("until", until);
        json.WriteNumber("to", to);
        json.WriteEndObject();
    }
}
