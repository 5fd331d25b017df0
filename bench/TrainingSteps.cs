using ChannelDistillation.Core;
using ChannelDistillation.Specs;
using ChannelDistillation.Training;
using TorchSharp;

namespace ChannelDistillation.Bench;

/// <summary>Training steps of one run and of whole ablations, compared with PyTorch and with their own limits.</summary>
internal static class TrainingSteps
{
    private sealed record Pair(string Teacher, string Student, int Batch, int Rounds, int Steps)
    {
        public required (int Lanes, double? Ratio, double? OfLimit)[] Ablations { get; init; }

        /// <summary>Goal for the share of convolutions in a single run's step.</summary>
        public double? Convolutions { get; init; }
    }

    /// <summary>PyTorch's results in one layout: seconds of each round's steps, and peak memory in MiB.</summary>
    private sealed record Rival(string Layout, List<double> Seconds, long Peak);

    // Larger networks need fewer steps for the same accuracy.
    private static readonly Pair[] All =
    [
        new("resnet20", "resnet8", 64, 5, 6) { Ablations = [(1, 1.1, null), (5, 1.1, null), (15, 1.7, 0.95)] },
        new("resnet32x4", "resnet8x4", 64, 3, 3) { Ablations = [(1, 1.0, null), (5, 1.0, null)] },
        new("resnet34", "resnet18", 64, 5, 1) { Ablations = [(1, 1.0, null), (5, 1.35, 0.97)], Convolutions = 0.88 },
        new("resnet152", "resnet50", 16, 5, 1) { Ablations = [(1, 1.0, null), (5, 1.35, 0.97)] },
    ];

    /// <summary>PyTorch is measured in both layouts, and the faster one is used for comparison.</summary>
    private static readonly string[] PyTorchLayouts = ["channels-last", "contiguous"];

    /// <param name="layout">Layout of our networks: `auto`, `channels-last` or `contiguous`.</param>
    /// <param name="teacher">Only pairs whose teacher's name begins with this.</param>
    /// <param name="rounds">Overrides the pair's number of rounds.</param>
    /// <param name="steps">Overrides the pair's number of steps per round.</param>
    public static IEnumerable<Figure> Measure(string layout, string? teacher = null, int? rounds = null, int? steps = null) =>
        All.Where(pair => pair.Teacher.StartsWith(teacher ?? "", StringComparison.Ordinal))
            .SelectMany(pair => Measure(pair with { Rounds = rounds ?? pair.Rounds, Steps = steps ?? pair.Steps }, layout));

    /// <summary>One of the processes that <see cref="Measure(string, string?, int?, int?)"/> starts. It reports the layout of its networks.</summary>
    public static void Serve(string teacher, string student, int batch, int lanes, LayoutRequest layout)
    {
        RunSpec run = Cases.Distillation(teacher, student, batch, Cases.ChannelDistillation);
        RunLayouts layouts = Layouts(run, layout);
        using var steps = new StepProfiler(run, "cpu", lanes, layouts: layouts);
        string ofStudent = TensorLayouts.NameOf(layouts.Student);
        string ofTeacher = TensorLayouts.NameOf(layouts.Teacher!.Value);
        Peer.Serve(
            ofStudent == ofTeacher ? ofStudent : $"student {ofStudent}, teacher {ofTeacher}",
            count =>
            {
                var (teaching, learning) = steps.Run(count);
                return [teaching * count, learning * count];
            }
        );
    }

    /// <summary>The convolutions alone.</summary>
    public static void ServeLimit(string teacher, string student, int batch, LayoutRequest layout)
    {
        RunSpec run = Cases.Distillation(teacher, student, batch, Cases.ChannelDistillation);
        using var limit = new ConvolutionLimit(run, Layouts(run, layout));
        Peer.Serve("limit", limit.Run);
    }

    private static RunLayouts Layouts(RunSpec run, LayoutRequest layout) =>
        new LayoutChoice(new Workspace(Environment.CurrentDirectory), "cpu", layout).Of(run);

    private static List<Figure> Measure(Pair pair, string layout)
    {
        var (teacher, student, batch, rounds, steps) = pair;
        Peer[] ours = [.. pair.Ablations.Select(each => Peer.Ours("serve", teacher, student, $"{batch}", $"{each.Lanes}", "--layout", layout))];
        using Peer limit = Peer.Ours("serve-limit", teacher, student, $"{batch}", "--layout", layout);
        string threads = $"{torch.get_num_threads()}";
        Peer[] pytorch =
        [
            .. PyTorchLayouts
                .Select(each => Peer.PyTorch("training_step.py", teacher, student, $"{batch}", threads, "cpu", "float32", "eager", each))
                .OfType<Peer>(),
        ];
        List<double[]>[] mine = [.. ours.Select(_ => new List<double[]>())];
        List<double>[] theirs = [.. pytorch.Select(_ => new List<double>())];
        var convolutions = new List<double[]>();
        // The first round is a warm-up.
        for (int round = 0; round <= rounds; round++)
        {
            for (int i = 0; i < ours.Length; i++)
                mine[i].Add(ours[i].Parts(steps));
            convolutions.Add(limit.Parts(steps));
            for (int i = 0; i < pytorch.Length; i++)
                theirs[i].Add(pytorch[i].Run(steps));
        }
        foreach (List<double[]> each in mine.Append(convolutions))
            each.RemoveAt(0);
        foreach (List<double> each in theirs)
            each.RemoveAt(0);

        Rival? rival = pytorch
            .Select((peer, i) => new Rival(PyTorchLayouts[i], theirs[i], peer.PeakMemory))
            .MinBy(each => Cases.Median(each.Seconds));
        var figures = ours.Select((peer, i) => Summarise(pair, i, mine, convolutions, rival, peer)).ToList();
        foreach (Peer each in ours.Concat(pytorch))
            each.Dispose();
        return figures;
    }

    private static Figure Summarise(Pair pair, int index, List<double[]>[] ours, List<double[]> convolutions, Rival? rival, Peer peer)
    {
        List<double> pytorch = rival?.Seconds ?? [];
        var (count, wantedRatio, wantedOfLimit) = pair.Ablations[index];
        // Relative to the single run of the same round: T teacher, S student.
        double gained = Median((own, one, _, _) => count * one.Sum() / own.Sum());
        double ofLimit = Median((own, one, _, _) => (one[0] + count * one[1]) / own.Sum());
        double share = Median((own, _, alone, _) => (alone[0] + count * alone[1]) / own.Sum());
        double? ratio = pytorch.Count == 0 ? null : Median((own, _, _, theirs) => count * theirs / own.Sum());
        var goals = new List<Goal>();
        if (wantedRatio is double faster && ratio is not null)
            goals.Add(new($"{faster:0.00} x PyTorch", ratio >= faster));
        if (wantedOfLimit is double close)
            goals.Add(new($"{close:0.00} of the limit", ofLimit >= close));
        if (count == 1 && pair.Convolutions is double convolving)
            goals.Add(new($"{100 * convolving:0} % convolutions", share >= convolving));
        if (count == 1 && rival is not null)
            goals.Add(new("PyTorch's memory", peer.PeakMemory <= rival.Peak));
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
            Peak = peer.PeakMemory,
            PyTorchPeak = rival?.Peak,
            Layout = peer.Version,
            PyTorchLayout = rival?.Layout,
            Goals = goals,
        };

        double Median(Func<double[], double[], double[], double, double> of) =>
            Cases.Median([.. ours[index].Select((own, round) => of(own, ours[0][round], convolutions[round], pytorch.ElementAtOrDefault(round)))]);
    }
}
