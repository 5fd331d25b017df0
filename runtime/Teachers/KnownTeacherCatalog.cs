using ChannelDistillation.Specs;

namespace ChannelDistillation.Teachers;

/// <summary>Every teacher that an experiment can name. A new one is an entry in pretrain/teachers.yaml, which is embedded in this assembly.</summary>
public static class KnownTeacherCatalog
{
    public static IReadOnlyList<KnownTeacher> All { get; } =
    [.. EmbeddedYaml.Load<KnownTeacherYaml>("teachers.yaml").Select(entry => entry.ToKnownTeacher())];

    public static KnownTeacher? Find(string name) => All.FirstOrDefault(teacher => teacher.Name == name);

    /// <summary>The known teacher of a network with a file under a path that is relative to the project, however it is written; null: it is another file.</summary>
    public static KnownTeacher? Of(string model, string? path) =>
        path is null ? null : All.FirstOrDefault(known => known.Model == model && Plain(known.Checkpoint) == Plain(path));

    /// <summary>Without `.` and `..`.</summary>
    private static string Plain(string path) => Path.GetFullPath(path, Path.GetTempPath());

    /// <summary>The known teacher whose file a teacher reads, under whatever path it is written; null: it is somebody else's file.</summary>
    public static KnownTeacher? Of(TeacherSpec teacher, Workspace workspace) =>
        teacher.Checkpoint is { } path
            ? All.FirstOrDefault(known => known.Model == teacher.Model.Name && workspace.Resolve(known.Checkpoint) == workspace.Resolve(path))
            : null;
}
