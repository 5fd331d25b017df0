using ChannelDistillation.Native;
using ChannelDistillation.Specs;
using ChannelDistillation.Training;
using TorchSharp;

namespace ChannelDistillation.Bench;

/// <summary>
/// Training steps of one run and of ablations on a GPU, at each precision, compared with PyTorch, eager and optionally compiled, both channels-last; and
/// the time that training on the GPU waits for images. `--device cpu` runs the same with small networks, to test the benchmark.
/// </summary>
internal static class GpuSteps
{
    /// <param name="Lanes">Numbers of runs in lockstep; 1 comes first, as the baseline.</param>
    private sealed record Case(string Teacher, string Student, int Batch, int[] Lanes);

    /// <summary>Measurements of one of our processes, per step.</summary>
    /// <param name="Step">Seconds per step, without synchronising.</param>
    /// <param name="Teacher">Part of it for the teacher.</param>
    /// <param name="Issue">Seconds that the host needs to issue it.</param>
    /// <param name="MemoryMiB">Device memory that the process has allocated so far, without CUDA's context; libtorch returns none of it.</param>
    private readonly record struct Measured(double Step, double Teacher, double Issue, double MemoryMiB);

    private static readonly Case[] Large =
    [
        new("resnet20", "resnet8", 64, [1, 5, 15]),
        new("resnet32x4", "resnet8x4", 64, [1, 5]),
        new("resnet34", "resnet18", 128, [1, 5]),
        new("resnet152", "resnet50", 128, [1, 5]),
    ];

    private static readonly Case[] Small = [new("resnet20", "resnet8", 16, [1, 2])];
    private static readonly string[] Precisions = ["float32", "tf32", "bfloat16"];

    /// <param name="arguments">[ROUNDS [STEPS]] [--device cuda|cuda:N|cpu] [--teacher NAME] [--precision float32,tf32,bfloat16] [--compile].</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="MissingException">The device does not exist.</exception>
    public static int Run(string[] arguments)
    {
        string? Option(string name) => Array.IndexOf(arguments, name) is >= 0 and int at ? arguments.ElementAtOrDefault(at + 1) : null;
        int[] numbers = [.. arguments.TakeWhile(word => !word.StartsWith("--", StringComparison.Ordinal)).Select(int.Parse)];
        string device = Devices.Choose(Option("--device") ?? "cuda");
        bool isGpu = new torch.Device(device).type == DeviceType.CUDA;
        int rounds =
            numbers.ElementAtOrDefault(0) is > 0 and int asked ? asked
            : isGpu ? 5
            : 1;
        int steps =
            numbers.ElementAtOrDefault(1) is > 0 and int many ? many
            : isGpu ? 50
            : 2;
        string[] precisions = Option("--precision")?.Split(',') ?? Precisions;
        string[] peers = arguments.Contains("--compile") ? ["eager", "compile"] : ["eager"];
        string name = isGpu ? Cuda.Name(Math.Max(0, new torch.Device(device).index)) ?? device : device;
        Console.WriteLine(
            $"CIFAR stem, ce + cd, {name}; {rounds} rounds of {steps} steps of each in turn; medians. PyTorch: {Peer.PyTorchVersions() ?? "none"}."
        );
        Console.WriteLine();
        Console.WriteLine(
            "| teacher -> student | batch | precision | runs | images/s | ms a step | host issues, ms | x eager | x compiled | of the sharing limit | GPU busy | memory, MiB |"
        );
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|---|");
        foreach (Case each in (isGpu ? Large : Small).Where(each => each.Teacher == (Option("--teacher") ?? each.Teacher)))
        {
            foreach (string precision in precisions)
                Measure(each, precision, device, rounds, steps, peers);
        }
        GpuLoading.Run(device, isGpu ? 3 : 1);
        return 0;
    }

