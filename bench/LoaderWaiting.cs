using ChannelDistillation.Core;
using ChannelDistillation.Runs;
using ChannelDistillation.Schedules;
using ChannelDistillation.Specs;
using ChannelDistillation.Training;
using TorchSharp;

namespace ChannelDistillation.Bench;

/// <summary>
/// The share of training time spent waiting for the loader, in the quickstart's cohorts with the shortest steps: each trains one small
/// network. Run it from the project folder on an idle machine.
/// </summary>
internal static class LoaderWaiting
{
    public static void Run(int epochs)
    {
        string folder = Directory.CreateTempSubdirectory("channel-distillation-bench-").FullName;
        try
        {
            Console.WriteLine(
                $"The quickstart's training on fashion-mnist-mini, batch 64; {Machine.Hardware("cpu")["processor"]}, {torch.get_num_threads()} threads; {epochs} epochs each."
            );
            Console.WriteLine();
            Console.WriteLine("| trained alone | ms a step | waited, ms a step | waited, % |");
            Console.WriteLine("|---|---|---|---|");
            foreach (string model in new[] { "resnet14", "resnet8" })
            {
                var clock = new Clock();
                var options = new TrainingOptions(new Workspace(Environment.CurrentDirectory), "cpu");
                CohortTrainer.Train([new(model, Spec(model, epochs), Path.Combine(folder, model))], options, clock.On, CancellationToken.None);
                Console.WriteLine(
                    $"| {model} | {clock.Trained.TotalMilliseconds / clock.Steps:F1} | {clock.Waited.TotalMilliseconds / clock.Steps:F3} | {100 * (clock.Waited / clock.Trained):F2} |"
                );
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static RunSpec Spec(string model, int epochs) =>
        new()
        {
            Dataset = new() { Name = "fashion-mnist-mini" },
            Student = new(model),
            Train = new()
            {
                Epochs = epochs,
                Batch = 64,
                Optimizer = new(0.1, 0.9, 5e-4),
                LearningRateSchedule = new LearningRateSchedule.Constant(),
            },
            Losses = [LossSpec.CrossEntropy],
            Seed = 0,
        };

    /// <summary>Sums the times reported by training.</summary>
    internal sealed class Clock
    {
        public int Steps { get; private set; }

        public TimeSpan Trained { get; private set; }

        public TimeSpan Waited { get; private set; }

        public void On(TrainingEvent reported)
        {
            switch (reported)
            {
                case TrainingEvent.StepEnded:
                    Steps++;
                    break;
                case TrainingEvent.EpochTrained trained:
                    Trained += trained.Elapsed;
                    Waited += trained.Waited;
                    break;
                case TrainingEvent.Message message:
                    Console.Error.WriteLine(message.Text);
                    break;
            }
        }
    }
}
