using ChannelDistillation.Core;
using ChannelDistillation.Data;
using ChannelDistillation.Downloads;

namespace ChannelDistillation.Teachers;

/// <summary>The files of known teachers, under pretrain/.</summary>
public static class KnownTeacherStore
{
    public static string PathOf(KnownTeacher teacher, Workspace workspace) => workspace.Resolve(teacher.Checkpoint);

    public static bool Exists(KnownTeacher teacher, Workspace workspace) => File.Exists(PathOf(teacher, workspace));

    /// <summary>The message for a missing teacher: the command that fetches it, or how to get it.</summary>
    public static string MissingMessage(KnownTeacher teacher) =>
        teacher.Download is null
            ? $"The teacher {teacher.Name} is not in {teacher.Checkpoint}. {teacher.Note}"
            : $"The teacher {teacher.Name} is not in {teacher.Checkpoint}. To fetch it: dotnet fsi build.fsx teacher fetch {teacher.Name}";

    /// <summary>Downloads a teacher's file. An existing file is verified, and fetched again if it has changed. Without a download there is no checksum to verify.</summary>
    /// <exception cref="MissingException">The file cannot be fetched; the message says why and what to do.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the downloaded part is kept.</exception>
    public static void Fetch(KnownTeacher teacher, Workspace workspace, Downloader downloader, CancellationToken stop)
    {
        string path = PathOf(teacher, workspace);
        if (teacher.Download is { } file)
        {
            DamagedFiles.RenameDamaged(Checksums.Changed(path, file), downloader);
            downloader.Bring(file, path, stop);
        }
        else if (!File.Exists(path))
            throw new MissingException(MissingMessage(teacher));
    }
}
