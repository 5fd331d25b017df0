using System.Diagnostics;
using ChannelDistillation.Data;
using ChannelDistillation.Records;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Bench;

/// <summary>How many CIFAR images one core pads, crops, mirrors and normalises in a second.</summary>
internal static class CifarAugmentation
{
    private const int Images = 20_000;

    public static void Run(int rounds)
    {
        DatasetDescriptor cifar = DatasetCatalog.Get("cifar100");
        var pixels = new byte[Images * 3 * 32 * 32];
        new Random(1).NextBytes(pixels);
        using var set = new ByteImageSet(cifar.Image, pixels, new byte[Images], cifar.Normalization);
        (string Name, AugmentationSpec Augmentation)[] cases =
        [
            ("reflect-pad 4, crop, flip", new(4, PaddingMode.Reflect, true)),
            ("zero-pad 4, crop, flip", new(4, PaddingMode.Zero, true)),
            ("normalise only", AugmentationSpec.None),
        ];
        Console.WriteLine(
            $"CIFAR images of bytes to normalised floats; {Machine.Hardware("cpu")["processor"]}, one thread; medians of {rounds} rounds in turn."
        );
        Console.WriteLine();
        Console.WriteLine("| augmentation | images/s |");
        Console.WriteLine("|---|---|");
        double[][] rates = [.. cases.Select(_ => new double[rounds])];
        foreach (var (_, augmentation) in cases)
            Rate(set, augmentation);
        for (int round = 0; round < rounds; round++)
        for (int i = 0; i < cases.Length; i++)
            rates[i][round] = Rate(set, cases[i].Augmentation);
        for (int i = 0; i < cases.Length; i++)
            Console.WriteLine($"| {cases[i].Name} | {rates[i].Order().ElementAt(rounds / 2):N0} |");
    }

    private static double Rate(ByteImageSet set, AugmentationSpec augmentation)
    {
        var target = new float[3 * 32 * 32];
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Images; i++)
        {
            var random = new Randomness(0, Purpose.Augmentation, 1, i);
            set.Read(i, augmentation, ref random, target);
        }

        return Images / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
