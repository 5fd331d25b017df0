using System.Formats.Tar;
using System.IO.Compression;
using ChannelDistillation.Core;

namespace ChannelDistillation.Data.Cifar;

/// <summary>
/// Extracts the CIFAR files from their archive. Paths in the archive are never used: expected files get fixed
/// names in one folder, others are skipped, and an archive with entries that no data archive needs is refused.
/// </summary>
internal static class CifarArchive
{
    private const long LargestFile = 256L << 20;

    /// <param name="archive">A .tar.gz file.</param>
    /// <param name="expected">The files to extract, by their paths in the archive.</param>
    /// <param name="folder">Destination; each file is written atomically.</param>
    /// <exception cref="DamagedFileException">The archive is damaged or refused; the message names the entry.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static void Unpack(string archive, IReadOnlyDictionary<string, ArchivedFile> expected, string folder, CancellationToken stop)
    {
        var taken = new HashSet<string>();
        try
        {
            using FileStream file = InputFile.OpenStream(archive);
            using GZipStream unzipped = new(file, CompressionMode.Decompress);
            using TarReader reader = new(unzipped);
            while (reader.GetNextEntry() is { } entry)
            {
                stop.ThrowIfCancellationRequested();
                if (WhyRefused(entry) is { } reason)
                    throw new DamagedFileException(archive, $"its entry `{entry.Name}` {reason}, which does not belong in an archive of CIFAR");
                if (!expected.TryGetValue(Plain(entry.Name), out ArchivedFile? wanted))
                    continue;
                if (!taken.Add(wanted.Name))
                    throw new DamagedFileException(archive, $"its entry `{entry.Name}` occurs twice");
                if (entry.Length != (wanted.Bytes ?? entry.Length))
                    throw new DamagedFileException(archive, $"its entry `{entry.Name}` has {entry.Length} bytes instead of {wanted.Bytes}");
                if (entry.Length > LargestFile)
                    throw new DamagedFileException(archive, $"its entry `{entry.Name}` has {entry.Length} bytes, more than any file of CIFAR");
                Take(entry, Path.Combine(folder, wanted.Name));
            }
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException or FormatException)
        {
            throw new DamagedFileException(archive, "it is not a complete .tar.gz file", error);
        }

        if (expected.Keys.FirstOrDefault(name => !taken.Contains(expected[name].Name)) is { } missing)
            throw new DamagedFileException(archive, $"its entry `{missing}` is missing");
    }

    private static void Take(TarEntry entry, string path) => AtomicFile.Write(path, stream => entry.DataStream?.CopyTo(stream));

    private static string? WhyRefused(TarEntry entry) =>
        entry.EntryType switch
        {
            TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.Directory => LeavesItsFolder(entry.Name)
                ? "points outside its folder"
                : null,
            TarEntryType.GlobalExtendedAttributes => null,
            TarEntryType.SymbolicLink or TarEntryType.HardLink => $"is a link to `{entry.LinkName}`",
            TarEntryType.BlockDevice or TarEntryType.CharacterDevice or TarEntryType.Fifo => "is a device",
            _ => $"has the type {entry.EntryType}",
        };

    private static bool LeavesItsFolder(string name) =>
        name.StartsWith('/') || name.Contains('\\') || name.Contains(':') || name.Split('/').Contains("..");

    private static string Plain(string name) => name.StartsWith("./", StringComparison.Ordinal) ? name[2..] : name;
}
