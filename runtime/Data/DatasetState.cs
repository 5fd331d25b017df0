namespace ChannelDistillation.Data;

/// <summary>Which parts of a dataset are on this machine.</summary>
/// <param name="Folder">The folder that it is read from; null if it is incomplete.</param>
/// <param name="Home">The folder that it is in, or would be put into.</param>
/// <param name="Missing">Missing files, as paths relative to <paramref name="Home"/>.</param>
/// <param name="BytesOnDisk">Size of the existing files, including partial downloads; null if unknown.</param>
/// <param name="IsBegun">Whether any part of it exists.</param>
public sealed record DatasetState(string? Folder, string Home, IReadOnlyList<string> Missing, long? BytesOnDisk, bool IsBegun);

/// <summary>Properties of a complete dataset that are found before it is opened.</summary>
/// <param name="Descriptor">With the number of images, if the catalog does not have it.</param>
/// <param name="Remarks">Sentences on how it is read, and on files that are skipped or converted.</param>
public sealed record DatasetSurvey(DatasetDescriptor Descriptor, IReadOnlyList<string> Remarks);
