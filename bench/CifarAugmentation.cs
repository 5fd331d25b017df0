using System.Diagnostics;
using ChannelDistillation.Core;
using ChannelDistillation.Data;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Bench;

/// <summary>CIFAR images that one core pads, crops, flips and normalises per second, compared with torchvision; CPU time.</summary>
internal static class CifarAugmentation
{
    private const int Images = 20_000;

    /// <summary>Fewer rounds for PyTorch, which takes fifty times as long.</summary>
    private const int PyTorchImages = 1_000;

    public static IEnumerable<Figure> Measure(int rounds)
    {
        DatasetDescriptor cifar = DatasetCatalog.Get("cifar100");
        var pixels = new byte[Images * 3 * 32 * 32];
        new Random(1).NextBytes(pixels);
        using var set = new ByteImageSet(cifar.Image, pixels, new byte[Images], cifar.Normalization);
        (string Name, string Padding, AugmentationSpec Augmentation)[] cases =
        [
            ("reflect-pad 4, crop, flip", "reflect", new(4, PaddingMode.Reflect, true)),
            ("zero-pad 4, crop, flip", "constant", new(4, PaddingMode.Zero, true)),
            ("normalise only", "none", AugmentationSpec.None),
        ];
        foreach (var (name, padding, augmentation) in cases)
        {
            using Peer? pytorch = Peer.PyTorch("cifar.py", padding);
            var (ours, theirs) = (new List<double>(), new List<double>());
            for (int round = 0; round <= rounds; round++)
            {
                ours.Add(Seconds(set, augmentation));
                if (pytorch is not null)
                    theirs.Add(pytorch.Run(PyTorchImages));
            }
            // The first round is a warm-up.
            ours.RemoveAt(0);
            yield return new($"CIFAR images: {name}", "images/s", 1 / Cases.Median(ours))
            {
                PyTorch = pytorch is null ? null : 1 / Cases.Median(theirs[1..]),
                Ratio = pytorch is null ? null : Cases.Median([.. theirs[1..].Zip(ours, (a, b) => a / b)]),
            };
        }
    }

    /// <summary>CPU seconds per image.</summary>
    private static double Seconds(ByteImageSet set, AugmentationSpec augmentation)
    {
        var target = new float[3 * 32 * 32];
        using Process self = Process.GetCurrentProcess();
        TimeSpan start = self.TotalProcessorTime;
        for (int i = 0; i < Images; i++)
        {
            var random = new Randomness(0, Purpose.Augmentation, 1, i);
            set.Read(i, augmentation, ref random, target);
        }

        self.Refresh();
        return (self.TotalProcessorTime - start).TotalSeconds / Images;
    }
}
