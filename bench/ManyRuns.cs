using System.Diagnostics;
using System.Text.Json;
using ChannelDistillation.Native;
using ChannelDistillation.Runs;
using ChannelDistillation.Schedules;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Bench;

/// <summary>CPU time and memory of commands on experiments with thousands of finished runs. Run it from the project folder.</summary>
internal static class ManyRuns
{
    private const double MiB = 1048576;

    public static Figure[] Measure(int rounds)
    {
        string folder = Directory.CreateTempSubdirectory("channel-distillation-bench-").FullName;
        try
        {
            string plan = Experiment(folder, "plan", points: 10_000, epochs: 100);
            string sweep = Experiment(folder, "sweep", points: 1_000, epochs: 1);
            string report = Experiment(folder, "report", points: 100, epochs: 100);
            string[] runs = Finish(folder, "sweep", sweep, epochs: 1);
            Finish(folder, "report", report, epochs: 100);
            // Writes the tables, so that later rounds have nothing to do.
            Run("sweep", sweep, "--yes", "--out", folder);
            Run("sweep", report, "--yes", "--out", folder);
            return
            [
                .. Taken("`sweep` with nothing to do, 10,000 runs", 3, Repeat(rounds, () => Run("sweep", sweep, "--yes", "--out", folder))),
                OneRunLeft(folder, sweep, runs, rounds),
                .. Taken("`report` of 1,000 runs of 100 epochs", 4, Repeat(rounds, () => Run("report", Path.Combine(folder, "report")))),
                AtMost(5 * 1e6 / MiB, "MiB", "size of that report", new FileInfo(Path.Combine(folder, "report", "report.html")).Length / MiB),
                .. Taken(
                    "`plan --json` of 100,000 runs",
                    8,
                    Repeat(rounds, () => Run("plan", plan, "--yes", "--json", "--out", folder)),
                    mostMiB: 600
                ),
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>A sweep of 10,000 runs that trains the last one, compared with a sweep of that run alone: the cost of the finished runs.</summary>
    private static Figure OneRunLeft(string folder, string sweep, string[] runs, int rounds)
    {
        string alone = Experiment(folder, "alone", points: 1, epochs: 1);
        double[] more = Repeat(
            rounds,
            () =>
            {
                Directory.Delete(runs[0], recursive: true);
                double seconds = Run("sweep", sweep, "--yes", "--out", folder, "--device", "cpu").Seconds;
                double single = Run("sweep", alone, "--out", folder, "--device", "cpu").Seconds;
                Directory.Delete(Path.Combine(folder, "alone"), recursive: true);
                return seconds - single;
            }
        );
        return new("`sweep` with one of 10,000 runs left, beyond a sweep of that run alone", "s", Cases.Median([.. more]));
    }

    private static T[] Repeat<T>(int rounds, Func<T> measure) => [.. Enumerable.Range(0, rounds).Select(_ => measure())];

    private static Figure[] Taken(string what, double mostSeconds, (double Seconds, double Memory)[] taken, double? mostMiB = null)
    {
        double memory = Cases.Median([.. taken.Select(one => one.Memory)]);
        return
        [
            AtMost(mostSeconds, "s", what, Cases.Median([.. taken.Select(one => one.Seconds)])),
            mostMiB is double most ? AtMost(most, "MiB", $"{what}, memory", memory) : new($"{what}, memory", "MiB", memory),
        ];
    }

    private static Figure AtMost(double most, string unit, string what, double measured) =>
        new(what, unit, measured) { Goals = [new($"at most {most:0.#} {unit}", measured <= most)] };

    /// <summary>Writes an experiment with this many points and ten seeds each, or with a single run.</summary>
    private static string Experiment(string folder, string name, int points, int epochs)
    {
        string file = Path.Combine(folder, $"{name}.yaml");
        string runs =
            points == 1
                ? "seeds: [0]"
                : $$"""
                    seeds: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
                    grid: { product: { losses.ce.weight: { from: 0.1, to: 10, count: {{points}} } } }
                    """;
        File.WriteAllText(
            file,
            $$"""
            experiment: {{name}}
            dataset: fashion-mnist-mini
            teacher: none
            student: { model: resnet8 }
            train: { epochs: {{epochs}}, batch: 64, optimizer: { sgd: { lr: 0.1 } }, lr_schedule: constant }
            losses: { ce: { weight: 1 } }
            variants: { student: [ce] }
            {{runs}}

            """
        );
        return file;
    }

    /// <summary>Creates the folders of all runs, as if they had been trained.</summary>
    /// <returns>Their paths.</returns>
    private static string[] Finish(string folder, string name, string experiment, int epochs)
    {
        string plan = Path.Combine(folder, $"{name}.json");
        using (Process process = Start(["plan", experiment, "--yes", "--json", "--out", folder]))
        using (FileStream file = File.Create(plan))
        {
            process.StandardOutput.BaseStream.CopyTo(file);
            process.WaitForExit();
        }

        var example = new RunFolder(Path.Combine(folder, $"example-{name}"));
        example.WriteStart("example", Example, "cpu", (1, 0));
        for (int epoch = 1; epoch <= epochs; epoch++)
            example.AppendMetrics(Epoch(epoch));
        example.WriteResult(new(RunStatus.Completed, new(epochs, 20, 2), new(epochs, 20, 2)));
        using FileStream content = File.OpenRead(plan);
        using JsonDocument planned = JsonDocument.Parse(content);
        var paths = new List<string>();
        foreach (JsonElement run in planned.RootElement.GetProperty("runs").EnumerateArray())
        {
            string path = Path.Combine(folder, name, run.GetProperty("folder").GetString()!);
            Directory.CreateDirectory(Path.Combine(path, "checkpoints"));
            foreach (string weights in new[] { "latest", "best" })
                File.WriteAllText(Path.Combine(path, "checkpoints", $"{weights}.safetensors"), "");
            foreach (string file in Directory.GetFiles(example.Path))
            {
                string text = File.ReadAllText(file).Replace(Example.Hash(), run.GetProperty("hash").GetString()!);
                File.WriteAllText(Path.Combine(path, Path.GetFileName(file)), text);
            }

            paths.Add(path);
        }

        return [.. paths];
    }

    /// <summary>The records of all runs, except for the hash.</summary>
    private static RunSpec Example { get; } =
        new()
        {
            Dataset = new() { Name = "fashion-mnist-mini" },
            Student = new("resnet8"),
            Train = new()
            {
                Epochs = 100,
                Batch = 64,
                Optimizer = new(0.1),
                LearningRateSchedule = new LearningRateSchedule.Constant(),
            },
            Losses = [new() { Name = "ce", Weight = 1 }],
            Seed = 0,
        };

    private static EpochRecord Epoch(int epoch) =>
        new()
        {
            Epoch = epoch,
            LearningRate = 0.1,
            Loss = 2.0 / epoch,
            Losses = new Dictionary<string, double> { ["ce"] = 2.0 / epoch },
            LossWeights = new Dictionary<string, double> { ["ce"] = 1 },
            TrainTop1Error = 50.0 / epoch,
            TrainTop5Error = 5.0 / epoch,
            Top1Error = 60.0 / epoch,
            Top5Error = 6.0 / epoch,
            ImagesPerSecond = 1000,
            Seconds = 10,
        };

    /// <returns>Wall-clock time and peak memory.</returns>
    private static (double Seconds, double Memory) Run(params string[] arguments)
    {
        long start = Stopwatch.GetTimestamp();
        using Process process = Start(arguments);
        long most = 0;
        Task<string> read = process.StandardOutput.ReadToEndAsync();
        while (!process.WaitForExit(20))
        {
            process.Refresh();
            most = Math.Max(most, process.HasExited ? 0 : process.PeakWorkingSet64);
        }
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        read.Wait();
        return process.ExitCode == 0
            ? (seconds, most / MiB)
            : throw new InvalidOperationException($"`{string.Join(' ', arguments)}` ended with {process.ExitCode}.");
    }

    private static Process Start(IEnumerable<string> arguments) =>
        Process.Start(new ProcessStartInfo("dotnet", [StartUp.Program, .. arguments]) { RedirectStandardOutput = true })!;
}
