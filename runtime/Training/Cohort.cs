using ChannelDistillation.Specs;

namespace ChannelDistillation.Training;

/// <summary>Which runs can be trained in lockstep.</summary>
public static class Cohort
{
    /// <summary>Runs with equal keys see the same batches and the same teacher, and may be lanes of one cohort.</summary>
    public static string Key(RunSpec spec) =>
        SpecJson.HashOf(json =>
        {
            json.WriteStartObject();
            SpecJson.Write(json, spec.Dataset);
            SpecJson.Write(json, spec.Teacher);
            json.WriteNumber("batch", spec.Train.Batch);
            json.WriteNumber("data_seed", spec.DataSeed);
            json.WriteEndObject();
        });
}

/// <summary>A run to be trained as one lane of a cohort.</summary>
/// <param name="Name">How it is shown.</param>
/// <param name="Folder">Where its records and checkpoints lie; made when training starts.</param>
public sealed record LaneSpec(string Name, RunSpec Spec, string Folder);

/// <param name="Device">`cpu`, `cuda` or `cuda:N`.</param>
public sealed record TrainingOptions(Workspace Workspace, string Device);
