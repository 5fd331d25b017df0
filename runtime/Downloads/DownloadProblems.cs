using System.Net;
using ChannelDistillation.Core;

namespace ChannelDistillation.Downloads;

/// <summary>Messages for failed downloads: what happened, what is kept, and what to do.</summary>
internal static class DownloadProblems
{
    /// <summary>Whether a status may be temporary, so that a retry is worthwhile.</summary>
    public static bool IsTransient(HttpStatusCode status) =>
        status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests || (int)status >= 500 && status != HttpStatusCode.NotImplemented;

    /// <param name="reason">As in <see cref="TransferException"/>.</param>
    /// <param name="kept">Bytes already downloaded.</param>
    public static MissingException Failed(DownloadAddress address, string path, string reason, long kept, bool alwaysRestarts, Exception inner) =>
        new(
            $"{address} could not be fetched: {reason}. "
                + (alwaysRestarts ? "This server cannot resume downloads. " : $"{Kept(kept)} ")
                + "Check the connection (behind a proxy: is HTTPS_PROXY set?) and "
                + $"repeat the command, or {ManualDownload(path)}.",
            inner
        );

    public static MissingException NoSuchHost(DownloadAddress address, string host, string path, long kept, Exception inner) =>
        new(
            $"{address} could not be fetched: the host {host} cannot be resolved. {Kept(kept)} Check the network and repeat the "
                + $"command (behind a proxy: set HTTPS_PROXY; for a mirror: {DownloadSettings.MirrorVariable}), or {ManualDownload(path)}.",
            inner
        );

    public static MissingException Refused(DownloadAddress address, string path, HttpStatusCode status) =>
        new(
            $"{address} could not be fetched: the server returned {(int)status} ({status}). "
                + (
                    status is HttpStatusCode.NotFound or HttpStatusCode.Gone
                        ? "The file was removed; "
                        : "Open the address in a browser to see why, or "
                )
                + $"{ManualDownload(path)}."
        );

    /// <param name="why">What is wrong with the redirection target, as a clause.</param>
    public static MissingException Redirected(DownloadAddress address, string path, string why) =>
        new($"{address} could not be fetched: the server redirects {why}. Open the address in a browser, or " + $"{ManualDownload(path)}.");

    public static MissingException WebPage(DownloadAddress address, string path) =>
        new(
            $"{address} returned a web page instead of the file, probably from a proxy or a log-in page. Open the address in a browser, "
                + $"or {ManualDownload(path)}."
        );

    public static MissingException OtherSize(DownloadAddress address, RemoteFile file, long bytes) =>
        new(
            $"{address} has {bytes} bytes instead of {file.Bytes}: the file has changed, or another server responds. "
                + "Open the address in a browser to check."
        );

    public static MissingException TooLong(DownloadAddress address, RemoteFile file) =>
        new(
            $"{address} sends more than the {file.Bytes} bytes of {file.Name}: the file has changed, or another server responds. "
                + "Nothing was kept. Open the address in a browser to check."
        );

    public static MissingException OtherContent(DownloadAddress address, RemoteFile file, string sha256) =>
        new(
            $"{address} is not the expected {file.Name}: its SHA-256 is {sha256} instead of {file.Sha256}. "
                + "Nothing was kept. The file has changed, or another server responds; open the address in a browser to check."
        );

    public static MissingException Unwritable(string path, Exception error) =>
        new(
            $"{path} cannot be written: {error.Message.TrimEnd('.')}. Free disk space or make the folder writable, and repeat the command; "
                + "the downloaded part is kept.",
            error
        );

    public static MissingException DiskFull(string path, long needed, long free) =>
        new(
            $"{path} needs {ByteSize.Text(needed)} more, and its disk has {ByteSize.Text(free)} free. Free disk space, and repeat the command; "
                + "the downloaded part is kept."
        );

    private static string Kept(long bytes) => bytes == 0 ? "Nothing was downloaded." : $"{ByteSize.Text(bytes)} are downloaded and will be reused.";

    private static string ManualDownload(string path) =>
        $"download it elsewhere and put it into {Path.GetDirectoryName(path)} as {Path.GetFileName(path)}";
}
