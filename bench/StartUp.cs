using System.Diagnostics;

namespace ChannelDistillation.Bench;

/// <summary>
/// Start-up times: from a command to the first training step of the quickstart, and for the plan of a grid of ten thousand runs.
/// Run it from the project folder on an idle machine.
/// </summary>
internal static class StartUp
{
    public const string Program = "dsl/Cli/bin/Release/net10.0/channel-distillation.dll";

    /// <summary>When training starts, its first images are written to the event file, which is larger than this from then on.</summary>
    private const int BytesWithoutImages = 1000;

    // A teacher trained for one epoch is as large as any other, and quickly trained.
    private static readonly string[] Sweep = ["sweep", "experiments/quickstart.yaml", "--set", "teacher.train.epochs=1", "--quiet", "--out"];

    public static Figure[] Measure(int rounds)
    {
        string folder = Directory.CreateTempSubdirectory("channel-distillation-bench-").FullName;
        try
        {
            string empty = Path.Combine(folder, "empty.fsx");
            File.WriteAllText(empty, "exit 0\n");
            string grid = Path.Combine(folder, "grid.yaml");
            File.WriteAllText(grid, Grid);
            (string What, double? Limit, Func<double> Measure)[] cases =
            [
                ("an F# script that does nothing", null, () => UntilItEnds("fsi", empty)),
                ("`dotnet fsi build.fsx sweep` to its first training step", 4, () => ToFirstStep(folder, ["fsi", "build.fsx", .. Sweep])),
                ("the program behind it to its first training step", null, () => ToFirstStep(folder, [Program, .. Sweep])),
                ("`plan` of 10,000 runs", null, () => UntilItEnds(Program, "plan", grid, "--yes", "--out", folder)),
            ];
            var times = cases.Select(_ => new List<double>()).ToArray();
            // The first round builds, trains the teacher, and is a warm-up.
            for (int round = 0; round <= rounds; round++)
            {
                for (int i = 0; i < cases.Length; i++)
                    times[i].Add(cases[i].Measure());
            }
            return
            [
                .. cases.Select(
                    (each, i) =>
                    {
                        double median = Cases.Median([.. times[i].Skip(1)]);
                        return new Figure(each.What, "s", median)
                        {
                            Goals = each.Limit is double limit ? [new($"at most {limit:0} s", median <= limit)] : [],
                        };
                    }
                ),
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private const string Grid = """
        experiment: grid
        dataset: cifar100
        teacher: { model: resnet20, checkpoint: pretrain/none.safetensors }
        student: { model: resnet8 }
        train: { epochs: 10, batch: 64, optimizer: { sgd: { lr: 0.1 } }, lr_schedule: constant }
        losses: { ce: { weight: 1 }, kd: { weight: 1 } }
        variants: { kd: [ce, kd] }
        seeds: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
        grid: { product: { losses.kd.weight: { from: 0.1, to: 10, count: 1000 } } }
        """;

    private static double ToFirstStep(string folder, IEnumerable<string> arguments)
    {
        string output = Path.Combine(folder, "runs");
        long start = Stopwatch.GetTimestamp();
        using Process process = Start([.. arguments, output]);
        try
        {
            while (!HasStarted(output))
            {
                if (process.HasExited)
                    throw new InvalidOperationException("The sweep ended before it began to train.");
                Thread.Sleep(5);
            }
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        finally
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            if (Directory.Exists(output))
                Directory.Delete(output, recursive: true);
        }
    }

    private static bool HasStarted(string output) =>
        Directory.Exists(output)
        && new DirectoryInfo(output)
            .EnumerateFiles("events.out.tfevents.*", SearchOption.AllDirectories)
            .Any(file => file.Exists && file.Length > BytesWithoutImages);

    private static double UntilItEnds(params string[] arguments)
    {
        long start = Stopwatch.GetTimestamp();
        using Process process = Start(arguments);
        process.WaitForExit();
        return process.ExitCode == 0
            ? Stopwatch.GetElapsedTime(start).TotalSeconds
            : throw new InvalidOperationException($"`dotnet {string.Join(' ', arguments)}` ended with {process.ExitCode}.");
    }

    private static Process Start(IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        Process process = Process.Start(start)!;
        // The output is discarded, but a full pipe would block the program.
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }
}
