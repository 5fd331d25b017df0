using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using ChannelDistillation.Teachers;
using ChannelDistillation.Teachers.Signals;
using ChannelDistillation.Training;

namespace ChannelDistillation.Bench;

/// <summary>The teacher's share of a step with cached outputs (`teacher.cache`), in the epochs after the first.</summary>
internal static class KeptAnswers
{
    private const int Images = 50_000;

    private static readonly (string Teacher, string Student, int Batch, int Lanes)[] All =
    [
        ("resnet20", "resnet8", 64, 1),
        ("resnet20", "resnet8", 64, 5),
        ("resnet20", "resnet8", 64, 15),
        ("resnet34", "resnet18", 64, 5),
    ];

    public static IEnumerable<Figure> Measure(int rounds, int steps, string? only = null) =>
        All.Where(each => only is null || each.Teacher.StartsWith(only, StringComparison.Ordinal))
            .SelectMany(each => Measure(each.Teacher, each.Student, each.Batch, each.Lanes, rounds, each.Teacher == "resnet34" ? 1 : steps));

    private static Figure[] Measure(string teacher, string student, int batch, int lanes, int rounds, int steps)
    {
        string folder = Directory.CreateTempSubdirectory("channel-distillation-bench-").FullName;
        try
        {
            RunSpec spec = Cases.Distillation(teacher, student, batch, Cases.ChannelDistillation);
            using var asked = new StepProfiler(spec, "cpu", lanes);
            using var kept = new StepProfiler(spec, "cpu", lanes, answering => Keeping(answering, spec, folder));
            var times = new List<((double Teacher, double Lanes) Asked, (double Teacher, double Lanes) Kept)>();
            // The first round is a warm-up, and fills the cache.
            for (int round = 0; round <= rounds; round++)
                times.Add((asked.Run(steps), kept.Run(steps)));
            times.RemoveAt(0);
            double Median(Func<((double Teacher, double Lanes) Asked, (double Teacher, double Lanes) Kept), double> of) =>
                Cases.Median([.. times.Select(of)]);
            string what = $"the teacher's share of a step: {teacher} -> {student}, batch {batch}, {(lanes == 1 ? "1 run" : $"{lanes} runs")}";
            double share = Median(both => both.Kept.Teacher / Sum(both.Kept));
            return
            [
                new(what, "%", 100 * Median(both => both.Asked.Teacher / Sum(both.Asked))),
                new(what + ", kept", "%", 100 * share) { Goals = [new("at most 2 %", share <= 0.02)] },
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static CachedTeacher Keeping(FrozenTeacher teacher, RunSpec spec, string folder)
    {
        IReadOnlyList<SignalKind> kinds = SignalKind.OfRuns([spec], spec.Teacher!.Model, 100);
        var store = new SignalStore(folder, kinds, Images, 1, Console.Error.WriteLine);
        return new(store, () => teacher, 1, kinds.Aggregate(default(Taps), (all, kind) => all | kind.Taps), Console.Error.WriteLine);
    }

    private static double Sum((double Teacher, double Lanes) parts) => parts.Teacher + parts.Lanes;
}
