using ChannelDistillation.Core;
using ChannelDistillation.Imaging;

namespace ChannelDistillation.Data.ImageFolders;

/// <summary>
/// Lists the images of class folders. Only this class decides what counts as an image, hidden, empty, broken or of another kind;
/// every skipped file is counted.
/// </summary>
internal static class ImageFiles
{
    /// <summary>The extensions of torchvision's ImageFolder.</summary>
    private static readonly HashSet<string> Endings = new(StringComparer.OrdinalIgnoreCase)
    {
        ".jpg",
        ".jpeg",
        ".png",
        ".ppm",
        ".bmp",
        ".pgm",
        ".tif",
        ".tiff",
        ".webp",
    };

    /// <summary>Extensions of formats that may have more than 8 bits or be unsupported, which the first bytes show.</summary>
    private static readonly HashSet<string> LookedInto = new(StringComparer.OrdinalIgnoreCase) { ".png", ".ppm", ".pgm", ".tif", ".tiff" };

    private const int StartBytes = 64;

    /// <summary>The extensions, for messages.</summary>
    public static string InWords => string.Join(", ", Endings);

    public static bool IsImage(FolderEntry entry) => !entry.IsFolder && !entry.IsHidden && Endings.Contains(Path.GetExtension(entry.Name));

    /// <summary>The class folders of a part, sorted.</summary>
    /// <param name="findings">Receives everything else in the folder.</param>
    /// <exception cref="MissingException">The folder cannot be read.</exception>
    public static string[] Classes(string part, Findings findings)
    {
        string real = FolderEntry.RealPath(part);
        var classes = new List<string>();
        foreach (FolderEntry entry in FolderEntry.Of(part))
        {
            if (!entry.IsFolder)
                findings.Add(Effect.Unused, KindOf(entry) ?? "outside the class folders", entry.Name);
            else if (entry.IsHidden)
                findings.Add(Effect.Unused, "hidden", entry.Name);
            else if (entry.IsLink && IsWithin(real, FolderEntry.RealPath(Path.Combine(part, entry.Name))))
                findings.Add(Effect.Unused, "link to a folder above", entry.Name);
            else
                classes.Add(entry.Name);
        }

        return [.. classes];
    }

    /// <summary>
    /// All images of a class, including sub-folders, sorted by folder and then by name (ordinal). Links to folders are followed, except to one above
    /// the link or the class, and no folder is listed twice: both would duplicate images.
    /// </summary>
    /// <param name="name">Name of the class folder, with which the listed names begin.</param>
    /// <exception cref="MissingException">A folder cannot be read.</exception>
    public static ClassImages List(string part, string name)
    {
        var folders = new List<(string Path, FolderEntry[] Entries)>();
        var links = new Queue<(string Path, string RealParent)>();
        var seen = new HashSet<string>();
        var images = new ClassImages([], [], new());
        string top = FolderEntry.RealPath(Path.Combine(part, name));
        Enter(name, top);
        while (links.TryDequeue(out var link))
        {
            string target = FolderEntry.RealPath(Path.Combine(part, link.Path));
            if (IsWithin(link.RealParent, target) || IsWithin(top, target))
                images.Findings.Add(Effect.Unused, "link to a folder above", link.Path);
            else if (seen.Contains(target))
                images.Findings.Add(Effect.Unused, "link to a folder that is already listed", link.Path);
            else
                Enter(link.Path, target);
        }

        foreach (var (path, entries) in folders.OrderBy(folder => folder.Path, StringComparer.Ordinal))
        {
            foreach (FolderEntry entry in entries.Where(entry => !entry.IsFolder))
                images.Add(part, $"{path}/{entry.Name}", entry);
        }

        return images;

        // Links come after the folders themselves, so that the name under which a folder is listed is deterministic.
        void Enter(string path, string real)
        {
            if (!seen.Add(real))
                return;
            FolderEntry[] entries = FolderEntry.Of(Path.Combine(part, path));
            folders.Add((path, entries));
            foreach (FolderEntry entry in entries.Where(entry => entry.IsFolder))
            {
                string inner = $"{path}/{entry.Name}";
                if (entry.IsHidden)
                    images.Findings.Add(Effect.Unused, "hidden", inner);
                else if (entry.IsLink)
                    links.Enqueue((inner, real));
                else
                    Enter(inner, Path.Combine(real, entry.Name));
            }
        }
    }

    /// <summary>The kind of a file that is not an image; null if it may be one.</summary>
    private static string? KindOf(FolderEntry entry)
    {
        if (entry.IsHidden)
            return "hidden";
        if (IsImage(entry))
            return null;
        if (entry.LeadsNowhere)
            return "broken link";
        string ending = Path.GetExtension(entry.Name).ToLowerInvariant();
        return ending == "" ? "without an extension" : ending;
    }

    /// <summary>Adds a file to the images, the findings, or both.</summary>
    private static void Add(this ClassImages images, string part, string name, FolderEntry entry)
    {
        if (KindOf(entry) is string kind)
        {
            images.Findings.Add(Effect.Unused, kind, name);
            return;
        }

        images.Names.Add(name);
        images.Lengths.Add(entry.Length);
        if (entry.LeadsNowhere)
            images.Findings.Add(Effect.Unreadable, "broken link", name);
        else if (entry.Length == 0)
            images.Findings.Add(Effect.Unreadable, InputFile.ReasonNotReadable(Path.Combine(part, name)) is null ? "empty" : "pipe or device", name);
        else if (LookedInto.Contains(Path.GetExtension(name)))
            Look(images.Findings, Path.Combine(part, name), name);
    }

    private static void Look(Findings findings, string path, string name)
    {
        Span<byte> start = stackalloc byte[StartBytes];
        try
        {
            using var file = InputFile.Open(path);
            start = start[..RandomAccess.Read(file, start, 0)];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            findings.Add(Effect.Unreadable, error is UnauthorizedAccessException ? "without read permission" : "with a read error", name);
            return;
        }

        if (SkiaDecoder.Unsupported(start) is { } format)
            findings.Add(Effect.Unreadable, $"{format}, not supported", name);
        else if (SkiaDecoder.HasManyBits(start))
            findings.Add(Effect.ColoursCut, "", name);
    }

    private static bool IsWithin(string folder, string other) =>
        folder == other || folder.StartsWith(Path.TrimEndingDirectorySeparator(other) + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}

/// <summary>The images of one class.</summary>
/// <param name="Names">Relative to the part, with `/` between folders.</param>
/// <param name="Lengths">Of the files, in bytes, as <see cref="FolderEntry.Length"/>.</param>
internal sealed record ClassImages(List<string> Names, List<long> Lengths, Findings Findings);
