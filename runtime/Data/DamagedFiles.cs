using ChannelDistillation.Downloads;

namespace ChannelDistillation.Data;

/// <summary>A data file is there, but its content is not what it must be.</summary>
/// <param name="path">The file.</param>
/// <param name="reason">What is wrong, as a clause: "it ends within its header".</param>
public sealed class DamagedFileException(string path, string reason, Exception? inner = null)
    : Exception($"The file {path} is damaged: {reason}.", inner)
{
    public string Path { get; } = path;
}

/// <summary>What happens to files that are not what they must be before they are fetched anew.</summary>
internal static class DamagedFiles
{
    /// <summary>Renamed and not removed: it may be somebody's own work.</summary>
    public static void SetAside(IEnumerable<DamagedFileException> damaged, Downloader downloader)
    {
        foreach (DamagedFileException file in damaged.ToArray())
        {
            File.Move(file.Path, $"{file.Path}.damaged", overwrite: true);
            downloader.Say($"{file.Message} It is now called {Path.GetFileName(file.Path)}.damaged, and is fetched anew.");
        }
    }
}
