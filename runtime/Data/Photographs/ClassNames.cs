namespace ChannelDistillation.Data.Photographs;

/// <summary>Lists of class names in messages.</summary>
internal static class ClassNames
{
    private const int Shown = 3;

    /// <summary>Those that the others lack, in words: `class cat`, `classes cat, dog, horse and 12 more`; null: none.</summary>
    public static string? Without(IReadOnlyList<string> names, IReadOnlyList<string> others)
    {
        string[] missing = [.. names.Except(others)];
        var listed = string.Join(", ", missing.Take(Shown));
        return missing.Length switch
        {
            0 => null,
            1 => $"the class {listed}",
            <= Shown => $"the classes {listed}",
            _ => $"the classes {listed} and {missing.Length - Shown} more",
        };
    }
}
