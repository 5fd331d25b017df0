using ChannelDistillation.Downloads;
using YamlDotNet.Serialization;

namespace ChannelDistillation.Teachers;

/// <summary>One entry of pretrain/teachers.yaml as it is written there.</summary>
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
