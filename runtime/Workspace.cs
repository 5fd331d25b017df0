namespace ChannelDistillation;

/// <summary>Where things lie: datasets, teachers.</summary>
/// <param name="Root">The project's folder; paths in experiments are relative to it.</param>
public sealed record Workspace(string Root)
{
    public string Data => Path.Combine(Root, "data");

    public string Pretrain => Path.Combine(Root, "pretrain");

    public string Resolve(string path) => Path.GetFullPath(path, Root);
}
