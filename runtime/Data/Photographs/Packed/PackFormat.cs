namespace ChannelDistillation.Data.Photographs.Packed;

/// <summary>What a packed copy holds of each photograph.</summary>
/// <param name="ShortSide">Pixels, the shorter side reduced to this length; null: the file as it is.</param>
public readonly record struct PackFormat(int? ShortSide)
{
    public const int SmallestShortSide = 32;
    public const int LargestShortSide = 4096;

    /// <summary>The original files: trains to the same numbers as the folder.</summary>
    public static PackFormat Files => new(null);

    /// <summary>What the name of a copy ends in: `256`, or `jpeg`.</summary>
    public override string ToString() => ShortSide?.ToString() ?? "jpeg";
}
