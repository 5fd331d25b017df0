using System.Diagnostics;
using ChannelDistillation.Data;
using ChannelDistillation.Losses;
using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using ChannelDistillation.Teachers;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Training;

/// <summary>
/// The training step of a run on random images and with a teacher of random weights: what it costs can be known before the
/// dataset or the checkpoint is there. The same code trains, so the cost is that of the real step.
/// </summary>
public sealed class Rehearsal : IDisposable
{
    private readonly FrozenTeacher? teacher;
    private readonly Lane[] lanes;
    private readonly Batch batch;

    /// <param name="lanes">How many runs of this kind are trained in lockstep.</param>
    public Rehearsal(RunSpec spec, string device, int lanes = 1)
    {
        DatasetDescriptor dataset = DatasetCatalog.Describe(spec.Dataset);
        var target = new Device(device);
        int size = spec.Train.Batch;
        int images = Math.Max(dataset.Images(spec.Dataset.HeldOut).Training, size);
        int[] labels = [.. Enumerable.Range(0, images).Select(image => image % dataset.Classes)];
        this.lanes = [.. Enumerable.Range(0, lanes).Select(_ => new Lane(new("rehearsal", spec, ""), dataset, labels, target))];
        foreach (Lane lane in this.lanes)
            lane.StartEpoch();
        teacher = spec.Teacher is null ? null : new(RandomTeacher(spec.Teacher, dataset, target), spec.Teacher.BatchNorm, spec.Train.Precision);
        ImageShape image = dataset.Image;
        batch = new(
            randn([size, image.Channels, image.Height, image.Width], device: target).DetachFromDisposeScope(),
            randint(0, dataset.Classes, [size], ScalarType.Int64, target).DetachFromDisposeScope(),
            Enumerable.Range(0, size).ToArray()
        );
    }

    /// <summary>Bytes that one more lane of this kind keeps between steps: weights and momentum, in float32.</summary>
    public long BytesPerLane => 2 * sizeof(float) * lanes[0].Student.parameters().Sum(parameter => parameter.numel());

    /// <summary>Does some steps.</summary>
    /// <returns>Mean seconds per step of the teacher's forward pass, and of the lanes' own work.</returns>
    public (double Teacher, double Lanes) Run(int steps)
    {
        var (teaching, learning) = (new Stopwatch(), new Stopwatch());
        for (int i = 0; i < steps; i++)
        {
            using var scope = NewDisposeScope();
            teaching.Start();
            TeacherSignals? signals = teacher?.Run(batch.Images, batch.Labels, lanes[0].Losses.OfTeacher);
            if (batch.Images.device_type == DeviceType.CUDA)
                cuda.synchronize();
            teaching.Stop();
            learning.Start();
            foreach (Lane lane in lanes)
            {
                lane.Step(batch, signals, stepsPerEpoch: int.MaxValue);
                lane.SoFar();
            }
            learning.Stop();
        }
        return (teaching.Elapsed.TotalSeconds / steps, learning.Elapsed.TotalSeconds / steps);
    }

    public void Dispose()
    {
        foreach (Lane lane in lanes)
            lane.Dispose();
        teacher?.Dispose();
        batch.Images.Dispose();
        batch.Labels.Dispose();
    }

    private static Backbone RandomTeacher(TeacherSpec spec, DatasetDescriptor dataset, Device device)
    {
        Backbone network = ModelCatalog.Get(spec.Model.Name).Build(spec.Model, dataset.Image, dataset.Classes);
        Initialisation.Initialise(network, 1, "teacher");
        network.to(device);
        return network;
    }
}
