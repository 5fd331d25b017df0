using ChannelDistillation.Models;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Losses;

/// <summary>Why a method cannot compare the features of two networks, in words for the user.</summary>
/// <param name="Reason">Behind a colon and without a full stop: "stage is paired with stage, but ...".</param>
/// <param name="Remedy">What to do, as a part of a hint: "choose ...".</param>
public sealed record Mismatch(string Reason, string Remedy);

/// <summary>Which features a method can compare; null: it can.</summary>
internal static class Pairing
{
    /// <summary>For methods that compare each stage with the stage of the same number.</summary>
    public static Mismatch? StageWithStage(FeaturePair features, Parameters parameters) =>
        features.Student.Count == features.Teacher.Count
            ? null
            : new(
                $"stage is paired with stage, but {Stages(features)}",
                $"choose a student with {features.Teacher.Count} stages ({Like(features.Teacher.Count)})"
            );

    /// <summary>"the student has 3 stages and the teacher 4".</summary>
    public static string Stages(FeaturePair features) => $"the student has {features.Student.Count} stages and the teacher {features.Teacher.Count}";

    private static string Like(int stages) =>
        string.Join(", ", ModelCatalog.All.Where(model => model.Stages.Count == stages).Select(model => model.Name));
}
