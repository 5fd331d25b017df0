namespace ChannelDistillation.Data;

/// <summary>A data file is there, but its content is not what it must be.</summary>
/// <param name="path">The file.</param>
/// <param name="reason">What is wrong, as a clause: "it ends within its header".</param>
public sealed class DamagedFileException(string path, string reason, Exception? inner = null)
    : Exception($"The file {path} is damaged: {reason}.", inner)
{
    public string Path { get; } = path;
}