    /// <summary>One of the processes that <see cref="Run"/> starts; see <see cref="Measured"/>.</summary>
    public static void Serve(string teacher, string student, int batch, int lanes, string device, string precision)
    {
        device = Devices.Choose(device);
        new GpuSettings(Tf32: precision == "tf32").Apply(device);
        var spec = Cases.Distillation(
            teacher,
            student,
            batch,
            Cases.ChannelDistillation,
            precision == "bfloat16" ? Precision.BFloat16 : Precision.Float32
        );
        // Counts only while this process works; the others wait for their turn.
        long taken = 0;
        using var steps = Counting(() => new StepProfiler(spec, device, lanes));
        Peer.Serve(
            "ours",
            count =>
                Counting<double[]>(() =>
                        [steps.RunWithoutSync(count) * count, steps.Run(Math.Min(count, 5)).Teacher * count, steps.Issue(Math.Min(count, 5)) * count]
                    )
                    .Append((double)taken / (1 << 20) * count)
        );

        T Counting<T>(Func<T> work)
        {
            long? before = DeviceMemory.Of(new(device))?.Free;
            T done = work();
            taken += before - DeviceMemory.Of(new(device))?.Free ?? 0;
            return done;
        }
    }

    private static void Measure(Case measured, string precision, string device, int rounds, int steps, string[] compared)
    {
        var (teacher, student, batch, lanes) = measured;
        string[] Arguments(params string[] more) => [teacher, student, $"{batch}", .. more];
        Peer[] ours = [.. lanes.Select(count => Peer.Ours(["serve-gpu", .. Arguments($"{count}", device, precision)]))];
        Peer?[] theirs =
        [
            .. compared.Select(how =>
                Peer.PyTorch("training_step.py", Arguments($"{torch.get_num_threads()}", device, precision, how, "channels-last"))
            ),
        ];
        var mine = ours.Select(_ => new List<Measured>()).ToArray();
        var peers = theirs.Select(_ => new List<double>()).ToArray();
        var busy = ours.Select(_ => new List<double?>()).ToArray();
        using (var watch = GpuUse.Watch(device))
        {
            // The first round is a warm-up: cuDNN chooses its algorithms, and PyTorch compiles.
            for (int round = 0; round <= rounds; round++)
            {
                for (int i = 0; i < ours.Length; i++)
                {
                    watch.Forget();
                    double[] parts = ours[i].Parts(steps);
                    mine[i].Add(new(parts[0], parts[1], parts[2], parts[3]));
                    busy[i].Add(watch.Seen().BusyPercent);
                }
                for (int i = 0; i < theirs.Length; i++)
                {
                    // A peer that does not support this precision, or cannot compile, ends and is omitted.
                    if (theirs[i] is { } peer && peer.TryRun(steps) is double seconds)
                        peers[i].Add(seconds);
                }
            }
        }
        double?[] theirSteps = [.. peers.Select(seconds => seconds.Count <= rounds ? (double?)null : Cases.Median(seconds[1..]))];
        double Typical(int i, Func<Measured, double> part) => Cases.Median([.. mine[i].Skip(1).Select(part)]);
        double alone = Typical(0, each => each.Step);
        double teaching = Typical(0, each => each.Teacher);
        for (int i = 0; i < ours.Length; i++)
        {
            int count = lanes[i];
            double own = Typical(i, each => each.Step);
            // With T for the teacher and S for a student, sharing the teacher can gain n (T + S) / (T + n S).
            double limit = count * alone / (teaching + count * (alone - teaching));
            // PyTorch trains its runs one after the other.
            string Ratio(int peer) => theirSteps.ElementAtOrDefault(peer) is double seconds ? $"{count * seconds / own:0.00}" : "";
            double[] seen = [.. busy[i].Skip(1).OfType<double>()];
            Console.WriteLine(
                $"| {teacher} -> {student} | {batch} | {precision} | {count} | {count * batch / own:0} | {1000 * own:0.00} | {1000 * Typical(i, each => each.Issue):0.00} "
                    + $"| {Ratio(0)} | {Ratio(1)} | {(count == 1 ? "" : $"{count * alone / own / limit:0.00}")} | {(seen.Length == 0 ? "?" : $"{seen.Average():0} %")} | {mine[i][^1].MemoryMiB:0} |"
            );
        }
        Console.WriteLine($"RESULT: {teacher} -> {student}, {precision}: {batch / alone:0} images/s alone, {Speed()}");
        foreach (Peer? each in ours.Concat(theirs))
            each?.Dispose();

        string Speed() => theirSteps[0] is double seconds ? $"{seconds / alone:0.00} x PyTorch eager" : "not compared with PyTorch";
    }
}
