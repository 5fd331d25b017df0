using ChannelDistillation.Data;
using ChannelDistillation.Models;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Training;

/// <summary>Which runs can be trained in lockstep: those that see the same batches, and the same teacher, computing in the same precision, or none.</summary>
public static class Cohort
{
    /// <summary>Puts runs together that can be lanes of one cohort; the order of runs, and of cohorts by their first run, is kept.</summary>
    public static IReadOnlyList<IReadOnlyList<T>> Group<T>(IEnumerable<T> runs, Func<T, RunSpec> spec)
    {
        var cohorts = new List<IReadOnlyList<T>>();
        foreach (var sameBatches in runs.GroupBy(run => BatchesOf(spec(run))))
        {
            // A run without a teacher costs nothing in the company of runs with one: it only skips the teacher's answers.
            T[] alone = [.. sameBatches.Where(run => spec(run).Teacher is null)];
            T[][] taught =
            [
                .. sameBatches.Where(run => spec(run).Teacher is not null).GroupBy(run => TeacherOf(spec(run))).Select(group => group.ToArray()),
            ];
            if (taught.Length == 0)
            {
                cohorts.Add(alone);
                continue;
            }
            HashSet<T> first = [.. alone, .. taught[0]];
            cohorts.Add([.. sameBatches.Where(first.Contains)]);
            cohorts.AddRange(taught.Skip(1));
        }
        return cohorts;
    }

    /// <summary>Whether all of these can be lanes of one cohort.</summary>
    public static bool IsOne(IReadOnlyList<RunSpec> runs) =>
        runs.Select(BatchesOf).Distinct().Count() == 1 && runs.Where(run => run.Teacher is not null).Select(TeacherOf).Distinct().Count() <= 1;

    private static string BatchesOf(RunSpec spec) =>
        SpecJson.HashOf(json =>
        {
            json.WriteStartObject();
            SpecJson.Write(json, spec.Dataset);
            json.WriteNumber("batch", spec.Train.Batch);
            json.WriteNumber("data_seed", spec.DataSeed);
            json.WriteEndObject();
        });

    private static string TeacherOf(RunSpec spec) =>
        SpecJson.HashOf(json =>
        {
            json.WriteStartObject();
            SpecJson.Write(json, spec.Teacher);
            // It answers its students in their precision.
            json.WriteString("precision", SpecJson.NameOf(spec.Train.Precision));
            json.WriteEndObject();
        });
}

/// <summary>A run to be trained as one lane of a cohort.</summary>
/// <param name="Name">How it is shown.</param>
/// <param name="Folder">Where its records and checkpoints lie; made when training starts.</param>
public sealed record LaneSpec(string Name, RunSpec Spec, string Folder)
{
    /// <summary>Whether the folder is still this process's; nothing is written to it when it is not.</summary>
    public Func<bool> IsOurs { get; init; } = () => true;

    /// <summary>What its networks compute in; set by the trainer.</summary>
    internal RunLayouts Layouts { get; init; } = RunLayouts.ChannelsLast;
}

/// <param name="Device">`cpu`, `cuda` or `cuda:N`.</param>
public sealed record TrainingOptions(Workspace Workspace, string Device)
{
    /// <summary>How datasets are opened; tests train on tiny ones of their own.</summary>
    public Func<DatasetSpec, Dataset> OpenDataset { get; init; } = dataset => DatasetStore.Open(dataset, Workspace);

    /// <summary>After this long within an epoch the state is saved; it always is at an epoch's end.</summary>
    public TimeSpan SaveEvery { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>What networks compute in on the CPU; null: what a run began with, else the faster one (<see cref="LayoutChoice"/>).</summary>
    public TensorLayout? Layout { get; init; }

    internal LayoutChoice Layouts => new(Workspace, Device, Layout);

    /// <summary>Whether a cohort that a GPU's memory does not hold is split before it is trained; else it is halved when memory has run out.</summary>
    public bool FitLanes { get; init; }

    /// <summary>Told what a person should know of the data once they were read, such as files that turned out to be broken.</summary>
    public Action<string> Remark { get; init; } = _ => { };

    /// <summary>The dataset as a run sees it: with what it holds out.</summary>
    internal Dataset Open(DatasetSpec spec)
    {
        Dataset dataset = OpenDataset(spec);
        return spec.HeldOut is { } held ? dataset.HoldOut(held) : dataset;
    }
}
