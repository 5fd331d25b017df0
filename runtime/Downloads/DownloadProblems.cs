using System.Net;
using ChannelDistillation.Core;

namespace ChannelDistillation.Downloads;

/// <summary>What is said where a download fails: what happened, what is left of the file, and what to do.</summary>
internal static class DownloadProblems
{
    /// <summary>Answers that the same question may not get a minute later.</summary>
    public static bool MayPass(HttpStatusCode status) =>
        status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests || (int)status >= 500 && status != HttpStatusCode.NotImplemented;

    /// <param name="reason">As in <see cref="BrokenTransferException"/>.</param>
    /// <param name="kept">Bytes that are there.</param>
    public static MissingException GivenUp(DownloadAddress address, string path, string reason, long kept, bool alwaysStartsAnew, Exception inner) =>
        new(
            $"{address} could not be fetched: {reason}. "
                + (alwaysStartsAnew ? "This server always sends a file from its beginning. " : $"{Kept(kept)} ")
                + "Check the connection (behind a proxy: is HTTPS_PROXY set?) and "
                + $"run the same command again, or {ByHand(path)}.",
            inner
        );

    public static MissingException NoSuchHost(DownloadAddress address, string host, string path, long kept, Exception inner) =>
        new(
            $"{address} could not be fetched: this machine cannot find the address of {host}. {Kept(kept)} Check the network and run the same "
                + $"command again (behind a proxy: set HTTPS_PROXY; with a mirror of your own: {DownloadSettings.MirrorVariable}), or {ByHand(path)}.",
            inner
        );

    public static MissingException Refused(DownloadAddress address, string path, HttpStatusCode status) =>
        new(
            $"{address} could not be fetched: the server answers {(int)status} ({status}). "
                + (
                    status is HttpStatusCode.NotFound or HttpStatusCode.Gone
                        ? "The file is no longer there; find it elsewhere and "
                        : "Open the address in a browser to see why, or get the file elsewhere and "
                )
                + $"{ByHand(path)}."
        );

    /// <param name="why">What is wrong with the address that the server sends on to, as a clause.</param>
    public static MissingException Redirected(DownloadAddress address, string path, string why) =>
        new(
            $"{address} could not be fetched: the server sends on to another address, {why}. Open the address in a browser to see, or get the file "
                + $"elsewhere and {ByHand(path)}."
        );

    public static MissingException WebPage(DownloadAddress address, string path) =>
        new(
            $"{address} answers with a web page instead of the file: a proxy or a log-in page, probably. Open the address in a browser to see, "
                + $"or {ByHand(path)}."
        );

    public static MissingException OtherSize(DownloadAddress address, RemoteFile file, long bytes) =>
        new(
            $"{address} has {bytes} bytes where {file.Name} has {file.Bytes}: the file there has changed, or something else answers. "
                + "Open the address in a browser to see."
        );

    public static MissingException TooLong(DownloadAddress address, RemoteFile file) =>
        new(
            $"{address} sends more than the {file.Bytes} bytes of {file.Name}: the file there has changed, or something else answers. "
                + "Nothing was kept. Open the address in a browser to see."
        );

    public static MissingException OtherContent(DownloadAddress address, RemoteFile file, string sha256) =>
        new(
            $"What {address} sends is not the {file.Name} that is known here: its SHA-256 is {sha256}, it should be {file.Sha256}. "
                + "Nothing was kept. The file there has changed, or something else answers; open the address in a browser to see."
        );

    public static MissingException Unwritable(string path, Exception error) =>
        new(
            $"{path} cannot be written: {error.Message.TrimEnd('.')}. Make room or make the folder writable, and run the same command again: "
                + "what is already there is kept.",
            error
        );

    public static MissingException NoRoom(string path, long needed, long free) =>
        new(
            $"{path} needs {ByteSize.Text(needed)} more, and its disk has {ByteSize.Text(free)} left. Make room, and run the same command again: "
                + "what is already there is kept."
        );

    private static string Kept(long bytes) =>
        bytes == 0 ? "Nothing has come of it." : $"{ByteSize.Text(bytes)} of it are here and will not be fetched again.";

    private static string ByHand(string path) => $"put it into {Path.GetDirectoryName(path)} yourself, as {Path.GetFileName(path)}";
}
