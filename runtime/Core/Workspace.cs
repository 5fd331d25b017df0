namespace ChannelDistillation.Core;

/// <summary>Locations of datasets, teachers and cached teacher outputs.</summary>
/// <param name="Root">The project folder; paths in experiments are relative to it.</param>
public sealed record Workspace(string Root)
{
    public string Data => Path.Combine(Root, "data");

    public string Pretrain => Path.Combine(Root, "pretrain");

    /// <summary>Files that can be recomputed. They may be deleted whenever nothing is running.</summary>
    public string Cache => Path.Combine(Root, "cache");

    public string Resolve(string path) => Path.GetFullPath(path, Root);
}
