using ChannelDistillation.Core;
using Polly;
using Polly.Retry;

namespace ChannelDistillation.Downloads;

/// <summary>
/// Downloads files from their public addresses. A file appears under its name only when it is complete and its SHA-256 matches. Until then a
/// partial file lies beside it, and later attempts resume it. Processes that need the same file fetch it once.
/// </summary>
public sealed class Downloader(DownloadSettings settings, IWorkObserver observer)
{
    /// <summary>An attempt that downloads at least this many bytes resets the count of retries.</summary>
    private const long Progress = 8 << 20;

    /// <summary>Reports a message about the current download.</summary>
    public void Say(string message) => observer.Say(message);

    /// <param name="path">Destination. Its folder is created if needed. An existing file is not changed.</param>
    /// <exception cref="MissingException">The download failed; the message says why and what to do.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the downloaded part is kept.</exception>
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
            part.Restart();
        part.Continue();
        CheckRoom(path, file.Bytes - part.Length);
        observer.Say($"Fetching {file.Name} ({ByteSize.Text(file.Bytes)}) from {address}");
        observer.Started(file.Name, file.Bytes, part.Length, WorkUnit.Bytes);
        try
        {
            Receive(file, address, part, stop);
            string sha256 = part.Sha256();
            if (sha256 != file.Sha256 && part.IsPatched)
            {
                observer.Say($"The parts of {file.Name} do not match: the file changed during the download, or was damaged. Downloading it again.");
                part.Restart();
                Receive(file, address, part, stop);
                sha256 = part.Sha256();
            }

            if (sha256 != file.Sha256)
            {
                part.Discard();
                throw DownloadProblems.OtherContent(address, file, sha256);
            }

            part.Complete();
        }
        finally
        {
            observer.Ended();
        }
    }

    /// <summary>Retries until the file has its full length.</summary>
    private void Receive(RemoteFile file, DownloadAddress address, PartialFile part, CancellationToken stop)
    {
        var transfer = new HttpTransfer(file, address, settings, observer);
        while (part.Length < file.Bytes)
        {
            long before = part.Length;
            try
            {
                RetryPipeline(file).ExecuteAsync(async token => await transfer.Run(part, token), stop).AsTask().GetAwaiter().GetResult();
            }
            catch (TransferException) when (part.Length - before >= Progress) { }
            catch (TransferException error)
            {
                throw DownloadProblems.Failed(address, part.Target, error.Message, part.Length, transfer.CannotResume, error);
            }
        }
    }

    private ResiliencePipeline RetryPipeline(RemoteFile file) =>
        new ResiliencePipelineBuilder()
            .AddRetry(
                new RetryStrategyOptions
                {
                    ShouldHandle = new PredicateBuilder().Handle<TransferException>(),
                    MaxRetryAttempts = settings.Retries,
                    BackoffType = DelayBackoffType.Exponential,
                    Delay = settings.FirstWait,
                    MaxDelay = settings.LongestWait,
                    UseJitter = true,
                    OnRetry = retry =>
                    {
                        observer.Say(
                            $"{file.Name}: {retry.Outcome.Exception!.Message}. "
                                + $"Retrying in {Math.Max(1, retry.RetryDelay.TotalSeconds):0} s ({retry.AttemptNumber + 1} of {settings.Retries})."
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
            throw DownloadProblems.DiskFull(path, needed, free);
    }
}
