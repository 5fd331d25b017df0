using ChannelDistillation.Data;
using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using Onnx;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Export;

/// <summary>
/// Measures networks in ONNX Runtime. They are measured in turn, so that a change of the machine's load or clock affects all of them, and medians
/// ignore single interruptions. Weights do not change the speed, so that a network of initial weights is measured.
/// </summary>
public static class DeployTiming
{
    /// <summary>Images per batch when the throughput is measured.</summary>
    public const int Batch = 32;

    private const int Rounds = 20;
    private const int FewestRounds = 5;
    private const int SinglesPerRound = 5;

    /// <summary>Large networks get fewer rounds.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    /// <param name="networks">Built-in networks and the datasets of their images.</param>
    /// <param name="threads">CPU threads of ONNX Runtime.</param>
    /// <returns>In the order of the networks.</returns>
    public static IReadOnlyList<DeployCost> Measure(
        IReadOnlyList<(ModelSpec Model, DatasetSpec Dataset)> networks,
        int threads,
        TimeProvider clock,
        CancellationToken stop
    )
    {
        string folder = Directory.CreateTempSubdirectory("channel-distillation-").FullName;
        var measured = new List<Measurement>();
        try
        {
            foreach (var (model, dataset) in networks)
                measured.Add(new(Write(model, dataset, Path.Combine(folder, $"{measured.Count}.onnx")), DatasetCatalog.Describe(dataset), threads));
            long start = clock.GetTimestamp();
            for (int round = 0; round < Rounds && (round < FewestRounds || clock.GetElapsedTime(start) < Longest); round++)
            {
                foreach (Measurement network in measured)
                {
                    stop.ThrowIfCancellationRequested();
                    network.Round(clock);
                }
            }
            return [.. measured.Select(network => network.Cost)];
        }
        finally
        {
            measured.ForEach(network => network.Dispose());
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Write(ModelSpec model, DatasetSpec spec, string path)
    {
        DatasetDescriptor dataset = DatasetCatalog.Describe(spec);
        var request = new ExportRequest
        {
            Model = model,
            Dataset = spec,
            Format = ExportFormat.Onnx,
        };
        using var noGradient = no_grad();
        using Network network = ModelCatalog.Describe(model).Build(model, dataset.Image, dataset.Classes);
        Initialisation.Initialise(network, 0, "student");
        network.eval();
        GraphProto graph = NetworkExport.Graph(network, dataset.Image, request);
        OnnxFile.Write(path, graph, ExportMetadata.Of(request, dataset.ClassNames));
        return path;
    }

    /// <summary>One network and its times.</summary>
    private sealed class Measurement : IDisposable
    {
        private readonly OnnxSession session;
        private readonly Action single;
        private readonly Action batch;
        private readonly List<double> singles = [];
        private readonly List<double> batches = [];
        private readonly long bytes;

        public Measurement(string path, DatasetDescriptor dataset, int threads)
        {
            bytes = new FileInfo(path).Length;
            session = new(path, threads);
            single = session.Prepare(1, dataset.Image);
            batch = session.Prepare(Batch, dataset.Image);
            // The first runs allocate memory.
            single();
            batch();
        }

        public DeployCost Cost => new(bytes, 1000 * Median(singles), Batch / Median(batches));

        public void Round(TimeProvider clock)
        {
            for (int i = 0; i < SinglesPerRound; i++)
                singles.Add(Seconds(clock, single));
            batches.Add(Seconds(clock, batch));
        }

        public void Dispose() => session.Dispose();

        private static double Seconds(TimeProvider clock, Action work)
        {
            long start = clock.GetTimestamp();
            work();
            return clock.GetElapsedTime(start).TotalSeconds;
        }

        private static double Median(List<double> values)
        {
            double[] sorted = [.. values.Order()];
            return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
        }
    }
}
