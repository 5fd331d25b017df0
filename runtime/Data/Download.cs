using System.Security.Cryptography;

namespace ChannelDistillation.Data;

/// <summary>Brings one file from its public address. It appears under its name only when it is whole and its SHA-256 is right.</summary>
internal static class Download
{
    private const int Announcements = 4;

    // No limit for the whole file, which may take an hour; the server must answer, and go on answering, within this time.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly HttpClient Client = new() { Timeout = Timeout.InfiniteTimeSpan };

    /// <exception cref="MissingException">The file could not be had; nothing is left of it.</exception>
    public static void To(string path, DatasetFile file, Action<string> say)
    {
        var temporary = $"{path}.{Path.GetRandomFileName()}.part";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            say($"Fetching {file.Name} ({Megabytes(file.Bytes)}) from {file.Url}");
            var sha256 = Copy(file, temporary, say).GetAwaiter().GetResult();
            if (sha256 != file.Sha256)
            {
                throw new MissingException(
                    $"What {file.Url} sends is not the {file.Name} that is known here: its SHA-256 is {sha256}, it should be {file.Sha256}. "
                        + "Nothing was kept. A proxy or a log-in page may have answered instead; open the address in a browser to see."
                );
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception error) when (error is HttpRequestException or IOException or OperationCanceledException or UnauthorizedAccessException)
        {
            throw new MissingException(
                $"{file.Url} could not be fetched: {Reason(error)} Nothing was kept. Check the connection and run the same command again, "
                    + $"or put the file into {Path.GetDirectoryName(path)} yourself.",
                error
            );
        }
        finally
        {
            if (File.Exists(temporary))
            {
                File.Delete(temporary);
            }
        }
    }

    /// <summary>Writes the body to a file and returns its SHA-256.</summary>
    private static async Task<string> Copy(DatasetFile file, string path, Action<string> say)
    {
        using var stalled = new CancellationTokenSource(Patience);
        using var response = await Client.GetAsync(file.Url, HttpCompletionOption.ResponseHeadersRead, stalled.Token);
        response.EnsureSuccessStatusCode();
        await using var body = await response.Content.ReadAsStreamAsync(stalled.Token);
        await using var target = File.Create(path);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 17];
        var (done, announced) = (0L, 0L);
        while (await body.ReadAsync(buffer, stalled.Token) is var read and > 0)
        {
            stalled.CancelAfter(Patience);
            hash.AppendData(buffer, 0, read);
            await target.WriteAsync(buffer.AsMemory(0, read));
            done += read;
            if (done * Announcements / file.Bytes > announced && done < file.Bytes)
            {
                announced = done * Announcements / file.Bytes;
                say($"  {Megabytes(done)} of {Megabytes(file.Bytes)}");
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static string Reason(Exception error) =>
        error switch
        {
            HttpRequestException { StatusCode: { } code } => $"the server answers {(int)code} ({code}).",
            OperationCanceledException => $"the server has sent nothing for {Patience.TotalSeconds:0} seconds.",
            HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded } => "the connection broke off before the file was whole.",
            HttpRequestException { InnerException: { } inner } => $"{inner.Message.TrimEnd('.')}.",
            _ => $"{error.Message.TrimEnd('.')}.",
        };

    private static string Megabytes(long bytes) => $"{bytes / 1e6:0.0} MB";
}
