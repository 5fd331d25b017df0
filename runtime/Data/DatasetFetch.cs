using ChannelDistillation.Core;
using ChannelDistillation.Downloads;

namespace ChannelDistillation.Data;

/// <summary>Fetches a dataset into its folder: renames damaged files, downloads missing ones, unpacks them.</summary>
internal static class DatasetFetch
{
    /// <param name="home">The dataset's own folder.</param>
    /// <param name="whatIsMissing">The message for a dataset that cannot be downloaded.</param>
    /// <exception cref="MissingException">The dataset cannot be fetched; the message says why and what to do.</exception>
    /// <exception cref="DamagedFileException">A downloaded file has unexpected content.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the downloaded part is kept.</exception>
    public static void Run(DatasetDescriptor dataset, string home, string whatIsMissing, Downloader downloader, CancellationToken stop)
    {
        DatasetLayout layout = DatasetLayout.Of(dataset.Format);
        if (DatasetStore.FolderIn(dataset, home) is { } folder)
        {
            DamagedFileException? damaged = layout.Damaged(dataset, folder).FirstOrDefault();
            if (damaged is null)
            {
                downloader.Say($"{dataset.Name} is complete and verified, in {folder}.");
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
            DamagedFiles.RenameDamaged(layout.Damaged(dataset, place), downloader);
        if (DatasetStore.FolderIn(dataset, home) is null && !layout.Adopt(dataset, home, downloader.Say, stop))
        {
            IReadOnlyList<string> fetched = Download(dataset, home, downloader, stop);
            layout.Unpack(dataset, home, fetched, downloader.Say, stop);
            foreach (DatasetFile file in dataset.Files)
                File.Delete(MarkerOf(home, file));
        }

        downloader.Say($"{dataset.Name} is complete, in {DatasetStore.FolderIn(dataset, home)}.");
    }

    /// <returns>Names of the files that were downloaded, now or by a command that was interrupted before unpacking.</returns>
    private static IReadOnlyList<string> Download(DatasetDescriptor dataset, string home, Downloader downloader, CancellationToken stop)
    {
        foreach (DatasetFile file in dataset.Files)
        {
            string path = Path.Combine(home, file.Name);
            if (File.Exists(path))
                continue;
            downloader.Bring(file.Remote!, path, stop);
            File.WriteAllText(MarkerOf(home, file), "");
        }

        return [.. dataset.Files.Where(file => File.Exists(MarkerOf(home, file))).Select(file => file.Name)];
    }

    /// <summary>Marks a file as downloaded, not placed by the user. Removed when the dataset is complete.</summary>
    private static string MarkerOf(string home, DatasetFile file) => Path.Combine(home, $"{file.Name}.fetched");
}
