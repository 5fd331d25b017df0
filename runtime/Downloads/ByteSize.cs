using System.Globalization;

namespace ChannelDistillation.Downloads;

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
