using ChannelDistillation.Data;
using ChannelDistillation.Models;
using ChannelDistillation.Runs;
using ChannelDistillation.Specs;
using ChannelDistillation.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Export;

/// <summary>Compares the outputs of an ONNX file in ONNX Runtime with those of the network that it was exported from.</summary>
/// <param name="Compared">Number of images whose outputs were compared.</param>
/// <param name="LargestDifference">Of their logits.</param>
/// <param name="Images">Number of validation images.</param>
/// <param name="Network">Errors of the network on all of them.</param>
/// <param name="Onnx">Errors of the file on all of them.</param>
public sealed record OutputComparison(int Compared, double LargestDifference, int Images, EpochErrors Network, EpochErrors Onnx)
{
    /// <summary>Largest accepted difference between two logits.</summary>
    public const double Tolerance = 1e-4;

    private const int MostCompared = 256;

    /// <param name="network">In evaluation mode, on the CPU, with unfolded BatchNorm.</param>
    /// <param name="normalization">If the file normalises its input, the normalisation of the images of <paramref name="set"/>, which is undone; otherwise null.</param>
    /// <param name="progress">Called with the number of finished images and the total.</param>
    /// <exception cref="ExportMismatchException">The outputs differ.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    internal static OutputComparison Of(
        Network network,
        OnnxSession session,
        IImageSet set,
        NormalizationSpec? normalization,
        Action<int, int> progress,
        CancellationToken stop
    )
    {
        bool hasFeatures = session.Outputs.Count > 1;
        Taps taps = hasFeatures ? Taps.Everything : Taps.Logits;
        using var onnx = new EpochMeter(0, CPU);
        int compared = 0;
        double largest = 0;
        EpochErrors expected = Evaluation.Errors(
            (images, labels) =>
            {
                int left = (int)Math.Min(MostCompared - compared, images.shape[0]);
                // Features are large and only needed for the comparison.
                ModelOutput output = network.Run(images, left > 0 ? taps : Taps.Logits);
                IReadOnlyList<(string Name, Tensor Tensor)> outputs = OnnxNames.Of(output, hasFeatures && left > 0);
                IReadOnlyList<Tensor> results = session.Run(Denormalised(images, normalization), [.. outputs.Select(each => each.Name)]);
                foreach (var ((name, reference), result) in outputs.Zip(results).TakeWhile(_ => left > 0))
                {
                    double difference = Difference(name, reference.narrow(0, 0, left), result.narrow(0, 0, left));
                    largest = name == OnnxNames.Logits ? Math.Max(largest, difference) : largest;
                }
                compared += left;
                onnx.Add([], results[0], labels);
                return output.Logits;
            },
            set,
            CPU,
            stop,
            progress
        );
        stop.ThrowIfCancellationRequested();
        EpochSums sums = onnx.Read();
        return new(compared, largest, set.Count, expected, new(0, sums.Top1Error, sums.Top5Error));
    }

    /// <summary>The largest difference between two tensors of one shape.</summary>
    /// <exception cref="ExportMismatchException">It is too large: for features, relative to their largest value if that exceeds 1.</exception>
    private static double Difference(string name, Tensor expected, Tensor actual)
    {
        using var scope = NewDisposeScope();
        double difference = (expected - actual).abs().max().item<float>();
        double scale = name == OnnxNames.Logits ? 1 : Math.Max(1, expected.abs().max().item<float>());
        // NaN is not within the tolerance either.
        return difference <= Tolerance * scale
            ? difference
            : throw new ExportMismatchException(
                $"ONNX Runtime computes other values than the network: `{name}` differs by {difference:G2}; the limit is {Tolerance * scale:G2}. The file was removed."
            );
    }

    /// <summary>Pixel values in 0..1.</summary>
    private static Tensor Denormalised(Tensor images, NormalizationSpec? normalization)
    {
        if (normalization is null)
            return images;
        using Tensor std = PerChannel(normalization.Std);
        using Tensor mean = PerChannel(normalization.Mean);
        return images * std + mean;

        static Tensor PerChannel(IReadOnlyList<double> numbers) => tensor([.. numbers.Select(number => (float)number)], [1, numbers.Count, 1, 1]);
    }
}
