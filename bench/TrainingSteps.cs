using ChannelDistillation.Records;
using ChannelDistillation.Training;
using TorchSharp;

namespace ChannelDistillation.Bench;

/// <summary>Training steps of one run and of whole ablations, side by side with PyTorch's and with their own limits.</summary>
internal static class TrainingSteps
{
    private static readonly (string Teacher, string Student, int Batch, int[] Lanes)[] All =
    [
        ("resnet20", "resnet8", 64, [1, 5, 15]),
        ("resnet32x4", "resnet8x4", 64, [1, 5]),
        ("resnet34", "resnet18", 64, [1, 5]),
        ("resnet152", "resnet50", 16, [1, 5]),
    ];

    public static void Run(int rounds, int steps, string? only)
    {
        Console.WriteLine(
            $"CIFAR stem, ce + cd, {Machine.Hardware("cpu")["processor"]}, {torch.get_num_threads()} threads; {rounds} rounds of {steps} steps of each in turn; medians."
        );
        Console.WriteLine();
        Console.WriteLine(
            "| teacher -> student | batch | runs | ours, ms | PyTorch, ms | PyTorch / ours | gained by sharing | of the limit | convolutions | peak, MiB | PyTorch's |"
        );
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|");
        foreach (var (teacher, student, batch, lanes) in All)
        {
            if (only is null || teacher.StartsWith(only, StringComparison.Ordinal))
                Measure(teacher, student, batch, lanes, rounds, steps);
        }
    }

    /// <summary>One of the processes that <see cref="Run"/> measures.</summary>
    public static void Serve(string teacher, string student, int batch, int lanes)
    {
        using var steps = new Rehearsal(Cases.Distillation(teacher, student, batch, Cases.ChannelDistillation), "cpu", lanes);
        Peer.Serve(
            "ours",
            count =>
            {
                var (teaching, learning) = steps.Run(count);
                return [teaching * count, learning * count];
            }
        );
    }

    /// <summary>The convolutions alone.</summary>
    public static void ServeLimit(string teacher, string student, int batch)
    {
        using var limit = new ConvolutionLimit(teacher, student, batch);
        Peer.Serve("limit", limit.Run);
    }

    private static void Measure(string teacher, string student, int batch, int[] lanes, int rounds, int steps)
    {
        Peer[] ours = [.. lanes.Select(count => Peer.Ours("serve", teacher, student, $"{batch}", $"{count}"))];
        using Peer limit = Peer.Ours("serve-limit", teacher, student, $"{batch}");
        using Peer? pytorch = Peer.PyTorch("training_step.py", teacher, student, $"{batch}", $"{torch.get_num_threads()}");
        List<double[]>[] mine = [.. ours.Select(_ => new List<double[]>())];
        var (convolutions, theirs) = (new List<double[]>(), new List<double>());
        // The first round warms up.
        for (int round = 0; round <= rounds; round++)
        {
            for (int i = 0; i < ours.Length; i++)
                mine[i].Add(ours[i].Parts(steps));
            convolutions.Add(limit.Parts(steps));
            if (pytorch is not null)
                theirs.Add(pytorch.Run(steps));
        }
        foreach (List<double[]> each in mine.Append(convolutions))
            each.RemoveAt(0);
        if (pytorch is not null)
            theirs.RemoveAt(0);

        for (int i = 0; i < ours.Length; i++)
        {
            int count = lanes[i];
            // Against the single run of the same round: T teacher, S student.
            double gained = Median((own, one, _, _) => count * one.Sum() / own.Sum());
            double ofLimit = Median((own, one, _, _) => count * one.Sum() / own.Sum() / (count * one.Sum() / (one[0] + count * one[1])));
            double share = Median((own, _, alone, _) => (alone[0] + count * alone[1]) / own.Sum());
            string ratio = pytorch is null
                ? "absent | "
                : $"{1000 * count * Cases.Median(theirs):0} | {Median((own, _, _, peer) => count * peer / own.Sum()):0.00}";
            Console.WriteLine(
                $"| {teacher} -> {student} | {batch} | {count} | {1000 * Median((own, _, _, _) => own.Sum()):0} | {ratio} | {gained:0.00} | {ofLimit:0.00} | {100 * share:0} % | {ours[i].PeakMemory} | {pytorch?.PeakMemory} |"
            );
            double Median(Func<double[], double[], double[], double, double> of) =>
                Cases.Median([.. mine[i].Select((own, round) => of(own, mine[0][round], convolutions[round], theirs.ElementAtOrDefault(round)))]);
        }
        foreach (Peer each in ours)
            each.Dispose();
    }
}
