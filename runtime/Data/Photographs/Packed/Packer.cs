using ChannelDistillation.Data.Photographs.Decoding;
using ChannelDistillation.Records;

namespace ChannelDistillation.Data.Photographs.Packed;

/// <summary>
/// Makes a packed copy of a folder of photographs: the same images with the same labels in the same order, in few large files. Shards
/// that an interrupted packing has completed are kept, and those of a complete copy are checked.
/// </summary>
public sealed class Packer
{
    private const int ImagesPerShard = 1024;
    private const int ImagesAtOnce = 64;
    private readonly string target;
    private readonly PackFormat format;
    private readonly IPackObserver observer;
    private readonly CancellationToken stop;
    private readonly bool isCheck;
    private readonly List<string> remarks = [];
    private int images;
    private long bytes;

    private Packer(string target, PackFormat format, IPackObserver observer, CancellationToken stop)
    {
        (this.target, this.format, this.observer, this.stop) = (target, format, observer, stop);
        isCheck = PackIndex.IsThere(target);
    }

    /// <param name="folder">With `train` and `val`.</param>
    /// <param name="target">Where the copy goes.</param>
    /// <exception cref="MissingException">The folder is not what it must be, too many of its files are broken, or the copy cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Asked to stop; complete shards are kept.</exception>
    public static PackResult Pack(string folder, string target, PackFormat format, IPackObserver observer, CancellationToken stop)
    {
        if (PhotographFolder.IsThere(target))
        {
            throw new MissingException($"{target} holds photographs already. A packed copy needs a folder of its own.");
        }

        if (IsInside(target, folder))
        {
            throw new MissingException(
                $"{target} is inside {folder}, whose photographs it would be packed from. A packed copy needs a folder of its own."
            );
        }

        if (!PackIndex.IsThere(target) && HoldsOthers(target))
        {
            throw new MissingException($"{target} holds other files already. A packed copy needs a folder of its own.");
        }

        try
        {
            using var alone = ProcessLock.Take(
                Path.Combine(target, ".lock"),
                () => observer.Say($"Another process is packing into {target}; waiting for it."),
                stop
            );
            return new Packer(target, format, observer, stop).Run(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MissingException(
                $"The packed copy cannot be written to {target}: {error.Message.TrimEnd('.')}. What is complete is kept: once that is mended, the same command goes on.",
                error
            );
        }
    }

    private static bool IsInside(string target, string folder) =>
        !Path.GetRelativePath(Path.GetFullPath(folder), Path.GetFullPath(target)).StartsWith("..", StringComparison.Ordinal)
        && !Path.IsPathRooted(Path.GetRelativePath(Path.GetFullPath(folder), Path.GetFullPath(target)));

    /// <summary>Files that an interrupted packing does not leave: it would remove what it takes for its own.</summary>
    private static bool HoldsOthers(string target) =>
        Directory.Exists(target)
        && Directory
            .EnumerateFileSystemEntries(target)
            .Select(entry => Path.GetFileName(entry))
            .Any(name =>
                !name.StartsWith('.') && !name.StartsWith("train-", StringComparison.Ordinal) && !name.StartsWith("val-", StringComparison.Ordinal)
            );

    private PackResult Run(string folder)
    {
        if (isCheck && PackIndex.Read(target).Format is var there && there != format.ToString())
        {
            throw new MissingException($"{target} holds a packed copy of another kind ({there}). Choose another folder with --out, or remove it.");
        }

        var (training, validation) = PhotographFolder.List(folder);
        observer.Started(isCheck ? $"Checking {target}" : $"Packing {folder}", training.Files.Count + validation.Files.Count);
        var index = new PackIndex(
            PackIndex.Current,
            format.ToString(),
            folder,
            $"channel-distillation {Machine.Version}, {PictureDecoder.JpegLibrary}",
            training.Classes,
            Write(training, "train", "training"),
            Write(validation, "val", "validation")
        );
        index.Write(target);
        RemoveOthers(index);
        return new(images, bytes, isCheck, training.Classes.Count, remarks);
    }

    private PackIndex.Part Write(FolderPart part, string name, string what)
    {
        using var store = new FolderStore(part);
        var broken = new BrokenPictures(part.Files.Count, what, "the copy says so in their place, and training does as it does with the folder");
        var shards = new List<PackIndex.ShardFile>();
        for (var first = 0; first < part.Files.Count; first += ImagesPerShard)
        {
            var range = first..Math.Min(first + ImagesPerShard, part.Files.Count);
            var file = $"{name}-{shards.Count:00000}.bin";
            var path = Path.Combine(target, file);
            var listing = Listing.Of(part, range, format);
            if (!IsComplete(path, listing))
            {
                // Until the new shard is there, the copy is incomplete.
                PackIndex.Remove(target);
                Write(store, range, path, listing);
            }

            shards.Add(Describe(path, file, first, broken));
        }

        remarks.AddRange(broken.Remarks());
        return new(part.Files.Count, Listing.Of(part, .., format).ToString("x16"), shards);
    }

    /// <summary>Shards of an earlier copy that had more of them.</summary>
    private void RemoveOthers(PackIndex index)
    {
        var named = index.Train.Shards.Concat(index.Val.Shards).Select(shard => Path.Combine(target, shard.File)).ToHashSet();
        foreach (
            var file in new[] { "train-?????.bin", "val-?????.bin" }
                .SelectMany(pattern => Directory.GetFiles(target, pattern))
                .Where(file => !named.Contains(file))
        )
        {
            File.Delete(file);
        }
    }

    private bool IsComplete(string path, ulong listing)
    {
        stop.ThrowIfCancellationRequested();
        if (!File.Exists(path))
        {
            return false;
        }

        try
        {
            using var shard = new Shard(path);
            return shard.Footer.Listing == listing && (!isCheck || shard.IsSound());
        }
        catch (DamagedFileException)
        {
            return false;
        }
    }

    private void Write(FolderStore store, Range range, string path, ulong listing)
    {
        var (first, count) = range.GetOffsetAndLength(store.Count);
        using var workers = new WorkerPool();
        var packed = new PackedImage[Math.Min(ImagesAtOnce, count)];
        try
        {
            using var writer = new ShardWriter(path);
            for (var i = 0; i < packed.Length; i++)
            {
                packed[i] = new();
            }

            var written = 0L;
            for (var done = 0; done < count; done += packed.Length)
            {
                stop.ThrowIfCancellationRequested();
                var some = Math.Min(packed.Length, count - done);
                Parallel.For(
                    0,
                    some,
                    workers.Rent,
                    (i, _, worker) =>
                    {
                        packed[i].Take(store, first + done + i, format, worker);
                        return worker;
                    },
                    workers.Return
                );
                for (var i = 0; i < some; i++)
                {
                    var index = first + done + i;
                    writer.Add(store.Part.Files.Bytes(index), store.Label(index), packed[i]);
                    written += packed[i].Data.Length;
                }

                observer.Advanced(images + done + some, bytes + written);
            }

            writer.Complete(listing);
        }
        finally
        {
            foreach (var image in packed)
            {
                image?.Dispose();
            }
        }
    }

    private PackIndex.ShardFile Describe(string path, string file, int first, BrokenPictures broken)
    {
        using var shard = new Shard(path);
        for (var i = 0; i < shard.Count; i++)
        {
            if (shard.ReasonUnreadable(i) is { } reason)
            {
                broken.Add(first + i, shard.Name(i), reason);
            }
        }

        var length = new FileInfo(path).Length;
        images += shard.Count;
        bytes += length;
        observer.Advanced(images, bytes);
        return new(file, shard.Count, length, shard.Footer.Data.ToString("x16"));
    }
}
