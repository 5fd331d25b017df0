using ChannelDistillation.Downloads;

namespace ChannelDistillation.Data;

/// <summary>Brings a dataset into its folder: sets aside what has changed, downloads what is missing, unpacks it.</summary>
internal static class DatasetFetch
{
    /// <param name="home">The dataset's own folder.</param>
    /// <param name="whatIsMissing">What is said of a dataset that nobody can download.</param>
    /// <exception cref="MissingException">It cannot be had; the message says why and what to do.</exception>
    /// <exception cref="DamagedFileException">What came is not what it must be.</exception>
    /// <exception cref="OperationCanceledException">Asked to stop; what has come is kept.</exception>
    public static void Run(DatasetDescriptor dataset, string home, string whatIsMissing, Downloader downloader, CancellationToken stop)
    {
        DatasetLayout layout = DatasetLayout.Of(dataset.Format);
        if (DatasetStore.FolderIn(dataset, home) is { } folder)
        {
            DamagedFileException? damaged = layout.Damaged(dataset, folder).FirstOrDefault();
            if (damaged is null)
            {
                downloader.Say($"{dataset.Name} is there and as it should be, in {folder}.");
                return;
            }

            if (!dataset.CanBeFetched)
                throw damaged;
        }

        if (!dataset.CanBeFetched)
            throw new MissingException(whatIsMissing);
        using ProcessLock owned = ProcessLock.Take(
            $"{home}.lock",
            () => downloader.Say($"Another process is fetching {dataset.Name}; waiting for it."),
            stop
        );
        foreach (string place in layout.Places(dataset, home))
            DamagedFiles.SetAside(layout.Damaged(dataset, place), downloader);
        if (DatasetStore.FolderIn(dataset, home) is null)
        {
            IReadOnlyList<string> fetched = Download(dataset, home, downloader, stop);
            layout.Unpack(dataset, home, fetched, downloader.Say, stop);
        }

        downloader.Say($"{dataset.Name} is complete, in {DatasetStore.FolderIn(dataset, home)}.");
    }

    /// <returns>The names of the files that were not there.</returns>
    private static IReadOnlyList<string> Download(DatasetDescriptor dataset, string home, Downloader downloader, CancellationToken stop)
    {
        var fetched = new List<string>();
        foreach (DatasetFile file in dataset.Files)
        {
            string path = Path.Combine(home, file.Name);
            if (File.Exists(path))
                continue;
            downloader.Bring(file.Remote!, path, stop);
            fetched.Add(file.Name);
        }

        return fetched;
    }
}
