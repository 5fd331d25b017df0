using ChannelDistillation.Models;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Losses;

/// <summary>Why a method cannot compare the features of two networks, for messages.</summary>
/// <param name="Reason">A clause for use after a colon, without a full stop.</param>
/// <param name="Remedy">What to do, as part of a hint: "choose ...".</param>
public sealed record Mismatch(string Reason, string Remedy);

/// <summary>Checks which features a method can compare.</summary>
internal static class Pairing
{
    /// <summary>For methods that compare each stage with the stage of the same number; null if they can be paired.</summary>
    public static Mismatch? StageWithStage(FeaturePair features, Parameters parameters) =>
        features.Student.Count == features.Teacher.Count
            ? null
            : new(
                $"stages are paired one to one, but {Stages(features)}",
                $"choose a student with {features.Teacher.Count} stages ({Like(features.Teacher.Count)})"
            );

    /// <summary>"the student has 3 stages and the teacher 4".</summary>
    public static string Stages(FeaturePair features) => $"the student has {features.Student.Count} stages and the teacher {features.Teacher.Count}";

    private static string Like(int stages) =>
        string.Join(", ", ModelCatalog.All.Where(model => model.Stages.Count == stages).Select(model => model.Name));
}
