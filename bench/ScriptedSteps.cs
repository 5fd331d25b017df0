using System.Diagnostics;
using ChannelDistillation.Losses;
using ChannelDistillation.Specs;
using ChannelDistillation.TorchScript;
using ChannelDistillation.Training;

namespace ChannelDistillation.Bench;

/// <summary>Training steps with networks and losses from Python, compared with built-in ones of the same architecture and formula.</summary>
internal static class ScriptedSteps
{
    public static int Run(int rounds, int steps)
    {
        string folder = Directory.CreateTempSubdirectory("channel-distillation-bench-").FullName;
        try
        {
            if (!Export(folder))
            {
                Console.Error.WriteLine("Python with PyTorch and torchvision is needed: apt install python3-torch python3-torchvision");
                return 3;
            }
            Console.WriteLine($"resnet34 -> resnet18, CIFAR stem, batch 64; {rounds} rounds of {steps} steps of each in turn; medians.");
            Console.WriteLine();
            Console.WriteLine("| from Python | ours, ms | from Python, ms | speed | goal |");
            Console.WriteLine("|---|---|---|---|---|");
            RunSpec ours = Cases.Distillation("resnet34", "resnet18", 64, Cases.ChannelDistillation);
            RunSpec networks = ours with
            {
                Student = Network("student.pt"),
                Teacher = new() { Model = Network("teacher.pt") },
            };
            Print("teacher and student, ce + cd", 0.9, Measure(ours, networks, rounds, steps));
            RunSpec kd = Cases.Distillation("resnet34", "resnet18", 64, [LossSpec.CrossEntropy, Kd(null)]);
            Print("loss, ce + kd", 1 / 1.1, Measure(kd, kd with { Losses = [LossSpec.CrossEntropy, Kd(File("kd.pt"))] }, rounds, steps));
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        TorchScriptFile File(string name) => Archive.Read(Path.Combine(folder, name)).File;

        ModelSpec Network(string name) => ModelSpec.Of(File(name));
    }

    private static LossSpec Kd(TorchScriptFile? script) =>
        new()
        {
            Name = script is null ? "kd" : "scripted",
            Script = script,
            Weight = 1,
            Parameters = LossCatalog.Get("kd").DefaultParameters,
        };

    private static List<(double Ours, double Theirs)> Measure(RunSpec ours, RunSpec theirs, int rounds, int steps)
    {
        using var mine = new StepProfiler(ours, "cpu");
        using var python = new StepProfiler(theirs, "cpu");
        var times = new List<(double, double)>();
        // The first round is a warm-up.
        for (int round = 0; round <= rounds; round++)
            times.Add((mine.RunWithoutSync(steps), python.RunWithoutSync(steps)));
        times.RemoveAt(0);
        return times;
    }

    private static void Print(string what, double goal, List<(double Ours, double Theirs)> times)
    {
        double speed = Cases.Median([.. times.Select(both => both.Ours / both.Theirs)]);
        Console.WriteLine(
            $"| {what} | {1000 * Cases.Median([.. times.Select(both => both.Ours)]):0} | {1000 * Cases.Median([.. times.Select(both => both.Theirs)]):0} "
                + $"| {speed:0.00} | {(speed >= goal ? "reached" : "missed")} ({goal:0.00}) |"
        );
    }

    private static bool Export(string folder)
    {
        string script = Path.Combine(AppContext.BaseDirectory, "pytorch", "torchscript.py");
        string library = Path.GetFullPath("python", Environment.GetEnvironmentVariable("CHANNEL_DISTILLATION_ROOT") ?? Environment.CurrentDirectory);
        foreach (string python in new[] { "/usr/bin/python3", "python3" })
        {
            try
            {
                using Process process = Process.Start(python, [script, folder, library]);
                process.WaitForExit();
                if (process.ExitCode == 0)
                    return true;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // Not installed.
            }
        }
        return false;
    }
}
