using System.Text.Json;
using ChannelDistillation.Core;
using ChannelDistillation.Data;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Training;

/// <summary>Determines which runs can be trained in lockstep: those with the same batches, and with the same teacher in the same precision or none.</summary>
public static class Cohort
{
    /// <summary>Groups runs into cohorts; the order of runs, and of cohorts by their first run, is preserved.</summary>
    public static IReadOnlyList<IReadOnlyList<T>> Group<T>(IEnumerable<T> runs, Func<T, RunSpec> spec)
    {
        var parts = new Parts();
        var cohorts = new List<IReadOnlyList<T>>();
        foreach (var sameBatches in runs.GroupBy(run => parts.BatchesOf(spec(run))))
        {
            var taught = sameBatches.Where(run => spec(run).Teacher is not null).GroupBy(run => parts.TeacherOf(spec(run))).ToArray();
            // A run without a teacher adds no cost to a cohort with one: it ignores the teacher's outputs.
            cohorts.Add([
                .. sameBatches.Where(run => taught.Length == 0 || spec(run).Teacher is null || parts.TeacherOf(spec(run)) == taught[0].Key),
            ]);
            cohorts.AddRange(taught.Skip(1).Select(group => group.ToArray()));
        }
        return cohorts;
    }

    /// <summary>Whether all of these runs can be lanes of one cohort.</summary>
    public static bool IsOne(IReadOnlyList<RunSpec> runs)
    {
        var parts = new Parts();
        return runs.Select(parts.BatchesOf).Distinct().Count() == 1
            && runs.Where(run => run.Teacher is not null).Select(parts.TeacherOf).Distinct().Count() <= 1;
    }

    /// <summary>Keys that distinguish batches and teachers. Specs of one experiment share most of their parts; each part is hashed once.</summary>
    private sealed class Parts
    {
        private readonly Dictionary<object, string> hashes = new(ReferenceEqualityComparer.Instance);

        public (string Dataset, int Batch, long Seed) BatchesOf(RunSpec spec) =>
            (HashOf(spec.Dataset, json => SpecJson.Write(json, spec.Dataset)), spec.Train.Batch, spec.DataSeed);

        /// <summary>The precision is part of the key, because the teacher computes in its students' precision.</summary>
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
/// <param name="Name">Name for display.</param>
/// <param name="Folder">Folder for its records and checkpoints; created when training starts.</param>
public sealed record LaneSpec(string Name, RunSpec Spec, string Folder)
{
    /// <summary>Whether this process still owns the folder; otherwise nothing is written to it.</summary>
    public Func<bool> IsLeaseHeld { get; init; } = () => true;

    /// <summary>Memory layouts of its networks; set by the trainer.</summary>
    internal RunLayouts Layouts { get; init; } = RunLayouts.ChannelsLast;
}

/// <param name="Device">`cpu`, `cuda` or `cuda:N`.</param>
public sealed record TrainingOptions(Workspace Workspace, string Device)
{
    /// <summary>Opens datasets; tests replace it to train on tiny ones.</summary>
    public Func<DatasetSpec, Dataset> OpenDataset { get; init; } = dataset => DatasetStore.Open(dataset, Workspace);

    /// <summary>Maximum time between saves of the training state within an epoch; it is always saved at an epoch's end.</summary>
    public TimeSpan SaveEvery { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Memory layout of networks on the CPU.</summary>
    public LayoutRequest Layout { get; init; }

    internal LayoutChoice Layouts => new(Workspace, Device, Layout);

    /// <summary>Whether a cohort that does not fit in GPU memory is split before training; otherwise it is halved when memory runs out.</summary>
    public bool FitLanes { get; init; }

    /// <summary>Receives remarks for the user about the data, such as unreadable files.</summary>
    public Action<string> Remark { get; init; } = _ => { };

    /// <summary>Opens the dataset of a run, including its hold-out split.</summary>
    internal Dataset Open(DatasetSpec spec)
    {
        Dataset dataset = OpenDataset(spec);
        return spec.HoldOut is { } held ? dataset.HoldOut(held) : dataset;
    }
}
