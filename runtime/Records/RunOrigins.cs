namespace ChannelDistillation.Records;

/// <summary>What a run learns from, by content: a run that goes on must learn from the same.</summary>
/// <param name="Teacher">SHA-256 of the teacher's weights; null: there is none.</param>
/// <param name="Images">Fingerprint of the dataset (<see cref="Data.Dataset.Fingerprint"/>); null: not known.</param>
public sealed record RunOrigins(string? Teacher, string? Images);
