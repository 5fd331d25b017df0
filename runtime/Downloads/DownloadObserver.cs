using System.Globalization;

namespace ChannelDistillation.Downloads;

/// <summary>Is told how downloads go, one file after the other. Nothing here comes more often than a person could want to see it drawn.</summary>
public interface IDownloadObserver
{
    /// <param name="already">Bytes that are there from an earlier attempt.</param>
    void Started(RemoteFile file, long already);

    /// <param name="bytes">Bytes that are there now; fewer than before where the server had to start anew.</param>
    void Advanced(long bytes);

    /// <summary>The file that was started is there, or was given up.</summary>
    void Ended();

    /// <summary>A sentence for the user: a retry, another process that is waited for.</summary>
    void Say(string message);
}

/// <summary>Sizes of files as people read them, in powers of ten.</summary>
public static class ByteSize
{
    /// <summary>`169 MB`, `5.1 kB`.</summary>
    public static string Text(long bytes) =>
        bytes switch
        {
            1 => "1 byte",
            < 1_000 => $"{bytes} bytes",
            < 100_000 => Text(bytes / 1e3, "0.0", "kB"),
            < 10_000_000 => Text(bytes / 1e6, "0.0", "MB"),
            < 10_000_000_000 => Text(bytes / 1e6, "0", "MB"),
            _ => Text(bytes / 1e9, "0", "GB"),
        };

    private static string Text(double value, string format, string unit) => $"{value.ToString(format, CultureInfo.InvariantCulture)} {unit}";
}
