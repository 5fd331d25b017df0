using ChannelDistillation.Specs;

namespace ChannelDistillation.Losses;

/// <summary>Which features a method can compare; the answers are for the user, null: it can.</summary>
internal static class Pairing
{
    /// <summary>For methods that compare each stage with the stage of the same number.</summary>
    public static Func<FeaturePair, Parameters, string?> StageWithStage(string loss) =>
        (features, _) =>
            features.Student.Count == features.Teacher.Count
                ? null
                : $"`{loss}` pairs stage with stage, but the student has {features.Student.Count} stages and the teacher {features.Teacher.Count}";
}
