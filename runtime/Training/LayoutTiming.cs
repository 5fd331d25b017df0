using System.Diagnostics;
using ChannelDistillation.Core;
using ChannelDistillation.Models;
using ChannelDistillation.Native;
using ChannelDistillation.Specs;
using ChannelDistillation.Teachers;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Training;

/// <summary>The use of a network in a run.</summary>
/// <param name="IsTrained">Forward and backward pass of a student; otherwise the forward pass of a teacher.</param>
internal sealed record NetworkUse(ModelSpec Model, ImageShape Image, int Classes, int Batch, Precision Precision, bool IsTrained);

/// <summary>Times a network on the CPU in both layouts alternately, on random images.</summary>
internal static class LayoutTiming
{
    private const int MostRounds = 6;

    /// <summary>Target length of a timed step; large networks use fewer images than a batch.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(60);

    /// <summary>After this time two rounds are enough; after <see cref="Patience"/> a single one.</summary>
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <returns>Seconds per step in each layout: the minimum, which is least disturbed by other load.</returns>
    public static (double ChannelsLast, double Contiguous) Measure(NetworkUse use)
    {
        using var scope = NewDisposeScope();
        using var network = new TimedNetwork(use);
        var shortest = new Dictionary<TensorLayout, double>();
        long start = Stopwatch.GetTimestamp();
        for (int round = 0; round < MostRounds && !IsEnough(round, Stopwatch.GetElapsedTime(start)); round++)
        {
            foreach (TensorLayout layout in Enum.GetValues<TensorLayout>())
            {
                network.Arrange(layout);
                // Warm-up: creates oneDNN's plans and allocates memory.
                network.Step();
                double seconds = network.Step();
                shortest[layout] = Math.Min(seconds, shortest.GetValueOrDefault(layout, double.PositiveInfinity));
            }
        }
        return (shortest[TensorLayout.ChannelsLast], shortest[TensorLayout.Contiguous]);
    }

    private static bool IsEnough(int rounds, TimeSpan elapsed) => rounds >= 2 && elapsed > Enough || rounds >= 1 && elapsed > Patience;

    /// <summary>Number of images to time.</summary>
    private static int Images(int batch, Func<int, double> secondsOf)
    {
        // Threads share the images of a batch.
        int fewest = Math.Min(batch, Math.Max(4, get_num_threads()));
        secondsOf(fewest);
        double each = secondsOf(fewest) / fewest;
        return Math.Clamp((int)(Step.TotalSeconds / each), fewest, batch);
    }

    private sealed class TimedNetwork : IDisposable
    {
        private readonly Network network;
        private readonly FrozenTeacher? teacher;
        private readonly Tensor images;
        private readonly Tensor labels;

        public TimedNetwork(NetworkUse use)
        {
            network = ModelCatalog.Describe(use.Model).Build(use.Model, use.Image, use.Classes);
            Initialisation.Initialise(network, 1, "timed");
            if (use.IsTrained)
                network.ComputeIn(use.Precision);
            else
                teacher = new FrozenTeacher(network, TeacherBatchNorm.RunningStats, use.Precision);
            // A separate generator, so that libtorch's is not changed.
            using var random = new torch.Generator(1, CPU);
            images = empty(use.Batch, use.Image.Channels, use.Image.Height, use.Image.Width).normal_(0, 1, random);
            labels = zeros(use.Batch, ScalarType.Int64);
            int count = Images(use.Batch, some => Step(some));
            (images, labels) = (images.narrow(0, 0, count), labels.narrow(0, 0, count));
        }

        public void Arrange(TensorLayout layout) => network.Arrange(layout);

        /// <returns>Seconds.</returns>
        public double Step() => Step((int)images.size(0));

        public void Dispose() => network.Dispose();

        private double Step(int count)
        {
            using var scope = NewDisposeScope();
            Tensor some = images.narrow(0, 0, count);
            Tensor classes = labels.narrow(0, 0, count);
            long start = Stopwatch.GetTimestamp();
            if (teacher is not null)
                teacher.Run(some, classes, Taps.Logits);
            else
            {
                nn.functional.cross_entropy(network.forward(some), classes).backward();
                network.zero_grad(set_to_none: true);
            }
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            NativeHandles.StepEnded();
            return seconds;
        }
    }
}
