using System.Globalization;

namespace ChannelDistillation.TorchScript;

/// <summary>Kind of an input of a loss from Python.</summary>
public enum LossArgumentKind
{
    /// <summary>[batch, classes].</summary>
    Logits,

    /// <summary>[batch, width].</summary>
    Embedding,

    /// <summary>[batch, channels, height, width].</summary>
    Stage,

    /// <summary>[batch, channels].</summary>
    ChannelMeans,

    /// <summary>int64 [batch].</summary>
    Labels,

    /// <summary>int64 [batch], positions in the training set.</summary>
    Indices,

    /// <summary>An integer, from 1.</summary>
    Epoch,
}

/// <param name="Name">As in the archive: `teacher.stage2`.</param>
/// <param name="OfTeacher">Whether it is a teacher output; otherwise a student output or neither.</param>
/// <param name="Stage">From 0, for stages and channel means.</param>
public sealed record LossArgument(string Name, LossArgumentKind Kind, bool OfTeacher, int Stage)
{
    /// <exception cref="InvalidDataException">The name is unknown.</exception>
    public static LossArgument Parse(string name)
    {
        string[] parts = name.Split('.');
        bool ofTeacher = parts[0] == "teacher";
        bool ofNetwork = ofTeacher || parts[0] == "student";
        LossArgumentKind? kind = parts switch
        {
            ["labels"] => LossArgumentKind.Labels,
            ["indices"] => LossArgumentKind.Indices,
            ["epoch"] => LossArgumentKind.Epoch,
            [_, "logits"] when ofNetwork => LossArgumentKind.Logits,
            [_, "embedding"] when ofNetwork => LossArgumentKind.Embedding,
            [_, "channel_means", var number] when ofNetwork && IsStage(number) => LossArgumentKind.ChannelMeans,
            [_, var output] when ofNetwork && output.StartsWith("stage", StringComparison.Ordinal) && IsStage(output[5..]) => LossArgumentKind.Stage,
            _ => null,
        };
        if (kind is not { } known)
            throw new InvalidDataException(
                $"Its input `{name}` is unknown: inputs are `student.X` and `teacher.X` with X one of `stageN`, `embedding`, `logits`, `channel_means.N`; and `labels`, `indices`, `epoch`."
            );
        int stage = known switch
        {
            LossArgumentKind.Stage => Number(parts[1][5..]) - 1,
            LossArgumentKind.ChannelMeans => Number(parts[2]) - 1,
            _ => -1,
        };
        return new(name, known, ofTeacher, stage);
    }

    private static bool IsStage(string text) => Number(text) is >= 1 and <= 32;

    private static int Number(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0;
}
