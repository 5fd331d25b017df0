using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ChannelDistillation.Core;
using ChannelDistillation.Data;
using ChannelDistillation.Losses;
using ChannelDistillation.Models;
using ChannelDistillation.Native;
using ChannelDistillation.Runs;
using ChannelDistillation.Specs;
using TorchSharp;

namespace ChannelDistillation.Training;

/// <summary>
/// Chooses the memory layout of networks. For <see cref="LayoutRequest.Auto"/>, both are timed once per machine and network, and the faster one is
/// cached under the workspace's cache folder, so that all processes choose the same. GPUs always use channels-last.
/// </summary>
/// <param name="device">The result of <see cref="Devices.Choose"/>.</param>
public sealed class LayoutChoice(Workspace workspace, string device, LayoutRequest request = LayoutRequest.Kept)
{
    /// <summary>Contiguous is chosen only if it is faster by this factor, because channels-last is faster on most machines.</summary>
    private const double MinimumSpeedup = 1.05;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>The layouts of a run.</summary>
    /// <param name="recorded">The layouts that it started with; null for a new run.</param>
    public RunLayouts Of(RunSpec run, RunLayouts? recorded = null)
    {
        DatasetDescriptor dataset = DatasetCatalog.Describe(run.Dataset);
        return new(
            Choose(recorded?.Student, () => Use(LossCatalog.Network(run), isTrained: true)),
            run.Teacher is TeacherSpec teacher ? Choose(recorded?.Teacher, () => Use(teacher.Model, isTrained: false)) : null
        );

        NetworkUse Use(ModelSpec model, bool isTrained) =>
            new(model, dataset.Image, dataset.Classes, run.Train.Batch, run.Train.Precision, isTrained);
    }

    /// <summary>The layout of a network that is only evaluated.</summary>
    public TensorLayout OfEvaluation(ModelSpec model, DatasetSpec dataset, Precision precision)
    {
        DatasetDescriptor images = DatasetCatalog.Describe(dataset);
        return Choose(null, () => new(model, images.Image, images.Classes, Evaluation.BatchSize, precision, IsTrained: false));
    }

    private TensorLayout Choose(TensorLayout? recorded, Func<NetworkUse> use) =>
        new torch.Device(device).type != DeviceType.CPU
            ? TensorLayout.ChannelsLast
            : request switch
            {
                LayoutRequest.ChannelsLast => TensorLayout.ChannelsLast,
                LayoutRequest.Contiguous => TensorLayout.Contiguous,
                LayoutRequest.Auto => recorded ?? Faster(use()),
                _ => recorded ?? TensorLayout.ChannelsLast,
            };

    private TensorLayout Faster(NetworkUse use)
    {
        Timed here = Timed.Here(use);
        string name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(here.ToString())))[..16];
        string file = Path.Combine(workspace.Cache, "layouts", name + ".json");
        if (Read(file) is Timed known && known.IsLike(here))
            return known.Faster;
        try
        {
            using var patience = new CancellationTokenSource(Patience);
            // Two timings at once would disturb each other, and might choose differently.
            using ProcessLock held = ProcessLock.Take(file + ".lock", () => { }, patience.Token);
            if (Read(file) is Timed other && other.IsLike(here))
                return other.Faster;
            var (channelsLast, contiguous) = LayoutTiming.Measure(use);
            MemoryAllocator.GiveBack();
            Timed now = here with
            {
                ChannelsLastSeconds = channelsLast,
                ContiguousSeconds = contiguous,
                Faster = channelsLast >= MinimumSpeedup * contiguous ? TensorLayout.Contiguous : TensorLayout.ChannelsLast,
            };
            AtomicFile.WriteText(file, JsonSerializer.Serialize(now, RecordJson.Pretty) + "\n");
            return now.Faster;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or OperationCanceledException)
        {
            // A choice that cannot be cached might differ next time.
            return TensorLayout.ChannelsLast;
        }
    }

    /// <summary>Null if not cached or damaged; the network is timed again.</summary>
    private static Timed? Read(string file)
    {
        try
        {
            return File.Exists(file) ? JsonSerializer.Deserialize<Timed>(File.ReadAllText(file), RecordJson.Line) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Everything that the timings depend on, and their results.</summary>
    private sealed record Timed(
        string Processor,
        string Instructions,
        int Threads,
        string Libtorch,
        string Network,
        string Image,
        int Classes,
        int Batch,
        Precision Precision,
        bool Trained,
        double ChannelsLastSeconds,
        double ContiguousSeconds,
        TensorLayout Faster
    )
    {
        /// <summary>Not timed yet.</summary>
        public static Timed Here(NetworkUse use) =>
            new(
                Machine.Processor(),
                CpuFeatures.Signature,
                torch.get_num_threads(),
                TorchContext.Version ?? typeof(torch).Assembly.GetName().Version!.ToString(),
                use.Model.Script is { } script ? $"{script.Name} {script.Sha256}"
                    : use.Model.Stem is Stem stem ? $"{use.Model.Name}, {stem}"
                    : use.Model.Name,
                $"{use.Image.Channels}x{use.Image.Height}x{use.Image.Width}",
                use.Classes,
                use.Batch,
                use.Precision,
                use.IsTrained,
                0,
                0,
                TensorLayout.ChannelsLast
            );

        public bool IsLike(Timed here) =>
            here == this with { ChannelsLastSeconds = here.ChannelsLastSeconds, ContiguousSeconds = here.ContiguousSeconds, Faster = here.Faster };
    }
}
