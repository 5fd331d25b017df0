using System.Runtime.InteropServices;
using ChannelDistillation.Core;
using ChannelDistillation.Native;
using ChannelDistillation.Runs;
using ChannelDistillation.Specs;
using TorchSharp;

namespace ChannelDistillation.Training;

/// <remarks>A cohort that does not fit in memory is trained in smaller parts, one after the other.</remarks>
public sealed partial class CohortTrainer
{
    /// <summary>Trains every lane to its last epoch, resuming from its checkpoint if it has one.</summary>
    /// <param name="specs">At least one; lanes of one cohort (<see cref="Cohort.Group"/>).</param>
    /// <param name="stop">Saves after the current step and returns; the runs are then `interrupted`.</param>
    /// <exception cref="MissingException">The dataset, the teacher's checkpoint or the device is missing, or there is not enough disk space or memory.</exception>
    /// <exception cref="DeviceLostException">The runs are `interrupted`, and this process can no longer use the device.</exception>
    public static void Train(IReadOnlyList<LaneSpec> specs, TrainingOptions options, Action<TrainingEvent> observer, CancellationToken stop)
    {
        if (!Cohort.IsOne([.. specs.Select(lane => lane.Spec)]))
            throw new ArgumentException("The lanes of a cohort must share dataset, teacher, batch size and data seed.", nameof(specs));
        var device = new torch.Device(options.Device);
        string? notSaved = DeviceErrors.TranslateErrors(
            device,
            () =>
                TrainParts([.. ByTeacherLayout(specs, options).SelectMany(part => Fitting(part, options, device, observer))], options, observer, stop)
        );
        if (notSaved is not null)
            throw new MissingException(notSaved);
    }

    /// <summary>
    /// The lanes with their layouts. Lanes whose teachers have different layouts are trained separately; those without a teacher join the first.
    /// </summary>
    private static IEnumerable<IReadOnlyList<LaneSpec>> ByTeacherLayout(IReadOnlyList<LaneSpec> specs, TrainingOptions options)
    {
        LaneSpec[] lanes = [.. specs.Select(lane => lane with { Layouts = options.Layouts.Of(lane.Spec, new RunFolder(lane.Folder).ReadLayouts()) })];
        TensorLayout? first = lanes.FirstOrDefault(lane => lane.Spec.Teacher is not null)?.Layouts.Teacher;
        return lanes.GroupBy(lane => lane.Layouts.Teacher ?? first).Select(part => part.ToArray());
    }

    /// <returns>Why the state of a lane could not be saved; null if all were saved.</returns>
    private static string? TrainParts(
        IReadOnlyList<IReadOnlyList<LaneSpec>> parts,
        TrainingOptions options,
        Action<TrainingEvent> observer,
        CancellationToken stop
    )
    {
        string? notSaved = null;
        var cohorts = new Queue<IReadOnlyList<LaneSpec>>(parts);
        while (!stop.IsCancellationRequested && cohorts.TryDequeue(out IReadOnlyList<LaneSpec>? cohort))
        {
            Lanes lanes = TrainTogether(cohort, options, observer, stop);
            notSaved ??= lanes.NotSaved;
            foreach (IReadOnlyList<LaneSpec> smaller in lanes.Postponed)
                cohorts.Enqueue(smaller);
        }
        return notSaved;
    }

    private static IReadOnlyList<IReadOnlyList<LaneSpec>> Fitting(
        IReadOnlyList<LaneSpec> specs,
        TrainingOptions options,
        torch.Device device,
        Action<TrainingEvent> observer
    ) =>
        options.FitLanes && device.type == DeviceType.CUDA
            ? LaneFit.Split(specs, device, () => DeviceMemory.Take(LaneFit.Reserve, device), observer.Say)
            : [specs];

    /// <returns>What became of the lanes.</returns>
    private static Lanes TrainTogether(
        IReadOnlyList<LaneSpec> cohort,
        TrainingOptions options,
        Action<TrainingEvent> observer,
        CancellationToken stop
    )
    {
        DeviceMemory.ForgetPeak();
        var trainer = new CohortTrainer(cohort, options, observer, stop);
        bool isLost = false;
        try
        {
            trainer.RunGuarded(stop);
            foreach (string remark in trainer.dataset.Remarks())
                options.Remark(remark);
            if (MomentumSgd.Remark(trainer.device) is { } unfused)
                options.Remark(unfused);
            if (trainer.waiting.Remark is { } slow)
                options.Remark(slow);
            return trainer.lanes;
        }
        catch (ExternalException error) when (DeviceErrors.IsDeviceLost(error, trainer.device))
        {
            isLost = true;
            trainer.lanes.Abandon(new DeviceLostException(DeviceErrors.Said(error), error).Message);
            throw;
        }
        finally
        {
            // On a lost device nothing can be freed: attempts fail, some within libtorch without an exception. The process is about to end.
            if (!isLost)
                trainer.Dispose();
        }
    }
}
