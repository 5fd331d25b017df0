namespace ChannelDistillation.Data;

/// <summary>What of a dataset lies on this machine.</summary>
/// <param name="Folder">Where all of it lies, and is read from; null: it is not complete.</param>
/// <param name="Home">Where it is, or would be put.</param>
/// <param name="Missing">Paths, relative to <paramref name="Home"/>, of what is not there.</param>
/// <param name="BytesOnDisk">Of its files that are there, parts of downloads among them; null: nobody has counted them.</param>
/// <param name="IsBegun">Something of it is there.</param>
public sealed record DatasetState(string? Folder, string Home, IReadOnlyList<string> Missing, long? BytesOnDisk, bool IsBegun);

/// <summary>What a look at a dataset that is there tells before it is opened.</summary>
/// <param name="Descriptor">With the number of its images, where the catalog does not know it.</param>
/// <param name="Remarks">Sentences on how it is read, and on files that are not used or not as they are.</param>
public sealed record DatasetSurvey(DatasetDescriptor Descriptor, IReadOnlyList<string> Remarks);
