using System.IO.Hashing;
using System.Text;
using System.Text.Json;

namespace ChannelDistillation.Records;

/// <summary>XXH128 over records in their order: a digit changed on the disk is seen, where the file is still JSON.</summary>
internal sealed class RecordChecksum
{
    private readonly XxHash128 hash = new();

    /// <summary>32 hexadecimal digits over what was added so far.</summary>
    public string Digits => Convert.ToHexStringLower(hash.GetCurrentHash());

    public static string Of(string text) => Convert.ToHexStringLower(XxHash128.Hash(Encoding.UTF8.GetBytes(text)));

    /// <summary>Without what the clock says: it is not the same every time.</summary>
    public void Add(EpochRecord record) =>
        hash.Append(JsonSerializer.SerializeToUtf8Bytes(record with { Seconds = 0, ImagesPerSecond = 0 }, RecordJson.Line));
}
