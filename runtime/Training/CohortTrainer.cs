using System.Diagnostics;
using ChannelDistillation.Core;
using ChannelDistillation.Data;
using ChannelDistillation.Losses;
using ChannelDistillation.Models;
using ChannelDistillation.Native;
using ChannelDistillation.Runs;
using ChannelDistillation.Specs;
using ChannelDistillation.Teachers;
using ChannelDistillation.Teachers.Signals;
using ChannelDistillation.TorchScript;
using TorchSharp;

namespace ChannelDistillation.Training;

/// <summary>
/// Trains runs in lockstep: every batch is loaded once, passes the frozen teacher once, and then trains one lane after another.
/// Lanes share nothing else, so that a run produces identical results alone and in any cohort.
/// </summary>
public sealed partial class CohortTrainer : IDisposable
{
    private readonly Action<TrainingEvent> observer;
    private readonly Dataset dataset;
    private readonly ITeacher? teacher;
    private readonly BatchStream training;
    private readonly BatchStream validation;
    private readonly WaitingTime waiting = new();
    private readonly Lanes lanes;
    private readonly torch.Device device;
    private readonly Stopwatch sinceSaved = Stopwatch.StartNew();
    private readonly TimeSpan saveEvery;
    private readonly bool checkEveryStep;

    private CohortTrainer(IReadOnlyList<LaneSpec> specs, TrainingOptions options, Action<TrainingEvent> observer, CancellationToken stop)
    {
        RunSpec common = specs[0].Spec;
        TeacherSpec? teacherSpec = specs.Select(lane => lane.Spec.Teacher).FirstOrDefault(spec => spec is not null);
        device = new torch.Device(options.Device);
        this.observer = observer;
        lanes = new Lanes(observer, device);
        saveEvery = options.SaveEvery;
        dataset = options.Open(common.Dataset);
        string? teacherHash = null;
        ClassSimilarityCache? similarities = null;
        if (teacherSpec is not null)
        {
            var store = new TeacherStore(options.Workspace);
            teacherHash = store.ContentHash(teacherSpec, common.Dataset);
            RunSpec[] runs = [.. specs.Select(lane => lane.Spec)];
            Precision precision = runs.First(run => run.Teacher is not null).Train.Precision;
            TensorLayout layout = specs.First(lane => lane.Spec.Teacher is not null).Layouts.Teacher ?? TensorLayout.ChannelsLast;
            FrozenTeacher Load() => store.Load(teacherSpec, common.Dataset, device, precision, layout);
            similarities = new(
                runs.First(run => run.Teacher is not null),
                teacherHash,
                layout,
                dataset,
                options.Workspace,
                device,
                () => store.Load(TeacherStore.ForEvaluation(teacherSpec), common.Dataset, device, precision, layout),
                observer.Say
            );
            teacher = teacherSpec.Cache
                ? SignalCache.Open(runs, teacherSpec, teacherHash, layout, dataset, options.Workspace, Load, observer.Say)
                : Load();
        }
        training = new BatchStream(
            dataset.Training,
            common.Train.Batch,
            common.Dataset.Augmentation ?? dataset.Descriptor.Augmentation,
            common.DataSeed,
            shuffle: true,
            device,
            views: common.Dataset.Views
        );
        validation = new BatchStream(dataset.Validation, common.Train.Batch, AugmentationSpec.None, common.DataSeed, shuffle: false, device);
        // Reading a scalar is free on the CPU; on a GPU it would synchronise in every step.
        checkEveryStep = device.type == DeviceType.CPU;
        int[] labels = dataset.Training.Labels();
        var origins = new RunOrigins(teacherHash, dataset.Fingerprint(), dataset.LabelFingerprint());
        foreach (TorchScriptFile script in specs.Select(lane => lane.Spec.Student.Script).OfType<TorchScriptFile>())
            TorchScript.KnownModules.Note(script, options.Workspace);
        using (similarities)
        {
            foreach (LaneSpec spec in specs)
            {
                lanes.Open(
                    spec,
                    () => new Lane(spec, dataset.Descriptor, labels, device, kind => similarities!.Of(kind, stop)),
                    options.Device,
                    origins with
                    {
                        Code = TrainingCode.Of(spec.Spec),
                    }
                );
            }
        }
        training.Draw(
            lanes
                .All.SelectMany(entry => entry.Lane.Losses.Draws)
                .GroupBy(each => each.Draw)
                .ToDictionary(same => same.Key, same => (Func<int, bool>)(epoch => same.Any(each => each.IsNeeded(epoch))))
        );
    }

