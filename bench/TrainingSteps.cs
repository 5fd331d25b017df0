using ChannelDistillation.Training;
using TorchSharp;

namespace ChannelDistillation.Bench;

/// <summary>Training steps of one run and of whole ablations, side by side with PyTorch's and with their own limits.</summary>
internal static class TrainingSteps
{
    private sealed record Pair(string Teacher, string Student, int Batch, int Rounds, int Steps)
    {
        public required (int Lanes, double? Ratio, double? OfLimit)[] Ablations { get; init; }

        /// <summary>How much of a single run's step is to be convolutions.</summary>
        public double? Convolutions { get; init; }
    }

    // The larger the networks, the fewer steps tell the same.
    private static readonly Pair[] All =
    [
        new("resnet20", "resnet8", 64, 5, 6) { Ablations = [(1, 1.2, null), (5, null, null), (15, 1.7, 0.95)] },
        new("resnet32x4", "resnet8x4", 64, 3, 3) { Ablations = [(1, null, null), (5, null, null)] },
        new("resnet34", "resnet18", 64, 5, 1) { Ablations = [(1, 1.0, null), (5, 1.35, 0.97)], Convolutions = 0.88 },
        new("resnet152", "resnet50", 16, 5, 1) { Ablations = [(1, null, null), (5, 1.35, 0.97)] },
    ];

    /// <param name="teacher">Only the pairs whose teacher's name begins with it.</param>
    /// <param name="rounds">Not the pair's own number.</param>
    /// <param name="steps">In a round; not the pair's own number.</param>
    public static IEnumerable<Figure> Measure(string? teacher = null, int? rounds = null, int? steps = null) =>
        All.Where(pair => pair.Teacher.StartsWith(teacher ?? "", StringComparison.Ordinal))
            .SelectMany(pair => Measure(pair with { Rounds = rounds ?? pair.Rounds, Steps = steps ?? pair.Steps }));

    /// <summary>One of the processes that <see cref="Measure(string?, int?, int?)"/> measures.</summary>
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

    private static List<Figure> Measure(Pair pair)
    {
        var (teacher, student, batch, rounds, steps) = pair;
        Peer[] ours = [.. pair.Ablations.Select(each => Peer.Ours("serve", teacher, student, $"{batch}", $"{each.Lanes}"))];
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

        var figures = ours.Select((peer, i) => Summarise(pair, i, mine, convolutions, theirs, peer.PeakMemory, pytorch?.PeakMemory)).ToList();
        foreach (Peer each in ours)
            each.Dispose();
        return figures;
    }

    private static Figure Summarise(
        Pair pair,
        int index,
        List<double[]>[] ours,
        List<double[]> convolutions,
        List<double> pytorch,
        long peak,
        long? pytorchPeak
    )
    {
        var (count, wantedRatio, wantedOfLimit) = pair.Ablations[index];
        // Against the single run of the same round: T teacher, S student.
        double gained = Median((own, one, _, _) => count * one.Sum() / own.Sum());
        double ofLimit = Median((own, one, _, _) => (one[0] + count * one[1]) / own.Sum());
        double share = Median((own, _, alone, _) => (alone[0] + count * alone[1]) / own.Sum());
        double? ratio = pytorch.Count == 0 ? null : Median((own, _, _, peer) => count * peer / own.Sum());
        var goals = new List<Goal>();
        if (wantedRatio is double faster && ratio is not null)
            goals.Add(new($"{faster:0.00} x PyTorch", ratio >= faster));
        if (wantedOfLimit is double close)
            goals.Add(new($"{close:0.00} of the limit", ofLimit >= close));
        if (count == 1 && pair.Convolutions is double convolving)
            goals.Add(new($"{100 * convolving:0} % convolutions", share >= convolving));
        if (count == 1 && pytorchPeak is not null)
            goals.Add(new("PyTorch's memory", peak <= pytorchPeak));
        return new(
            $"{pair.Teacher} -> {pair.Student}, batch {pair.Batch}, {(count == 1 ? "1 run" : $"{count} runs")}",
            "ms a step",
            1000 * Median((own, _, _, _) => own.Sum())
        )
        {
            PyTorch = pytorch.Count == 0 ? null : 1000 * count * Cases.Median(pytorch),
            Ratio = ratio,
            Gained = count == 1 ? null : gained,
            OfLimit = count == 1 ? null : ofLimit,
            Convolutions = share,
            Peak = peak,
            PyTorchPeak = pytorchPeak,
            Goals = goals,
        };

        double Median(Func<double[], double[], double[], double, double> of) =>
            Cases.Median([.. ours[index].Select((own, round) => of(own, ours[0][round], convolutions[round], pytorch.ElementAtOrDefault(round)))]);
    }
}
