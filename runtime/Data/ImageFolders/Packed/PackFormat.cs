using ChannelDistillation.Imaging;

namespace ChannelDistillation.Data.ImageFolders.Packed;

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

/// <summary>A complete packed copy.</summary>
/// <param name="Images">Of both parts.</param>
/// <param name="WasThere">It had been complete before, and checking its shards found nothing to write anew.</param>
/// <param name="Remarks">What a person should know, such as files that could not be read.</param>
public sealed record PackResult(int Images, long Bytes, bool WasThere, int Classes, IReadOnlyList<string> Remarks);
