using ChannelDistillation.Core;
using Polly;
using Polly.Retry;

namespace ChannelDistillation.Downloads;

/// <summary>
/// Brings files from their public addresses. A file appears under its name only when it is whole and its SHA-256 is right; until then what
/// has come of it lies beside, and every later attempt goes on from there. Processes that want the same file fetch it once.
/// </summary>
public sealed class Downloader(DownloadSettings settings, IWorkObserver observer)
{
    /// <summary>An attempt that brings at least this much has not failed for good: the count of retries starts again.</summary>
    private const long Progress = 8 << 20;

    /// <summary>Tells the user something that belongs to what is being fetched.</summary>
    public void Say(string message) => observer.Say(message);

    /// <param name="path">Where it goes; its folder is made where it is not there. A file that is there already is left alone.</param>
    /// <exception cref="MissingException">It could not be had; the message says why and what to do.</exception>
    /// <exception cref="OperationCanceledException">Asked to stop; what has come is kept.</exception>
    public void Bring(RemoteFile file, string path, CancellationToken stop)
    {
        try
        {
            using ProcessLock owned = ProcessLock.Take(
                $"{path}.lock",
                () => observer.Say($"Another process is fetching {file.Name}; waiting for it."),
                stop
            );
            if (!File.Exists(path))
                Fetch(file, path, stop);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw DownloadProblems.Unwritable(path, error);
        }
    }

    private void Fetch(RemoteFile file, string path, CancellationToken stop)
    {
        DownloadAddress address = settings.AddressOf(file);
        using var part = new PartialFile(path);
        if (part.Length > file.Bytes)
            part.StartAnew();
        part.GoOn();
        CheckRoom(path, file.Bytes - part.Length);
        observer.Say($"Fetching {file.Name} ({ByteSize.Text(file.Bytes)}) from {address}");
        observer.Started(file.Name, file.Bytes, part.Length, WorkUnit.Bytes);
        try
        {
            Receive(file, address, part, stop);
            string sha256 = part.Sha256();
            if (sha256 != file.Sha256 && part.IsPatched)
            {
                observer.Say($"The pieces of {file.Name} do not belong together: it has changed in between, or was damaged. Fetching it anew.");
                part.StartAnew();
                Receive(file, address, part, stop);
                sha256 = part.Sha256();
            }

            if (sha256 != file.Sha256)
            {
                part.Discard();
                throw DownloadProblems.OtherContent(address, file, sha256);
            }

            part.Keep();
        }
        finally
        {
            observer.Ended();
        }
    }

    /// <summary>Attempts until the file is as long as it must be.</summary>
    private void Receive(RemoteFile file, DownloadAddress address, PartialFile part, CancellationToken stop)
    {
        var transfer = new HttpTransfer(file, address, settings, observer);
        while (part.Length < file.Bytes)
        {
            long before = part.Length;
            try
            {
                Persistent(file).ExecuteAsync(async token => await transfer.Run(part, token), stop).AsTask().GetAwaiter().GetResult();
            }
            catch (BrokenTransferException) when (part.Length - before >= Progress) { }
            catch (BrokenTransferException error)
            {
                throw DownloadProblems.GivenUp(address, part.Target, error.Message, part.Length, transfer.AlwaysStartsAnew, error);
            }
        }
    }

    private ResiliencePipeline Persistent(RemoteFile file) =>
        new ResiliencePipelineBuilder()
            .AddRetry(
                new RetryStrategyOptions
                {
                    ShouldHandle = new PredicateBuilder().Handle<BrokenTransferException>(),
                    MaxRetryAttempts = settings.Retries,
                    BackoffType = DelayBackoffType.Exponential,
                    Delay = settings.FirstWait,
                    MaxDelay = settings.LongestWait,
                    UseJitter = true,
                    OnRetry = retry =>
                    {
                        observer.Say(
                            $"{file.Name}: {retry.Outcome.Exception!.Message}. "
                                + $"Trying again in {Math.Max(1, retry.RetryDelay.TotalSeconds):0} s ({retry.AttemptNumber + 1} of {settings.Retries})."
                        );
                        return ValueTask.CompletedTask;
                    },
                }
            )
            .Build();

    private static void CheckRoom(string path, long needed)
    {
        long free = new DriveInfo(Path.GetDirectoryName(path)!).AvailableFreeSpace;
        if (free < needed)
            throw DownloadProblems.NoRoom(path, needed, free);
    }
}
