namespace ChannelDistillation.Data.Photographs.Packed;

/// <summary>A complete packed copy.</summary>
/// <param name="Images">Of both parts.</param>
/// <param name="WasThere">It had been complete before, and checking its shards found nothing to write anew.</param>
/// <param name="Remarks">What a person should know, such as files that could not be read.</param>
public sealed record PackResult(int Images, long Bytes, bool WasThere, int Classes, IReadOnlyList<string> Remarks);
