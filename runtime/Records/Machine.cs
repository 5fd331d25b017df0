using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using ChannelDistillation.Data.Photographs.Decoding;
using ChannelDistillation.Native;
using TorchSharp;

namespace ChannelDistillation.Records;

/// <summary>What a run was made with, for its record.</summary>
public static class Machine
{
    public static string Version { get; } =
        typeof(Machine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    public static JsonObject Software() =>
        new()
        {
            ["channel_distillation"] = Version,
            ["torchsharp"] = typeof(torch).Assembly.GetName().Version!.ToString(3),
            ["dotnet"] = Environment.Version.ToString(),
            ["jpeg"] = PictureDecoder.JpegLibrary,
            ["os"] = RuntimeInformation.OSDescription,
        };

    public static JsonObject Hardware(string device)
    {
        var hardware = new JsonObject
        {
            ["device"] = device,
            ["processor"] = Processor(),
            ["cores"] = Environment.ProcessorCount,
            ["threads"] = torch.get_num_threads(),
            ["memory_gib"] = Math.Round(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1 << 30), 1),
        };
        if (TorchContext.CpuLibraries() is { OneDnn: false })
            hardware["onednn"] = false;
        if (new torch.Device(device) is { type: DeviceType.CUDA } gpu)
        {
            hardware["gpu"] = Cuda.Name(Math.Max(0, gpu.index));
            hardware["gpu_settings"] = GpuSettings.Recorded;
        }
        return hardware;
    }

    private static string Processor()
    {
        const string file = "/proc/cpuinfo";
        string? line = File.Exists(file)
            ? File.ReadLines(file).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))
            : null;
        return line?.Split(':', 2)[1].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
    }
}