    public void Dispose()
    {
        lanes.Dispose();
        training.Dispose();
        validation.Dispose();
        teacher?.Dispose();
        dataset.Dispose();
    }

    /// <summary>Errors outside the lanes, in the images or the teacher, end this cohort's runs only.</summary>
    private void RunGuarded(CancellationToken stop)
    {
        try
        {
            Run(stop);
        }
        catch (Exception error) when (!DeviceErrors.IsFatal(error, device))
        {
            lanes.FailTogether(error);
        }
    }

    private void Run(CancellationToken stop)
    {
        if (lanes.All.Count == 0)
            return;
        int first = lanes.All.Min(entry => entry.Lane.Position.Epoch);
        int epochs = lanes.All.Max(entry => entry.Lane.Spec.Train.Epochs);
        int step = FirstStep(first);
        observer(new TrainingEvent.CohortStarted([.. lanes.All.Select(entry => entry.Lane.Name)], first, step, epochs, training.StepsPerEpoch));
        for (int epoch = first; epoch <= epochs; epoch++)
        {
            // A lane that is further ahead waits until the others have reached its position.
            lanes.Each(entry => entry.Lane.Position.Epoch == epoch, entry => EndIfComplete(entry, stop));
            lanes.Each(entry => entry.Lane.Position.Epoch == epoch, entry => entry.Lane.StartEpoch());
            if (!lanes.All.Any(entry => entry.Lane.Position.Epoch == epoch))
                continue;
            Stopwatch clock = Stopwatch.StartNew();
            TimeSpan waitedBefore = training.Waited;
            TrainEpoch(epoch, stop);
            var (elapsed, waited) = (clock.Elapsed, training.Waited - waitedBefore);
            waiting.Add(elapsed, waited);
            observer(new TrainingEvent.EpochTrained(epoch, elapsed, waited));
            if (stop.IsCancellationRequested)
            {
                Interrupt();
                return;
            }
            observer(new TrainingEvent.ValidationStarted(epoch));
            clock.Restart();
            Validate(epoch, stop);
            if (stop.IsCancellationRequested)
            {
                // The state was saved after the epoch's training; only its validation remains.
                Interrupt();
                return;
            }
            lanes.Each(entry => entry.Lane.Position.Epoch == epoch, entry => EndEpoch(entry, clock.Elapsed));
            sinceSaved.Restart();
        }
        lanes.Each(_ => true, entry => EndIfComplete(entry, stop));
    }

    /// <summary>The step at which the lanes within an epoch resume it.</summary>
    private int FirstStep(int epoch) => lanes.All.Where(entry => entry.Lane.Position.Epoch == epoch).Min(entry => entry.Lane.Position.Step);

