using ChannelDistillation.Core;
using ChannelDistillation.Data;
using ChannelDistillation.Downloads;

namespace ChannelDistillation.Teachers;

/// <summary>The files of known teachers, under pretrain/.</summary>
public static class KnownTeacherStore
{
    public static string PathOf(KnownTeacher teacher, Workspace workspace) => workspace.Resolve(teacher.Checkpoint);

    public static bool IsHere(KnownTeacher teacher, Workspace workspace) => File.Exists(PathOf(teacher, workspace));

    /// <summary>What to say where its file is not there: the command that brings it, or what to do where none does.</summary>
    public static string WhatIsMissing(KnownTeacher teacher) =>
        teacher.Download is null
            ? $"The teacher {teacher.Name} is not in {teacher.Checkpoint}. {teacher.Note}"
            : $"The teacher {teacher.Name} is not in {teacher.Checkpoint}. To fetch it: dotnet fsi build.fsx teacher fetch {teacher.Name}";

    /// <summary>Downloads its file. One that is there is verified, and fetched anew where it has changed; nobody can verify one that nobody offers.</summary>
    /// <exception cref="MissingException">It could not be had; the message says why and what to do.</exception>
    /// <exception cref="OperationCanceledException">Asked to stop; what has come is kept.</exception>
    public static void Fetch(KnownTeacher teacher, Workspace workspace, Downloader downloader, CancellationToken stop)
    {
        string path = PathOf(teacher, workspace);
        if (teacher.Download is { } file)
        {
            DamagedFiles.SetAside(Checksums.Changed(path, file), downloader);
            downloader.Bring(file, path, stop);
        }
        else if (!File.Exists(path))
            throw new MissingException(WhatIsMissing(teacher));
    }
}
