using ChannelDistillation.Downloads;

namespace ChannelDistillation.Data;

/// <summary>A data file whose content is not as expected.</summary>
/// <param name="path">The file.</param>
/// <param name="reason">What is wrong, as a clause: "it ends within its header".</param>
public sealed class DamagedFileException(string path, string reason, Exception? inner = null)
    : Exception($"The file {path} is damaged: {reason}.", inner)
{
    public string Path { get; } = path;
}

/// <summary>Renames damaged files before they are fetched again.</summary>
internal static class DamagedFiles
{
    /// <summary>Renames rather than deletes, because a file may be the user's own.</summary>
    public static void RenameDamaged(IEnumerable<DamagedFileException> damaged, Downloader downloader)
    {
        foreach (DamagedFileException file in damaged.ToArray())
        {
            File.Move(file.Path, $"{file.Path}.damaged", overwrite: true);
            downloader.Say($"{file.Message} It was renamed to {Path.GetFileName(file.Path)}.damaged and will be fetched again.");
        }
    }
}
