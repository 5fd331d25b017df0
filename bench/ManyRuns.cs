using System.Diagnostics;
using System.Text.Json;
using ChannelDistillation.Records;
using ChannelDistillation.Schedules;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Bench;

/// <summary>What commands take of CPU time and memory where an experiment has thousands of finished runs. To be run from the project's folder.</summary>
internal static class ManyRuns
{
    public static Figure[] Measure(int rounds)
    {
        string folder = Directory.CreateTempSubdirectory("channel-distillation-bench-").FullName;
        try
        {
            string plan = Experiment(folder, "plan", 10_000);
            string sweep = Experiment(folder, "sweep", 1_000);
            string report = Experiment(folder, "report", 100);
            Finish(folder, "sweep", sweep, epochs: 1);
            Finish(folder, "report", report, epochs: 100);
            // Writes the tables; later ones have nothing to do.
            Run("sweep", sweep, "--yes", "--out", folder);
            Run("sweep", report, "--yes", "--out", folder);
            (string What, double Limit, string[] Command)[] cases =
            [
                ("`sweep` with nothing to do, 10,000 runs", 3, ["sweep", sweep, "--yes", "--out", folder]),
                ("`report` of 1,000 runs of 100 epochs", 4, ["report", Path.Combine(folder, "report")]),
                ("`plan --json` of 100,000 runs", 8, ["plan", plan, "--yes", "--json", "--out", folder]),
            ];
            return
            [
                .. cases.SelectMany(each =>
                {
                    (double Seconds, double MiB)[] taken = [.. Enumerable.Range(0, rounds).Select(_ => Run(each.Command))];
                    double seconds = Cases.Median([.. taken.Select(one => one.Seconds)]);
                    return new Figure[]
                    {
                        new(each.What, "s", seconds) { Goals = [new($"at most {each.Limit:0} s", seconds <= each.Limit)] },
                        new($"{each.What}, memory", "MiB", Cases.Median([.. taken.Select(one => one.MiB)])),
                    };
                }),
                new("size of that report", "MiB", new FileInfo(Path.Combine(folder, "report", "report.html")).Length / 1048576.0),
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Writes an experiment of ten seeds and so many points.</summary>
    private static string Experiment(string folder, string name, int points)
    {
        string file = Path.Combine(folder, $"{name}.yaml");
        File.WriteAllText(
            file,
            $$"""
            experiment: {{name}}
            dataset: fashion-mnist-mini
            teacher: none
            student: { model: resnet8 }
            train: { epochs: 100, batch: 64, optimizer: { sgd: { lr: 0.1 } }, lr_schedule: constant }
            losses: { ce: { weight: 1 } }
            variants: { student: [ce] }
            seeds: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
            grid: { product: { losses.ce.weight: { from: 0.1, to: 10, count: {{points}} } } }
            """
        );
        return file;
    }

    /// <summary>Makes the folders of all runs, as if they had been trained.</summary>
    private static void Finish(string folder, string name, string experiment, int epochs)
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
        }
    }

    /// <summary>The records of all runs, but for the hash.</summary>
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

    /// <returns>Wall-clock time, and the most memory that it had at one time.</returns>
    private static (double Seconds, double MiB) Run(params string[] arguments)
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
            ? (seconds, most / 1048576.0)
            : throw new InvalidOperationException($"`{string.Join(' ', arguments)}` ended with {process.ExitCode}.");
    }

    private static Process Start(IEnumerable<string> arguments) =>
        Process.Start(new ProcessStartInfo("dotnet", [StartUp.Program, .. arguments]) { RedirectStandardOutput = true })!;
}