    private void TrainEpoch(int epoch, CancellationToken stop)
    {
        int step = FirstStep(epoch);
        long images = 0;
        if (step == training.StepsPerEpoch)
            return;
        Stopwatch clock = Stopwatch.StartNew();
        lanes.Each(entry => entry.Lane.Position == (epoch, step), entry => entry.Lane.StartClock());
        foreach (Batch batch in training.Epoch(epoch, step))
        {
            using var scope = torch.NewDisposeScope();
            // The teacher computes only what some lane reads: nothing in an epoch in which all its losses are inactive (EDT).
            Taps asked = lanes
                .All.Where(entry => entry.Lane.Position == (epoch, step))
                .Aggregate(default(Taps), (taps, entry) => taps | entry.Lane.Losses.OfTeacher);
            TeacherSignals? signals = asked.IsNone ? null : teacher!.Run(batch, epoch, asked);
            lanes.Each(entry => entry.Lane.Position == (epoch, step), entry => Step(entry, batch, signals, step));
            step++;
            images += batch.Indices.Length;
            observer(new TrainingEvent.StepEnded(epoch, step, images, clock.Elapsed));
            if (sinceSaved.Elapsed >= saveEvery)
                SaveWithin(epoch, step);
            if (stop.IsCancellationRequested || lanes.All.Count == 0)
                break;
        }
    }

    /// <summary>Saves during long epochs.</summary>
    private void SaveWithin(int epoch, int step)
    {
        lanes.Each(
            entry => entry.Lane.Position == (epoch, step),
            entry =>
            {
                if (!lanes.EndIfNonFinite(entry))
                    entry.Files.SaveState(entry.Lane);
            }
        );
        sinceSaved.Restart();
    }

    private void Step(RunningLane entry, Batch batch, TeacherSignals? signals, int step)
    {
        entry.Files.Show(batch, dataset.Descriptor.Normalization);
        entry.Lane.StartClock();
        entry.Lane.Step(batch, signals, training.StepsPerEpoch);
        bool check = checkEveryStep || step + 1 == training.StepsPerEpoch;
        if (check && entry.Lane.Broken() is string loss)
            lanes.End(
                entry,
                RunStatus.Diverged,
                $"In epoch {entry.Lane.Position.Epoch}, step {step + 1}, {loss} became infinite or NaN. {entry.Files.LastCheckpoint} {LaneFiles.Advice}"
            );
    }

    private void Validate(int epoch, CancellationToken stop)
    {
        lanes.Each(entry => entry.Lane.Position.Epoch == epoch, entry => entry.Lane.StartValidation());
        foreach (Batch batch in validation.Epoch(epoch))
        {
            lanes.Each(entry => entry.Lane.Position.Epoch == epoch, entry => entry.Lane.Validate(batch));
            if (stop.IsCancellationRequested)
                break;
        }
    }

    private void EndEpoch(RunningLane entry, TimeSpan validation)
    {
        if (entry.Lane.HasNonFiniteOutputs())
        {
            lanes.End(
                entry,
                RunStatus.Diverged,
                $"After epoch {entry.Lane.Position.Epoch} the student's outputs are infinite or NaN. {entry.Files.LastCheckpoint} {LaneFiles.Advice}"
            );
            return;
        }
        if (lanes.EndIfNonFinite(entry))
            return;
        EpochRecord record = entry.Lane.EndEpoch(training.StepsPerEpoch, validation.TotalSeconds);
        entry.Files.EpochEnded(entry.Lane, record);
        observer(new TrainingEvent.EpochEnded(entry.Lane.Name, record));
    }

    private void EndIfComplete(RunningLane entry, CancellationToken stop)
    {
        if (entry.Lane.Position.Epoch <= entry.Lane.Spec.Train.Epochs)
            return;
        if (dataset.Test is not null)
        {
            observer(new TrainingEvent.ValidationStarted(entry.Lane.Spec.Train.Epochs));
            entry.Files.Test(entry.Lane, () => Evaluation.Errors((images, _) => entry.Lane.Student.forward(images), dataset.Test, device, stop));
        }
        // The state is that of the end of the last epoch; only the test remains.
        lanes.End(entry, stop.IsCancellationRequested && dataset.Test is not null ? RunStatus.Interrupted : RunStatus.Completed);
    }

    private void Interrupt() =>
        lanes.Each(
            _ => true,
            entry =>
            {
                if (lanes.EndIfNonFinite(entry))
                    return;
                entry.Files.SaveState(entry.Lane);
                lanes.End(entry, RunStatus.Interrupted);
            }
        );
}
