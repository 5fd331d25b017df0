using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using ChannelDistillation.Core;
using ChannelDistillation.Imaging;
using ChannelDistillation.Native;
using ChannelDistillation.Specs;
using TorchSharp;

namespace ChannelDistillation.Runs;

/// <summary>The software and hardware of a run, for its record.</summary>
public static class Machine
{
    private const string CodeEntry = "code";

    /// <param name="code">Hashes of the code that trains a run, by part; null: not for a run.</param>
    public static JsonObject Software(JsonObject? code = null)
    {
        var software = new JsonObject
        {
            ["channel_distillation"] = Product.Version,
            ["torchsharp"] = typeof(torch).Assembly.GetName().Version!.ToString(3),
            ["dotnet"] = Environment.Version.ToString(),
            ["jpeg"] = ImageDecoder.JpegLibrary,
            ["os"] = RuntimeInformation.OSDescription,
        };
        if (code is not null)
            software[CodeEntry] = code.DeepClone();
        return software;
    }

    /// <summary>Hashes of the code in the result of <see cref="Software"/>; null if none is recorded.</summary>
    public static JsonNode? CodeOf(JsonNode? software) => software?[CodeEntry];

    /// <param name="layouts">Memory layouts of a run's networks; null: not for a run.</param>
    public static JsonObject Hardware(string device, RunLayouts? layouts = null)
    {
        var hardware = new JsonObject
        {
            ["device"] = device,
            ["processor"] = Processor(),
            ["cores"] = Environment.ProcessorCount,
            ["threads"] = torch.get_num_threads(),
            ["memory_gib"] = Math.Round(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1 << 30), 1),
        };
        if (layouts is not null)
        {
            hardware["layout"] = new JsonObject
            {
                ["student"] = TensorLayouts.NameOf(layouts.Student),
                ["teacher"] = layouts.Teacher is TensorLayout teacher ? TensorLayouts.NameOf(teacher) : null,
            };
        }
        if (TorchContext.CpuLibraries() is { OneDnn: false })
            hardware["onednn"] = false;
        if (!Dispatcher.HasFusedSgd(new torch.Device(device)))
            hardware["fused_sgd"] = false;
        if (new torch.Device(device) is { type: DeviceType.CUDA } gpu)
        {
            hardware["gpu"] = Cuda.Name(Math.Max(0, gpu.index));
            hardware["gpu_settings"] = GpuSettings.Recorded;
        }
        return hardware;
    }

    /// <summary>The layouts in the result of <see cref="Hardware"/>; older records have none and used channels-last.</summary>
    internal static RunLayouts LayoutsOf(JsonNode? hardware)
    {
        if (hardware?["layout"] is not JsonObject recorded)
            return RunLayouts.ChannelsLast;
        return new(Of("student") ?? TensorLayout.ChannelsLast, Of("teacher"));

        TensorLayout? Of(string network) =>
            recorded[network] is JsonValue value && value.TryGetValue(out string? name) ? TensorLayouts.Find(name) : null;
    }

    /// <summary>The CPU model, if the operating system reports it.</summary>
    public static string Processor()
    {
        const string file = "/proc/cpuinfo";
        string? line = File.Exists(file)
            ? File.ReadLines(file).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))
            : null;
        return line?.Split(':', 2)[1].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
    }
}
