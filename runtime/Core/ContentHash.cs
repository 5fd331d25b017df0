using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace ChannelDistillation.Core;

/// <summary>SHA-256 of files, cached by path, size and time of last write.</summary>
/// <param name="folder">The cache folder, with one small file per path.</param>
public sealed class ContentHash(string folder)
{
    /// <returns>64 hexadecimal digits.</returns>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public string Of(string path)
    {
        string full = Path.GetFullPath(path);
        var file = new FileInfo(full);
        var now = new Entry(full, file.Length, file.LastWriteTimeUtc.Ticks, "");
        string cacheFile = Path.Combine(folder, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(full)))[..16] + ".json");
        if (Read(cacheFile) is Entry entry && entry with { Sha256 = "" } == now)
            return entry.Sha256;
        string hash = InputFile.Digest(full).Sha256;
        Store(cacheFile, now with { Sha256 = hash });
        return hash;
    }

    private static Entry? Read(string cacheFile)
    {
        try
        {
            return JsonSerializer.Deserialize<Entry>(InputFile.ReadAll(cacheFile, FileLimits.ListBytes), RecordJson.Line);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Caches a hash. If nothing can be written, it is computed again next time.</summary>
    private static void Store(string cacheFile, Entry entry)
    {
        try
        {
            AtomicFile.WriteText(cacheFile, JsonSerializer.Serialize(entry, RecordJson.Pretty) + "\n");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException) { }
    }

    private sealed record Entry(string Path, long Bytes, long Written, string Sha256);
}
