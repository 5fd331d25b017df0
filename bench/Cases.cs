using ChannelDistillation.Losses;
using ChannelDistillation.Schedules;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Bench;

/// <summary>Specs and helpers shared by the benchmarks.</summary>
internal static class Cases
{
    /// <summary>A run on CIFAR-100 with a randomly initialised teacher.</summary>
    public static RunSpec Distillation(
        string teacher,
        string student,
        int batch,
        IReadOnlyList<LossSpec> losses,
        Precision precision = Precision.Float32
    ) =>
        new()
        {
            Dataset = new() { Name = "cifar100" },
            Teacher = new() { Model = new(teacher), Checkpoint = "random" },
            Student = new(student),
            Train = new()
            {
                Epochs = 1,
                Batch = batch,
                Optimizer = new(0.1, 0.9, 5e-4),
                LearningRateSchedule = new LearningRateSchedule.Constant(),
                Precision = precision,
            },
            Losses = losses,
            Seed = 0,
        };

    /// <summary>Cross-entropy and channel distillation as in the paper.</summary>
    public static LossSpec[] ChannelDistillation { get; } =
    [
        LossSpec.CrossEntropy,
        new()
        {
            Name = "cd",
            Weight = 6,
            Parameters = LossCatalog.Get("cd").DefaultParameters,
        },
    ];

    public static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
