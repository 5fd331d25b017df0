using ChannelDistillation.Imaging;

namespace ChannelDistillation.Data.ImageFolders.Packed;

/// <summary>Content of a packed copy.</summary>
/// <param name="ShortSide">Length in pixels that the shorter side is reduced to; null: original files.</param>
public readonly record struct PackFormat(int? ShortSide)
{
    public const int SmallestShortSide = 32;
    public const int LargestShortSide = 4096;

    /// <summary>The original files: training produces the same results as with the folder.</summary>
    public static PackFormat Files => new(null);

    /// <summary>The end of a copy's name: `256`, or `jpeg`.</summary>
    public override string ToString() => ShortSide?.ToString() ?? "jpeg";
}

/// <summary>A complete packed copy.</summary>
/// <param name="Images">Of both parts.</param>
/// <param name="WasThere">Whether it was already complete and no shard had to be rewritten.</param>
/// <param name="Remarks">Remarks for the user, such as unreadable files.</param>
public sealed record PackResult(int Images, long Bytes, bool WasThere, int Classes, IReadOnlyList<string> Remarks);
