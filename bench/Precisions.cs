using ChannelDistillation.Native;
using ChannelDistillation.Runs;
using ChannelDistillation.Specs;
using ChannelDistillation.Training;
using TorchSharp;

namespace ChannelDistillation.Bench;

/// <summary>Training steps in bfloat16 compared with float32.</summary>
internal static class Precisions
{
    private static readonly (string Teacher, string Student, int Batch)[] All =
    [
        ("resnet20", "resnet8", 64),
        ("resnet32x4", "resnet8x4", 64),
        ("resnet34", "resnet18", 64),
        ("resnet152", "resnet50", 16),
    ];

    public static void Run(int rounds, int steps, string? only)
    {
        string yes = CpuFeatures.ComputesInBFloat16 == true ? "has" : "lacks";
        Console.WriteLine(
            $"CIFAR stem, ce + cd, {Machine.Hardware("cpu")["processor"]} ({yes} instructions for bfloat16), {torch.get_num_threads()} threads; {rounds} rounds of {steps} steps of each in turn; medians."
        );
        Console.WriteLine();
        Console.WriteLine("| teacher -> student | batch | float32, ms | bfloat16, ms | float32 / bfloat16 | of the teacher | of the student |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (var (teacher, student, batch) in All)
        {
            if (only is null || teacher.StartsWith(only, StringComparison.Ordinal))
                Measure(teacher, student, batch, rounds, steps);
        }
    }

    private static void Measure(string teacher, string student, int batch, int rounds, int steps)
    {
        using StepProfiler wide = In(Precision.Float32);
        using StepProfiler narrow = In(Precision.BFloat16);
        var times = new List<((double Teacher, double Lanes) Wide, (double Teacher, double Lanes) Narrow)>();
        // The first round is a warm-up.
        for (int round = 0; round <= rounds; round++)
            times.Add((wide.Run(steps), narrow.Run(steps)));
        times.RemoveAt(0);
        Console.WriteLine(
            $"| {teacher} -> {student} | {batch} | {1000 * Median(both => Sum(both.Wide)):0} | {1000 * Median(both => Sum(both.Narrow)):0} "
                + $"| {Median(both => Sum(both.Wide) / Sum(both.Narrow)):0.00} | {Median(both => both.Wide.Teacher / both.Narrow.Teacher):0.00} "
                + $"| {Median(both => both.Wide.Lanes / both.Narrow.Lanes):0.00} |"
        );

        StepProfiler In(Precision precision)
        {
            RunSpec spec = Cases.Distillation(teacher, student, batch, Cases.ChannelDistillation);
            return new(spec with { Train = spec.Train with { Precision = precision } }, "cpu");
        }

        double Median(Func<((double Teacher, double Lanes) Wide, (double Teacher, double Lanes) Narrow), double> of) =>
            Cases.Median([.. times.Select(of)]);
    }

    private static double Sum((double Teacher, double Lanes) parts) => parts.Teacher + parts.Lanes;
}
