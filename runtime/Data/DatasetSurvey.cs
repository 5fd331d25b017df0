namespace ChannelDistillation.Data;

/// <summary>What a look at a dataset that is there tells before it is opened.</summary>
/// <param name="Descriptor">With the number of its images, where the catalog does not know it.</param>
/// <param name="Remarks">Sentences on how it is read, and on files that are not used or not as they are.</param>
public sealed record DatasetSurvey(DatasetDescriptor Descriptor, IReadOnlyList<string> Remarks);
