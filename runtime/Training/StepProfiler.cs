using System.Diagnostics;
using ChannelDistillation.Core;
using ChannelDistillation.Data;
using ChannelDistillation.Losses;
using ChannelDistillation.Models;
using ChannelDistillation.Models.Layers;
using ChannelDistillation.Native;
using ChannelDistillation.Specs;
using ChannelDistillation.Teachers;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Training;

/// <summary>
/// Runs the training steps of a cohort on random images and with a randomly initialised teacher, to measure their cost before the
/// dataset or the checkpoint is available. Training uses the same code, so the cost is that of real steps.
/// </summary>
public sealed class StepProfiler : IDisposable
{
    private readonly DatasetDescriptor dataset;
    private readonly Device device;
    private readonly RunLayouts layouts;
    private readonly ITeacher? teacher;
    private readonly List<Lane> lanes = [];
    private readonly int[] labels;
    private readonly Batch batch;

    /// <param name="lanes">Number of runs of this kind trained in lockstep.</param>
    /// <param name="keep">Wraps the teacher and takes ownership of it; null: the teacher is used directly.</param>
    /// <param name="layouts">Memory layouts of the networks; null: channels-last.</param>
    public StepProfiler(RunSpec spec, string device, int lanes = 1, Func<FrozenTeacher, ITeacher>? keep = null, RunLayouts? layouts = null)
        : this(spec, spec.Teacher, new Device(device), keep, layouts)
    {
        for (int lane = 0; lane < lanes; lane++)
            Add(spec);
    }

    /// <summary>Creates a profiler without lanes.</summary>
    /// <param name="any">A run of the cohort.</param>
    /// <param name="taught">The cohort's teacher; null if it has none.</param>
    /// <param name="keep">As above.</param>
    /// <param name="layouts">As above.</param>
    internal StepProfiler(RunSpec any, TeacherSpec? taught, Device device, Func<FrozenTeacher, ITeacher>? keep = null, RunLayouts? layouts = null)
    {
        this.layouts = layouts ?? RunLayouts.ChannelsLast;
        dataset = DatasetCatalog.Describe(any.Dataset);
        this.device = device;
        int size = any.Train.Batch;
        int images = Math.Max(dataset.Images(any.Dataset.HoldOut).Training, size);
        labels = [.. Enumerable.Range(0, images).Select(image => image % dataset.Classes)];
        if (taught is not null)
        {
            var asked = new FrozenTeacher(RandomTeacher(taught), taught.BatchNorm, any.Train.Precision);
            teacher = keep is null ? asked : keep(asked);
        }
        ImageShape image = dataset.Image;
        batch = new(
            randn([size, image.Channels, image.Height, image.Width], device: device).DetachFromDisposeScope(),
            randint(0, dataset.Classes, [size], ScalarType.Int64, device).DetachFromDisposeScope(),
            Enumerable.Range(0, size).ToArray()
        );
    }

    /// <summary>Bytes that an additional lane of this kind keeps between steps: weights and momentum, in float32.</summary>
    public long BytesPerLane => 2 * sizeof(float) * lanes[0].Student.parameters().Sum(parameter => parameter.numel());

    /// <summary>Runs some steps.</summary>
    /// <returns>Mean seconds per step of the teacher's forward pass, and of the lanes' own work.</returns>
    public (double Teacher, double Lanes) Run(int steps)
    {
        var (teaching, learning) = (new Stopwatch(), new Stopwatch());
        for (int i = 0; i < steps; i++)
        {
            using var scope = NewDisposeScope();
            teaching.Start();
            TeacherSignals? signals = Teach();
            Synchronise();
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

    /// <summary>Runs some steps as in training, without synchronising before the last one has finished.</summary>
    /// <returns>Mean seconds per step.</returns>
    public double RunWithoutSync(int steps)
    {
        Synchronise();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < steps; i++)
            Step();
        Synchronise();
        return Stopwatch.GetElapsedTime(start).TotalSeconds / steps;
    }

    /// <summary>
    /// Runs some steps, synchronising after each, and measures the time that the host needs to issue one. If this is more
    /// than the total time of a step of <see cref="RunWithoutSync"/>, the host is the bottleneck.
    /// </summary>
    /// <returns>Mean seconds per step. On the CPU this is the time of the step itself.</returns>
    public double Issue(int steps)
    {
        var issuing = new Stopwatch();
        for (int i = 0; i < steps; i++)
        {
            Synchronise();
            issuing.Start();
            Step();
            issuing.Stop();
        }
        Synchronise();
        return issuing.Elapsed.TotalSeconds / steps;
    }

    public void Dispose()
    {
        foreach (Lane lane in lanes)
            lane.Dispose();
        teacher?.Dispose();
        batch.Images.Dispose();
        batch.Labels.Dispose();
    }

    /// <summary>Adds a run of the cohort.</summary>
    internal void Add(RunSpec spec)
    {
        var lane = new Lane(new LaneSpec("rehearsal", spec, "") { Layouts = layouts }, dataset, labels, device);
        lane.StartFullestEpoch();
        lanes.Add(lane);
    }

    /// <summary>Runs a step of all lanes, without synchronising.</summary>
    internal void Step()
    {
        using var scope = NewDisposeScope();
        TeacherSignals? signals = Teach();
        foreach (Lane lane in lanes)
            lane.Step(batch, signals, stepsPerEpoch: int.MaxValue);
    }

    private TeacherSignals? Teach()
    {
        Taps asked = lanes.Aggregate(default(Taps), (taps, lane) => taps | lane.Losses.OfTeacher);
        return asked.IsNone ? null : teacher?.Run(batch, 1, asked);
    }

    private void Synchronise() => device.Synchronise();

    private Network RandomTeacher(TeacherSpec spec)
    {
        Network network = ModelCatalog.Describe(spec.Model).Build(spec.Model, dataset.Image, dataset.Classes);
        Initialisation.Initialise(network, 1, "teacher");
        network.Arrange(layouts.Teacher ?? TensorLayout.ChannelsLast);
        network.to(device);
        return network;
    }
}
