using ChannelDistillation.Core;
using ChannelDistillation.Downloads;
using ChannelDistillation.Models.Layers;
using ChannelDistillation.Specs;
using YamlDotNet.Serialization;

namespace ChannelDistillation.Teachers;

/// <summary>A teacher that an experiment can refer to by name: an entry of pretrain/teachers.yaml.</summary>
public sealed record KnownTeacher
{
    public required string Name { get; init; }

    public required string Doc { get; init; }

    /// <summary>A name in the model catalog.</summary>
    public required string Model { get; init; }

    /// <summary>The dataset that it was trained on, a name in the dataset catalog.</summary>
    public required string Dataset { get; init; }

    /// <summary>File name under pretrain/.</summary>
    public required string File { get; init; }

    /// <summary>On the validation images, in percent, as published by its source.</summary>
    public required double Top1Error { get; init; }

    /// <summary>In percent; null if its source does not publish it.</summary>
    public double? Top5Error { get; init; }

    public required string License { get; init; }

    /// <summary>Its authors, and the source of its errors.</summary>
    public required string Source { get; init; }

    /// <summary>What to do if it cannot be fetched; null if it can.</summary>
    public string? Note { get; init; }

    /// <summary>The download; null if there is none.</summary>
    public RemoteFile? Download { get; init; }

    /// <summary>Its path as written in experiments.</summary>
    public string Checkpoint => $"pretrain/{File}";

    /// <summary>The teacher spec that its name stands for.</summary>
    public TeacherSpec Spec(TeacherBatchNorm batchNorm) =>
        new()
        {
            Model = new(Model),
            Checkpoint = Checkpoint,
            BatchNorm = batchNorm,
        };
}

/// <summary>All teachers that an experiment can refer to by name. To add one, add an entry to pretrain/teachers.yaml, which is embedded in this assembly.</summary>
public static class KnownTeacherCatalog
{
    public static IReadOnlyList<KnownTeacher> All { get; } =
    [.. EmbeddedYaml.Load<KnownTeacherYaml>("teachers.yaml").Select(entry => entry.ToKnownTeacher())];

    public static KnownTeacher? Find(string name) => All.FirstOrDefault(teacher => teacher.Name == name);

    /// <summary>The known teacher with this model and file; the path is relative to the project, in any spelling. Null if there is none.</summary>
    public static KnownTeacher? Of(string model, string? path) =>
        path is null ? null : All.FirstOrDefault(known => known.Model == model && Normalise(known.Checkpoint) == Normalise(path));

    /// <summary>The path without `.` and `..`.</summary>
    private static string Normalise(string path) => Path.GetFullPath(path, Path.GetTempPath());

    /// <summary>The known teacher whose file a teacher uses, in any spelling of its path; null if it is another file.</summary>
    public static KnownTeacher? Of(TeacherSpec teacher, Workspace workspace) =>
        teacher.Checkpoint is { } path
            ? All.FirstOrDefault(known => known.Model == teacher.Model.Name && workspace.Resolve(known.Checkpoint) == workspace.Resolve(path))
            : null;
}

/// <summary>One entry of pretrain/teachers.yaml.</summary>
internal sealed class KnownTeacherYaml
{
    public required string Name { get; set; }

    public required string Doc { get; set; }

    public required string Model { get; set; }

    public required string Dataset { get; set; }

    public required string File { get; set; }

    [YamlMember(Alias = "top1_error", ApplyNamingConventions = false)]
    public required double Top1Error { get; set; }

    [YamlMember(Alias = "top5_error", ApplyNamingConventions = false)]
    public double? Top5Error { get; set; }

    public required string License { get; set; }

    public required string Source { get; set; }

    public string? Note { get; set; }

    public string? Url { get; set; }

    public long Bytes { get; set; }

    public string? Sha256 { get; set; }

    public KnownTeacher ToKnownTeacher() =>
        new()
        {
            Name = Name,
            Doc = Doc,
            Model = Model,
            Dataset = Dataset,
            File = File,
            Top1Error = Top1Error,
            Top5Error = Top5Error,
            License = License,
            Source = Source,
            Note = Note,
            Download = Url is null ? null : new RemoteFile(File, new Uri(Url), Bytes, Sha256!),
        };
}
