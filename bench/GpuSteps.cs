using System.Globalization;
using ChannelDistillation.Native;
using ChannelDistillation.Specs;
using ChannelDistillation.Training;
using TorchSharp;

namespace ChannelDistillation.Bench;

/// <summary>
/// Training steps of one run and of an ablation of five on a GPU, at each precision, beside PyTorch's, eager and compiled; and how long a training
/// on the GPU waits for its images. `--device cpu` does the same with small networks, to try the benchmark itself.
/// </summary>
internal static class GpuSteps
{
    private const int Ablation = 5;

    private static readonly (string Teacher, string Student, int Batch)[] Large = [("resnet34", "resnet18", 128), ("resnet152", "resnet50", 128)];
    private static readonly (string Teacher, string Student, int Batch)[] Small = [("resnet20", "resnet8", 16)];
    private static readonly string[] Precisions = ["float32", "tf32", "bfloat16"];

    /// <param name="arguments">[ROUNDS [STEPS]] [--device cuda|cuda:N|cpu].</param>
    /// <returns>The exit code.</returns>
    public static int Run(string[] arguments)
    {
        int at = Array.IndexOf(arguments, "--device");
        string[] numbers = at < 0 ? arguments : arguments[..at];
        try
        {
            string device = Devices.Choose(at < 0 ? "cuda" : arguments[at + 1]);
            bool isGpu = new torch.Device(device).type == DeviceType.CUDA;
            int rounds =
                numbers.Length > 0 ? int.Parse(numbers[0])
                : isGpu ? 5
                : 1;
            int steps =
                numbers.Length > 1 ? int.Parse(numbers[1])
                : isGpu ? 50
                : 2;
            Measure(device, isGpu, rounds, steps);
            GpuLoading.Run(device, isGpu ? 3 : 1);
            return 0;
        }
        catch (MissingException missing)
        {
            Console.Error.WriteLine(missing.Message);
            return 3;
        }
    }

    /// <summary>One of the processes that <see cref="Run"/> measures: seconds of steps as training does them, and of the teacher's part alone.</summary>
    public static void Serve(string teacher, string student, int batch, int lanes, string device, string precision)
    {
        new GpuSettings(Tf32: precision == "tf32").Apply(device);
        var spec = Cases.Distillation(
            teacher,
            student,
            batch,
            Cases.ChannelDistillation,
            precision == "bfloat16" ? Precision.BFloat16 : Precision.Float32
        );
        using var steps = new Rehearsal(spec, device, lanes);
        Peer.Serve("ours", count => [steps.RunAhead(count) * count, steps.Run(Math.Min(count, 5)).Teacher * count]);
    }

    private static void Measure(string device, bool isGpu, int rounds, int steps)
    {
        string name = isGpu ? Cuda.Name(Math.Max(0, new torch.Device(device).index)) ?? device : device;
        Console.WriteLine($"CIFAR stem, ce + cd, {name}; {rounds} rounds of {steps} steps of each in turn; medians of images/s of students.");
        Console.WriteLine();
        Console.WriteLine(
            "| teacher -> student | batch | precision | runs | ours | PyTorch eager | compiled | ours / eager | ours / compiled | of the sharing limit | GPU busy | memory, MiB |"
        );
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|---|");
        foreach (var (teacher, student, batch) in isGpu ? Large : Small)
        {
            foreach (string precision in Precisions)
                Measure(teacher, student, batch, precision, device, rounds, steps);
        }
    }

    private static void Measure(string teacher, string student, int batch, string precision, string device, int rounds, int steps)
    {
        string[] Case(params string[] more) => [teacher, student, $"{batch}", .. more];
        int[] lanes = [1, Ablation];
        Peer[] ours = [.. lanes.Select(count => Peer.Ours(["serve-gpu", .. Case($"{count}", device, precision)]))];
        Peer?[] theirs =
        [
            .. new[] { "eager", "compile" }.Select(how =>
                Peer.PyTorch("training_step.py", Case($"{torch.get_num_threads()}", device, precision, how))
            ),
        ];
        var (mine, peers) = (ours.Select(_ => new List<double[]>()).ToArray(), theirs.Select(_ => new List<double>()).ToArray());
        var use = ours.Select(_ => new List<GpuUse>()).ToArray();
        // The first round warms up: cuDNN chooses its algorithms, and PyTorch compiles.
        for (int round = 0; round <= rounds; round++)
        {
            for (int i = 0; i < ours.Length; i++)
            {
                using var watch = GpuUse.Watch(device);
                mine[i].Add(ours[i].Parts(steps));
                use[i].Add(watch.Seen());
            }
            for (int i = 0; i < theirs.Length; i++)
            {
                // A peer that cannot do this precision, or cannot compile, ends and is left out.
                if (theirs[i] is { } peer && peer.TryRun(steps) is double seconds)
                    peers[i].Add(seconds);
            }
        }
        double? eager = Typical(peers[0], rounds);
        double? compiled = Typical(peers[1], rounds);
        double[] alone =
        [
            Typical([.. mine[0].Select(parts => parts[0])], rounds)!.Value,
            Typical([.. mine[0].Select(parts => parts[1])], rounds)!.Value,
        ];
        for (int i = 0; i < ours.Length; i++)
        {
            int count = lanes[i];
            double own = Typical([.. mine[i].Select(parts => parts[0])], rounds)!.Value;
            // T of the teacher, S of a student: n (T + S) / (T + n S) is what sharing the teacher can gain.
            double limit = count * alone[0] / (alone[1] + count * (alone[0] - alone[1]));
            double gained = count * alone[0] / own;
            Console.WriteLine(
                $"| {teacher} -> {student} | {batch} | {precision} | {count} | {count * batch / own:0} | {Speed(eager)} | {Speed(compiled)} | {Ratio(eager)} | {Ratio(compiled)} | {gained / limit:0.00} | {GpuUse.Busy(use[i])} | {GpuUse.Memory(use[i])} |"
            );
            string Speed(double? seconds) => seconds is double value ? $"{batch / value:0}" : "absent";
            // PyTorch's runs follow one another.
            string Ratio(double? seconds) => seconds is double value ? $"{count * value / own:0.00}" : "";
        }
        foreach (Peer? each in ours.Concat(theirs))
            each?.Dispose();
    }

    /// <summary>The median but for the first; null: it has not got through all rounds.</summary>
    private static double? Typical(List<double> values, int rounds) => values.Count <= rounds ? null : Cases.Median(values[1..]);
}
