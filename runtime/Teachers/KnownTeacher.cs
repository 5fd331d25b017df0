using ChannelDistillation.Downloads;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Teachers;

/// <summary>A teacher that an experiment can name without saying more: an entry of pretrain/teachers.yaml.</summary>
public sealed record KnownTeacher
{
    public required string Name { get; init; }

    public required string Doc { get; init; }

    /// <summary>A name of the model catalog.</summary>
    public required string Model { get; init; }

    /// <summary>What it was trained on, a name of the dataset catalog.</summary>
    public required string Dataset { get; init; }

    /// <summary>Its name under pretrain/.</summary>
    public required string File { get; init; }

    /// <summary>As its source publishes it, on the validation images, percent.</summary>
    public required double Top1Error { get; init; }

    /// <summary>The same; null where its source does not publish it.</summary>
    public double? Top5Error { get; init; }

    public required string License { get; init; }

    /// <summary>Who made it, and where the errors are from.</summary>
    public required string Source { get; init; }

    /// <summary>What to do where it cannot be fetched; null where it can.</summary>
    public string? Note { get; init; }

    /// <summary>Where it is fetched from; null: nobody offers it.</summary>
    public RemoteFile? Download { get; init; }

    /// <summary>Its path as an experiment would write it.</summary>
    public string Checkpoint => $"pretrain/{File}";

    /// <summary>What an experiment means that names it.</summary>
    public TeacherSpec Spec(TeacherBatchNorm batchNorm) =>
        new()
        {
            Model = new(Model),
            Checkpoint = Checkpoint,
            BatchNorm = batchNorm,
        };
}
