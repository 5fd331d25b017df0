using System.Diagnostics;
using ChannelDistillation.Data;
using ChannelDistillation.Losses;
using ChannelDistillation.Models;
using ChannelDistillation.Schedules;
using ChannelDistillation.Specs;
using ChannelDistillation.Teachers;
using ChannelDistillation.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Bench;

/// <summary>The lane's training step on random 32x32 images: teacher forward, student forward and backward with ce + cd, update.</summary>
internal sealed class TrainingSteps : IDisposable
{
    private const int Classes = 100;
    private static readonly ImageShape Image = new(3, 32, 32);
    private readonly FrozenTeacher teacher;
    private readonly Lane lane;
    private readonly Batch batch;

    public TrainingSteps(string teacherName, string studentName, int batchSize)
    {
        var train = new TrainSpec
        {
            Epochs = 1,
            Batch = batchSize,
            Optimizer = new(0.1, 0.9, 5e-4),
            LearningRateSchedule = new LearningRateSchedule.Constant(),
        };
        var spec = new RunSpec
        {
            Dataset = new() { Name = "cifar100" },
            Teacher = new() { Model = new(teacherName), Checkpoint = "random" },
            Student = new(studentName),
            Train = train,
            Losses = [LossSpec.CrossEntropy, new() { Name = "cd", Weight = 6, Parameters = LossCatalog.Get("cd").DefaultParameters }],
            Seed = 0,
        };
        DatasetDescriptor dataset = DatasetCatalog.Find("cifar100")!;
        lane = new Lane(new("bench", spec, ""), dataset, dataset.TrainingImages, CPU);
        lane.StartEpoch();
        Backbone network = ModelCatalog.Get(teacherName).Build(new(teacherName), Image, Classes);
        Initialisation.Initialise(network, 1, "teacher");
        teacher = new(network, TeacherBatchNorm.RunningStats);
        batch = new(randn(batchSize, Image.Channels, Image.Height, Image.Width), randint(0, Classes, [batchSize]), Enumerable.Range(0, batchSize).ToArray());
    }

    /// <returns>Seconds per step.</returns>
    public double Run(int steps)
    {
        var clock = Stopwatch.StartNew();
        for (int i = 0; i < steps; i++)
        {
            using var scope = NewDisposeScope();
            TeacherSignals signals = teacher.Run(batch.Images, batch.Labels);
            lane.Step(batch, signals, stepsPerEpoch: int.MaxValue);
            lane.Broken();
        }
        return clock.Elapsed.TotalSeconds / steps;
    }

    public void Dispose()
    {
        lane.Dispose();
        teacher.Dispose();
        batch.Images.Dispose();
        batch.Labels.Dispose();
    }
}
