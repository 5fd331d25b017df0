namespace ChannelDistillation.Core;

/// <summary>Where things lie: datasets, teachers, what is kept of their answers.</summary>
/// <param name="Root">The project's folder; paths in experiments are relative to it.</param>
public sealed record Workspace(string Root)
{
    public string Data => Path.Combine(Root, "data");

    public string Pretrain => Path.Combine(Root, "pretrain");

    /// <summary>What can be computed again, and may be deleted at any time when nothing runs.</summary>
    public string Cache => Path.Combine(Root, "cache");

    public string Resolve(string path) => Path.GetFullPath(path, Root);
}
