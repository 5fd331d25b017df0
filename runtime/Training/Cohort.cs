using System.Text.Json;
using ChannelDistillation.Core;
using ChannelDistillation.Data;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Training;

/// <summary>Which runs can be trained in lockstep: those that see the same batches, and the same teacher, computing in the same precision, or none.</summary>
public static class Cohort
{
    /// <summary>Puts runs together that can be lanes of one cohort; the order of runs, and of cohorts by their first run, is kept.</summary>
    public static IReadOnlyList<IReadOnlyList<T>> Group<T>(IEnumerable<T> runs, Func<T, RunSpec> spec)
    {
        var parts = new Parts();
        var cohorts = new List<IReadOnlyList<T>>();
        foreach (var sameBatches in runs.GroupBy(run => parts.BatchesOf(spec(run))))
        {
            var taught = sameBatches.Where(run => spec(run).Teacher is not null).GroupBy(run => parts.TeacherOf(spec(run))).ToArray();
            // A run without a teacher costs nothing in the company of runs with one: it only skips the teacher's answers.
            cohorts.Add([
                .. sameBatches.Where(run => taught.Length == 0 || spec(run).Teacher is null || parts.TeacherOf(spec(run)) == taught[0].Key),
            ]);
            cohorts.AddRange(taught.Skip(1).Select(group => group.ToArray()));
        }
        return cohorts;
    }

    /// <summary>Whether all of these can be lanes of one cohort.</summary>
    public static bool IsOne(IReadOnlyList<RunSpec> runs)
    {
        var parts = new Parts();
        return runs.Select(parts.BatchesOf).Distinct().Count() == 1
            && runs.Where(run => run.Teacher is not null).Select(parts.TeacherOf).Distinct().Count() <= 1;
    }

    /// <summary>What tells batches and teachers apart. Specs of one experiment share most of their parts: each is looked at once.</summary>
    private sealed class Parts
    {
        private readonly Dictionary<object, string> hashes = new(ReferenceEqualityComparer.Instance);

        public (string Dataset, int Batch, long Seed) BatchesOf(RunSpec spec) =>
            (HashOf(spec.Dataset, json => SpecJson.Write(json, spec.Dataset)), spec.Train.Batch, spec.DataSeed);

        /// <summary>It answers its students in their precision.</summary>
        public (string Teacher, Precision Precision) TeacherOf(RunSpec spec) =>
            (HashOf(spec.Teacher!, json => SpecJson.Write(json, spec.Teacher)), spec.Train.Precision);

        private string HashOf(object part, Action<Utf8JsonWriter> write)
        {
            if (!hashes.TryGetValue(part, out string? hash))
            {
                hash = SpecJson.HashOf(json =>
                {
                    json.WriteStartObject();
                    write(json);
                    json.WriteEndObject();
                });
                hashes[part] = hash;
            }
            return hash;
        }
    }
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

    /// <summary>What networks compute in on the CPU.</summary>
    public LayoutRequest Layout { get; init; }

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
