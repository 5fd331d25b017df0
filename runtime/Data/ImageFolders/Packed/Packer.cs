using ChannelDistillation.Core;
using ChannelDistillation.Imaging;

namespace ChannelDistillation.Data.ImageFolders.Packed;

/// <summary>
/// Creates a packed copy of an image folder: the same images with the same labels in the same order, in few large files. Shards
/// completed by an interrupted packing are kept, and those of a complete copy are verified.
/// </summary>
public sealed class Packer
{
    private const int ImagesPerShard = 1024;
    private const int ImagesAtOnce = 64;
    private readonly string target;
    private readonly PackFormat format;
    private readonly IWorkObserver observer;
    private readonly CancellationToken stop;
    private readonly PackIndex? existing;
    private readonly List<string> remarks = [];
    private int classes;
    private bool isChanged;
    private int images;
    private long bytes;

    private Packer(string target, PackFormat format, IWorkObserver observer, CancellationToken stop)
    {
        (this.target, this.format, this.observer, this.stop) = (target, format, observer, stop);
        existing = PackIndex.Exists(target) ? PackIndex.Load(target) : null;
    }

    /// <param name="folder">With `train` and `val`.</param>
    /// <param name="target">Folder of the copy.</param>
    /// <exception cref="MissingException">The folder cannot be used, too many files are unreadable, or the copy cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; complete shards are kept.</exception>
    public static PackResult Pack(string folder, string target, PackFormat format, IWorkObserver observer, CancellationToken stop)
    {
        PackTarget.Check(folder, target);
        PackTarget.Make(target);
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
                $"The packed copy cannot be written to {target}: {error.Message.TrimEnd('.')}. Complete shards are kept. Fix this, then repeat the command to continue.",
                error
            );
        }
    }

    private bool IsCheck => existing?.Version == PackIndex.Current;

    private PackResult Run(string folder)
    {
        var (training, validation) = ImageFolder.List(folder);
        classes = training.Classes.Count;
        var (listedTraining, listedValidation) = (new Listing(training, format), new Listing(validation, format));
        if (existing is not null)
        {
            CheckOwner(existing, folder, [listedTraining.OfAll(), listedValidation.OfAll()]);
        }

        if (ImageDecoder.Advice(TurboJpeg.IsAvailable) is { } advice)
        {
            observer.Say(advice);
        }

        remarks.AddRange(training.Findings.Sentences(training.Folder).Concat(validation.Findings.Sentences(validation.Folder)));
        observer.Started(IsCheck ? $"Checking {target}" : $"Packing {folder}", training.Files.Count + validation.Files.Count, 0, WorkUnit.Images);
        var index = new PackIndex(
            PackIndex.Current,
            format.ToString(),
            folder,
            $"channel-distillation {Product.Version}, {ImageDecoder.JpegLibrary}",
            training.Classes,
            Write(training, listedTraining, "train", "training"),
            Write(validation, listedValidation, "val", "validation")
        );
        index.Write(target);
        PackTarget.RemoveSurplus(target, index);
        observer.Ended();
        return new(images, bytes, IsCheck && !isChanged, training.Classes.Count, remarks);
    }

    /// <summary>A copy is updated when its own folder has changed. A copy of another folder, or in another format, is not touched.</summary>
    /// <param name="listings">Listings of the folder's two parts: a folder that was moved keeps its copy.</param>
    private void CheckOwner(PackIndex packed, string folder, string[] listings)
    {
        if (packed.Format != format.ToString())
        {
            throw new MissingException(
                $"{target} contains a packed copy in another format ({packed.Format}). Choose another folder with --out, or remove it."
            );
        }

        if (Path.GetFullPath(packed.Source) != Path.GetFullPath(folder) && !listings.SequenceEqual([packed.Train.Listing, packed.Val.Listing]))
        {
            throw new MissingException(
                $"{target} contains the packed copy of {packed.Source}, which differs from {folder}. Choose another folder with --out, or remove it."
            );
        }

        if (packed.Version != PackIndex.Current)
        {
            observer.Say($"{target} was packed by another version of this program; it is packed again.");
        }
    }

    private PackIndex.Part Write(FolderPart part, Listing listing, string name, string what)
    {
        using var store = new FolderStore(part);
        var broken = new CorruptImages(part.Files.Count, what, "the copy marks them, and training treats them as in the folder");
        var shards = new List<PackIndex.ShardFile>();
        for (var first = 0; first < part.Files.Count; first += ImagesPerShard)
        {
            var range = first..Math.Min(first + ImagesPerShard, part.Files.Count);
            var file = $"{name}-{shards.Count:00000}.bin";
            var path = Path.Combine(target, file);
            var listed = listing.Of(range);
            if (!IsComplete(path, listed))
            {
                // The copy is incomplete until the new shard is written.
                PackIndex.Remove(target);
                isChanged = true;
                Write(store, range, path, listed);
            }

            shards.Add(Describe(path, file, first, broken));
        }

        remarks.AddRange(broken.Remarks());
        return new(part.Files.Count, listing.OfAll(), shards);
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
            using var shard = new Shard(path, classes);
            return shard.Footer.Listing == listing && (!IsCheck || shard.IsSound());
        }
        catch (DamagedFileException)
        {
            return false;
        }
    }

    private void Write(FolderStore store, Range range, string path, ulong listing)
    {
        var (first, count) = range.GetOffsetAndLength(store.Count);
        using var workers = new DecodingWorkers();
        var packed = new PackedImage[Math.Min(ImagesAtOnce, count)];
        try
        {
            using var writer = new ShardWriter(path);
            for (var i = 0; i < packed.Length; i++)
            {
                packed[i] = new();
            }

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
                }

                observer.Advanced(images + done + some);
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

    /// <summary>The reason that training will report for an unreadable image; null if it is readable. Original files are examined, not decoded.</summary>
    private static string? WhyBroken(Shard shard, int index)
    {
        try
        {
            if (shard[index].Content == ShardContent.File)
            {
                ImageDecoder.Examine(shard.Unchecked(index));
            }

            return shard.ReasonUnreadable(index);
        }
        catch (ImageException error)
        {
            return error.Message;
        }
    }

    private PackIndex.ShardFile Describe(string path, string file, int first, CorruptImages broken)
    {
        using var shard = new Shard(path, classes);
        for (var i = 0; i < shard.Count; i++)
        {
            if (WhyBroken(shard, i) is { } reason)
            {
                broken.Add(first + i, shard.Name(i), reason);
            }
        }

        var length = new FileInfo(path).Length;
        images += shard.Count;
        bytes += length;
        observer.Advanced(images);
        return new(file, shard.Count, length, shard.Footer.Data.ToString("x16"));
    }
}
